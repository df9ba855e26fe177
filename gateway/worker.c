/* The thread that owns client sockets: its loop, its mailbox and its layers put together. */
#include "gateway/worker.h"

#include "clock.h"
#include "cluster/map.h"
#include "cluster/mem.h"
#include "cluster/pool.h"
#include "exit.h"
#include "gateway/eio/eio_http.h"
#include "gateway/net/listener.h"
#include "gateway/net/net.h"
#include "gateway/relay/edge.h"
#include "gateway/relay/home.h"
#include "gateway/sio/sio.h"
#include "log.h"
#include "mailbox.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SLEEP_LONGEST (50 * RC_MS) /* so that the link loop sees a worker turn (G8) */

struct letter {
    struct rc_mail mail; /* first */
    struct rc_down down;
};

struct query {
    rc_rows_cb rows;
    void *self;
};

struct rc_worker {
    struct rc_worker_config config;
    pthread_t thread;
    bool started;
    atomic_bool stop; /* asked to end */
    atomic_bool done; /* has ended: nothing more is posted */
    _Atomic rc_time turned;
    rc_gateway_values values;

    struct event_base *base;
    struct event *tick; /* turns the wheel while nothing else happens */
    struct event *wake; /* of the mailbox */
    struct rc_mailbox *mailbox;
    struct rc_mail *taken; /* letters that did not fit into the last pass */
    struct rc_wheel wheel;
    struct rc_listener *listener;
    struct rc_net *net;
    struct rc_http_server *http;
    struct rc_eio_server *eio;
    struct rc_sio *sio;
    struct rc_edge *edge; /* clients whose session another gateway has */
    struct rc_home *home; /* clients of sessions here that are connected to another gateway */
    char *route;          /* path of Engine.IO with a star */

    struct rc_map queries; /* number (8 bytes) -> struct query */
    uint64_t last_query;
};

static void post_up(struct rc_worker *w, struct rc_up *up)
{
    w->config.uplink.post(w->config.uplink.host, up);
}

/* Mail */

static void letter_free(struct rc_mail *mail)
{
    struct letter *letter = (struct letter *)mail;
    if (letter->down.kind == RC_DOWN_DELIVER)
        rc_msg_rele(&letter->down.msg);
    else if (letter->down.kind == RC_DOWN_ROWS)
        rc_buf_rele(letter->down.side);
    else if (letter->down.kind == RC_DOWN_RELAY)
        rc_buf_rele(letter->down.relay.data);
    else if (letter->down.kind == RC_DOWN_ARRIVE && letter->down.connection)
        rc_net_discard(letter->down.connection);
    rc_pool_put(letter, sizeof(*letter));
}

bool rc_worker_post(struct rc_worker *w, const struct rc_down *down, size_t bytes)
{
    struct letter *letter = rc_pool_take(sizeof(*letter));
    letter->down = *down;
    if (rc_mailbox_post(w->mailbox, &letter->mail, sizeof(*letter) + bytes, down->kind != RC_DOWN_DELIVER))
        return true;
    rc_pool_put(letter, sizeof(*letter));
    return false;
}

static void take_rows(struct rc_worker *w, const struct rc_down *down)
{
    struct query *query = rc_map_del(&w->queries, &down->query, sizeof(down->query));
    if (!query)
        return;
    query->rows(query->self, down->side);
    free(query);
}

static void take_relay(struct rc_worker *w, const struct rc_relay *relay)
{
    if (relay->stream & RC_RELAY_GUEST)
        rc_home_down(w->home, relay);
    else
        rc_edge_down(w->edge, relay);
}

/* Speaks HTTP on a connection that is in our net. */
static void speak(struct rc_worker *w, struct rc_stream *stream)
{
    if (stream && !rc_http_open(w->http, stream))
        rc_stream_close(stream, RC_CLOSE_MEMORY);
}

static void take_arrival(struct rc_worker *w, struct rc_down *down)
{
    struct rc_stream *stream = down->connection;
    down->connection = NULL;
    rc_net_arrive(w->net, stream);
    if (atomic_load_explicit(&w->stop, memory_order_relaxed))
        rc_stream_close(stream, RC_CLOSE_SHUTDOWN); /* all the others were */
    else
        speak(w, stream);
}

/* Sessions first, here or on a relay; what has none are requests, and clients whose session another gateway has. */
static void take_drain(struct rc_worker *w, size_t count)
{
    rc_listener_free(w->listener);
    w->listener = NULL;
    rc_http_server_drain(w->http);
    rc_eio_server_drain(w->eio);
    rc_sio_drain(w->sio);
    size_t closed = rc_eio_server_close_some(w->eio, count, RC_CLOSE_SHUTDOWN);
    rc_net_close_some(w->net, count - closed, RC_CLOSE_SHUTDOWN);
}

static void open_letter(struct rc_worker *w, struct rc_down *down)
{
    struct rc_up passed = {.kind = RC_UP_PASSED, .barrier = down->barrier};
    switch (down->kind) {
    case RC_DOWN_DELIVER:
        rc_sio_deliver(w->sio, &down->msg);
        break;
    case RC_DOWN_BARRIER:
        post_up(w, &passed);
        break;
    case RC_DOWN_ROWS:
        take_rows(w, down);
        break;
    case RC_DOWN_DRAIN:
        take_drain(w, down->count);
        break;
    case RC_DOWN_RELAY:
        take_relay(w, &down->relay);
        break;
    case RC_DOWN_ARRIVE:
        take_arrival(w, down);
        break;
    case RC_DOWN_FENCED:
        rc_log(RC_WARN, "worker-fenced", "worker=%u connections=%" PRIu64, w->config.index,
               rc_metric_get(&w->values[GM_CONNECTIONS]));
        rc_sio_close_all(w->sio, RC_CLOSE_FENCED);
        break;
    default:
        rc_sio_down(w->sio, down);
    }
}

/* True: there is more than a pass may hold. */
static bool take_mail(struct rc_worker *w)
{
    rc_time end = rc_clock_now() + RC_PASS_US;
    size_t bytes = 0;
    if (!w->taken)
        w->taken = rc_mailbox_take_all(w->mailbox);
    while (w->taken && bytes < RC_PASS_BYTES && rc_clock_now() < end) {
        struct rc_mail *mail = w->taken;
        w->taken = mail->next;
        bytes += mail->bytes;
        open_letter(w, &((struct letter *)mail)->down);
        letter_free(mail);
    }
    return w->taken != NULL;
}

/* The loop */

static void nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg; /* waking the loop was all: turn() does the work */
}

/* One round of events. */
static void wait_for_events(struct rc_worker *w, bool more)
{
    rc_time wait = rc_wheel_wait(&w->wheel, SLEEP_LONGEST);
    const struct timeval limit = {0, (suseconds_t)wait};
    event_add(w->tick, &limit);
    event_base_loop(w->base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0));
}

/* What every pass does after its round of events. True: do not wait before the next. */
static bool turn(struct rc_worker *w)
{
    bool mail = take_mail(w);
    rc_wheel_advance(&w->wheel, rc_clock_now());
    rc_home_turn(w->home);
    bool net = rc_net_turn(w->net);
    rc_edge_turn(w->edge);
    atomic_store_explicit(&w->turned, rc_clock_now(), memory_order_relaxed);
    return mail || net || rc_home_waits(w->home);
}

/* What has not ended yet: connections, guests, and sessions that end by a timer since no connection holds them. */
static size_t clients(struct rc_worker *w)
{
    return rc_net_count(w->net) + rc_home_count(w->home) + rc_metric_get(&w->values[GM_POLLING]);
}

/* Ends all connections, giving them the time to read what is queued. */
static void wind_up(struct rc_worker *w)
{
    rc_time end = rc_clock_now() + RC_NET_LINGER_US;
    rc_listener_free(w->listener);
    w->listener = NULL;
    rc_eio_server_close_polling(w->eio, RC_CLOSE_SHUTDOWN);
    rc_home_close_all(w->home, RC_CLOSE_SHUTDOWN);
    rc_net_close_all(w->net, RC_CLOSE_SHUTDOWN);
    while (turn(w) || (clients(w) && rc_clock_now() < end))
        wait_for_events(w, false);
}

static void *run(void *arg)
{
    struct rc_worker *w = arg;
    bool more = false;
    while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
        wait_for_events(w, more);
        more = turn(w);
    }
    wind_up(w);
    atomic_store_explicit(&w->done, true, memory_order_release);
    return NULL;
}

/* Making and ending it */

static void on_accepted(void *self, int fd, const struct sockaddr *peer)
{
    struct rc_worker *w = self;
    /* The kernel gives the lowest descriptor that is free: it says how many the whole process uses. */
    rc_eio_server_full(w->eio, w->config.descriptors && fd >= w->config.descriptors);
    speak(w, rc_net_adopt(w->net, fd, peer));
}

/* The session of a request is in another worker, or in another gateway. */

static void on_moved(void *self, struct rc_stream *stream, unsigned worker)
{
    struct rc_up up = {.kind = RC_UP_MOVE, .connection = stream, .worker = worker};
    post_up(self, &up);
}

static void move(struct rc_worker *w, unsigned worker, const struct rc_http_request *request,
                 struct rc_response *response)
{
    struct rc_buf *head = rc_http_request_text(request, NULL);
    struct rc_stream *stream = rc_response_leave(response);
    if (stream && head && rc_net_owns(stream)) {
        rc_metric_add(&w->values[GM_MOVED], 1);
        rc_net_move(stream, head, worker);
    } else if (stream) { /* no honest gateway relays a request to another worker than its session's */
        stream->user = NULL;
        rc_stream_close(stream, head ? RC_CLOSE_HTTP_BAD : RC_CLOSE_MEMORY);
    }
    rc_buf_rele(head);
}

static void on_elsewhere(void *self, const struct rc_sid *sid, const struct rc_http_request *request,
                         struct rc_response *response)
{
    struct rc_worker *w = self;
    if (sid->gateway != w->config.gateway)
        rc_edge_request(w->edge, sid, request, response);
    else if (sid->worker < w->config.workers)
        move(w, sid->worker, request, response);
    else
        rc_eio_refuse_unknown(response, request->upgrade);
}

static bool make_loop(struct rc_worker *w)
{
    w->base = event_base_new();
    w->mailbox = rc_mailbox_new(w->config.mailbox_max);
    if (!w->base || !w->mailbox)
        return false;
    w->tick = event_new(w->base, -1, 0, nothing, NULL);
    w->wake = event_new(w->base, rc_mailbox_fd(w->mailbox), EV_READ | EV_PERSIST, nothing, NULL);
    return w->tick && w->wake && event_add(w->wake, NULL) == 0;
}

static bool make_layers(struct rc_worker *w)
{
    const struct rc_worker_config *c = &w->config;
    w->net = rc_net_new(&(struct rc_net_config){.base = w->base,
                                                .wheel = &w->wheel,
                                                .values = w->values,
                                                .queue_max = c->queue_max,
                                                .moved = on_moved,
                                                .host = w,
                                                .pass_us = RC_PASS_US,
                                                .pass_bytes = RC_PASS_BYTES});
    w->http = rc_http_server_new(&w->wheel, w->values);
    w->sio = rc_sio_new(&(struct rc_sio_config){.worker = c->index,
                                                .connect_timeout = c->connect_timeout * RC_MS,
                                                .nsp = c->nsp,
                                                .app = c->app,
                                                .uplink = c->uplink,
                                                .wheel = &w->wheel,
                                                .values = w->values});
    w->eio = rc_eio_server_new(&(struct rc_eio_config){.ping_interval = c->ping_interval * RC_MS,
                                                       .ping_timeout = c->ping_timeout * RC_MS,
                                                       .max_payload = c->max_payload,
                                                       .queue_max = c->queue_max,
                                                       .handshakes_max = c->handshakes_max,
                                                       .gateway = c->gateway,
                                                       .worker = (uint8_t)c->index,
                                                       .wheel = &w->wheel,
                                                       .now = rc_clock_now,
                                                       .values = w->values,
                                                       .user = c->engine ? c->engine : &rc_sio_user,
                                                       .host = w->sio,
                                                       .guard = c->guard,
                                                       .elsewhere = on_elsewhere,
                                                       .desk = w});
    w->edge = rc_edge_new(c->index, &c->uplink, w->values);
    w->home = rc_home_new(&(struct rc_home_config){
        .http = w->http, .wheel = &w->wheel, .uplink = c->uplink, .values = w->values, .queue_max = c->queue_max});
    w->route = rc_zalloc(strlen(c->path) + 2);
    sprintf(w->route, "%s*", c->path);
    rc_http_route_body(w->http, w->route, rc_eio_request, w->eio);
    return w->net != NULL;
}

struct rc_worker *rc_worker_new(const struct rc_worker_config *config, int *exit_code, char *error, size_t size)
{
    struct rc_worker *w = rc_zalloc(sizeof(*w));
    w->config = *config;
    rc_wheel_init(&w->wheel, rc_clock_now());
    rc_map_init(&w->queries, 0);
    atomic_store(&w->turned, rc_clock_now());
    if (!make_loop(w) || !make_layers(w)) {
        *exit_code = RC_EXIT_INTERNAL;
        snprintf(error, size, "cannot make worker %u: %s", config->index, strerror(errno));
        rc_worker_free(w);
        return NULL;
    }
    struct rc_listener_config listen = {.base = w->base,
                                        .wheel = &w->wheel,
                                        .values = w->values,
                                        .address = config->listen,
                                        .first = config->index == 0,
                                        .accepted = on_accepted,
                                        .self = w};
    w->listener = rc_listener_new(&listen, exit_code, error, size);
    if (!w->listener) {
        rc_worker_free(w);
        return NULL;
    }
    return w;
}

uint16_t rc_worker_port(const struct rc_worker *w)
{
    return rc_listener_port(w->listener);
}

struct rc_http_server *rc_worker_http(struct rc_worker *w)
{
    return w->http;
}

bool rc_worker_start(struct rc_worker *w)
{
    atomic_store(&w->turned, rc_clock_now());
    errno = pthread_create(&w->thread, NULL, run, w);
    w->started = errno == 0;
    return w->started;
}

void rc_worker_drain(struct rc_worker *w, size_t count)
{
    rc_worker_post(w, &(struct rc_down){.kind = RC_DOWN_DRAIN, .count = count}, 0);
}

size_t rc_worker_clients(struct rc_worker *w)
{
    return rc_metric_get(&w->values[GM_CONNECTIONS]) + rc_metric_get(&w->values[GM_POLLING]) +
           rc_metric_get(&w->values[GM_GUESTS]);
}

void rc_worker_end(struct rc_worker *w)
{
    atomic_store_explicit(&w->stop, true, memory_order_release);
    rc_worker_post(w, &(struct rc_down){.kind = RC_DOWN_PAUSE}, 0); /* of no socket: only wakes it */
}

bool rc_worker_ended(const struct rc_worker *w)
{
    return atomic_load_explicit(&w->done, memory_order_acquire);
}

void rc_worker_stop(struct rc_worker *w)
{
    if (!w->started)
        return;
    rc_worker_end(w);
    pthread_join(w->thread, NULL);
    w->started = false;
}

static void answer_queries(struct rc_worker *w)
{
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&w->queries, entry, next) {
        struct query *query = entry->value;
        query->rows(query->self, NULL);
        free(query);
    }
    rc_map_fini(&w->queries);
}

void rc_worker_free(struct rc_worker *w)
{
    if (!w)
        return;
    rc_listener_free(w->listener);
    rc_home_free(w->home);
    rc_net_free(w->net);
    answer_queries(w);
    while (w->taken) {
        struct rc_mail *mail = w->taken;
        w->taken = mail->next;
        letter_free(mail);
    }
    rc_edge_free(w->edge);
    rc_eio_server_free(w->eio);
    rc_sio_free(w->sio);
    rc_http_server_free(w->http);
    if (w->tick)
        event_free(w->tick);
    if (w->wake)
        event_free(w->wake);
    rc_mailbox_free(w->mailbox, letter_free);
    if (w->base)
        event_base_free(w->base);
    free(w->route);
    free(w);
}

void rc_worker_set_mailbox(struct rc_worker *w, size_t bound)
{
    rc_mailbox_set_bound(w->mailbox, bound);
}

rc_time rc_worker_turned(const struct rc_worker *w)
{
    return atomic_load_explicit(&w->turned, memory_order_relaxed);
}

_Atomic uint64_t *rc_worker_values(struct rc_worker *w)
{
    return w->values;
}

void rc_worker_query(struct rc_worker *w, struct rc_buf *side, rc_rows_cb rows, void *self)
{
    struct query *query = rc_zalloc(sizeof(*query));
    struct rc_up up = {.kind = RC_UP_QUERY, .query = (uint64_t)w->config.index << 48 | ++w->last_query, .side = side};
    *query = (struct query){rows, self};
    rc_map_put(&w->queries, &up.query, sizeof(up.query))->value = query;
    post_up(w, &up);
}
