/* One line per option of the persister. */
#include "broker/persister/options.h"
#include "broker/persister/sql/pg.h"

#define AT(field) offsetof(struct rc_persister_options, field)
#define KIB       ((int64_t)1 << 10)
#define MIB       ((int64_t)1 << 20)

static const struct rc_option lines[] = {
    {"sql", RC_OPT_URL, AT(sql), 0, 0, "", "postgresql://...", false,
     "Store nothing, but copy what the persisters have into table mensajes of this PostgreSQL database"},
    {"sql.persisters", RC_OPT_LIST, AT(sql_persisters), 0, RC_PERSISTERS_MAX, "", "ID=host:port,...", false,
     "With sql: the persisters; one is followed, the others are there for when it is not"},
    {"sql.password_file", RC_OPT_STRING, AT(sql_password_file), 0, 0, "", "FILE", false,
     "With sql: file with the password, mode 0600; else the URL's, PGPASSWORD's, or that of the file PGPASSFILE"},
    {"data.dir", RC_OPT_STRING, AT(data_dir), 0, 0, "", "DIR", false,
     "Directory of the store, made if it is not there; one persister each. Must be given, but not with sql"},
    {"data.map_size", RC_OPT_SIZE, AT(map_size), MIB, RC_MAP_MAX, "64g", "bytes", false,
     "Most bytes that the store may grow to; address space, not disk, so be generous"},
    {"commit.records", RC_OPT_INT, AT(commit_records), 1, 65536, "8192", "records", false,
     "Most records that one commit puts"},
    {"commit.bytes", RC_OPT_SIZE, AT(commit_bytes), KIB, 64 * MIB, "8m", "bytes", false,
     "Most bytes of records that one commit puts, one record at least"},
    {"store.commit_wait", RC_OPT_INT, AT(commit_wait), 0, 5, "0", "ms", false,
     "How long a commit that is not full waits for more records; for disks whose syncs are dear, acks come later by "
     "it"},
    {"store.keep_days", RC_OPT_INT, AT(keep_days), 0, 36500, "0", "days", false,
     "Delete messages older than this, by this machine's clock; 0: keep them"},
    {"store.keep_bytes", RC_OPT_SIZE, AT(keep_bytes), 0, RC_MAP_MAX, "0", "bytes", false,
     "Delete the oldest messages while the store uses more; 0: keep them; else 1m to four fifths of data.map_size"},
    {"backup.dir", RC_OPT_STRING, AT(backup_dir), 0, 0, "", "DIR", false,
     "Existing directory that `roomcastctl backup` may write to, and no other; without it that is refused"},
    {"queue.intake", RC_OPT_SIZE, AT(intake_bytes), MIB, 1024 * MIB, "16m", "bytes", false,
     "Records that wait for their commit; at the bound further ones are left to the broker, who keeps them"},
    {"exchange.rate", RC_OPT_SIZE, AT(exchange_rate), 64 * KIB, 1024 * MIB, "16m", "bytes", false,
     "Most bytes a second read from the logs of other persisters for what is missing here (new records go first), or "
     "for sql"},
};

static void check_sql(struct rc_persister_options *o, struct rc_option_errors *errors)
{
    char why[RC_PG_WHY], secret_why[RC_SECRET_WHY];
    if (!rc_pg_judge(o->sql, why))
        rc_option_fail(errors, "sql: the URL %s", why);
    if (!*o->sql_persisters)
        rc_option_fail(errors,
                       "sql.persisters: name the persisters whose log is to be read, as persister-1=10.0.0.4:7420");
    else if (!rc_brokers_parse(o->sql_persisters, &o->sql_brokers, why, sizeof why))
        rc_option_fail(errors, "sql.persisters: %s", why);
    if (*o->sql_password_file &&
        !rc_secret_password(&o->sql_password, "sql.password_file", o->sql_password_file, secret_why))
        rc_option_fail(errors, "%s", secret_why);
}

/* Deleting takes fresh pages too: a store that fills its map cannot even shrink. */
static void check_keep_bytes(const struct rc_persister_options *o, struct rc_option_errors *errors)
{
    long long most = o->map_size / 5 * 4;
    if (o->keep_bytes && (o->keep_bytes < MIB || o->keep_bytes > most))
        rc_option_fail(errors, "store.keep_bytes is %lld; it is 0, or 1m to four fifths of data.map_size: %lld",
                       (long long)o->keep_bytes, most);
}

static void check(void *arg, struct rc_option_errors *errors)
{
    struct rc_persister_options *o = arg;
    rc_common_check(&o->common, errors);
    if (*o->sql)
        check_sql(o, errors);
    else if (!*o->data_dir)
        rc_option_fail(errors, "data.dir must be given: --data.dir, ROOMCAST_DATA_DIR, or in the file of --config");
    check_keep_bytes(o, errors);
}

static struct rc_option_set set_of(struct rc_persister_options *o, struct rc_option_table table[2])
{
    table[0] = rc_common_table(&o->common, RC_PERSISTER);
    table[1] = (struct rc_option_table){lines, sizeof lines / sizeof lines[0], o};
    return (struct rc_option_set){
        .program = "roomcast-persister",
        .summary =
            "Stores the messages that brokers publish, and answers for their history.\n\n"
            "With --backup, --restore, --import or --check-store it looks after a store that no persister uses:\n"
            "see roomcast-persister --check-store --help",
        .tables = table,
        .table_count = 2,
        .check = check,
        .arg = o};
}

int rc_persister_options_parse(struct rc_persister_options *o, char **argv)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    o->argv = argv;
    return rc_options_parse(&set, argv);
}

bool rc_persister_options_reload(struct rc_persister_options *o, FILE *report)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    return rc_common_reload(&o->common, &set, o->argv, report);
}

void rc_persister_options_fini(struct rc_persister_options *o)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    rc_common_fini(&o->common);
    rc_secret_fini(&o->sql_password);
    rc_options_free(&set);
}
