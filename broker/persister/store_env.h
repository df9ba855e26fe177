/* Inside of the store, shared by the files that include lmdb.h (store*.c) and nobody else. */
#ifndef RC_PERSISTER_STORE_ENV_H
#define RC_PERSISTER_STORE_ENV_H

#include "broker/persister/store.h"

#include <lmdb.h>
#include <pthread.h>

struct rc_store {
    char *dir;             /* data directory */
    uint64_t map_size;     /* bytes of address space for the environment */
    int lock_fd;           /* holds the lock of the directory as long as it is open */
    pthread_rwlock_t gate; /* written while env changes, read while it is used */
    MDB_env *env;          /* NULL when it had to be opened anew and could not be */
    MDB_dbi meta;          /* format; positions */
    MDB_dbi messages;      /* message key -> row */
    MDB_dbi by_user;       /* user hash, message key -> nothing */
    MDB_dbi log;           /* number -> message key */
    MDB_dbi users;         /* user -> flags */
    uint64_t identity;     /* as meta has it; set when the environment is opened */
};

/* Flags of a user. */
enum {
    RC_USER_WROTE = 1,   /* sent a message as one who is not an admin */
    RC_USER_WRITTEN = 2, /* an admin sent a message to it */
    RC_USER_ADMIN = 4,   /* sent a message as an admin */
};

struct rc_disk_index { /* a key of by_user */
    size_t len;
    uint8_t byte[8 + RC_DISK_KEY_MAX];
};
void rc_disk_index_pack(struct rc_slice user, const void *key, size_t key_len, struct rc_disk_index *out);

struct rc_disk_position { /* the key of a position in meta */
    size_t len;
    uint8_t byte[2 + RC_ID_MAX + 8];
};
void rc_disk_position_pack(const char *broker, uint64_t inc, struct rc_disk_position *out);

/* Opens the environment and its databases. False with a sentence in why; store->env is NULL then. The gate is
 * the caller's. */
bool rc_store_env_open(struct rc_store *store, char *why, size_t size);
void rc_store_env_close(struct rc_store *store);

/* Makes the store, if there is none. False with a sentence in why. The directory is locked. */
bool rc_store_make(struct rc_store *store, char *why, size_t size);
/* Makes the names in a directory as durable as what they name. False with errno. */
bool rc_store_sync_directory(const char *dir);

enum rc_store_result rc_store_classify(int rc); /* of an LMDB code */

/* store_log.c, inside a transaction that writes. 0, or an LMDB code. */
int rc_store_identify(struct rc_store *store, MDB_txn *txn); /* reads the identity, or makes it */
int rc_store_put_cursor(struct rc_store *store, MDB_txn *txn, const struct rc_cursor *cursor);

/* Enters the gate and begins a transaction that only reads; RC_STORE_OK obliges to rc_store_read_end. */
enum rc_store_result rc_store_read_begin(struct rc_store *store, MDB_txn **txn);
void rc_store_read_end(struct rc_store *store, MDB_txn *txn);

#endif
