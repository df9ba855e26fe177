/* The options of roomcast-persister, and what they mean. */
#ifndef RC_PERSISTER_OPTIONS_H
#define RC_PERSISTER_OPTIONS_H

#include "common_options.h"

#define RC_MAP_MAX ((int64_t)1 << 44) /* an eighth of the addresses that a process has */

struct rc_persister_options {
    struct rc_common common;
    char **argv; /* main's, to read the options again */
    char *data_dir, *backup_dir;
    char *sql, *sql_persisters, *sql_password_file; /* sql "": none, this is a persister */
    struct rc_brokers sql_brokers;                  /* what sql.persisters means; weights mean nothing */
    struct rc_secret sql_password;                  /* empty: libpq's business */
    int64_t map_size, commit_records, commit_bytes, intake_bytes, exchange_rate;
    int64_t commit_wait;           /* ms */
    int64_t keep_days, keep_bytes; /* 0: for ever */
};

/* RC_OPTIONS_RUN, or the code to exit with. Call rc_persister_options_fini in either case. o is zeroed. */
int rc_persister_options_parse(struct rc_persister_options *o, char **argv);
/* Reads again what SIGHUP may change. The loop's thread. */
bool rc_persister_options_reload(struct rc_persister_options *o, FILE *report);
void rc_persister_options_fini(struct rc_persister_options *o);

#endif
