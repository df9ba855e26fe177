/*
 * Deletes the oldest messages: rows, all index entries, and users of whom nothing is left, in one transaction.
 *
 * The newest key ever deleted stays in meta as the horizon: since deleting goes in the order of keys, nothing at or
 * before it is in the store, and a copy that comes late counts as stored. The newest number of the log stays too, so
 * that none is given twice.
 */
#include "broker/persister/store_env.h"

#include <string.h>

enum { MEASURE_EVERY = 16 }; /* messages */

struct pruning {
    struct rc_store *store;
    const struct rc_store_keep *keep;
    int64_t now;
    MDB_txn *txn;
    MDB_cursor *cursor;         /* of messages */
    struct rc_disk_key deleted; /* the newest */
    struct rc_store_pruned *out;
};

struct name { /* a copy: the row it stands in goes away */
    size_t len;
    uint8_t byte[RC_DISK_USER_MAX];
};

static struct rc_slice slice(const struct name *n)
{
    return (struct rc_slice){n->byte, n->len};
}

static void copy_name(struct name *out, struct rc_slice user)
{
    out->len = user.len;
    memcpy(out->byte, user.data, user.len);
}

/* ---- one message ------------------------------------------------------------------------------------------------- */

/* Whether by_user has an entry left for this user, or one whose name hashes alike. An LMDB code. */
static int has_messages(struct pruning *p, struct rc_slice user, bool *has)
{
    MDB_cursor *cursor;
    uint8_t prefix[8];
    MDB_val key = {sizeof prefix, prefix}, value;
    rc_disk_put64(prefix, rc_disk_user_hash(user));
    int rc = mdb_cursor_open(p->txn, p->store->by_user, &cursor);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    *has = rc == 0 && key.mv_size > 8 && memcmp(key.mv_data, prefix, 8) == 0;
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int forget_user(struct pruning *p, const struct name *user)
{
    bool has;
    int rc = has_messages(p, slice(user), &has);
    if (rc != 0 || has)
        return rc;
    MDB_val key = {user->len, (void *)(uintptr_t)user->byte};
    rc = mdb_del(p->txn, p->store->users, &key, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int delete_entries(struct pruning *p, const struct name *user, uint64_t number)
{
    struct rc_disk_index index;
    uint8_t log_index[RC_DISK_LOG_INDEX];
    rc_disk_index_pack(slice(user), p->deleted.byte, p->deleted.len, &index);
    rc_disk_log_index_pack(slice(user), number, log_index);
    MDB_val key = {index.len, index.byte}, log_key = {sizeof log_index, log_index};
    int rc = mdb_del(p->txn, p->store->by_user, &key, NULL);
    if (rc == 0)
        rc = mdb_del(p->txn, p->store->by_user_log, &log_key, NULL);
    return rc;
}

static int delete_message(struct pruning *p, const struct rc_disk_row *row)
{
    struct name de, para;
    uint8_t number[8];
    uint64_t n = row->number;
    MDB_val key = {sizeof number, number};
    bool alone = rc_slice_equal(row->de, row->para);
    copy_name(&de, row->de);
    copy_name(&para, row->para);
    rc_disk_put64(number, n);
    int rc = mdb_cursor_del(p->cursor, 0);
    if (rc == 0)
        rc = mdb_del(p->txn, p->store->log, &key, NULL);
    if (rc == 0)
        rc = delete_entries(p, &de, n);
    if (rc == 0 && !alone)
        rc = delete_entries(p, &para, n);
    if (rc == 0)
        rc = forget_user(p, &de);
    if (rc == 0 && !alone)
        rc = forget_user(p, &para);
    return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc; /* each of these was put with the row */
}

/* ---- one turn ---------------------------------------------------------------------------------------------------- */

/* Whether the oldest message must go. */
static bool is_due(const struct pruning *p, int64_t oldest, uint64_t used)
{
    return (p->keep->ms && oldest < p->now - p->keep->ms) || (p->keep->bytes && used > p->keep->bytes);
}

static int prune_oldest(struct pruning *p, uint64_t used)
{
    MDB_val key, value;
    struct rc_disk_row row;
    int rc = mdb_cursor_get(p->cursor, &key, &value, MDB_FIRST);
    p->out->more = rc == 0;
    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if (!rc_disk_key_valid(key.mv_data, key.mv_size) || !rc_disk_row_unpack(value.mv_data, value.mv_size, &row))
        return MDB_CORRUPTED;
    p->out->more = is_due(p, (int64_t)rc_disk_get64(key.mv_data), used);
    if (!p->out->more)
        return 0;
    p->deleted.len = (uint8_t)key.mv_size;
    memcpy(p->deleted.byte, key.mv_data, key.mv_size);
    rc = delete_message(p, &row);
    p->out->deleted += rc == 0;
    return rc;
}

static int prune_some(struct pruning *p, size_t limit)
{
    struct rc_store_info info = {0};
    int rc = mdb_cursor_open(p->txn, p->store->messages, &p->cursor);
    if (rc != 0)
        return rc;
    p->out->more = true;
    for (size_t i = 0; i < limit && rc == 0 && p->out->more; i++) {
        if (i % MEASURE_EVERY == 0)
            rc_store_measure(p->store, p->txn, &info);
        rc = prune_oldest(p, info.used);
    }
    mdb_cursor_close(p->cursor);
    return rc;
}

static int transact(struct pruning *p, size_t limit)
{
    uint64_t last = 0;
    int rc = mdb_txn_begin(p->store->env, NULL, 0, &p->txn);
    if (rc != 0)
        return rc;
    rc = rc_store_last_number(p->store, p->txn, &last);
    if (rc == 0)
        rc = prune_some(p, limit); /* one at least: the oldest was due before, and only this thread deletes */
    if (rc == 0)
        rc = rc_store_meta_put64(p->store, p->txn, RC_META_LAST, last);
    if (rc == 0)
        rc = rc_store_meta_put(p->store, p->txn, RC_META_HORIZON, p->deleted.byte, p->deleted.len);
    if (rc == 0)
        return mdb_txn_commit(p->txn);
    mdb_txn_abort(p->txn);
    return rc;
}

static bool anything_due(struct pruning *p)
{
    struct rc_store_info info;
    return rc_store_info(p->store, &info) && info.rows && is_due(p, info.oldest, info.used);
}

enum rc_store_result rc_store_prune(struct rc_store *store, const struct rc_store_keep *keep, int64_t now, size_t limit,
                                    struct rc_store_pruned *out)
{
    struct pruning p = {.store = store, .keep = keep, .now = now, .out = out};
    *out = (struct rc_store_pruned){.result = RC_STORE_IO};
    if (!rc_store_writable(store, out->why, sizeof out->why))
        return out->result;
    out->result = RC_STORE_OK;
    if (!anything_due(&p))
        return out->result;
    int rc = transact(&p, limit);
    if (rc == 0)
        return out->result;
    *out = (struct rc_store_pruned){.more = true};
    out->result = rc_store_failed(store, rc, out->why, sizeof out->why);
    return out->result;
}
