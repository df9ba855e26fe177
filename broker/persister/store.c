/* Opens and closes the store: its directory, its lock, its LMDB environment and the version of its format. */
#include "broker/persister/store_env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "persister.lock"

enum { DATABASES = 6, DIRECTORY_MODE = 0700, FILE_MODE = 0600 };
enum { READERS_BYTES = 8192 }; /* of LMDB's 126 slots; it would take a larger file for a larger table */

const char *rc_store_result_text(enum rc_store_result result)
{
    switch (result) {
    case RC_STORE_OK:
        return "ok";
    case RC_STORE_DISK_FULL:
        return "the disk is full";
    case RC_STORE_MAP_FULL:
        return "the store has reached data.map_size; raise it and start again";
    case RC_STORE_READ_ONLY:
        return "data.dir is read-only";
    case RC_STORE_IO:
        break;
    }
    return "the disk or the store failed";
}

enum rc_store_result rc_store_classify(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return RC_STORE_OK;
    case MDB_MAP_FULL:
        return RC_STORE_MAP_FULL;
    case ENOSPC:
    case EDQUOT:
        return RC_STORE_DISK_FULL;
    case EROFS:
    case EACCES:
    case EPERM:
        return RC_STORE_READ_ONLY;
    default:
        return RC_STORE_IO;
    }
}

/* ---- directory and lock ------------------------------------------------------------------------ */

bool rc_store_sync_directory(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

static bool make_directory(const char *dir, char *why, size_t size)
{
    struct stat st;
    if (mkdir(dir, DIRECTORY_MODE) != 0 && errno != EEXIST) {
        snprintf(why, size, "data.dir %s cannot be made: %s; its parent must exist and be writable", dir,
                 strerror(errno));
        return false;
    }
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        snprintf(why, size, "data.dir %s is not a directory", dir);
        return false;
    }
    return true;
}

/* The process that holds the lock, as it wrote it; 0 unknown. */
static long lock_holder(int fd)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

static bool lock_directory(struct rc_store *store, char *why, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", store->dir, LOCK_NAME);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (store->lock_fd < 0) {
        snprintf(why, size, "data.dir %s cannot be used: %s: %s; it must be writable by the user of this process",
                 store->dir, LOCK_NAME, strerror(errno));
        return false;
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(why, size,
                 "data.dir %s is in use by process %ld; stop that persister or give this one a directory of "
                 "its own",
                 store->dir, lock_holder(store->lock_fd));
        return false;
    }
    /* For people only. On a full disk it fails, and the history can be read all the same. */
    if (ftruncate(store->lock_fd, 0) == 0)
        dprintf(store->lock_fd, "%ld\n", (long)getpid());
    return true;
}

/* ---- environment ------------------------------------------------------------------------------- */

/* The format of the store: of this program in a new one; 0 when it is none of ours. An LMDB code. */
static int read_format(struct rc_store *store, MDB_txn *txn, uint64_t *format)
{
    MDB_dbi root;
    MDB_stat stat;
    *format = 0;
    int rc = mdb_dbi_open(txn, NULL, 0, &root);
    if (rc == 0)
        rc = mdb_stat(txn, root, &stat);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &store->meta);
    if (rc == 0 && stat.ms_entries == 0)
        rc = rc_store_meta_put64(store, txn, RC_META_FORMAT, RC_DISK_FORMAT);
    if (rc == 0)
        rc = rc_store_meta64(store, txn, RC_META_FORMAT, format);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* From here on it is a store of this format, though not a whole one until rc_store_upgrade is done. */
static int begin_upgrade(struct rc_store *store, MDB_txn *txn)
{
    int rc = rc_store_meta_put64(store, txn, RC_META_FORMAT, RC_DISK_FORMAT);
    return rc != 0 ? rc : rc_store_meta_put64(store, txn, RC_META_UPGRADE, 0);
}

/* Opens meta, after making sure that this is a store of ours: a new one, or of a version that we know. */
static bool open_meta(struct rc_store *store, MDB_txn *txn, char *why, size_t size)
{
    uint64_t format;
    int rc = read_format(store, txn, &format);
    if (rc == 0 && format == 0) {
        snprintf(why, size, "data.dir %s holds a database of something else; give data.dir another directory",
                 store->dir);
        return false;
    }
    if (rc == 0 && format > RC_DISK_FORMAT) {
        snprintf(why, size,
                 "data.dir %s has format %llu and this program knows formats up to %d; start the newer Roomcast "
                 "that wrote it",
                 store->dir, (unsigned long long)format, RC_DISK_FORMAT);
        return false;
    }
    if (rc == 0 && format < RC_DISK_FORMAT)
        rc = begin_upgrade(store, txn);
    if (rc == 0)
        rc = rc_store_identify(store, txn);
    if (rc != 0)
        snprintf(why, size, "data.dir %s: %s", store->dir, mdb_strerror(rc));
    return rc == 0;
}

/* All but meta. An LMDB code. */
static int open_all(struct rc_store *store, MDB_txn *txn, unsigned flags)
{
    struct {
        const char *name;
        MDB_dbi *dbi;
    } const base[] = {{"messages", &store->messages},
                      {"by_user", &store->by_user},
                      {"by_user_log", &store->by_user_log},
                      {"log", &store->log},
                      {"users", &store->users}};
    int rc = 0;
    for (size_t i = 0; i < sizeof base / sizeof base[0] && rc == 0; i++)
        rc = mdb_dbi_open(txn, base[i].name, flags, base[i].dbi);
    return rc;
}

static bool open_databases(struct rc_store *store, char *why, size_t size)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc == 0) {
        if (!open_meta(store, txn, why, size)) {
            mdb_txn_abort(txn);
            return false;
        }
        rc = open_all(store, txn, MDB_CREATE);
        if (rc == 0)
            rc = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    if (rc != 0)
        snprintf(why, size, "data.dir %s: the store cannot be set up: %s", store->dir, mdb_strerror(rc));
    return rc == 0;
}

/* LMDB writes its table of readers through a map: without room on the disk that would be SIGBUS. Not while the environment
 * is open, whose lock on this file would go with any descriptor of it. 0, or errno. */
static int reserve_readers(const struct rc_store *store)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/lock.mdb", store->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return errno;
    int rc = posix_fallocate(fd, 0, READERS_BYTES);
    close(fd);
    return rc;
}

static int open_environment(struct rc_store *store, unsigned flags)
{
    int dead;
    int rc = flags & MDB_NOLOCK ? 0 : reserve_readers(store);
    if (rc != 0 || (rc = mdb_env_create(&store->env)) != 0)
        return rc;
    if ((rc = mdb_env_set_maxdbs(store->env, DATABASES)) != 0 ||
        (rc = mdb_env_set_mapsize(store->env, store->map_size)) != 0 ||
        (rc = mdb_env_open(store->env, store->dir, MDB_NOTLS | flags, FILE_MODE)) != 0)
        return rc;
    return mdb_reader_check(store->env, &dead);
}

bool rc_store_env_open(struct rc_store *store, char *why, size_t size)
{
    int rc = open_environment(store, 0);
    if (rc != 0)
        snprintf(why, size, "data.dir %s: the store cannot be opened: %s%s", store->dir, mdb_strerror(rc),
                 rc == ENOMEM ? "; data.map_size does not fit into this process's address space" : "");
    if (rc == 0 && open_databases(store, why, size)) {
        if (rc_store_sync_directory(store->dir))
            return true;
        snprintf(why, size, "data.dir %s cannot be synced: %s", store->dir, strerror(errno));
    }
    rc_store_env_close(store);
    return false;
}

void rc_store_env_close(struct rc_store *store)
{
    if (store->env)
        mdb_env_close(store->env);
    store->env = NULL;
}

/* What is there, for reading. Databases of an older format are not opened: its copy does without. */
static bool view_databases(struct rc_store *store, char *why, size_t size)
{
    MDB_txn *txn;
    uint64_t format = 0;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0) {
        if ((rc = mdb_dbi_open(txn, "meta", 0, &store->meta)) == 0)
            rc = rc_store_meta64(store, txn, RC_META_FORMAT, &format);
        if (rc == 0 && format == RC_DISK_FORMAT && (rc = open_all(store, txn, 0)) == 0)
            rc = rc_store_meta64(store, txn, RC_META_IDENTITY, &store->identity);
        if (rc == 0)
            rc = mdb_txn_commit(txn); /* keeps the handles */
        else
            mdb_txn_abort(txn);
    }
    if (rc == 0 && format > RC_DISK_FORMAT)
        snprintf(why, size, "data.dir %s has format %llu and this program knows formats up to %d", store->dir,
                 (unsigned long long)format, RC_DISK_FORMAT);
    else if (rc != 0)
        snprintf(why, size, "data.dir %s holds no whole store: %s", store->dir, mdb_strerror(rc));
    return rc == 0 && format <= RC_DISK_FORMAT;
}

static bool view(struct rc_store *store, char *why, size_t size)
{
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/data.mdb", store->dir);
    if (stat(path, &st) != 0) {
        snprintf(why, size, "data.dir %s holds no store: data.mdb: %s", store->dir, strerror(errno));
        return false;
    }
    if (!lock_directory(store, why, size))
        return false;
    int rc = open_environment(store, MDB_RDONLY);
    if (rc != 0)
        snprintf(why, size, "data.dir %s: the store cannot be opened: %s", store->dir, mdb_strerror(rc));
    return rc == 0 && view_databases(store, why, size);
}

/* ---- life -------------------------------------------------------------------------------------- */

/* NULL: out of memory. */
static struct rc_store *store_new(const char *dir, uint64_t map_size, char *why, size_t size)
{
    snprintf(why, size, "out of memory");
    struct rc_store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->lock_fd = -1;
    store->map_size = map_size;
    store->dir = strdup(dir);
    pthread_rwlock_init(&store->gate, NULL);
    if (store->dir)
        return store;
    rc_store_close(store);
    return NULL;
}

struct rc_store *rc_store_view(const char *dir, char *why, size_t size)
{
    struct rc_store *store = store_new(dir, 0, why, size); /* LMDB maps what is there */
    if (store && view(store, why, size))
        return store;
    rc_store_close(store);
    return NULL;
}

struct rc_store *rc_store_open(const char *dir, uint64_t map_size, char *why, size_t size)
{
    struct rc_store *store = store_new(dir, map_size, why, size);
    if (store && make_directory(dir, why, size) && lock_directory(store, why, size) &&
        rc_store_make(store, why, size) && rc_store_env_open(store, why, size) && rc_store_upgrade(store, why, size))
        return store;
    rc_store_close(store);
    return NULL;
}

void rc_store_close(struct rc_store *store)
{
    if (!store)
        return;
    rc_store_env_close(store);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_rwlock_destroy(&store->gate);
    free(store->dir);
    free(store);
}
