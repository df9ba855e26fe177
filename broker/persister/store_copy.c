/* Copies of a store, and the identity that a copy needs when it lives on. */
#include "broker/persister/store_env.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int rc_store_copy(struct rc_store *store, int fd, char *why, size_t size)
{
    pthread_rwlock_rdlock(&store->gate);
    int rc = store->env ? mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT) : MDB_PANIC;
    pthread_rwlock_unlock(&store->gate);
    if (rc >= 0)
        return rc;
    snprintf(why, size, "the store in %s cannot be copied: %s", store->dir, mdb_strerror(rc));
    return -1;
}

enum rc_store_result rc_store_renew_identity(struct rc_store *store)
{
    MDB_txn *txn;
    MDB_val key = {strlen(RC_META_IDENTITY), (void *)(uintptr_t)RC_META_IDENTITY};
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc != 0)
        return rc_store_classify(rc);
    rc = mdb_del(txn, store->meta, &key, NULL);
    if (rc == 0 || rc == MDB_NOTFOUND)
        rc = rc_store_identify(store, txn);
    if (rc == 0)
        rc = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return rc_store_classify(rc);
}
