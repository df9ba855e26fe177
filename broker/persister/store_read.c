/* What may be read of the store from any thread: positions, sizes, and the users with a conversation. */
#include "broker/persister/store_env.h"

#include <string.h>

enum rc_store_result rc_store_read_begin(struct rc_store *store, MDB_txn **txn)
{
    pthread_rwlock_rdlock(&store->gate);
    int rc = store->env ? mdb_txn_begin(store->env, NULL, MDB_RDONLY, txn) : MDB_PANIC;
    if (rc != 0)
        pthread_rwlock_unlock(&store->gate);
    return rc_store_classify(rc);
}

void rc_store_read_end(struct rc_store *store, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    pthread_rwlock_unlock(&store->gate);
}

void rc_disk_position_pack(const char *broker, uint64_t inc, struct rc_disk_position *out)
{
    size_t id = strnlen(broker, RC_ID_MAX);
    out->byte[0] = 'p';
    out->byte[1] = (uint8_t)id;
    memcpy(out->byte + 2, broker, id);
    rc_disk_put64(out->byte + 2 + id, inc);
    out->len = 2 + id + 8;
}

void rc_disk_index_pack(struct rc_slice user, const void *key, size_t key_len, struct rc_disk_index *out)
{
    rc_disk_put64(out->byte, rc_disk_user_hash(user));
    memcpy(out->byte + 8, key, key_len);
    out->len = 8 + key_len;
}

void rc_disk_log_index_pack(struct rc_slice user, uint64_t number, uint8_t out[RC_DISK_LOG_INDEX])
{
    rc_disk_put64(out, rc_disk_user_hash(user));
    rc_disk_put64(out + 8, number);
}

uint64_t rc_store_position(struct rc_store *store, const char *broker, uint64_t inc)
{
    struct rc_disk_position name;
    MDB_txn *txn = NULL;
    uint64_t number = 0;
    rc_disk_position_pack(broker, inc, &name);
    if (rc_store_read_begin(store, &txn) != RC_STORE_OK)
        return 0;
    MDB_val key = {name.len, name.byte}, value;
    if (mdb_get(txn, store->meta, &key, &value) == 0 && value.mv_size == 8)
        number = rc_disk_get64(value.mv_data);
    rc_store_read_end(store, txn);
    return number;
}

/* Adds the pages of a database to *used. */
static uint64_t entries(MDB_txn *txn, MDB_dbi dbi, uint64_t *used)
{
    MDB_stat stat;
    if (mdb_stat(txn, dbi, &stat) != 0)
        return 0;
    *used += (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * (uint64_t)stat.ms_psize;
    return stat.ms_entries;
}

static int64_t oldest(MDB_txn *txn, MDB_dbi messages)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int64_t fecha = 0;
    if (mdb_cursor_open(txn, messages, &cursor) != 0)
        return 0;
    if (mdb_cursor_get(cursor, &key, &value, MDB_FIRST) == 0 && key.mv_size >= 8)
        fecha = (int64_t)rc_disk_get64(key.mv_data);
    mdb_cursor_close(cursor);
    return fecha;
}

void rc_store_measure(struct rc_store *store, MDB_txn *txn, struct rc_store_info *out)
{
    out->used = 0;
    out->rows = entries(txn, store->messages, &out->used);
    out->user_entries = entries(txn, store->by_user, &out->used);
    out->log_entries = entries(txn, store->log, &out->used);
    entries(txn, store->by_user_log, &out->used);
    entries(txn, store->users, &out->used);
    entries(txn, store->meta, &out->used);
    out->oldest = oldest(txn, store->messages);
}

bool rc_store_info(struct rc_store *store, struct rc_store_info *out)
{
    MDB_txn *txn = NULL;
    MDB_envinfo info;
    MDB_stat stat;
    *out = (struct rc_store_info){0};
    if (rc_store_read_begin(store, &txn) != RC_STORE_OK)
        return false;
    rc_store_measure(store, txn, out);
    rc_store_last_number(store, txn, &out->log_last);
    mdb_env_info(store->env, &info);
    mdb_env_stat(store->env, &stat);
    out->bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    out->map_bytes = info.me_mapsize;
    out->readers = info.me_numreaders;
    rc_store_read_end(store, txn);
    return true;
}

/* ---- pages of users with a conversation ------------------------------------------------------ */

static bool has_conversation(MDB_val flags)
{
    uint8_t f = flags.mv_size ? *(uint8_t *)flags.mv_data : 0;
    return (f & (RC_USER_WROTE | RC_USER_WRITTEN)) && !(f & RC_USER_ADMIN);
}

static int walk_users(MDB_cursor *cursor, struct rc_slice after, size_t limit, rc_store_user_fn *fn, void *arg,
                      struct rc_disk_user *next)
{
    struct rc_disk_user last = {0};
    size_t looked = 0, found = 0, bytes = 0;
    MDB_val key = {after.len, (void *)(uintptr_t)after.data}, flags;
    int rc = mdb_cursor_get(cursor, &key, &flags, after.len ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && after.len && rc_slice_equal(after, (struct rc_slice){key.mv_data, key.mv_size}))
        rc = mdb_cursor_get(cursor, &key, &flags, MDB_NEXT);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &flags, MDB_NEXT)) {
        if (looked++ == RC_PAGE_USERS || found == limit || bytes >= RC_PAGE_BYTES) {
            *next = last;
            return 0;
        }
        if (key.mv_size > RC_DISK_USER_MAX)
            return MDB_CORRUPTED;
        last.len = (uint8_t)key.mv_size;
        memcpy(last.byte, key.mv_data, key.mv_size);
        if (!has_conversation(flags))
            continue;
        found++;
        bytes += key.mv_size;
        fn(arg, (struct rc_slice){key.mv_data, key.mv_size});
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

enum rc_store_result rc_store_conversations_page(struct rc_store *store, struct rc_slice after, size_t limit,
                                                 rc_store_user_fn *fn, void *arg, struct rc_disk_user *next)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    next->len = 0;
    if (after.len > RC_DISK_USER_MAX)
        return RC_STORE_IO;
    enum rc_store_result result = rc_store_read_begin(store, &txn);
    if (result != RC_STORE_OK)
        return result;
    int rc = mdb_cursor_open(txn, store->users, &cursor);
    if (rc == 0) {
        rc = walk_users(cursor, after, limit ? limit : RC_PAGE_USERS, fn, arg, next);
        mdb_cursor_close(cursor);
    }
    rc_store_read_end(store, txn);
    return rc_store_classify(rc);
}
