/* One store against the clients' knowledge and against itself. */
#include "storecheck.h"

#include "broker/persister/store.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "roomcast.pb-c.h"

#define MAP       (1u << 30) /* larger than any store of a test */
#define USERS_MAX 512
#define SHOWN     5 /* sentences of a kind */

struct user {
    char name[RC_DISK_USER_MAX + 1];
    uint64_t messages; /* from or to it, by the log */
    uint64_t indexed;  /* by the index */
    uint64_t logged;   /* by the one in the log's order */
    bool wrote, written, admin;
    bool listed; /* among the conversations */
};

struct check {
    struct rc_store *store;
    const struct rc_facts *facts;
    FILE *report;
    size_t faults;
    unsigned *seen; /* of each fact: how often it is in the store */
    uint64_t rows, entries;
    size_t strange;
    struct user user[USERS_MAX];
    size_t users;
};

__attribute__((format(printf, 2, 3))) static void fault(struct check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(c->report, format, args);
    va_end(args);
    fputc('\n', c->report);
    c->faults++;
}

static struct user *user_of(struct check *c, struct rc_slice name)
{
    for (size_t i = 0; i < c->users; i++)
        if (strlen(c->user[i].name) == name.len && memcmp(c->user[i].name, name.data, name.len) == 0)
            return &c->user[i];
    if (c->users == USERS_MAX || name.len > RC_DISK_USER_MAX) {
        fault(c, "more than %d users", USERS_MAX);
        return &c->user[0];
    }
    memcpy(c->user[c->users].name, name.data, name.len);
    return &c->user[c->users++];
}

/* ---- the log, and the rows that it leads to ---------------------------------------------------------------------- */

static void see_row(void *arg, uint64_t number, const struct rc_store_row *row)
{
    struct check *c = arg;
    char text[8192];
    snprintf(text, sizeof text, "%.*s %.*s", (int)row->row.de.len, (const char *)row->row.de.data,
             (int)row->row.mensaje.len, (const char *)row->row.mensaje.data);
    size_t at = rc_facts_find(c->facts, text);
    if (at < c->facts->n)
        c->seen[at]++;
    else if (c->strange++ < SHOWN)
        fault(c, "number %llu of the log is a message that nobody sent: %.200s", (unsigned long long)number, text);
    if (number != ++c->rows)
        fault(c, "number %llu of the log comes where %llu should", (unsigned long long)number,
              (unsigned long long)c->rows);
    struct user *de = user_of(c, row->row.de), *para = user_of(c, row->row.para);
    de->messages++;
    para->messages += para != de;
    c->entries += de == para ? 1 : 2;
    *(row->row.de_admin ? &de->admin : &de->wrote) = true;
    para->written |= row->row.de_admin;
}

static void check_log(struct check *c)
{
    struct rc_store_log page;
    struct rc_store_info info;
    struct rc_pull pull = {
        .store = rc_store_identity(c->store), .from = 1, .rows = RC_LOG_ROWS, .bytes = RC_PAGE_BYTES};
    do {
        if (rc_store_log_page(c->store, &pull, &page, see_row, c) != RC_STORE_OK) {
            fault(c, "the log cannot be read from number %llu on", (unsigned long long)pull.from);
            return;
        }
        pull.from = page.upto + 1;
    } while (page.upto < page.last && c->faults < SHOWN);
    if (!rc_store_info(c->store, &info))
        fault(c, "the store does not tell its numbers");
    else if (info.rows != c->rows || info.log_entries != c->rows || info.user_entries != c->entries)
        fault(
            c,
            "the log leads to %llu messages, but there are %llu, with %llu numbers and %llu entries by user, not %llu",
            (unsigned long long)c->rows, (unsigned long long)info.rows, (unsigned long long)info.log_entries,
            (unsigned long long)info.user_entries, (unsigned long long)c->entries);
}

/* ---- indexes ----------------------------------------------------------------------------------------------------- */

static void count_row(void *arg, const struct rc_store_row *row)
{
    struct user *user = arg;
    (void)row;
    user->indexed++;
}

static void log_row(void *arg, const struct rc_store_row *row)
{
    struct user *user = arg;
    (void)row;
    user->logged++;
}

static void check_user_log(struct check *c, struct user *user)
{
    struct rc_user_log_page page = {.more = false};
    struct rc_user_log_query query = {.user = {(const uint8_t *)user->name, strlen(user->name)}, .newest = true};
    do {
        struct rc_place from = page.next;
        query.from = page.more ? &from : NULL;
        if (rc_store_user_log_page(c->store, &query, log_row, user, &page) != RC_STORE_OK) {
            fault(c, "the messages of %s cannot be read in the log's order", user->name);
            return;
        }
    } while (page.more);
    if (user->logged != user->messages)
        fault(c, "%s has %llu messages, and %llu by the index in the log's order", user->name,
              (unsigned long long)user->messages, (unsigned long long)user->logged);
}

static void check_user(struct check *c, struct user *user)
{
    struct rc_disk_key next = {0};
    do {
        struct rc_disk_key from = next;
        struct rc_store_query query = {
            .user = {(const uint8_t *)user->name, strlen(user->name)}, .from = {from.byte, from.len}, .newest = true};
        if (rc_store_user_page(c->store, &query, count_row, user, &next) != RC_STORE_OK) {
            fault(c, "the messages of %s cannot be read", user->name);
            return;
        }
    } while (next.len);
    if (user->indexed != user->messages)
        fault(c, "%s has %llu messages, and %llu by the index", user->name, (unsigned long long)user->messages,
              (unsigned long long)user->indexed);
}

static void see_conversation(void *arg, struct rc_slice user)
{
    user_of(arg, user)->listed = true;
}

static void check_users(struct check *c)
{
    struct rc_disk_user next = {0};
    for (size_t i = 0; i < c->users; i++) {
        check_user(c, &c->user[i]);
        check_user_log(c, &c->user[i]);
    }
    if (rc_store_conversations_page(c->store, (struct rc_slice){NULL, 0}, USERS_MAX, see_conversation, c, &next) !=
        RC_STORE_OK)
        fault(c, "the conversations cannot be read");
    for (size_t i = 0; i < c->users; i++) {
        const struct user *u = &c->user[i];
        if (u->listed != ((u->wrote || u->written) && !u->admin))
            fault(c, "%s is %s the conversations", u->name, u->listed ? "wrongly among" : "not among");
    }
}

/* ---- what the clients know --------------------------------------------------------------------------------------- */

static void check_facts(struct check *c, uint64_t before)
{
    size_t lost = 0, twice = 0;
    for (size_t i = 0; i < c->facts->n; i++) {
        const struct rc_fact *f = &c->facts->fact[i];
        bool due = f->answered != RC_FACT_NEVER && f->answered < before;
        if (due && c->seen[i] == 0 && lost++ < SHOWN)
            fprintf(c->report, "acknowledged and not stored: %s\n", f->text);
        if (c->seen[i] > 1 && twice++ < SHOWN)
            fprintf(c->report, "stored %u times: %s\n", c->seen[i], f->text);
    }
    if (lost)
        fault(c, "%zu acknowledged messages are not stored", lost);
    if (twice)
        fault(c, "%zu messages are stored more than once", twice);
}

/* ---- and it goes on ---------------------------------------------------------------------------------------------- */

static struct rc_buf *make_row(void)
{
    uint8_t name[] = "storecheck", mensaje[] = "\"after\"";
    Roomcast__Row row = ROOMCAST__ROW__INIT;
    row.de = row.para = (ProtobufCBinaryData){sizeof name - 1, name};
    row.mensaje = (ProtobufCBinaryData){sizeof mensaje - 1, mensaje};
    struct rc_buf *buf = rc_buf_new(roomcast__row__get_packed_size(&row));
    roomcast__row__pack(&row, buf->data);
    return buf;
}

static void check_write(struct check *c)
{
    struct rc_store_outcome out;
    struct rc_store_info info;
    struct rc_record record = {.key = {.fecha = 1, .origin = "storecheck", .origin_inc = 1, .seq = 1},
                               .row = make_row()};
    struct rc_commit commit = {.n = 1, .cap = 1, .record = &record};
    if (rc_store_commit(c->store, &commit, &out) != RC_STORE_OK || out.stored != 1)
        fault(c, "nothing can be stored any more: %s", out.why);
    else if (!rc_store_info(c->store, &info) || info.rows != c->rows + 1)
        fault(c, "a message more and %llu became %llu", (unsigned long long)c->rows, (unsigned long long)info.rows);
    rc_buf_rele(record.row);
}

size_t rc_storecheck(const char *dir, const struct rc_facts *facts, uint64_t before, bool write, FILE *report)
{
    char why[512];
    struct check *c = calloc(1, sizeof *c);
    unsigned *seen = calloc(facts->n + 1, sizeof *seen);
    if (!c || !seen)
        abort();
    c->facts = facts;
    c->report = report;
    c->seen = seen;
    c->store = rc_store_open(dir, MAP, why, sizeof why);
    if (!c->store) {
        fault(c, "does not open: %s", why);
    } else {
        check_log(c);
        check_users(c);
        check_facts(c, before);
        if (write)
            check_write(c);
    }
    size_t faults = c->faults;
    rc_store_close(c->store);
    free(seen);
    free(c);
    return faults;
}
