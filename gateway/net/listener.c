/* Accepting clients. */
#include "gateway/net/listener.h"

#include "addr.h"
#include "exit.h"
#include "log.h"

#include <errno.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 4096

struct rc_listener {
    struct rc_listener_config config;
    struct evconnlistener *listener;
    struct rc_timer pause; /* set while accepting is paused */
};

/* NULL with *exit_code and error set. */
static struct addrinfo *resolve(const char *text, int *exit_code, char *error, size_t size)
{
    struct rc_addr addr;
    const char *wrong = rc_addr_parse(text, &addr);
    if (wrong) {
        *exit_code = RC_EXIT_CONFIG;
        snprintf(error, size, "listen: '%s' %s; it must be host:port", text, wrong);
        return NULL;
    }
    char port[8];
    snprintf(port, sizeof(port), "%u", addr.port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    int failed = getaddrinfo(addr.host, port, &hints, &found);
    if (failed) {
        *exit_code = RC_EXIT_UNAVAILABLE;
        snprintf(error, size, "listen: cannot find the address of '%s': %s", text, gai_strerror(failed));
        return NULL;
    }
    return found;
}

/* Whether nobody listens there: a bind without SO_REUSEPORT fails if somebody does. */
static bool is_free(const struct addrinfo *where)
{
    int on = 1, fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    bool bound = bind(fd, where->ai_addr, where->ai_addrlen) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return bound;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int len, void *arg)
{
    struct rc_listener *l = arg;
    (void)listener;
    (void)len;
    l->config.accepted(l->config.self, fd, peer);
}

static void resume(struct rc_timer *timer)
{
    struct rc_listener *l = (struct rc_listener *)((char *)timer - offsetof(struct rc_listener, pause));
    evconnlistener_enable(l->listener);
}

/* Out of descriptors: the level-triggered listener would spin. Clients wait in the backlog. */
static void on_error(struct evconnlistener *listener, void *arg)
{
    struct rc_listener *l = arg;
    int error = errno;
    evconnlistener_disable(listener);
    rc_timer_set(l->config.wheel, &l->pause, RC_ACCEPT_PAUSE_US, resume);
    rc_metric_add(&l->config.values[GM_ACCEPT_PAUSES], 1);
    if (rc_metric_get(&l->config.values[GM_ACCEPT_PAUSES]) % 100 == 1) /* every 10 s while it lasts */
        rc_log(RC_WARN, "accept-paused", "listen=%s error=\"%s\"", l->config.address, strerror(error));
}

static struct evconnlistener *listen_at(struct rc_listener *l, const struct addrinfo *where)
{
    unsigned flags = LEV_OPT_REUSEABLE | LEV_OPT_REUSEABLE_PORT | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE;
    if (l->config.first && !is_free(where))
        return NULL;
    struct evconnlistener *listener =
        evconnlistener_new_bind(l->config.base, on_accept, l, flags, BACKLOG, where->ai_addr, (int)where->ai_addrlen);
    int on = 1;
    if (listener) /* we coalesce ourselves; what is accepted inherits it */
        setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return listener;
}

struct rc_listener *rc_listener_new(const struct rc_listener_config *config, int *exit_code, char *error, size_t size)
{
    struct addrinfo *where = resolve(config->address, exit_code, error, size);
    if (!where)
        return NULL;
    struct rc_listener *l = calloc(1, sizeof(*l));
    if (l) {
        l->config = *config;
        l->listener = listen_at(l, where);
    }
    freeaddrinfo(where);
    if (!l || !l->listener) {
        *exit_code = RC_EXIT_UNAVAILABLE;
        snprintf(error, size, "listen: cannot listen on '%s': %s", config->address, strerror(errno));
        free(l);
        return NULL;
    }
    evconnlistener_set_error_cb(l->listener, on_error);
    return l;
}

uint16_t rc_listener_port(const struct rc_listener *l)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.any = {0}};
    socklen_t len = sizeof(address);
    if (getsockname(evconnlistener_get_fd(l->listener), &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

void rc_listener_free(struct rc_listener *l)
{
    if (!l)
        return;
    rc_timer_stop(&l->pause);
    evconnlistener_free(l->listener);
    free(l);
}
