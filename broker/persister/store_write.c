/* The one writer of the store: rows, their indexes, the commit log and the positions in one transaction. */
#include "broker/persister/store_env.h"

#include "link/arena.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "roomcast.pb-c.h"

#define ROW_UNPACKED     (8u << 20) /* bytes, more than a link's frame can hold */
#define ROOM_OF_A_COMMIT (4u << 20) /* bytes that the largest usual commit writes, with its indexes */

struct writing { /* of one transaction */
    struct rc_store *store;
    MDB_txn *txn;
    uint64_t number;            /* last one of the commit log */
    struct rc_disk_key horizon; /* newest key that retention deleted; len 0: none */
    struct rc_store_outcome *out;
    struct rc_arena arena; /* of the row in hand */
};

static MDB_val val(struct rc_slice slice)
{
    return (MDB_val){slice.len, (void *)(uintptr_t)slice.data};
}

static int put_log(struct writing *w, MDB_val message)
{
    uint8_t number[8];
    MDB_val key = {sizeof number, number};
    rc_disk_put64(number, w->number);
    return mdb_put(w->txn, w->store->log, &key, &message, MDB_APPEND);
}

static int put_index(struct writing *w, struct rc_slice user, MDB_val message)
{
    struct rc_disk_index index;
    rc_disk_index_pack(user, message.mv_data, message.mv_size, &index);
    MDB_val key = {index.len, index.byte}, nothing = {0, NULL};
    return mdb_put(w->txn, w->store->by_user, &key, &nothing, 0);
}

static int put_log_index(struct rc_store *store, MDB_txn *txn, struct rc_slice user, uint64_t number)
{
    uint8_t index[RC_DISK_LOG_INDEX];
    rc_disk_log_index_pack(user, number, index);
    MDB_val key = {sizeof index, index}, nothing = {0, NULL};
    return mdb_put(txn, store->by_user_log, &key, &nothing, 0);
}

int rc_store_put_log_index(struct rc_store *store, MDB_txn *txn, const struct rc_disk_row *row)
{
    int rc = put_log_index(store, txn, row->de, row->number);
    return rc != 0 ? rc : put_log_index(store, txn, row->para, row->number);
}

/* Adds a flag to a user, writing only when it is new. */
static int mark_user(struct writing *w, struct rc_slice user, uint8_t flag)
{
    MDB_val key = val(user), value;
    uint8_t flags = 0;
    int rc = mdb_get(w->txn, w->store->users, &key, &value);
    if (rc == 0 && value.mv_size > 0)
        flags = *(uint8_t *)value.mv_data;
    if ((rc != 0 && rc != MDB_NOTFOUND) || (flags & flag))
        return rc;
    flags |= flag;
    value = (MDB_val){1, &flags};
    return mdb_put(w->txn, w->store->users, &key, &value, 0);
}

/* Sets the row's number. */
static int put_row(struct writing *w, const struct rc_disk_key *id, struct rc_disk_row *row)
{
    MDB_val key = {id->len, (void *)(uintptr_t)id->byte}, value = {rc_disk_row_size(row), NULL};
    if (rc_disk_key_within(&w->horizon, key.mv_data, key.mv_size)) {
        w->out->forgotten++;
        return 0;
    }
    int rc = mdb_put(w->txn, w->store->messages, &key, &value, MDB_NOOVERWRITE | MDB_RESERVE);
    if (rc == MDB_KEYEXIST) {
        w->out->duplicates++;
        return 0;
    }
    if (rc != 0)
        return rc;
    row->number = ++w->number;
    rc_disk_row_pack(row, value.mv_data);
    if ((rc = put_log(w, key)) != 0 || (rc = put_index(w, row->de, key)) != 0 ||
        (rc = put_index(w, row->para, key)) != 0 || (rc = rc_store_put_log_index(w->store, w->txn, row)) != 0)
        return rc;
    if ((rc = mark_user(w, row->de, row->de_admin ? RC_USER_ADMIN : RC_USER_WROTE)) != 0)
        return rc;
    if (row->de_admin && (rc = mark_user(w, row->para, RC_USER_WRITTEN)) != 0)
        return rc;
    w->out->stored++;
    return 0;
}

static int put_record(struct writing *w, const struct rc_record *record)
{
    struct rc_disk_key key;
    int rc = 0;
    const struct rc_buf *bytes = record->row;
    rc_arena_reset(&w->arena);
    const Roomcast__Row *packed = bytes ? roomcast__row__unpack(&w->arena.pb, bytes->len, bytes->data) : NULL;
    struct rc_disk_row row = {0};
    if (packed)
        row = (struct rc_disk_row){.de = {packed->de.data, packed->de.len},
                                   .para = {packed->para.data, packed->para.len},
                                   .mensaje = {packed->mensaje.data, packed->mensaje.len},
                                   .de_admin = packed->de_admin};
    if (packed && rc_disk_row_valid(&row) && rc_disk_key_pack(&record->key, &key))
        rc = put_row(w, &key, &row);
    else if (w->out->malformed++ == 0)
        w->out->culprit = record->key;
    return rc;
}

static int put_position(struct writing *w, const struct rc_position *position)
{
    struct rc_disk_position name;
    uint8_t number[8];
    rc_disk_position_pack(position->broker, position->inc, &name);
    MDB_val key = {name.len, name.byte}, value;
    int rc = mdb_get(w->txn, w->store->meta, &key, &value);
    if (rc == 0 && value.mv_size == sizeof number && rc_disk_get64(value.mv_data) >= position->number)
        return 0;
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    rc_disk_put64(number, position->number);
    value = (MDB_val){sizeof number, number};
    return mdb_put(w->txn, w->store->meta, &key, &value, 0);
}

static int put_all(struct writing *w, const struct rc_commit *commit)
{
    rc_arena_init(&w->arena, ROW_UNPACKED);
    int rc = rc_store_last_number(w->store, w->txn, &w->number);
    if (rc == 0)
        rc = rc_store_horizon(w->store, w->txn, &w->horizon);
    for (size_t i = 0; i < commit->n && rc == 0; i++)
        rc = put_record(w, &commit->record[i]);
    for (size_t i = 0; i < commit->positions && rc == 0; i++)
        rc = put_position(w, &commit->position[i]);
    for (size_t i = 0; i < commit->cursors && rc == 0; i++)
        rc = rc_store_put_cursor(w->store, w->txn, &commit->cursor[i]);
    rc_arena_fini(&w->arena);
    return rc;
}

static int transact(struct rc_store *store, const struct rc_commit *commit, struct rc_store_outcome *out)
{
    struct writing w = {.store = store, .out = out};
    int rc = mdb_txn_begin(store->env, NULL, 0, &w.txn);
    if (rc != 0)
        return rc;
    rc = put_all(&w, commit);
    if (rc == 0)
        return mdb_txn_commit(w.txn); /* frees it, also when it fails */
    mdb_txn_abort(w.txn);
    return rc;
}

/* A disk that fills up in the middle of a write makes LMDB say EIO, for the short count. */
static bool no_room(const char *dir)
{
    struct statvfs fs;
    return statvfs(dir, &fs) == 0 && fs.f_bavail * fs.f_frsize < ROOM_OF_A_COMMIT;
}

/* When LMDB cannot write its root page it gives the whole environment up, for readers too. */
static bool given_up(struct rc_store *store)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0)
        mdb_txn_abort(txn);
    return rc == MDB_PANIC;
}

static void renew_environment(struct rc_store *store, char *why, size_t size)
{
    pthread_rwlock_wrlock(&store->gate);
    rc_store_env_close(store);
    rc_store_env_open(store, why, size);
    pthread_rwlock_unlock(&store->gate);
}

bool rc_store_writable(struct rc_store *store, char *why, size_t size)
{
    if (!store->env) /* only this thread changes it */
        renew_environment(store, why, size);
    return store->env;
}

enum rc_store_result rc_store_failed(struct rc_store *store, int rc, char *why, size_t size)
{
    enum rc_store_result result = rc_store_classify(rc);
    if (rc == EIO && no_room(store->dir))
        result = RC_STORE_DISK_FULL;
    snprintf(why, size, "%s", mdb_strerror(rc));
    if (given_up(store))
        renew_environment(store, why, size);
    return result;
}

enum rc_store_result rc_store_commit(struct rc_store *store, const struct rc_commit *commit,
                                     struct rc_store_outcome *out)
{
    *out = (struct rc_store_outcome){.result = RC_STORE_IO};
    if (!rc_store_writable(store, out->why, sizeof out->why))
        return out->result;
    int rc = transact(store, commit, out);
    if (rc == 0)
        return out->result = RC_STORE_OK;
    *out = (struct rc_store_outcome){.result = RC_STORE_IO};
    out->result = rc_store_failed(store, rc, out->why, sizeof out->why);
    return out->result;
}
