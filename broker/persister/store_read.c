/* What may be read of the store from any thread: positions, sizes, and pages of history. */
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

uint64_t rc_store_position(struct rc_store *store, const char *broker, uint64_t inc)
{
    struct rc_disk_position name;
    MDB_txn *txn;
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

static uint64_t entries(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_stat stat;
    return mdb_stat(txn, dbi, &stat) == 0 ? stat.ms_entries : 0;
}

static uint64_t last_number(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t number = 0;
    if (mdb_cursor_open(txn, dbi, &cursor) != 0)
        return 0;
    if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0)
        number = rc_disk_get64(key.mv_data);
    mdb_cursor_close(cursor);
    return number;
}

bool rc_store_info(struct rc_store *store, struct rc_store_info *out)
{
    MDB_txn *txn;
    MDB_envinfo info;
    MDB_stat stat;
    *out = (struct rc_store_info){0};
    if (rc_store_read_begin(store, &txn) != RC_STORE_OK)
        return false;
    out->rows = entries(txn, store->messages);
    out->user_entries = entries(txn, store->by_user);
    out->log_entries = entries(txn, store->log);
    out->log_last = last_number(txn, store->log);
    mdb_env_info(store->env, &info);
    mdb_env_stat(store->env, &stat);
    out->bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    out->map_bytes = info.me_mapsize;
    rc_store_read_end(store, txn);
    return true;
}

/* ---- pages of a user's messages ---------------------------------------------------------------- */

struct walk { /* over the index by user, within one transaction */
    struct rc_store *store;
    const struct rc_store_query *query;
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint8_t prefix[8]; /* of the entries of this user, and of whose name hashes alike */
    MDB_val entry;     /* where the cursor stands */
    rc_store_row_fn *fn;
    void *arg;
    size_t looked, found, bytes; /* entries looked at, messages given, their bytes */
};

/* The cursor on the first entry at or after key, or with `before` on the last one before it. */
static int seek(struct walk *w, const uint8_t *key, size_t len, bool before)
{
    MDB_val value;
    w->entry = (MDB_val){len, (void *)(uintptr_t)key};
    int rc = mdb_cursor_get(w->cursor, &w->entry, &value, MDB_SET_RANGE);
    if (!before)
        return rc;
    if (rc == MDB_NOTFOUND)
        return mdb_cursor_get(w->cursor, &w->entry, &value, MDB_LAST);
    return rc == 0 ? mdb_cursor_get(w->cursor, &w->entry, &value, MDB_PREV) : rc;
}

static int advance(struct walk *w)
{
    MDB_val value;
    return mdb_cursor_get(w->cursor, &w->entry, &value, w->query->newest ? MDB_PREV : MDB_NEXT);
}

/* The cursor on the first entry of the page. */
static int begin(struct walk *w)
{
    const struct rc_store_query *query = w->query;
    if (query->from.len == 0 && query->newest) {
        /* No message key begins with eight bytes of ones, a time beyond int64. */
        uint8_t end[16];
        memcpy(end, w->prefix, 8);
        memset(end + 8, 0xff, 8);
        return seek(w, end, sizeof end, true);
    }
    if (query->from.len == 0)
        return seek(w, w->prefix, sizeof w->prefix, false);
    struct rc_disk_index index;
    rc_disk_index_pack(query->user, query->from.data, query->from.len, &index);
    int rc = seek(w, index.byte, index.len, query->newest);
    if (rc == 0 && !query->newest && w->entry.mv_size == index.len &&
        memcmp(w->entry.mv_data, index.byte, index.len) == 0)
        return advance(w);
    return rc;
}

/* Gives the message of the entry to the caller if it is this user's. 0, or an LMDB code. */
static int visit(struct walk *w, bool *full)
{
    struct rc_store_row row;
    MDB_val key = {w->entry.mv_size - 8, (uint8_t *)w->entry.mv_data + 8}, value;
    int rc = mdb_get(w->txn, w->store->messages, &key, &value);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    if (!rc_disk_key_unpack(key.mv_data, key.mv_size, &row.key) ||
        !rc_disk_row_unpack(value.mv_data, value.mv_size, &row.row))
        return MDB_CORRUPTED;
    if (!rc_slice_equal(row.row.de, w->query->user) && !rc_slice_equal(row.row.para, w->query->user))
        return 0; /* another name with the same hash */
    *full = w->found > 0 && w->bytes + value.mv_size > RC_PAGE_BYTES;
    if (*full)
        return 0;
    w->found++;
    w->bytes += value.mv_size;
    w->fn(w->arg, &row);
    return 0;
}

static int walk_page(struct walk *w, struct rc_disk_key *next)
{
    size_t limit = w->query->limit ? w->query->limit : RC_PAGE_ENTRIES;
    struct rc_disk_key last = {0};
    int rc = begin(w);
    for (; rc == 0; rc = advance(w)) {
        if (w->entry.mv_size <= sizeof w->prefix)
            return MDB_CORRUPTED;
        if (memcmp(w->entry.mv_data, w->prefix, sizeof w->prefix) != 0)
            return 0;
        bool full = w->looked++ == RC_PAGE_ENTRIES || w->found == limit;
        if (!full && (rc = visit(w, &full)) != 0)
            return rc;
        if (full) {
            *next = last;
            return 0;
        }
        last.len = (uint8_t)(w->entry.mv_size - 8); /* visit found it to be a key */
        memcpy(last.byte, (uint8_t *)w->entry.mv_data + 8, last.len);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

enum rc_store_result rc_store_user_page(struct rc_store *store, const struct rc_store_query *query, rc_store_row_fn *fn,
                                        void *arg, struct rc_disk_key *next)
{
    struct walk w = {.store = store, .query = query, .fn = fn, .arg = arg};
    next->len = 0;
    if (query->from.len && !rc_disk_key_valid(query->from.data, query->from.len))
        return RC_STORE_IO;
    enum rc_store_result result = rc_store_read_begin(store, &w.txn);
    if (result != RC_STORE_OK)
        return result;
    rc_disk_put64(w.prefix, rc_disk_user_hash(query->user));
    int rc = mdb_cursor_open(w.txn, store->by_user, &w.cursor);
    if (rc == 0) {
        rc = walk_page(&w, next);
        mdb_cursor_close(w.cursor);
    }
    rc_store_read_end(store, w.txn);
    return rc_store_classify(rc);
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
    MDB_txn *txn;
    MDB_cursor *cursor;
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
