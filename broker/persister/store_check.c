/*
 * Verifies a store: every message has its entries in all indexes, and no index has others.
 *
 *   1. each message: key, row, log entry, entries by user, flags of its users, not at or before the horizon
 *   2. each index: as many entries as the messages ask for, and all can be read
 */
#include "broker/persister/store_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/persister/line.h"

struct check {
    struct rc_store *store;
    struct rc_store_counts want; /* by the messages */
    struct rc_disk_key horizon;
    MDB_txn *txn;
    char *why;
    size_t size;
};

/* What is wrong with a message. Always false. */
static bool broken(struct check *c, MDB_val key, const char *what)
{
    struct rc_key id;
    char text[RC_KEY_TEXT] = "with a key that is none";
    if (rc_disk_key_unpack(key.mv_data, key.mv_size, &id))
        rc_key_text(&id, text);
    snprintf(c->why, c->size, "data.dir %s is broken: message %s %s", c->store->dir, text, what);
    return false;
}

static bool unreadable(struct check *c, const char *name, int rc)
{
    snprintf(c->why, c->size, "data.dir %s is broken: database %s cannot be read: %s", c->store->dir, name,
             mdb_strerror(rc));
    return false;
}

/* ---- a message --------------------------------------------------------------------------------------------------- */

static bool has(struct check *c, MDB_dbi dbi, const void *data, size_t len)
{
    MDB_val key = {len, (void *)(uintptr_t)data}, value;
    return mdb_get(c->txn, dbi, &key, &value) == 0;
}

static bool has_log_entry(struct check *c, MDB_val message, uint64_t number)
{
    uint8_t bytes[8];
    MDB_val key = {sizeof bytes, bytes}, value;
    rc_disk_put64(bytes, number);
    return mdb_get(c->txn, c->store->log, &key, &value) == 0 && value.mv_size == message.mv_size &&
           memcmp(value.mv_data, message.mv_data, message.mv_size) == 0;
}

static bool has_flag(struct check *c, struct rc_slice user, uint8_t flag)
{
    MDB_val key = {user.len, (void *)(uintptr_t)user.data}, value;
    return mdb_get(c->txn, c->store->users, &key, &value) == 0 && value.mv_size == 1 &&
           (*(const uint8_t *)value.mv_data & flag);
}

static bool check_user(struct check *c, MDB_val message, struct rc_slice user, uint64_t number)
{
    struct rc_disk_index index;
    uint8_t log_index[RC_DISK_LOG_INDEX];
    rc_disk_index_pack(user, message.mv_data, message.mv_size, &index);
    rc_disk_log_index_pack(user, number, log_index);
    if (!has(c, c->store->by_user, index.byte, index.len))
        return broken(c, message, "is not in the index by_user");
    if (!has(c, c->store->by_user_log, log_index, sizeof log_index))
        return broken(c, message, "is not in the index by_user_log");
    c->want.by_user++;
    c->want.by_user_log++;
    return true;
}

static bool check_message(struct check *c, MDB_val key, MDB_val value)
{
    struct rc_disk_row row;
    if (!rc_disk_key_valid(key.mv_data, key.mv_size) || !rc_disk_row_unpack(value.mv_data, value.mv_size, &row))
        return broken(c, key, "has a row that is none");
    if (rc_disk_key_within(&c->horizon, key.mv_data, key.mv_size))
        return broken(c, key, "is older than what retention has deleted");
    if (!has_log_entry(c, key, row.number))
        return broken(c, key, "is not in the log under its number");
    if (!has_flag(c, row.de, row.de_admin ? RC_USER_ADMIN : RC_USER_WROTE) ||
        (row.de_admin && !has_flag(c, row.para, RC_USER_WRITTEN)))
        return broken(c, key, "is not known by the list of users");
    c->want.messages++;
    c->want.log++;
    return check_user(c, key, row.de, row.number) &&
           (rc_slice_equal(row.de, row.para) || check_user(c, key, row.para, row.number));
}

/* ---- walks ------------------------------------------------------------------------------------------------------- */

typedef bool visit_fn(struct check *c, MDB_val key, MDB_val value);

struct place { /* key of the entry looked at last; no database has longer ones */
    size_t len;
    uint8_t byte[512];
};

static int begin(MDB_cursor *cursor, const struct place *at, MDB_val *key, MDB_val *value)
{
    if (!at->len)
        return mdb_cursor_get(cursor, key, value, MDB_FIRST);
    *key = (MDB_val){at->len, (void *)(uintptr_t)at->byte};
    int rc = mdb_cursor_get(cursor, key, value, MDB_SET);
    return rc != 0 ? rc : mdb_cursor_get(cursor, key, value, MDB_NEXT);
}

/* One transaction. *rc: MDB_NOTFOUND at the end. False: broken, and told. */
static bool walk_some(struct check *c, MDB_dbi dbi, struct place *at, visit_fn *visit, uint64_t *count, int *rc)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    bool good = true;
    if ((*rc = mdb_cursor_open(c->txn, dbi, &cursor)) != 0)
        return true;
    *rc = begin(cursor, at, &key, &value);
    for (int i = 0; good && *rc == 0; i++) {
        if (key.mv_size == 0 || key.mv_size > sizeof at->byte) {
            *rc = MDB_CORRUPTED;
            break;
        }
        at->len = key.mv_size;
        memcpy(at->byte, key.mv_data, key.mv_size);
        ++*count;
        good = !visit || visit(c, key, value);
        if (i == RC_PAGE_ENTRIES)
            break;
        *rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return good;
}

static bool begin_reading(struct check *c)
{
    enum rc_store_result result = rc_store_read_begin(c->store, &c->txn);
    if (result != RC_STORE_OK)
        snprintf(c->why, c->size, "data.dir %s cannot be read: %s", c->store->dir, rc_store_result_text(result));
    return result == RC_STORE_OK;
}

/* All entries of a database; each must be what `visit` says. */
static bool walk(struct check *c, const char *name, MDB_dbi dbi, visit_fn *visit, uint64_t *count)
{
    struct place at = {0};
    bool good = true;
    int rc = 0;
    uint64_t entries = UINT64_MAX;
    for (*count = 0; good && rc == 0;) {
        MDB_stat stat;
        if (!begin_reading(c))
            return false;
        if (mdb_stat(c->txn, dbi, &stat) == 0)
            entries = stat.ms_entries;
        good = walk_some(c, dbi, &at, visit, count, &rc) && *count <= entries; /* pages that go round end here */
        rc_store_read_end(c->store, c->txn);
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        return unreadable(c, name, rc);
    if (!*c->why && *count != entries)
        snprintf(c->why, c->size, "data.dir %s is broken: database %s should have %llu entries and %llu can be read",
                 c->store->dir, name, (unsigned long long)entries, (unsigned long long)*count);
    return !*c->why;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static bool has_user_messages(struct check *c, MDB_val user, MDB_val flags)
{
    MDB_cursor *cursor;
    uint8_t prefix[8];
    MDB_val key = {sizeof prefix, prefix}, value;
    (void)flags;
    rc_disk_put64(prefix, rc_disk_user_hash((struct rc_slice){user.mv_data, user.mv_size}));
    if (mdb_cursor_open(c->txn, c->store->by_user, &cursor) != 0)
        return false;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    bool found = rc == 0 && key.mv_size > 8 && memcmp(key.mv_data, prefix, 8) == 0;
    mdb_cursor_close(cursor);
    if (!found)
        snprintf(c->why, c->size, "data.dir %s is broken: user %.*s is in the list of users and has no message",
                 c->store->dir, (int)user.mv_size, (const char *)user.mv_data);
    return found;
}

static bool check_count(struct check *c, const char *name, uint64_t want, uint64_t is)
{
    if (want != is)
        snprintf(c->why, c->size, "data.dir %s is broken: database %s has %llu entries and the messages ask for %llu",
                 c->store->dir, name, (unsigned long long)is, (unsigned long long)want);
    return want == is;
}

static bool read_horizon(struct check *c)
{
    if (!begin_reading(c))
        return false;
    int rc = rc_store_horizon(c->store, c->txn, &c->horizon);
    rc_store_read_end(c->store, c->txn);
    return rc == 0 || unreadable(c, "meta", rc);
}

bool rc_store_check(struct rc_store *store, struct rc_store_counts *out, char *why, size_t size)
{
    struct check c = {.store = store, .why = why, .size = size};
    *why = '\0';
    return read_horizon(&c) && walk(&c, "messages", store->messages, check_message, &out->messages) &&
           walk(&c, "log", store->log, NULL, &out->log) && check_count(&c, "log", c.want.log, out->log) &&
           walk(&c, "by_user", store->by_user, NULL, &out->by_user) &&
           check_count(&c, "by_user", c.want.by_user, out->by_user) &&
           walk(&c, "by_user_log", store->by_user_log, NULL, &out->by_user_log) &&
           check_count(&c, "by_user_log", c.want.by_user_log, out->by_user_log) &&
           walk(&c, "users", store->users, has_user_messages, &out->users);
}
