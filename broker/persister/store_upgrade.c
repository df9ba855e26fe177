/*
 * Brings a store of format 1 to format 2 when it is opened.
 *
 * Format 1 had no index by_user_log, and its rows (version 1) do not say their number. The first transaction writes the
 * new format and "upgrade" = 0, so that a program of format 1 lets go of it from then on; each further one takes the
 * next STEP messages of the log and writes how far it came; the last one removes "upgrade". A kill in between costs
 * one transaction.
 */
#include "broker/persister/store_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define STEP   4096 /* messages of a transaction */
#define SAY_MS 2000 /* between two lines of the log */

struct upgrade {
    struct rc_store *store;
    MDB_txn *txn;
    uint64_t done, last; /* numbers of the log: brought over, and newest */
};

/* The row of version 1 anew, with its number. */
static int put_numbered(struct upgrade *u, MDB_val *key, struct rc_disk_row *row)
{
    MDB_val value = {rc_disk_row_size(row), NULL};
    if (!(value.mv_data = malloc(value.mv_size)))
        return ENOMEM;
    rc_disk_row_pack(row, value.mv_data); /* first: what is put moves what the row's slices point into */
    int rc = mdb_put(u->txn, u->store->messages, key, &value, 0);
    free(value.mv_data);
    return rc;
}

static int bring_message(struct upgrade *u, uint64_t number, MDB_val *key)
{
    struct rc_disk_row row;
    MDB_val value;
    int rc = mdb_get(u->txn, u->store->messages, key, &value);
    if (rc == MDB_NOTFOUND || (rc == 0 && !rc_disk_row_unpack(value.mv_data, value.mv_size, &row)))
        rc = MDB_CORRUPTED;
    if (rc != 0)
        return rc;
    row.number = number;
    if ((rc = rc_store_put_log_index(u->store, u->txn, &row)) != 0)
        return rc;
    return put_numbered(u, key, &row);
}

static int bring_step(struct upgrade *u)
{
    MDB_cursor *cursor;
    uint8_t from[8];
    MDB_val at = {sizeof from, from}, key;
    rc_disk_put64(from, u->done + 1);
    int rc = mdb_cursor_open(u->txn, u->store->log, &cursor);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_get(cursor, &at, &key, MDB_SET_RANGE);
    for (size_t n = 0; rc == 0 && n < STEP; n++, rc = mdb_cursor_get(cursor, &at, &key, MDB_NEXT)) {
        u->done = rc_disk_get64(at.mv_data);
        rc = bring_message(u, u->done, &key);
        if (rc != 0)
            break;
    }
    mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND) /* the log ends here */
        u->done = u->last;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int end_upgrade(struct upgrade *u)
{
    MDB_val key = {strlen(RC_META_UPGRADE), RC_META_UPGRADE};
    return mdb_del(u->txn, u->store->meta, &key, NULL);
}

/* One transaction. MDB_NOTFOUND: nothing is left to be done. */
static int turn(struct upgrade *u)
{
    int rc = mdb_txn_begin(u->store->env, NULL, 0, &u->txn);
    if (rc != 0)
        return rc;
    rc = rc_store_meta64(u->store, u->txn, RC_META_UPGRADE, &u->done);
    if (rc == 0)
        rc = rc_store_last_number(u->store, u->txn, &u->last);
    if (rc == 0 && u->done < u->last && (rc = bring_step(u)) == 0)
        rc = rc_store_meta_put64(u->store, u->txn, RC_META_UPGRADE, u->done);
    else if (rc == 0)
        rc = end_upgrade(u);
    if (rc == 0)
        return mdb_txn_commit(u->txn);
    mdb_txn_abort(u->txn);
    return rc;
}

static void say(const struct upgrade *u, const char *state)
{
    rc_log(RC_INFO, "store-upgrade", "format=%d state=%s messages=%llu of=%llu", RC_DISK_FORMAT, state,
           (unsigned long long)u->done, (unsigned long long)u->last);
}

bool rc_store_upgrade(struct rc_store *store, char *why, size_t size)
{
    struct upgrade u = {.store = store};
    int64_t said = rc_clock_now();
    int rc = turn(&u);
    if (rc == 0)
        say(&u, "begun");
    while (rc == 0) {
        rc = turn(&u);
        if (rc == 0 && rc_clock_now() - said >= SAY_MS * RC_MS) {
            said = rc_clock_now();
            say(&u, "under-way");
        }
    }
    if (rc == MDB_NOTFOUND && u.last)
        say(&u, "done");
    if (rc == MDB_NOTFOUND)
        return true;
    snprintf(why, size, "data.dir %s: its messages cannot be brought to format %d: %s%s", store->dir, RC_DISK_FORMAT,
             mdb_strerror(rc), rc == MDB_MAP_FULL ? "; raise data.map_size by half and start again" : "");
    return false;
}
