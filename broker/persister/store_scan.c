/* Pages of all messages, in the order of keys. */
#include "broker/persister/store_env.h"

#include <stdlib.h>
#include <string.h>

struct scan { /* within one transaction */
    MDB_cursor *cursor;
    bool newest;
    MDB_val key, value;  /* where the cursor stands */
    size_t found, bytes; /* rows taken, their bytes */
    struct rc_store_row row[RC_PAGE_ENTRIES];
};

static int go(struct scan *s, MDB_cursor_op op)
{
    return mdb_cursor_get(s->cursor, &s->key, &s->value, op);
}

/* The cursor on the first message of the page. */
static int begin(struct scan *s, struct rc_slice from)
{
    if (!from.len)
        return go(s, s->newest ? MDB_LAST : MDB_FIRST);
    s->key = (MDB_val){from.len, (void *)(uintptr_t)from.data};
    int rc = go(s, MDB_SET_RANGE);
    if (s->newest)
        return rc == MDB_NOTFOUND ? go(s, MDB_LAST) : rc == 0 ? go(s, MDB_PREV) : rc;
    bool there = rc == 0 && s->key.mv_size == from.len && memcmp(s->key.mv_data, from.data, from.len) == 0;
    return there ? go(s, MDB_NEXT) : rc;
}

/* *more: the page is full and there is a message after it. An LMDB code. */
static int fill(struct scan *s, struct rc_slice from, size_t limit, bool *more)
{
    int rc = begin(s, from);
    for (; rc == 0; rc = go(s, s->newest ? MDB_PREV : MDB_NEXT)) {
        struct rc_store_row *row = &s->row[s->found];
        *more = s->found == limit || (s->found > 0 && s->bytes + s->value.mv_size > RC_PAGE_BYTES);
        if (*more)
            return 0;
        if (!rc_disk_key_unpack(s->key.mv_data, s->key.mv_size, &row->key) ||
            !rc_disk_row_unpack(s->value.mv_data, s->value.mv_size, &row->row))
            return MDB_CORRUPTED;
        s->found++;
        s->bytes += s->value.mv_size;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static void give(const struct scan *s, rc_store_row_fn *fn, void *arg)
{
    for (size_t i = 0; i < s->found; i++)
        fn(arg, &s->row[s->newest ? s->found - 1 - i : i]);
}

static enum rc_store_result scan_page(struct rc_store *store, const struct rc_store_query *query, struct scan *s,
                                      rc_store_row_fn *fn, void *arg, struct rc_disk_key *next)
{
    MDB_txn *txn;
    bool more = false;
    size_t limit = query->limit && query->limit < RC_PAGE_ENTRIES ? query->limit : RC_PAGE_ENTRIES;
    enum rc_store_result result = rc_store_read_begin(store, &txn);
    if (result != RC_STORE_OK)
        return result;
    int rc = mdb_cursor_open(txn, store->messages, &s->cursor);
    if (rc == 0) {
        rc = fill(s, query->from, limit, &more);
        if (rc == 0)
            give(s, fn, arg);
        if (rc == 0 && more)
            rc_disk_key_pack(&s->row[s->found - 1].key, next); /* the last one looked at */
        mdb_cursor_close(s->cursor);
    }
    rc_store_read_end(store, txn);
    return rc_store_classify(rc);
}

enum rc_store_result rc_store_page(struct rc_store *store, const struct rc_store_query *query, rc_store_row_fn *fn,
                                   void *arg, struct rc_disk_key *next)
{
    next->len = 0;
    if (query->user.len)
        return rc_store_user_page(store, query, fn, arg, next);
    if (query->from.len && !rc_disk_key_valid(query->from.data, query->from.len))
        return RC_STORE_IO;
    struct scan *s = calloc(1, sizeof *s); /* large */
    if (!s)
        return RC_STORE_IO;
    s->newest = query->newest;
    enum rc_store_result result = scan_page(store, query, s, fn, arg, next);
    free(s);
    return result;
}
