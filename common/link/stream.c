/* Framed TCP connections on nng's byte streams. Facts about nng 1.5.2 that shape it: docs/decisions/0002-links.md. */
#include "link/stream.h"

#include "clock.h"
#include "link/task.h"
#include "log.h"

#include <arpa/inet.h>
#include <nng/supplemental/util/platform.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define HEAD   4                  /* bytes of a frame's length */
#define BUFFER ((size_t)64 << 10) /* receive buffer of a connection that may have large frames */
#define PAUSE  (100 * RC_MS)      /* after a failed accept */
#define GRACE  (1000 * RC_MS)     /* for nng to give everything back */

struct rc_streams {
    struct rc_tasks tasks;
    LIST_HEAD(rc_conn_list, rc_conn) conns; /* open ones and closed ones that nng still holds */
    LIST_HEAD(rc_dialer_list, rc_dialer) dialers;
    nng_stream_listener *listener; /* NULL: none */
    struct rc_task accept;
    rc_time accept_at; /* when to accept again after a failure; RC_NEVER: not due */
    void (*accepted)(void *arg, struct rc_conn *conn);
    void *arg;
};

struct rc_dialer {
    LIST_ENTRY(rc_dialer) link;
    struct rc_streams *s;
    nng_stream_dialer *dialer;
    struct rc_task task;
    void (*dialled)(void *arg, struct rc_conn *conn, const char *text);
    void *arg;
};

struct rc_conn {
    LIST_ENTRY(rc_conn) link;
    struct rc_streams *s;
    nng_stream *stream;
    struct rc_task rx, tx; /* tx: what the kernel did not take at once */
    nng_aio *now;          /* without a callback: see send_now */
    struct rc_conn_events events;
    void *arg;
    bool closed;
    bool in_call; /* an event is on the stack: do not free */
    size_t limit; /* bytes of the largest frame to accept */
    uint8_t *in;  /* received, not yet handed over */
    size_t in_len, in_cap;
    uint8_t *out; /* the frame under way, length first */
    size_t out_len, out_cap, out_done;
    char peer[64]; /* "host:port" */
};

/* ---- connections ---- */

static void conn_free(struct rc_conn *c)
{
    LIST_REMOVE(c, link);
    rc_task_fini(&c->rx);
    rc_task_fini(&c->tx);
    nng_aio_free(c->now);
    nng_stream_free(c->stream);
    free(c->in);
    free(c->out);
    free(c);
}

static void conn_reap(struct rc_conn *c)
{
    if (c->closed && !c->in_call && !c->rx.busy && !c->tx.busy)
        conn_free(c);
}

static void conn_shut(struct rc_conn *c)
{
    c->closed = true;
    nng_stream_close(c->stream); /* ends both aios */
}

void rc_conn_close(struct rc_conn *c)
{
    if (!c->closed)
        conn_shut(c);
    conn_reap(c);
}

static void conn_lost(struct rc_conn *c, enum rc_why why, const char *text)
{
    conn_shut(c);
    c->in_call = true;
    c->events.lost(c->arg, why, text);
    c->in_call = false;
    conn_reap(c);
}

static size_t frame_len(const uint8_t *head)
{
    return (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
}

/* Makes room for the frame that has begun. The stream is never read into a full buffer. */
static bool make_room(struct rc_conn *c)
{
    size_t want = c->limit + HEAD < BUFFER ? c->limit + HEAD : BUFFER;
    if (c->in_len >= HEAD && frame_len(c->in) + HEAD > want)
        want = frame_len(c->in) + HEAD; /* within the limit, take_frames saw to it */
    if (want <= c->in_cap)
        return true;
    uint8_t *in = realloc(c->in, want);
    if (!in)
        return false;
    c->in = in;
    c->in_cap = want;
    return true;
}

static void receive(struct rc_conn *c)
{
    if (!make_room(c)) {
        conn_lost(c, RC_WHY_OVERSIZED, "no memory for the frame");
        return;
    }
    nng_iov iov = {c->in + c->in_len, c->in_cap - c->in_len};
    nng_aio_set_iov(c->rx.aio, 1, &iov);
    nng_stream_recv(c->stream, rc_task_begin(&c->rx));
}

/* Hands over every whole frame. False: the connection was closed or lost meanwhile. */
static bool take_frames(struct rc_conn *c)
{
    size_t at = 0;
    enum rc_why bad = RC_WHY_COUNT;
    c->in_call = true;
    while (!c->closed && c->in_len - at >= HEAD) {
        size_t len = frame_len(c->in + at);
        if (!len || len > c->limit) {
            bad = len ? RC_WHY_OVERSIZED : RC_WHY_GARBAGE;
            break;
        }
        if (c->in_len - at - HEAD < len)
            break;
        c->events.frame(c->arg, c->in + at + HEAD, len);
        at += HEAD + len;
    }
    c->in_call = false;
    if (!c->closed && bad != RC_WHY_COUNT)
        conn_lost(c, bad, "bad frame length");
    else if (c->closed)
        conn_reap(c);
    else {
        c->in_len -= at;
        memmove(c->in, c->in + at, c->in_len);
        return true;
    }
    return false;
}

static void received(void *arg, int result)
{
    struct rc_conn *c = arg;
    if (c->closed) {
        conn_reap(c);
        return;
    }
    if (result) {
        conn_lost(c, RC_WHY_CLOSED, nng_strerror(result));
        return;
    }
    c->in_len += nng_aio_count(c->rx.aio);
    if (take_frames(c))
        receive(c);
}

static void send_rest(struct rc_conn *c, nng_aio *aio)
{
    nng_iov iov = {c->out + c->out_done, c->out_len - c->out_done};
    nng_aio_set_iov(aio, 1, &iov);
    nng_stream_send(c->stream, aio);
}

/*
 * What the kernel takes at once, in this thread: telling the loop of the end of every frame costs more than sending it (a task
 * thread, its locks, a wake-up of the loop). nng tries an operation before it parks it, and one without a callback ends where it
 * is; abort takes back what was parked, so nothing is waited for. False: the rest is left, for a full buffer or an error.
 */
static bool send_now(struct rc_conn *c)
{
    while (c->out_done < c->out_len) {
        send_rest(c, c->now);
        nng_aio_abort(c->now, NNG_EAGAIN);
        nng_aio_wait(c->now);
        if (nng_aio_result(c->now))
            return false;
        c->out_done += nng_aio_count(c->now);
    }
    c->out_len = 0;
    return true;
}

static void sent(void *arg, int result)
{
    struct rc_conn *c = arg;
    if (c->closed) {
        conn_reap(c);
        return;
    }
    if (result) {
        conn_lost(c, RC_WHY_CLOSED, nng_strerror(result));
        return;
    }
    c->out_done += nng_aio_count(c->tx.aio);
    if (c->out_done < c->out_len) {
        send_rest(c, rc_task_begin(&c->tx));
        return;
    }
    c->out_len = 0;
    c->in_call = true;
    c->events.sent(c->arg);
    c->in_call = false;
    conn_reap(c);
}

static void name_peer(struct rc_conn *c)
{
    nng_sockaddr sa;
    char host[INET6_ADDRSTRLEN] = "?";
    uint16_t port = 0;
    if (nng_stream_get_addr(c->stream, NNG_OPT_REMADDR, &sa) == 0) {
        if (sa.s_family == NNG_AF_INET) {
            inet_ntop(AF_INET, &sa.s_in.sa_addr, host, sizeof host);
            port = sa.s_in.sa_port;
        } else if (sa.s_family == NNG_AF_INET6) {
            inet_ntop(AF_INET6, sa.s_in6.sa_addr, host, sizeof host);
            port = sa.s_in6.sa_port;
        }
    }
    snprintf(c->peer, sizeof c->peer, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, ntohs(port));
}

/* Takes over the stream also when it fails. */
static struct rc_conn *conn_new(struct rc_streams *s, nng_stream *stream)
{
    struct rc_conn *c = calloc(1, sizeof *c);
    if (!c) {
        nng_stream_free(stream);
        return NULL;
    }
    c->s = s;
    c->stream = stream;
    LIST_INSERT_HEAD(&s->conns, c, link);
    if (rc_task_init(&c->rx, &s->tasks, received, c) || rc_task_init(&c->tx, &s->tasks, sent, c) ||
        nng_aio_alloc(&c->now, NULL, NULL)) {
        conn_free(c);
        return NULL;
    }
    name_peer(c);
    return c;
}

void rc_conn_start(struct rc_conn *c, const struct rc_conn_events *events, void *arg, size_t limit)
{
    c->events = *events;
    c->arg = arg;
    c->limit = limit;
    receive(c);
}

void rc_conn_limit(struct rc_conn *c, size_t limit)
{
    c->limit = limit;
}

uint8_t *rc_conn_room(struct rc_conn *c, size_t len)
{
    if (c->out_len || c->closed || len > UINT32_MAX)
        return NULL;
    if (HEAD + len > c->out_cap || (c->out_cap > BUFFER && HEAD + len <= BUFFER)) {
        size_t cap = HEAD + len > BUFFER ? HEAD + len : BUFFER; /* large ones are not kept for small frames */
        uint8_t *out = malloc(cap);
        if (!out)
            return NULL;
        free(c->out);
        c->out = out;
        c->out_cap = cap;
    }
    for (int i = 0; i < HEAD; i++)
        c->out[i] = (uint8_t)(len >> (24 - 8 * i));
    c->out_len = HEAD + len;
    c->out_done = 0;
    return c->out + HEAD;
}

bool rc_conn_send(struct rc_conn *c)
{
    bool through = send_now(c);
    if (!through)
        send_rest(c, rc_task_begin(&c->tx)); /* tells an error too */
    return through;
}

bool rc_conn_sending(const struct rc_conn *c)
{
    return c->out_len != 0;
}

const char *rc_conn_peer(const struct rc_conn *c)
{
    return c->peer;
}

/* ---- listening ---- */

static void accept_next(struct rc_streams *s)
{
    s->accept_at = RC_NEVER;
    nng_stream_listener_accept(s->listener, rc_task_begin(&s->accept));
}

static void accept_done(void *arg, int result)
{
    struct rc_streams *s = arg;
    if (result == NNG_ECLOSED)
        return;
    if (result) { /* out of descriptors, mostly: try again later instead of spinning */
        rc_log(RC_ERROR, "link-accept-failed", "reason=\"%s\"", nng_strerror(result));
        s->accept_at = rc_clock_now() + PAUSE;
        return;
    }
    struct rc_conn *c = conn_new(s, nng_aio_get_output(s->accept.aio, 0));
    if (c)
        s->accepted(s->arg, c);
    accept_next(s);
}

static bool refuse(char why[RC_LINK_WHY], const char *what, const char *address, int result)
{
    snprintf(why, RC_LINK_WHY, "%s %s: %s", what, address, nng_strerror(result));
    return false;
}

bool rc_streams_listen(struct rc_streams *s, const char *address, void (*accepted)(void *arg, struct rc_conn *conn),
                       void *arg, char why[RC_LINK_WHY])
{
    char url[RC_ADDR_MAX + 8];
    snprintf(url, sizeof url, "tcp://%s", address);
    int rv = nng_stream_listener_alloc(&s->listener, url);
    if (rv)
        return refuse(why, "cluster.listen: cannot use", address, rv);
    if (!(rv = nng_stream_listener_set_bool(s->listener, NNG_OPT_TCP_NODELAY, true)) &&
        !(rv = nng_stream_listener_set_bool(s->listener, NNG_OPT_TCP_KEEPALIVE, true)) &&
        !(rv = rc_task_init(&s->accept, &s->tasks, accept_done, s)))
        rv = nng_stream_listener_listen(s->listener);
    if (rv)
        return refuse(why, "cluster.listen: cannot listen on", address, rv);
    s->accepted = accepted;
    s->arg = arg;
    accept_next(s);
    return true;
}

uint16_t rc_streams_port(const struct rc_streams *s)
{
    int port = 0;
    if (s->listener)
        nng_stream_listener_get_int(s->listener, NNG_OPT_TCP_BOUND_PORT, &port);
    return (uint16_t)port;
}

/* ---- dialling ---- */

static void dial_done(void *arg, int result)
{
    struct rc_dialer *d = arg;
    struct rc_conn *c = result ? NULL : conn_new(d->s, nng_aio_get_output(d->task.aio, 0));
    d->dialled(d->arg, c, result ? nng_strerror(result) : c ? NULL : "out of memory");
}

struct rc_dialer *rc_dialer_new(struct rc_streams *s, const char *address,
                                void (*dialled)(void *arg, struct rc_conn *conn, const char *text), void *arg,
                                char why[RC_LINK_WHY])
{
    char url[RC_ADDR_MAX + 8];
    snprintf(url, sizeof url, "tcp://%s", address);
    struct rc_dialer *d = calloc(1, sizeof *d);
    if (!d) {
        refuse(why, "cannot dial", address, NNG_ENOMEM);
        return NULL;
    }
    int rv = nng_stream_dialer_alloc(&d->dialer, url);
    if (rv || (rv = nng_stream_dialer_set_bool(d->dialer, NNG_OPT_TCP_NODELAY, true)) ||
        (rv = nng_stream_dialer_set_bool(d->dialer, NNG_OPT_TCP_KEEPALIVE, true)) ||
        (rv = rc_task_init(&d->task, &s->tasks, dial_done, d))) {
        refuse(why, "cannot dial", address, rv);
        nng_stream_dialer_free(d->dialer);
        free(d);
        return NULL;
    }
    d->s = s;
    d->dialled = dialled;
    d->arg = arg;
    LIST_INSERT_HEAD(&s->dialers, d, link);
    return d;
}

void rc_dialer_dial(struct rc_dialer *d, rc_time timeout)
{
    nng_aio_set_timeout(d->task.aio, (nng_duration)(timeout / RC_MS));
    nng_stream_dialer_dial(d->dialer, rc_task_begin(&d->task));
}

/* ---- all together ---- */

struct rc_streams *rc_streams_new(void)
{
    struct rc_streams *s = calloc(1, sizeof *s);
    if (!s || !rc_tasks_init(&s->tasks)) {
        free(s);
        return NULL;
    }
    s->accept_at = RC_NEVER;
    return s;
}

int rc_streams_fd(const struct rc_streams *s)
{
    return rc_mailbox_fd(s->tasks.mailbox);
}

void rc_streams_process(struct rc_streams *s)
{
    rc_tasks_run(&s->tasks);
    if (s->accept_at != RC_NEVER && rc_clock_now() >= s->accept_at)
        accept_next(s);
}

static void swallow_accepted(void *arg, struct rc_conn *conn)
{
    (void)arg;
    rc_conn_close(conn);
}

static void swallow_dialled(void *arg, struct rc_conn *conn, const char *text)
{
    (void)arg;
    (void)text;
    if (conn)
        rc_conn_close(conn);
}

static void close_all(struct rc_streams *s)
{
    struct rc_conn *c, *next;
    struct rc_dialer *d;
    s->accepted = swallow_accepted;
    if (s->listener)
        nng_stream_listener_close(s->listener);
    LIST_FOREACH (d, &s->dialers, link) {
        d->dialled = swallow_dialled;
        nng_stream_dialer_close(d->dialer);
    }
    for (c = LIST_FIRST(&s->conns); c; c = next) {
        next = LIST_NEXT(c, link);
        rc_conn_close(c);
    }
}

static void free_all(struct rc_streams *s)
{
    struct rc_dialer *d;
    while ((d = LIST_FIRST(&s->dialers))) {
        LIST_REMOVE(d, link);
        rc_task_fini(&d->task);
        nng_stream_dialer_free(d->dialer);
        free(d);
    }
    rc_task_fini(&s->accept);
    nng_stream_listener_free(s->listener);
    rc_tasks_fini(&s->tasks);
    free(s);
}

void rc_streams_free(struct rc_streams *s)
{
    if (!s)
        return;
    close_all(s);
    if (rc_tasks_settle(&s->tasks, GRACE))
        free_all(s);
    else
        rc_log(RC_WARN, "link-leaked", "operations=%zu reason=\"nng did not give them back in time\"", s->tasks.busy);
}
