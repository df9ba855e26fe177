/*
 * Stands in front of libc in a persister (LD_PRELOAD) and writes down in order what is done to files named data.mdb:
 *
 *   ROOMCAST_TEST_JOURNAL        the journal to append to (journal.h); without it everything just passes through
 *   ROOMCAST_TEST_SYNC_US        us that each sync takes longer, as on a real disk: what is told too early is told in there
 *
 * LMDB writes pages with pwrite, and runs of them with lseek and writev, then fdatasync; the meta page with pwrite through a
 * second descriptor with O_DSYNC. One thread writes at a time, so the order of the calls is the order in the journal. Mapped
 * writes (MDB_WRITEMAP) would pass unseen; the store does not use them, and a journal without entries is an error. A new store is
 * made elsewhere and renamed; when names get onto the disk is not followed.
 */
#include "journal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { DESCRIPTORS = 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static long sync_us;
static _Atomic unsigned char watched[DESCRIPTORS]; /* 0: not ours; 1: a data file; 2: one with O_DSYNC */

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_rename)(const char *, const char *);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);

/* POSIX has it that a data pointer of dlsym holds a function's address. */
#define FIND(name) (*(void **)&real_##name = dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void)
{
    FIND(open), FIND(close), FIND(fsync), FIND(fdatasync);
    FIND(ftruncate), FIND(rename), FIND(write), FIND(pwrite), FIND(writev);
    const char *path = getenv("ROOMCAST_TEST_JOURNAL"), *us = getenv("ROOMCAST_TEST_SYNC_US");
    sync_us = us ? strtol(us, NULL, 10) : 0;
    if (path)
        journal = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int kind_of(int fd)
{
    return journal >= 0 && fd >= 0 && fd < DESCRIPTORS ? watched[fd] : 0;
}

/* Ends an entry: one that is not whole would hide all that follow. */
static void note(struct rc_journal_head head, const struct iovec *iov, int n)
{
    struct iovec all[64 + 1] = {{&head, sizeof head}};
    size_t left = (size_t)head.len;
    int pieces = 1;
    for (int i = 0; i < n && left > 0; i++) {
        size_t len = iov[i].iov_len < left ? iov[i].iov_len : left;
        all[pieces++] = (struct iovec){iov[i].iov_base, len};
        left -= len;
    }
    pthread_mutex_lock(&lock);
    ssize_t written = real_writev(journal, all, pieces);
    pthread_mutex_unlock(&lock);
    if (left > 0 || written != (ssize_t)(sizeof head + head.len))
        abort();
}

static void delay(void)
{
    struct timespec t = {sync_us / 1000000, sync_us % 1000000 * 1000};
    if (sync_us)
        nanosleep(&t, NULL);
}

static void note_write(int fd, const struct iovec *iov, int n, off_t at, uint64_t begin, ssize_t len)
{
    bool dsync = kind_of(fd) == 2;
    if (len <= 0)
        return;
    if (dsync)
        delay();
    enum rc_journal_kind kind = dsync ? RC_JOURNAL_SYNCED : RC_JOURNAL_WRITE;
    note((struct rc_journal_head){kind, begin, now(), (uint64_t)at, (uint64_t)len}, iov, n);
}

static bool is_data(const char *path)
{
    size_t len = strlen(path);
    return len >= 9 && strcmp(path + len - 9, "/data.mdb") == 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    int fd = real_open(path, flags, mode);
    if (fd >= 0 && fd < DESCRIPTORS)
        watched[fd] = is_data(path) ? (flags & O_DSYNC ? 2 : 1) : 0;
    return fd;
}

int rename(const char *from, const char *to)
{
    uint64_t begin = now();
    int rc = real_rename(from, to);
    if (rc == 0 && journal >= 0 && is_data(to))
        note((struct rc_journal_head){RC_JOURNAL_NAMED, begin, now(), 0, 0}, NULL, 0);
    return rc;
}

int close(int fd)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        watched[fd] = 0;
    return real_close(fd);
}

static int sync_file(int fd, int (*real)(int))
{
    if (!kind_of(fd))
        return real(fd);
    uint64_t begin = now();
    delay();
    int rc = real(fd);
    if (rc == 0)
        note((struct rc_journal_head){RC_JOURNAL_SYNC, begin, now(), 0, 0}, NULL, 0);
    return rc;
}

int fdatasync(int fd)
{
    return sync_file(fd, real_fdatasync);
}

int fsync(int fd)
{
    return sync_file(fd, real_fsync);
}

int ftruncate(int fd, off_t size)
{
    uint64_t begin = now();
    int rc = real_ftruncate(fd, size);
    if (rc == 0 && kind_of(fd))
        note((struct rc_journal_head){RC_JOURNAL_SIZE, begin, now(), (uint64_t)size, 0}, NULL, 0);
    return rc;
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (!kind_of(fd))
        return real_write(fd, data, len);
    off_t at = lseek(fd, 0, SEEK_CUR);
    uint64_t begin = now();
    ssize_t n = real_write(fd, data, len);
    note_write(fd, &(struct iovec){(void *)(uintptr_t)data, len}, 1, at, begin, n);
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    uint64_t begin = now();
    ssize_t n = real_pwrite(fd, data, len, at);
    if (kind_of(fd))
        note_write(fd, &(struct iovec){(void *)(uintptr_t)data, len}, 1, at, begin, n);
    return n;
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
    if (!kind_of(fd))
        return real_writev(fd, iov, n);
    off_t at = lseek(fd, 0, SEEK_CUR);
    uint64_t begin = now();
    ssize_t len = real_writev(fd, iov, n);
    note_write(fd, iov, n, at, begin, len);
    return len;
}
