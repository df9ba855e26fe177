/* The skeleton that the daemons share: loop, signals, life-cycle lines. */
#include "daemon.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"

static void on_stop(void *arg)
{
    struct rc_daemon *d = arg;
    rc_log(RC_INFO, "stopping", "again=%s", d->stopping ? "yes" : "no");
    if (d->stopping || !d->stop) {
        d->stopping = true;
        rc_loop_stop(d->loop);
        return;
    }
    d->stopping = true;
    d->stop(d->arg);
}

static void on_hangup(void *arg)
{
    struct rc_daemon *d = arg;
    if (d->hangup) {
        d->hangup(d->arg);
    }
}

/* Every client is a descriptor, and the default of many systems is 1024. */
static void raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        rc_log(RC_WARN, "open-files-limit", "wanted=%llu error=\"%s\"", (unsigned long long)limit.rlim_max,
               strerror(errno));
    }
}

/* Whoever wakes another thread goes on until it waits itself: on a busy core passes and batches grow, and nobody waits longer for
 * it where cores are free (docs/decisions/0011-batch-scheduling.md). Threads made later inherit it. */
static void schedule_as_batch(void)
{
    const struct sched_param param = {0};
    if (sched_getscheduler(0) == SCHED_OTHER && sched_setscheduler(0, SCHED_BATCH, &param) != 0) {
        rc_log(RC_DEBUG, "scheduling", "wanted=batch error=\"%s\"", strerror(errno));
    }
}

enum rc_exit rc_daemon_init(struct rc_daemon *d)
{
    d->ready = d->stopping = false;
    raise_open_files();
    schedule_as_batch();
    (void)signal(SIGPIPE, SIG_IGN);
    rc_log(RC_INFO, "starting", "role=%s version=%s pid=%ld", d->role, RC_VERSION, (long)getpid());
    d->loop = rc_loop_new();
    if (!d->loop || !rc_loop_signal(d->loop, SIGTERM, on_stop, d) || !rc_loop_signal(d->loop, SIGINT, on_stop, d) ||
        !rc_loop_signal(d->loop, SIGHUP, on_hangup, d)) {
        rc_loop_free(d->loop);
        d->loop = NULL;
        return rc_daemon_refuse(RC_EXIT_INTERNAL, "no event loop: %s", strerror(errno));
    }
    return RC_EXIT_OK;
}

void rc_daemon_ready(struct rc_daemon *d)
{
    if (!d->ready) {
        d->ready = true;
        rc_log(RC_INFO, "ready", "role=%s", d->role);
    }
}

enum rc_exit rc_daemon_run(struct rc_daemon *d)
{
    return rc_loop_run(d->loop) ? RC_EXIT_OK : RC_EXIT_INTERNAL;
}

enum rc_exit rc_daemon_fini(struct rc_daemon *d, enum rc_exit code)
{
    rc_loop_free(d->loop);
    d->loop = NULL;
    rc_log(RC_INFO, "stopped", "role=%s code=%d", d->role, (int)code);
    return code;
}

enum rc_exit rc_daemon_refuse(enum rc_exit code, const char *fmt, ...)
{
    char text[1024], quoted[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rc_log(RC_ERROR, "start-failed", "code=%d reason=%s", (int)code,
           rc_log_quote(quoted, sizeof quoted, text, strlen(text)));
    return code;
}
