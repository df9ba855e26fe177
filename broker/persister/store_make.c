/*
 * Makes a new store, whole or not at all: elsewhere in its directory, synced, and then named data.mdb. LMDB itself writes the
 * first pages of a new file in place, and refuses the file for good if the power goes in the middle of that.
 */
#include "broker/persister/store_env.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE "making" /* the folder; what is in it is of no use to anybody */

struct making {
    char dir[4096];
    char file[4096 + 16], lock[4096 + 16]; /* what LMDB makes in it */
    char target[4096 + 16];
};

static void name_all(struct making *m, const char *dir)
{
    snprintf(m->dir, sizeof m->dir, "%s/" PLACE, dir);
    snprintf(m->file, sizeof m->file, "%s/data.mdb", m->dir);
    snprintf(m->lock, sizeof m->lock, "%s/lock.mdb", m->dir);
    snprintf(m->target, sizeof m->target, "%s/data.mdb", dir);
}

static void remove_all(const struct making *m)
{
    unlink(m->file);
    unlink(m->lock);
    rmdir(m->dir);
}

/* A file without a byte is what a power cut may leave of one that was just made. */
static bool is_made(const struct making *m)
{
    struct stat st;
    return stat(m->target, &st) == 0 && st.st_size > 0;
}

/* The directory itself may be as new as the store. Who may not read its parent did not make it there either. */
static bool sync_parent(const char *dir)
{
    char parent[4096 + 4];
    snprintf(parent, sizeof parent, "%s/..", dir);
    return rc_store_sync_directory(parent) || errno == EACCES;
}

bool rc_store_make(struct rc_store *store, char *why, size_t size)
{
    struct making m = {.dir = ""};
    name_all(&m, store->dir);
    remove_all(&m);
    if (is_made(&m))
        return true;
    struct rc_store made = {.dir = m.dir, .map_size = store->map_size};
    if (mkdir(m.dir, 0700) != 0) {
        snprintf(why, size,
                 "data.dir %s: a new store cannot be made: %s; it must be writable by the user of this process",
                 store->dir, strerror(errno));
        return false;
    }
    bool ok = rc_store_env_open(&made, why, size);
    rc_store_env_close(&made);
    if (ok && (rename(m.file, m.target) != 0 || !rc_store_sync_directory(store->dir) || !sync_parent(store->dir))) {
        snprintf(why, size, "data.dir %s: a new store cannot be made: %s", store->dir, strerror(errno));
        ok = false;
    }
    remove_all(&m);
    return ok;
}
