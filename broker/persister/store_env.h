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
    uint64_t identity;     /* whose log numbers these are; set when the environment is opened */
    MDB_dbi meta;          /* format, identity, positions, what retention left behind */
    MDB_dbi messages;      /* message key -> row */
    MDB_dbi by_user;       /* user hash, message key -> nothing */
    MDB_dbi by_user_log;   /* user hash, number -> nothing */
    MDB_dbi log;           /* number -> message key */
    MDB_dbi users;         /* user -> flags */
};

/* Keys of meta, beside those of positions. */
#define RC_META_FORMAT   "format"   /* u64 */
#define RC_META_IDENTITY "identity" /* u64, random, not 0 */
#define RC_META_UPGRADE  "upgrade"  /* u64: messages of the log up to here are brought over; absent: all are */
#define RC_META_HORIZON  "horizon"  /* newest message key that retention deleted: nothing up to it is stored again */
#define RC_META_LAST     "last"     /* u64: number of the log that was used, though retention may have deleted it */

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

/* A key of by_user_log. */
#define RC_DISK_LOG_INDEX 16
void rc_disk_log_index_pack(struct rc_slice user, uint64_t number, uint8_t out[RC_DISK_LOG_INDEX]);

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

/* Entries of meta; these answer an LMDB code, MDB_NOTFOUND also for a value of another size. */
int rc_store_meta64(struct rc_store *store, MDB_txn *txn, const char *name, uint64_t *value);
int rc_store_meta_put(struct rc_store *store, MDB_txn *txn, const char *name, const void *data, size_t len);
int rc_store_meta_put64(struct rc_store *store, MDB_txn *txn, const char *name, uint64_t value);

/* Newest number of the log that was ever given, 0 for none. An LMDB code. */
int rc_store_last_number(struct rc_store *store, MDB_txn *txn, uint64_t *number);
/* What retention deleted last, len 0 for nothing. An LMDB code. */
int rc_store_horizon(struct rc_store *store, MDB_txn *txn, struct rc_disk_key *horizon);
/* Reads the store's identity, or makes it. An LMDB code. */
int rc_store_identify(struct rc_store *store, MDB_txn *txn);

/* Brings what an older format left over to this one, in transactions of a bounded size; goes on where a killed process
 * left off. False with a sentence in why. No other thread has the store. */
bool rc_store_upgrade(struct rc_store *store, char *why, size_t size);

/* The entries of by_user_log for a message, by its row. An LMDB code. */
int rc_store_put_log_index(struct rc_store *store, MDB_txn *txn, const struct rc_disk_row *row);

/* Fills in rows, entries, used and oldest. */
void rc_store_measure(struct rc_store *store, MDB_txn *txn, struct rc_store_info *out);

/* What a failed transaction of the writing thread means: classifies rc, fills in why, and opens the environment anew when
 * LMDB has given it up. */
enum rc_store_result rc_store_failed(struct rc_store *store, int rc, char *why, size_t size);
/* Whether there is an environment to write to; tries to open it anew when not. The writing thread. */
bool rc_store_writable(struct rc_store *store, char *why, size_t size);

enum rc_store_result rc_store_classify(int rc); /* of an LMDB code */

/* store_log.c, inside a transaction that writes. 0, or an LMDB code. */
int rc_store_put_cursor(struct rc_store *store, MDB_txn *txn, const struct rc_cursor *cursor);

/* Enters the gate and begins a transaction that only reads; RC_STORE_OK obliges to rc_store_read_end. */
enum rc_store_result rc_store_read_begin(struct rc_store *store, MDB_txn **txn);
void rc_store_read_end(struct rc_store *store, MDB_txn *txn);

#endif
