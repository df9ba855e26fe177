/* An epoll set below an event base. */
#include "gateway/net/poller.h"

#include "clock.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 512 /* sockets of one round of the base; those behind them come with the next */

struct rc_poller {
    int fd;
    struct event *event; /* of fd */
    rc_poller_ready ready;
};

/* A broken socket shows by what one tries with it. */
static uint32_t meaning(uint32_t events)
{
    bool broken = events & EPOLLERR || (events & EPOLLHUP && !(events & EPOLLRDHUP));
    return broken ? events | EPOLLIN | EPOLLOUT : events;
}

/* Begins with any of them: the kernel names sockets that stay ready in the same order each time, and whoever is not read in this
 * pass, since the others before it used it up, would not be in the next one either. */
static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    const struct rc_poller *poller = arg;
    struct epoll_event ready[BATCH];
    int n = epoll_wait(fd, ready, BATCH, 0), first = n > 1 ? (int)(rc_random64() % (unsigned)n) : 0;
    (void)what;
    for (int i = 0; i < n; i++) {
        const struct epoll_event *event = &ready[(first + i) % n];
        poller->ready(event->data.ptr, meaning(event->events));
    }
}

struct rc_poller *rc_poller_new(struct event_base *base, rc_poller_ready ready)
{
    struct rc_poller *poller = calloc(1, sizeof(*poller));
    if (!poller)
        return NULL;
    poller->ready = ready;
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    poller->event = poller->fd < 0 ? NULL : event_new(base, poller->fd, EV_READ | EV_PERSIST, on_ready, poller);
    if (!poller->event || event_add(poller->event, NULL) != 0) {
        rc_poller_free(poller);
        return NULL;
    }
    return poller;
}

void rc_poller_free(struct rc_poller *poller)
{
    if (!poller)
        return;
    if (poller->event)
        event_free(poller->event);
    if (poller->fd >= 0)
        close(poller->fd);
    free(poller);
}

bool rc_poller_want(struct rc_poller *poller, int fd, uint32_t now, uint32_t want, void *item)
{
    struct epoll_event event = {.events = want, .data.ptr = item};
    if (now == want)
        return true;
    return epoll_ctl(poller->fd, !now ? EPOLL_CTL_ADD : !want ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, &event) == 0;
}
