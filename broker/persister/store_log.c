/* The commit log as other persisters read it, and what this one remembers of theirs: pages, cursors. */
#include "broker/persister/store_env.h"

#include <errno.h>
#include <string.h>

/* ---- cursors ----------------------------------------------------------------------------------------------------- */

struct cursor_name {
    size_t len;
    uint8_t byte[2 + RC_ID_MAX];
};

static void name_cursor(const char *peer, struct cursor_name *out)
{
    size_t id = strnlen(peer, RC_ID_MAX);
    out->byte[0] = 'c';
    out->byte[1] = (uint8_t)id;
    memcpy(out->byte + 2, peer, id);
    out->len = 2 + id;
}

int rc_store_put_cursor(struct rc_store *store, MDB_txn *txn, const struct rc_cursor *cursor)
{
    struct cursor_name name;
    uint8_t bytes[16];
    name_cursor(cursor->peer, &name);
    rc_disk_put64(bytes, cursor->store);
    rc_disk_put64(bytes + 8, cursor->number);
    MDB_val key = {name.len, name.byte}, value = {sizeof bytes, bytes};
    return mdb_put(txn, store->meta, &key, &value, 0);
}

uint64_t rc_store_cursor(struct rc_store *store, const char *peer, uint64_t identity)
{
    struct cursor_name name;
    MDB_txn *txn;
    uint64_t number = 0;
    name_cursor(peer, &name);
    if (rc_store_read_begin(store, &txn) != RC_STORE_OK)
        return 0;
    MDB_val key = {name.len, name.byte}, value;
    if (mdb_get(txn, store->meta, &key, &value) == 0 && value.mv_size == 16 && rc_disk_get64(value.mv_data) == identity)
        number = rc_disk_get64((const uint8_t *)value.mv_data + 8);
    rc_store_read_end(store, txn);
    return number;
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

struct reading { /* of a page of the log, within one transaction */
    struct rc_store *store;
    MDB_txn *txn;
    const struct rc_pull *pull;
    struct rc_store_log *out;
    rc_store_log_fn *fn;
    void *arg;
    size_t looked, bytes;
};

/* Gives one row; a number whose message is no longer there (retention) is passed over. 0, or an LMDB code. */
static int give(struct reading *r, uint64_t number, MDB_val key, bool *full)
{
    struct rc_store_row row;
    MDB_val value;
    int rc = mdb_get(r->txn, r->store->messages, &key, &value);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if (!rc_disk_key_unpack(key.mv_data, key.mv_size, &row.key) ||
        !rc_disk_row_unpack(value.mv_data, value.mv_size, &row.row))
        return MDB_CORRUPTED;
    *full = r->bytes > 0 && r->bytes + value.mv_size > r->pull->bytes;
    if (*full)
        return 0;
    r->bytes += value.mv_size;
    r->fn(r->arg, number, &row);
    return 0;
}

static int read_rows(struct reading *r, MDB_cursor *cursor)
{
    uint8_t from[8];
    MDB_val key = {sizeof from, from}, value;
    bool full = false;
    rc_disk_put64(from, r->pull->from);
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        uint64_t number = key.mv_size == 8 ? rc_disk_get64(key.mv_data) : 0;
        if (number == 0)
            return MDB_CORRUPTED;
        if (r->looked++ == r->pull->rows || r->looked > RC_LOG_ROWS)
            return 0;
        if ((rc = give(r, number, value, &full)) != 0 || full)
            return rc;
        r->out->upto = number;
    }
    if (rc == MDB_NOTFOUND && r->out->last > r->out->upto)
        r->out->upto = r->out->last; /* retention deleted the newest */
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int read_log(struct reading *r)
{
    MDB_cursor *cursor;
    int rc = rc_store_last_number(r->store, r->txn, &r->out->last);
    if (rc != 0 || r->pull->store != r->store->identity || (rc = mdb_cursor_open(r->txn, r->store->log, &cursor)) != 0)
        return rc;
    rc = read_rows(r, cursor);
    mdb_cursor_close(cursor);
    return rc;
}

enum rc_store_result rc_store_log_page(struct rc_store *store, const struct rc_pull *pull, struct rc_store_log *out,
                                       rc_store_log_fn *fn, void *arg)
{
    struct reading r = {.store = store, .pull = pull, .out = out, .fn = fn, .arg = arg};
    *out = (struct rc_store_log){.upto = pull->from - 1};
    enum rc_store_result result = rc_store_read_begin(store, &r.txn);
    if (result != RC_STORE_OK)
        return result;
    int rc = read_log(&r);
    rc_store_read_end(store, r.txn);
    return rc_store_classify(rc);
}

enum rc_store_result rc_store_lacking(struct rc_store *store, struct rc_log_page *page)
{
    MDB_txn *txn;
    size_t kept = 0;
    struct rc_disk_key horizon;
    enum rc_store_result result = rc_store_read_begin(store, &txn);
    if (result != RC_STORE_OK)
        return result;
    int rc = rc_store_horizon(store, txn, &horizon);
    for (size_t i = 0; i < page->n; i++) {
        struct rc_disk_key name;
        MDB_val key, value;
        bool ok = rc_disk_key_pack(&page->row[i].record.key, &name);
        key = (MDB_val){name.len, name.byte};
        bool forgotten = ok && rc == 0 && rc_disk_key_within(&horizon, name.byte, name.len);
        if (forgotten || (ok && mdb_get(txn, store->messages, &key, &value) == 0))
            rc_buf_rele(page->row[i].record.row);
        else
            page->row[kept++] = page->row[i];
    }
    page->n = kept;
    rc_store_read_end(store, txn);
    return RC_STORE_OK;
}
