/* Makes one backup file. */
#include "broker/persister/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/persister/backup_seal.h"

struct names {
    char temporary[RC_BACKUP_PATH + 8];
    char directory[RC_BACKUP_PATH];
};

bool rc_backup_file_init(struct rc_backup_file *f, struct rc_store *store, const char *path)
{
    f->store = store;
    f->fd = -1;
    f->cancelled = false;
    pthread_mutex_init(&f->lock, NULL);
    return snprintf(f->path, sizeof f->path, "%s", path) < (int)sizeof f->path;
}

void rc_backup_file_fini(struct rc_backup_file *f)
{
    pthread_mutex_destroy(&f->lock);
}

/* LMDB cannot be told to stop copying, so the file is taken away from under it: its next write fails. */
static void spoil(int fd)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0 && dup3(nothing, fd, O_CLOEXEC) >= 0)
        close(nothing);
}

static void set_fd(struct rc_backup_file *f, int fd)
{
    pthread_mutex_lock(&f->lock);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = fd;
    if (f->cancelled && fd >= 0)
        spoil(fd);
    pthread_mutex_unlock(&f->lock);
}

void rc_backup_file_cancel(struct rc_backup_file *f)
{
    pthread_mutex_lock(&f->lock);
    f->cancelled = true;
    if (f->fd >= 0)
        spoil(f->fd);
    pthread_mutex_unlock(&f->lock);
}

uint64_t rc_backup_file_bytes(struct rc_backup_file *f)
{
    struct stat st = {0};
    pthread_mutex_lock(&f->lock);
    bool known = f->fd >= 0 && fstat(f->fd, &st) == 0;
    pthread_mutex_unlock(&f->lock);
    return known ? (uint64_t)st.st_size : 0;
}

/* errno becomes words; a full disk gets advice. */
static bool fail(const struct rc_backup_file *f, const char *what, int error, char why[RC_BACKUP_WHY])
{
    if (error == ENOSPC || error == EDQUOT)
        snprintf(why, RC_BACKUP_WHY, "%s: the disk is full; make room, or choose another place", f->path);
    else
        snprintf(why, RC_BACKUP_WHY, "%s %s: %s", f->path, what, strerror(error));
    return false;
}

static bool open_temporary(struct rc_backup_file *f, const struct names *n, char why[RC_BACKUP_WHY])
{
    struct stat st;
    if (lstat(f->path, &st) == 0)
        return fail(f, "is not written over", EEXIST, why);
    int fd = open(n->temporary, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(f, "cannot be made", errno, why);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return fail(f, "is being written by another process", EBUSY, why);
    }
    if (ftruncate(fd, 0) != 0) {
        int error = errno;
        close(fd);
        return fail(f, "cannot be written", error, why);
    }
    set_fd(f, fd);
    return true;
}

static bool sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* From the temporary's contents to the file under its name. */
static bool complete(struct rc_backup_file *f, const struct names *n, char why[RC_BACKUP_WHY])
{
    int error = rc_store_copy(f->store, f->fd, why, RC_BACKUP_WHY);
    if (error > 0)
        return fail(f, "cannot be written", error, why);
    if (error < 0)
        return false; /* the store's fault, why says it */
    if (!rc_seal_put(f->fd) || fsync(f->fd) != 0)
        return fail(f, "cannot be written", errno, why);
    if (renameat2(AT_FDCWD, n->temporary, AT_FDCWD, f->path, RENAME_NOREPLACE) != 0)
        return fail(f, "cannot get its name", errno, why);
    if (!sync_directory(n->directory))
        return fail(f, "is there, but its directory cannot be synced", errno, why);
    return true;
}

bool rc_backup_file_make(struct rc_backup_file *f, uint64_t *bytes, char why[RC_BACKUP_WHY])
{
    struct names n;
    char path[RC_BACKUP_PATH];
    snprintf(n.temporary, sizeof n.temporary, "%s.tmp", f->path);
    snprintf(path, sizeof path, "%s", f->path);
    snprintf(n.directory, sizeof n.directory, "%s", dirname(path));
    if (!open_temporary(f, &n, why))
        return false;
    bool ok = complete(f, &n, why);
    *bytes = rc_backup_file_bytes(f);
    if (!ok)
        unlink(n.temporary);
    set_fd(f, -1);
    if (!ok && f->cancelled)
        snprintf(why, RC_BACKUP_WHY, "%s: given up, because this process ends", f->path);
    return ok;
}
