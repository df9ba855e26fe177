/*
 * Pages of a user's messages, in the order of keys (by_user) or of the commit log (by_user_log).
 *
 *   begin -> [entry -> message -> the name in its row? -> taken] x -> turn round or sort -> fn
 *
 * Either way one transaction looks at RC_PAGE_ENTRIES entries at most.
 */
#include "broker/persister/store_env.h"

#include <stdlib.h>
#include <string.h>

struct taken { /* a message of the page; points into the store */
    MDB_val key;
    struct rc_store_row row;
};

struct walk { /* over one of the indexes, within one transaction */
    struct rc_store *store;
    struct rc_slice user;
    bool newest, by_log;
    uint64_t bound; /* messages with a higher number are passed over */
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint8_t prefix[8]; /* of the entries of this user, and of whose name hashes alike */
    MDB_val entry;     /* where the cursor stands */
    MDB_val last;      /* the entry looked at last; size 0: none */
    size_t limit;
    size_t looked, found, bytes; /* entries looked at, messages taken, their bytes */
    struct taken taken[RC_PAGE_ENTRIES];
};

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

static int go(struct walk *w, MDB_cursor_op op)
{
    MDB_val value;
    return mdb_cursor_get(w->cursor, &w->entry, &value, op);
}

/* The cursor on the first entry at or after key, or with `before` on the last one before it. */
static int seek(struct walk *w, const uint8_t *key, size_t len, bool before)
{
    w->entry = (MDB_val){len, (void *)(uintptr_t)key};
    int rc = go(w, MDB_SET_RANGE);
    if (!before)
        return rc;
    return rc == MDB_NOTFOUND ? go(w, MDB_LAST) : rc == 0 ? go(w, MDB_PREV) : rc;
}

static int advance(struct walk *w)
{
    return go(w, w->newest ? MDB_PREV : MDB_NEXT);
}

/* The cursor on the first entry of a page from the end where the walk begins. */
static int begin(struct walk *w)
{
    if (!w->newest)
        return seek(w, w->prefix, sizeof w->prefix, false);
    /* No message key begins with eight bytes of ones, a time beyond int64; nor does the log come so far. */
    uint8_t end[16];
    memcpy(end, w->prefix, 8);
    memset(end + 8, 0xff, 8);
    return seek(w, end, sizeof end, true);
}

/* The cursor on the first entry past this one of the index. */
static int begin_past(struct walk *w, const uint8_t *entry, size_t len)
{
    int rc = seek(w, entry, len, w->newest);
    bool there = rc == 0 && !w->newest && w->entry.mv_size == len && memcmp(w->entry.mv_data, entry, len) == 0;
    return there ? advance(w) : rc;
}

static int begin_past_key(struct walk *w, struct rc_slice key)
{
    struct rc_disk_index index;
    if (!key.len)
        return begin(w);
    rc_disk_index_pack(w->user, key.data, key.len, &index);
    return begin_past(w, index.byte, index.len);
}

static int begin_past_number(struct walk *w, uint64_t number)
{
    uint8_t index[RC_DISK_LOG_INDEX];
    rc_disk_log_index_pack(w->user, number, index);
    return begin_past(w, index, sizeof index);
}

/* The key of the message that the entry names. */
static int message_key(struct walk *w, MDB_val *key)
{
    MDB_val rest = {w->entry.mv_size - 8, (uint8_t *)w->entry.mv_data + 8};
    int rc = 0;
    if (w->by_log)
        rc = mdb_get(w->txn, w->store->log, &rest, key);
    else
        *key = rest;
    return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

/* Takes the message of the entry if it is this user's. 0, or an LMDB code. */
static int visit(struct walk *w, bool *full)
{
    struct taken *t = &w->taken[w->found];
    struct rc_disk_row *row = &t->row.row;
    MDB_val value;
    int rc = message_key(w, &t->key);
    if (rc == 0)
        rc = mdb_get(w->txn, w->store->messages, &t->key, &value);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    if (!rc_disk_key_unpack(t->key.mv_data, t->key.mv_size, &t->row.key) ||
        !rc_disk_row_unpack(value.mv_data, value.mv_size, row))
        return MDB_CORRUPTED;
    if (row->number > w->bound || (!rc_slice_equal(row->de, w->user) && !rc_slice_equal(row->para, w->user)))
        return 0; /* too new, or another name with the same hash */
    *full = w->found > 0 && w->bytes + value.mv_size > RC_PAGE_BYTES;
    if (*full)
        return 0;
    w->found++;
    w->bytes += value.mv_size;
    return 0;
}

/* Fills the page from where begin left the cursor. *more: there are entries after w->last. */
static int walk_page(struct walk *w, int rc, bool *more)
{
    *more = false;
    for (; rc == 0; rc = advance(w)) {
        if (w->entry.mv_size <= sizeof w->prefix)
            return MDB_CORRUPTED;
        if (memcmp(w->entry.mv_data, w->prefix, sizeof w->prefix) != 0)
            return 0;
        bool full = w->looked++ == RC_PAGE_ENTRIES || w->found == w->limit;
        if (!full && (rc = visit(w, &full)) != 0)
            return rc;
        *more = full;
        if (full)
            return 0;
        w->last = w->entry;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int open_walk(struct walk *w, bool by_log)
{
    w->by_log = by_log;
    w->bound = UINT64_MAX;
    if (w->limit == 0 || w->limit > RC_PAGE_ENTRIES)
        w->limit = RC_PAGE_ENTRIES;
    rc_disk_put64(w->prefix, rc_disk_user_hash(w->user));
    return mdb_cursor_open(w->txn, by_log ? w->store->by_user_log : w->store->by_user, &w->cursor);
}

static int by_key(const void *a, const void *b)
{
    const MDB_val *x = &((const struct taken *)a)->key, *y = &((const struct taken *)b)->key;
    return rc_disk_key_compare(x->mv_data, x->mv_size, y->mv_data, y->mv_size);
}

static void give(struct walk *w, rc_store_row_fn *fn, void *arg)
{
    qsort(w->taken, w->found, sizeof w->taken[0], by_key);
    for (size_t i = 0; i < w->found; i++)
        fn(arg, &w->taken[i].row);
}

static void keep_key(struct rc_disk_key *out, MDB_val key)
{
    out->len = (uint8_t)key.mv_size; /* visit found it to be a key */
    memcpy(out->byte, key.mv_data, key.mv_size);
}

/* ---- in the order of keys ---------------------------------------------------------------------------------------- */

enum rc_store_result rc_store_user_page(struct rc_store *store, const struct rc_store_query *query, rc_store_row_fn *fn,
                                        void *arg, struct rc_disk_key *next)
{
    struct walk w = {.store = store, .user = query->user, .newest = query->newest, .limit = query->limit};
    bool more = false;
    next->len = 0;
    if (query->from.len && !rc_disk_key_valid(query->from.data, query->from.len))
        return RC_STORE_IO;
    enum rc_store_result result = rc_store_read_begin(store, &w.txn);
    if (result != RC_STORE_OK)
        return result;
    int rc = open_walk(&w, false);
    if (rc == 0) {
        rc = walk_page(&w, begin_past_key(&w, query->from), &more);
        if (rc == 0)
            give(&w, fn, arg);
        if (rc == 0 && more)
            keep_key(next, (MDB_val){w.last.mv_size - 8, (uint8_t *)w.last.mv_data + 8});
        mdb_cursor_close(w.cursor);
    }
    rc_store_read_end(store, w.txn);
    return rc_store_classify(rc);
}

/* ---- in the order of the log ------------------------------------------------------------------------------------- */

/* The place that belongs to the messages up to `number` of this store, with the key of `from` for now. */
static struct rc_place place(const struct walk *w, const struct rc_place *from, bool by_key, uint64_t number)
{
    struct rc_place out = {.store = w->store->identity, .by_key = by_key, .number = number};
    if (from)
        out.key = from->key;
    return out;
}

/* The key furthest along of what was shown before and what this page shows, which is in order. */
static void move_key(const struct walk *w, bool newest, struct rc_disk_key *key)
{
    if (!w->found)
        return;
    MDB_val edge = w->taken[newest ? 0 : w->found - 1].key;
    int order = key->len ? rc_disk_key_compare(edge.mv_data, edge.mv_size, key->byte, key->len) : 0;
    if (!key->len || (newest ? order < 0 : order > 0))
        keep_key(key, edge);
}

/* By this store's own numbers. */
static int walk_log(struct walk *w, const struct rc_place *from, uint64_t last, struct rc_user_log_page *page)
{
    int rc = walk_page(w, from ? begin_past_number(w, from->number) : begin(w), &page->more);
    uint64_t number = page->more ? rc_disk_get64((uint8_t *)w->last.mv_data + 8) : last;
    page->next = place(w, from, false, number);
    page->later = page->next;
    if (w->newest)
        page->later.number = last; /* on the first page, where it is used */
    page->has_later = !w->newest || !from;
    return rc;
}

/* By keys, for a walk that another store began, and for the pages of it that follow. */
static int walk_keys(struct walk *w, const struct rc_place *from, uint64_t last, struct rc_user_log_page *page)
{
    bool ours = from->store == w->store->identity;
    w->bound = ours && from->number < last ? from->number : last;
    int rc = walk_page(w, begin_past_key(w, (struct rc_slice){from->key.byte, from->key.len}), &page->more);
    page->next = place(w, from, page->more, w->bound); /* at its end it goes on by our numbers */
    if (page->more)
        keep_key(&page->next.key, (MDB_val){w->last.mv_size - 8, (uint8_t *)w->last.mv_data + 8});
    page->later = page->next;
    page->has_later = !w->newest;
    if (!w->newest && !page->more)
        page->more = w->bound < last;
    return rc;
}

enum rc_store_result rc_store_user_log_page(struct rc_store *store, const struct rc_user_log_query *query,
                                            rc_store_row_fn *fn, void *arg, struct rc_user_log_page *page)
{
    struct walk w = {.store = store, .user = query->user, .newest = query->newest, .limit = query->limit};
    const struct rc_place *from = query->from;
    bool by_log = !from || (!from->by_key && from->store == store->identity);
    uint64_t last;
    *page = (struct rc_user_log_page){0};
    enum rc_store_result result = rc_store_read_begin(store, &w.txn);
    if (result != RC_STORE_OK)
        return result;
    int rc = rc_store_last_number(store, w.txn, &last);
    if (rc == 0 && (rc = open_walk(&w, by_log)) == 0) {
        rc = (by_log ? walk_log : walk_keys)(&w, from, last, page);
        if (rc == 0) {
            give(&w, fn, arg);
            move_key(&w, w.newest, &page->next.key);
            move_key(&w, false, &page->later.key);
        }
        mdb_cursor_close(w.cursor);
    }
    rc_store_read_end(store, w.txn);
    return rc_store_classify(rc);
}
