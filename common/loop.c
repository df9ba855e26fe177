/* The event loop of a thread: a thin cover over libevent's. */
#include "loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "log.h"

struct rc_watch {
    LIST_ENTRY(rc_watch) link; /* in its loop's list */
    struct event *event;       /* owned */
    rc_loop_cb cb;
    void *arg;
    bool once; /* freed when it fires */
};

struct rc_loop {
    struct event_base *base; /* owned; no locks, one thread */
    LIST_HEAD(, rc_watch) watches;
    bool stopped; /* libevent forgets a break that comes before it runs */
};

struct rc_loop *rc_loop_new(void)
{
    struct rc_loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        return NULL;
    }
    LIST_INIT(&loop->watches);
    struct event_config *config = event_config_new();
    if (config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (!loop->base) {
        free(loop);
        return NULL;
    }
    return loop;
}

void rc_loop_free(struct rc_loop *loop)
{
    if (!loop) {
        return;
    }
    while (!LIST_EMPTY(&loop->watches)) {
        rc_watch_free(LIST_FIRST(&loop->watches));
    }
    event_base_free(loop->base);
    free(loop);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct rc_watch *watch = arg;
    rc_loop_cb cb = watch->cb;
    void *cb_arg = watch->arg;
    if (watch->once) {
        rc_watch_free(watch);
    }
    cb(cb_arg);
}

static struct rc_watch *watch_new(struct rc_loop *loop, int fd, short what, int64_t ms, rc_loop_cb cb, void *arg)
{
    struct timeval after = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    struct rc_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        return NULL;
    }
    watch->cb = cb;
    watch->arg = arg;
    watch->event = event_new(loop->base, fd, what, on_event, watch);
    if (!watch->event || event_add(watch->event, ms >= 0 ? &after : NULL) != 0) {
        if (watch->event) {
            event_free(watch->event);
        }
        free(watch);
        return NULL;
    }
    LIST_INSERT_HEAD(&loop->watches, watch, link);
    return watch;
}

struct rc_watch *rc_loop_fd(struct rc_loop *loop, int fd, rc_loop_cb cb, void *arg)
{
    return watch_new(loop, fd, EV_READ | EV_PERSIST, -1, cb, arg);
}

struct rc_watch *rc_loop_every(struct rc_loop *loop, int64_t ms, rc_loop_cb cb, void *arg)
{
    return watch_new(loop, -1, EV_PERSIST, ms, cb, arg);
}

struct rc_watch *rc_loop_once(struct rc_loop *loop, int64_t ms, rc_loop_cb cb, void *arg)
{
    struct rc_watch *watch = watch_new(loop, -1, 0, ms, cb, arg);
    if (watch) {
        watch->once = true;
    }
    return watch;
}

struct rc_watch *rc_loop_signal(struct rc_loop *loop, int signo, rc_loop_cb cb, void *arg)
{
    return watch_new(loop, signo, EV_SIGNAL | EV_PERSIST, -1, cb, arg);
}

void rc_watch_free(struct rc_watch *watch)
{
    if (!watch) {
        return;
    }
    LIST_REMOVE(watch, link);
    event_free(watch->event);
    free(watch);
}

bool rc_loop_run(struct rc_loop *loop)
{
    bool ok = loop->stopped || event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) >= 0;
    if (!ok) {
        rc_log_event(RC_ERROR, "loop-failed");
    }
    loop->stopped = false;
    return ok;
}

void rc_loop_stop(struct rc_loop *loop)
{
    loop->stopped = true;
    event_base_loopbreak(loop->base);
}

struct event_base *rc_loop_base(struct rc_loop *loop)
{
    return loop->base;
}
