/* What the store knows about itself: the entries of `meta` that are no positions, and the end of the log. */
#include "broker/persister/store_env.h"

#include <string.h>

#include "clock.h"

static int get(struct rc_store *store, MDB_txn *txn, const char *name, MDB_val *value)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name};
    return mdb_get(txn, store->meta, &key, value);
}

int rc_store_meta64(struct rc_store *store, MDB_txn *txn, const char *name, uint64_t *value)
{
    MDB_val found;
    int rc = get(store, txn, name, &found);
    if (rc == 0 && found.mv_size != 8)
        return MDB_NOTFOUND;
    if (rc == 0)
        *value = rc_disk_get64(found.mv_data);
    return rc;
}

int rc_store_meta_put(struct rc_store *store, MDB_txn *txn, const char *name, const void *data, size_t len)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value = {len, (void *)(uintptr_t)data};
    return mdb_put(txn, store->meta, &key, &value, 0);
}

int rc_store_meta_put64(struct rc_store *store, MDB_txn *txn, const char *name, uint64_t value)
{
    uint8_t bytes[8];
    rc_disk_put64(bytes, value);
    return rc_store_meta_put(store, txn, name, bytes, sizeof bytes);
}

int rc_store_last_number(struct rc_store *store, MDB_txn *txn, uint64_t *number)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t deleted = 0;
    *number = 0;
    int rc = rc_store_meta64(store, txn, RC_META_LAST, &deleted);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    if ((rc = mdb_cursor_open(txn, store->log, &cursor)) != 0)
        return rc;
    rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (rc == 0)
        *number = key.mv_size == 8 ? rc_disk_get64(key.mv_data) : 0;
    mdb_cursor_close(cursor);
    if (deleted > *number)
        *number = deleted;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int rc_store_horizon(struct rc_store *store, MDB_txn *txn, struct rc_disk_key *horizon)
{
    MDB_val value;
    int rc = get(store, txn, RC_META_HORIZON, &value);
    horizon->len = 0;
    if (rc == 0 && rc_disk_key_valid(value.mv_data, value.mv_size)) {
        horizon->len = (uint8_t)value.mv_size;
        memcpy(horizon->byte, value.mv_data, value.mv_size);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int rc_store_identify(struct rc_store *store, MDB_txn *txn)
{
    uint64_t identity;
    int rc = rc_store_meta64(store, txn, RC_META_IDENTITY, &identity);
    if (rc == 0 && store->identity != identity) /* else it may be read just now: the environment was opened anew */
        store->identity = identity;
    if (rc != MDB_NOTFOUND)
        return rc;
    store->identity = rc_random64() | 1; /* not 0 */
    return rc_store_meta_put64(store, txn, RC_META_IDENTITY, store->identity);
}

uint64_t rc_store_identity(const struct rc_store *store)
{
    return store->identity;
}

bool rc_store_is_forgotten(struct rc_store *store, const struct rc_key *key)
{
    struct rc_disk_key packed, horizon;
    MDB_txn *txn;
    if (!rc_disk_key_pack(key, &packed) || rc_store_read_begin(store, &txn) != RC_STORE_OK)
        return false;
    int rc = rc_store_horizon(store, txn, &horizon);
    rc_store_read_end(store, txn);
    return rc == 0 && rc_disk_key_within(&horizon, packed.byte, packed.len);
}
