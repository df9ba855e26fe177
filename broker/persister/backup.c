/* The thread that makes backups of a running persister. */
#include "broker/persister/backup.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define NAME_MAX_BYTES 200

struct rc_backup {
    struct rc_store *store;
    const char *dir;
    pthread_t thread;
    bool started;     /* there is a thread to join */
    atomic_int phase; /* what the thread wrote is read after it is no more RUNNING */
    struct rc_backup_file file;
    rc_time began, took;
    uint64_t of, bytes;
    char why[RC_BACKUP_WHY];
};

struct rc_backup *rc_backup_new(struct rc_store *store, const char *dir)
{
    struct rc_backup *b = calloc(1, sizeof *b);
    if (b) {
        b->store = store;
        b->dir = dir;
        atomic_init(&b->phase, RC_BACKUP_NONE);
    }
    return b;
}

static void join(struct rc_backup *b)
{
    if (b->started) {
        pthread_join(b->thread, NULL);
        rc_backup_file_fini(&b->file);
    }
    b->started = false;
}

void rc_backup_free(struct rc_backup *b)
{
    if (!b)
        return;
    if (b->started)
        rc_backup_file_cancel(&b->file);
    join(b);
    free(b);
}

static void log_end(const struct rc_backup *b, bool ok)
{
    char quoted[RC_BACKUP_WHY + 64];
    if (ok)
        rc_log(RC_INFO, "backup-end", "path=\"%s\" ms=%lld", b->file.path, (long long)(b->took / RC_MS));
    else
        rc_log(RC_ERROR, "backup-failed", "reason=%s", rc_log_quote(quoted, sizeof quoted, b->why, strlen(b->why)));
}

static void *work(void *arg)
{
    struct rc_backup *b = arg;
    bool ok = rc_backup_file_make(&b->file, &b->bytes, b->why);
    b->took = rc_clock_now() - b->began;
    log_end(b, ok);
    atomic_store(&b->phase, ok ? RC_BACKUP_DONE : RC_BACKUP_FAILED);
    return NULL;
}

/* The name without the directory that may stand before it; NULL: it would be written elsewhere, or is no plain name. */
static const char *plain_name(const struct rc_backup *b, const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t dir = strlen(b->dir);
    if (strncmp(name, b->dir, dir) == 0 && name[dir] == '/')
        name += dir + 1;
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_BYTES && name[0] != '.' && strspn(name, allowed) == len ? name : NULL;
}

static bool start(struct rc_backup *b, const char *name, char why[RC_BACKUP_WHY])
{
    char path[RC_BACKUP_PATH + NAME_MAX_BYTES + 2];
    struct rc_store_info info;
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    snprintf(why, RC_BACKUP_WHY, "no thread, or backup.dir is too long");
    join(b);
    if (!rc_backup_file_init(&b->file, b->store, path))
        return false;
    b->of = rc_store_info(b->store, &info) ? info.used : 0;
    b->began = rc_clock_now();
    b->bytes = 0;
    atomic_store(&b->phase, RC_BACKUP_RUNNING);
    b->started = pthread_create(&b->thread, NULL, work, b) == 0;
    if (!b->started)
        atomic_store(&b->phase, RC_BACKUP_NONE);
    return b->started;
}

bool rc_backup_begin(struct rc_backup *b, const char *name, char why[RC_BACKUP_WHY])
{
    if (!*b->dir) {
        snprintf(why, RC_BACKUP_WHY,
                 "backup.dir is not set: name the directory for backups in this persister's options");
        return false;
    }
    if (atomic_load(&b->phase) == RC_BACKUP_RUNNING) {
        snprintf(why, RC_BACKUP_WHY, "a backup to %s is under way", b->file.path);
        return false;
    }
    const char *plain = plain_name(b, name);
    if (!plain) {
        snprintf(why, RC_BACKUP_WHY,
                 "give the name of a file in backup.dir, %s: 1 to %d letters, digits, '.', '_' or '-'", b->dir,
                 NAME_MAX_BYTES);
        return false;
    }
    return start(b, plain, why);
}

void rc_backup_state(struct rc_backup *b, struct rc_backup_state *out)
{
    *out = (struct rc_backup_state){.phase = (enum rc_backup_phase)atomic_load(&b->phase), .of = b->of};
    if (out->phase == RC_BACKUP_NONE)
        return;
    memcpy(out->path, b->file.path, sizeof out->path);
    bool running = out->phase == RC_BACKUP_RUNNING;
    out->bytes = running ? rc_backup_file_bytes(&b->file) : b->bytes;
    out->ms = (running ? rc_clock_now() - b->began : b->took) / RC_MS;
    if (out->phase == RC_BACKUP_FAILED)
        memcpy(out->why, b->why, sizeof out->why);
}
