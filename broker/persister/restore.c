/*
 * Makes a data directory from a backup.
 *
 *   data.dir/restore.tmp/data.mdb: copy, comparing with the seal -> fsync -> verify -> new identity -> rename to data.dir/data.mdb
 *
 * Until the rename data.dir holds no store, so one that was killed on the way is begun anew.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/persister/backup_seal.h"
#include "broker/persister/store.h"
#include "broker/persister/tool.h"

#define TEMPORARY "restore.tmp"
#define PATH      4096

struct restoring {
    const struct rc_tool_options *options;
    char dir[PATH], data[PATH + 16]; /* restore.tmp and its data.mdb */
    char target[PATH];
};

static __attribute__((format(printf, 2, 3))) enum rc_exit fail(enum rc_exit code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("roomcast-persister: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

/* ---- the directory ----------------------------------------------------------------------------------------------- */

/* What a directory may hold and still count as empty. */
static bool counts(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, TEMPORARY) != 0 &&
           strcmp(name, "lost+found") != 0;
}

static enum rc_exit check_empty(const char *dir)
{
    enum rc_exit code = RC_EXIT_OK;
    DIR *d = opendir(dir);
    const struct dirent *e;
    if (!d)
        return fail(RC_EXIT_DATA, "data.dir %s cannot be read: %s", dir, strerror(errno));
    while (code == RC_EXIT_OK && (e = readdir(d)))
        if (counts(e->d_name))
            code = fail(RC_EXIT_DATA, "data.dir %s is not empty, it has %s; give an empty directory, or one to be made",
                        dir, e->d_name);
    closedir(d);
    return code;
}

static void clean(const struct restoring *r)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "persister.lock"};
    char path[PATH + 32];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", r->dir, names[i]);
        unlink(path);
    }
    rmdir(r->dir);
}

static enum rc_exit make_directories(const struct restoring *r)
{
    const char *dir = r->options->data_dir;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fail(RC_EXIT_DATA, "data.dir %s cannot be made: %s", dir, strerror(errno));
    enum rc_exit code = check_empty(dir);
    if (code != RC_EXIT_OK)
        return code;
    clean(r);
    if (mkdir(r->dir, 0700) != 0)
        return fail(RC_EXIT_DATA, "data.dir %s cannot be written: %s: %s", dir, TEMPORARY, strerror(errno));
    return RC_EXIT_OK;
}

static bool sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* ---- the store --------------------------------------------------------------------------------------------------- */

static enum rc_exit copy(const struct restoring *r)
{
    char why[256];
    bool broken = false;
    const char *source = r->options->restore;
    int from = open(source, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return fail(RC_EXIT_INPUT, "backup %s cannot be read: %s", source, strerror(errno));
    int to = open(r->data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    snprintf(why, sizeof why, "the copy cannot be made: %s", strerror(errno));
    bool copied = to >= 0 && rc_seal_copy(from, to, &broken, why, sizeof why);
    if (copied && fsync(to) != 0) {
        snprintf(why, sizeof why, "the copy cannot be synced: %s", strerror(errno));
        copied = false;
    }
    if (to >= 0)
        close(to);
    close(from);
    return copied ? RC_EXIT_OK : fail(broken ? RC_EXIT_INPUT : RC_EXIT_DATA, "backup %s: %s", source, why);
}

/* Brings it to this program's format, too. */
static enum rc_exit renew(const struct restoring *r, uint64_t *messages)
{
    char why[1024];
    struct rc_store_info info;
    struct rc_store *store = rc_store_open(r->dir, (uint64_t)r->options->map_size, why, sizeof why);
    if (!store)
        return fail(RC_EXIT_DATA, "%s", why);
    enum rc_store_result result = rc_store_renew_identity(store);
    *messages = rc_store_info(store, &info) ? info.rows : 0;
    rc_store_close(store);
    return result == RC_STORE_OK ? RC_EXIT_OK
                                 : fail(RC_EXIT_DATA, "data.dir %s: %s", r->dir, rc_store_result_text(result));
}

static enum rc_exit move(const struct restoring *r)
{
    const char *dir = r->options->data_dir;
    if (renameat2(AT_FDCWD, r->data, AT_FDCWD, r->target, RENAME_NOREPLACE) != 0)
        return fail(RC_EXIT_DATA, "%s: %s", r->target, strerror(errno));
    clean(r);
    return sync_path(dir) ? RC_EXIT_OK : fail(RC_EXIT_DATA, "data.dir %s cannot be synced: %s", dir, strerror(errno));
}

enum rc_exit rc_tool_restore(const struct rc_tool_options *options)
{
    struct restoring r = {.options = options};
    uint64_t messages = 0;
    if (snprintf(r.dir, sizeof r.dir, "%s/" TEMPORARY, options->data_dir) >= PATH - 1)
        return fail(RC_EXIT_DATA, "data.dir is too long");
    snprintf(r.data, sizeof r.data, "%s/data.mdb", r.dir);
    snprintf(r.target, sizeof r.target, "%s/data.mdb", options->data_dir);
    enum rc_exit code = make_directories(&r);
    if (code != RC_EXIT_OK)
        return code;
    code = copy(&r);
    if (code == RC_EXIT_OK)
        code = renew(&r, &messages);
    if (code == RC_EXIT_OK)
        code = rc_tool_check(r.dir, false);
    if (code == RC_EXIT_OK)
        code = move(&r);
    if (code == RC_EXIT_OK)
        printf("data.dir %s: %llu messages of %s\n", options->data_dir, (unsigned long long)messages, options->restore);
    else
        clean(&r);
    return code;
}
