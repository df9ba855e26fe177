/* Client connections on libevent. */
#include "gateway/net/net.h"

#include "clock.h"
#include "gateway/net/frame_queue.h"
#include "gateway/net/inlet.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_MAX 64 /* of one system call */

enum state { OPEN, MOVING, CLOSING, LINGERING };

struct rc_conn {
    struct rc_stream stream; /* first: a stream is its connection */
    struct rc_net *net;
    struct event event;             /* its fd, and what is asked of the kernel: see interest() */
    TAILQ_ENTRY(rc_conn) link;      /* in net->all */
    TAILQ_ENTRY(rc_conn) list_link; /* in net->dead while CLOSING or MOVING, else in net->dirty, valid with dirty */
    struct rc_frame_queue queue;    /* output; its bytes are stream.queued */
    struct rc_inlet inlet;
    union {
        struct departure *departure; /* while MOVING */
        struct farewell *farewell;   /* while LINGERING */
    };
    uint64_t bytes_in;
    rc_time since;       /* when it was accepted */
    uint8_t state;       /* enum state */
    uint8_t why;         /* enum rc_close, valid from CLOSING */
    bool dirty : 1;      /* has chores for the next turn */
    bool waiting : 1;    /* the kernel took no more; EV_WRITE is on */
    bool broken : 1;     /* nothing can be written any more */
    bool eof : 1;        /* the peer sent its FIN */
    uint16_t port;       /* peer's */
    uint8_t address[16]; /* the same; of IPv4 as it is mapped into IPv6 */
};
struct departure {
    struct rc_buf *front; /* what comes before the input */
    unsigned worker;      /* where it goes */
};
struct farewell {
    struct rc_timer timer;
    struct rc_conn *conn;
};
TAILQ_HEAD(conn_list, rc_conn);

struct rc_net {
    struct rc_net_config config;
    struct conn_list all, dirty, dead;
    size_t count;      /* in all */
    size_t queued;     /* bytes in all queues, published at each turn */
    rc_time began;     /* first input of this pass; 0: none yet */
    size_t pass_bytes; /* input of this pass */
    uint8_t buffer[RC_STREAM_KEEP + RC_NET_READ];
};

static void conn_send(struct rc_stream *stream, struct rc_buf *frame);
static void conn_pause(struct rc_stream *stream, bool stop);
static void conn_close(struct rc_stream *stream, enum rc_close why);
static const struct rc_stream_ops conn_ops = {conn_send, conn_pause, conn_close};
static void on_event(evutil_socket_t fd, short what, void *arg);

struct rc_net *rc_net_new(const struct rc_net_config *config)
{
    struct rc_net *net = calloc(1, sizeof(*net));
    if (!net)
        return NULL;
    net->config = *config;
    TAILQ_INIT(&net->all);
    TAILQ_INIT(&net->dirty);
    TAILQ_INIT(&net->dead);
    return net;
}

static void count(struct rc_net *net, size_t metric, uint64_t n)
{
    rc_metric_add(&net->config.values[metric], n);
}

/* Tells the kernel what we wait for. Of a paused connection that is watched we want to hear of its end, not of its input: libevent
 * shows a FIN as EV_CLOSED, but a reset as EV_READ and EV_WRITE, hence EV_READ, on its edge only. */
static void interest(struct rc_conn *conn)
{
    bool reads = conn->state == OPEN ? !conn->stream.paused : conn->state == LINGERING && !conn->eof;
    bool watches = conn->state == OPEN && conn->stream.paused && conn->stream.watched;
    short want =
        (short)((reads ? EV_READ : 0) | (conn->waiting ? EV_WRITE : 0) | (watches ? EV_READ | EV_CLOSED | EV_ET : 0));
    bool added = event_pending(&conn->event, EV_READ | EV_WRITE | EV_CLOSED, NULL);
    if (want ? added && event_get_events(&conn->event) == (want | EV_PERSIST) : !added)
        return;
    event_del(&conn->event);
    evutil_socket_t fd = event_get_fd(&conn->event);
    event_assign(&conn->event, conn->net->config.base, fd, (short)(want | EV_PERSIST), on_event, conn);
    if (want && event_add(&conn->event, NULL) != 0)
        rc_stream_close(&conn->stream, RC_CLOSE_MEMORY);
}

static void remember_peer(struct rc_conn *conn, const struct sockaddr *peer)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (peer && peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        memcpy(conn->address, mapped, sizeof(mapped));
        memcpy(conn->address + sizeof(mapped), &in->sin_addr, sizeof(in->sin_addr));
        conn->port = ntohs(in->sin_port);
    } else if (peer && peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)peer;
        memcpy(conn->address, &in->sin6_addr, sizeof(in->sin6_addr));
        conn->port = ntohs(in->sin6_port);
    }
}

static void enlist(struct rc_net *net, struct rc_conn *conn, evutil_socket_t fd)
{
    TAILQ_INSERT_TAIL(&net->all, conn, link);
    net->count++;
    count(net, GM_CONNECTIONS, 1);
    event_assign(&conn->event, net->config.base, fd, EV_READ | EV_PERSIST, on_event, conn);
    if (event_add(&conn->event, NULL) != 0)
        rc_stream_close(&conn->stream, RC_CLOSE_MEMORY);
}

struct rc_stream *rc_net_adopt(struct rc_net *net, int fd, const struct sockaddr *peer)
{
    struct rc_conn *conn = calloc(1, sizeof(*conn));
    if (!conn) {
        close(fd);
        return NULL;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* we coalesce ourselves */
    conn->stream.ops = &conn_ops;
    conn->net = net;
    conn->since = rc_clock_now();
    remember_peer(conn, peer);
    count(net, GM_CONNECTIONS_TOTAL, 1);
    enlist(net, conn, fd);
    return &conn->stream;
}

static void mark_dirty(struct rc_conn *conn)
{
    if (conn->dirty || conn->state == CLOSING || conn->state == MOVING)
        return;
    conn->dirty = true;
    TAILQ_INSERT_TAIL(&conn->net->dirty, conn, list_link);
}

static void mark_clean(struct rc_conn *conn)
{
    if (conn->dirty)
        TAILQ_REMOVE(&conn->net->dirty, conn, list_link);
    conn->dirty = false;
}

/* It leaves its users and waits for the turn. */
static void mark_dead(struct rc_conn *conn, enum state state)
{
    mark_clean(conn);
    if (conn->state == OPEN) /* else it is in the list */
        TAILQ_INSERT_TAIL(&conn->net->dead, conn, list_link);
    conn->state = (uint8_t)state;
}

/* Out of this net's lists and sums. */
static void unlink_from(struct rc_net *net, struct rc_conn *conn)
{
    mark_clean(conn);
    TAILQ_REMOVE(&net->all, conn, link);
    net->count--;
    net->queued -= conn->stream.queued;
}

/* Output */

static void drop_queue(struct rc_conn *conn)
{
    rc_frame_queue_clear(&conn->queue);
    conn->net->queued -= conn->stream.queued;
    conn->stream.queued = 0;
}

static ssize_t write_some(struct rc_conn *conn)
{
    struct iovec iov[FRAMES_MAX];
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = rc_frame_queue_peek(&conn->queue, iov, FRAMES_MAX)};
    ssize_t n = sendmsg(event_get_fd(&conn->event), &msg, MSG_NOSIGNAL);
    count(conn->net, GM_WRITES, 1);
    if (n > 0) {
        count(conn->net, GM_BYTES_OUT, (uint64_t)n);
        rc_frame_queue_pop(&conn->queue, (size_t)n);
        conn->stream.written += (uint64_t)n;
        conn->stream.queued -= (size_t)n;
        conn->net->queued -= (size_t)n;
    }
    return n;
}

/* Writes until the queue is empty or the kernel takes no more. */
static void flush(struct rc_conn *conn)
{
    while (conn->stream.queued && !conn->broken) {
        if (write_some(conn) >= 0 || errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        conn->broken = true;
        rc_stream_close(&conn->stream, RC_CLOSE_ERROR);
    }
    drop_queue(conn);
}

/* flush, and what follows from its result. */
static void write_out(struct rc_conn *conn)
{
    bool waited = conn->waiting;
    flush(conn);
    conn->waiting = conn->stream.queued > 0;
    if (conn->waiting != waited)
        interest(conn);
    if (waited && !conn->waiting && conn->state == OPEN && conn->stream.user && conn->stream.user->drained)
        conn->stream.user->drained(conn->stream.self, &conn->stream);
}

/* Whether a frame of this length may be queued; one that is larger than the bound may when it is alone. */
static bool fits(const struct rc_conn *conn, size_t len)
{
    return !conn->stream.queued || conn->stream.queued + len <= conn->net->config.queue_max;
}

static void conn_send(struct rc_stream *stream, struct rc_buf *frame)
{
    struct rc_conn *conn = (struct rc_conn *)stream;
    if (stream->closing || !frame || !frame->len) {
        rc_buf_rele(frame);
        if (!frame)
            rc_stream_close(stream, RC_CLOSE_MEMORY);
        return;
    }
    if (!fits(conn, frame->len) && !conn->waiting)
        flush(conn); /* not slow, only much in one pass */
    if (stream->closing || !fits(conn, frame->len) || !rc_frame_queue_push(&conn->queue, frame)) {
        rc_stream_close(stream, fits(conn, frame->len) ? RC_CLOSE_MEMORY : RC_CLOSE_SLOW);
        rc_buf_rele(frame);
        return;
    }
    stream->queued += frame->len;
    conn->net->queued += frame->len;
    if (!conn->waiting)
        mark_dirty(conn);
}

/* Input */

/* Ends the round of events when the pass has had its share. */
static void spend(struct rc_net *net, size_t bytes)
{
    rc_time now = rc_clock_now();
    if (!net->began)
        net->began = now;
    net->pass_bytes += bytes;
    if (now - net->began >= net->config.pass_us || net->pass_bytes >= net->config.pass_bytes)
        event_base_loopbreak(net->config.base);
}

static void read_in(struct rc_conn *conn)
{
    struct rc_net *net = conn->net;
    size_t kept = conn->inlet.len;
    if (kept > RC_STREAM_KEEP || (kept && conn->dirty)) { /* it was paused, or has just come: the turn shows it first */
        mark_dirty(conn);
        return;
    }
    if (kept)
        memcpy(net->buffer, conn->inlet.kept, kept);
    ssize_t n = read(event_get_fd(&conn->event), net->buffer + kept, RC_NET_READ);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            conn->broken = true;
            rc_stream_close(&conn->stream, RC_CLOSE_ERROR);
        }
        return;
    }
    if (n == 0) {
        conn->eof = true;
        rc_stream_close(&conn->stream, RC_CLOSE_PEER);
        return;
    }
    conn->bytes_in += (uint64_t)n;
    count(net, GM_BYTES_IN, (uint64_t)n);
    rc_inlet_feed(&conn->inlet, &conn->stream, net->buffer, kept + (size_t)n);
    spend(net, (size_t)n);
}

static void conn_pause(struct rc_stream *stream, bool stop)
{
    struct rc_conn *conn = (struct rc_conn *)stream;
    if (stream->paused == stop || stream->closing)
        return;
    stream->paused = stop;
    interest(conn);
    if (!stop && conn->inlet.len)
        mark_dirty(conn);
}

/* The end */

/* It moves no more. */
static void stay(struct rc_conn *conn)
{
    rc_buf_rele(conn->departure->front);
    free(conn->departure);
    conn->departure = NULL;
    conn->stream.moving = false;
}

static void conn_close(struct rc_stream *stream, enum rc_close why)
{
    struct rc_conn *conn = (struct rc_conn *)stream;
    if (conn->state == CLOSING || conn->state == LINGERING)
        return;
    stream->closing = true;
    conn->why = (uint8_t)why;
    if (conn->state == MOVING)
        stay(conn);
    mark_dead(conn, CLOSING);
    if (why == RC_CLOSE_SLOW || why == RC_CLOSE_MEMORY)
        conn->broken = true;
}

static void release(struct rc_conn *conn)
{
    struct rc_net *net = conn->net;
    evutil_socket_t fd = event_get_fd(&conn->event);
    if (conn->farewell)
        rc_timer_stop(&conn->farewell->timer);
    free(conn->farewell);
    event_del(&conn->event);
    close(fd);
    unlink_from(net, conn);
    rc_frame_queue_clear(&conn->queue);
    rc_inlet_clear(&conn->inlet);
    free(conn);
}

static void linger_over(struct rc_timer *timer)
{
    release(((struct farewell *)(void *)timer)->conn); /* the timer is its first member */
}

/* A lingering connection goes when nothing is left to be written and the peer's FIN has come. */
static void linger_on(struct rc_conn *conn)
{
    if (conn->broken || (!conn->stream.queued && conn->eof)) {
        release(conn);
        return;
    }
    if (!conn->stream.queued)
        shutdown(event_get_fd(&conn->event), SHUT_WR);
    conn->waiting = conn->stream.queued > 0;
    interest(conn);
}

static void log_end(const struct rc_conn *conn)
{
    char address[INET6_ADDRSTRLEN];
    if (!rc_log_on(RC_DEBUG))
        return;
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)conn->address))
        inet_ntop(AF_INET, conn->address + 12, address, sizeof(address));
    else
        inet_ntop(AF_INET6, conn->address, address, sizeof(address));
    rc_log(RC_DEBUG, "client-closed", "peer=%s:%u in=%" PRIu64 " out=%" PRIu64 " age_ms=%" PRId64 " reason=\"%s\"",
           address, conn->port, conn->bytes_in, conn->stream.written, (rc_clock_now() - conn->since) / RC_MS,
           rc_close_text((enum rc_close)conn->why));
}

/* The one place where a connection ends for its user. */
static void bury(struct rc_conn *conn)
{
    struct rc_stream *stream = &conn->stream;
    count(conn->net, GM_CLOSED + conn->why, 1);
    rc_metric_sub(&conn->net->config.values[GM_CONNECTIONS], 1);
    log_end(conn);
    if (stream->user)
        stream->user->closed(stream->self, (enum rc_close)conn->why);
    stream->user = NULL;
    conn->state = LINGERING;
    rc_inlet_clear(&conn->inlet);
    flush(conn);
    conn->farewell = calloc(1, sizeof(*conn->farewell));
    if (conn->farewell) {
        conn->farewell->conn = conn;
        rc_timer_set(conn->net->config.wheel, &conn->farewell->timer, RC_NET_LINGER_US, linger_over);
    }
    conn->broken = conn->broken || !conn->farewell;
    linger_on(conn);
}

/* Something happened to a connection that is not read. */
static void look_for_end(struct rc_conn *conn, bool fin)
{
    int error = 0;
    socklen_t len = sizeof(error);
    getsockopt(event_get_fd(&conn->event), SOL_SOCKET, SO_ERROR, &error, &len);
    if (!error && !fin)
        return; /* only input */
    conn->broken = error != 0;
    conn->eof = true;
    rc_stream_close(&conn->stream, error ? RC_CLOSE_ERROR : RC_CLOSE_PEER);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct rc_conn *conn = arg;
    (void)fd;
    if (conn->state == LINGERING) {
        ssize_t n = what & EV_READ ? read(fd, conn->net->buffer, RC_NET_READ) : 1;
        conn->eof = conn->eof || n == 0;
        conn->broken = conn->broken || (n < 0 && errno != EAGAIN && errno != EINTR);
        flush(conn);
        linger_on(conn);
        return;
    }
    if (what & EV_WRITE)
        write_out(conn);
    if (conn->state != OPEN)
        return;
    if (!conn->stream.paused && (what & EV_READ))
        read_in(conn);
    else if (conn->stream.paused)
        look_for_end(conn, what & EV_CLOSED);
}

/* To another worker */

void rc_net_move(struct rc_stream *stream, struct rc_buf *front, unsigned worker)
{
    struct rc_conn *conn = (struct rc_conn *)stream;
    struct departure *departure = malloc(sizeof(*departure));
    stream->user = NULL;
    if (stream->closing || !departure) {
        free(departure);
        rc_stream_close(stream, RC_CLOSE_MEMORY);
        return;
    }
    *departure = (struct departure){rc_buf_hold(front), worker};
    mark_dead(conn, MOVING);
    conn->departure = departure;
    stream->closing = stream->moving = true;
    stream->paused = false;
}

/* Leaves this thread for good; what lies in front is read first over there. */
static void depart(struct rc_conn *conn)
{
    struct rc_net *net = conn->net;
    unsigned worker = conn->departure->worker;
    const struct rc_buf *front = conn->departure->front;
    if (!rc_inlet_unread(&conn->inlet, front->data, front->len)) {
        rc_stream_close(&conn->stream, RC_CLOSE_MEMORY); /* it is in the list of the dead again */
        return;
    }
    stay(conn);
    TAILQ_REMOVE(&net->dead, conn, list_link);
    event_del(&conn->event);
    unlink_from(net, conn);
    rc_metric_sub(&net->config.values[GM_CONNECTIONS], 1);
    conn->net = NULL;
    conn->waiting = false;
    conn->stream.closing = false;
    conn->state = OPEN;
    net->config.moved(net->config.host, &conn->stream, worker);
}

void rc_net_arrive(struct rc_net *net, struct rc_stream *stream)
{
    struct rc_conn *conn = (struct rc_conn *)stream;
    evutil_socket_t fd = event_get_fd(&conn->event);
    conn->net = net;
    net->queued += stream->queued;
    enlist(net, conn, fd);
    mark_dirty(conn);
}

void rc_net_discard(struct rc_stream *stream)
{
    struct rc_conn *conn = (struct rc_conn *)stream;
    close(event_get_fd(&conn->event));
    rc_frame_queue_clear(&conn->queue);
    rc_inlet_clear(&conn->inlet);
    free(conn);
}

/* Chores of one connection: input that it kept while it paused, then output. */
static void tidy(struct rc_conn *conn)
{
    mark_clean(conn);
    if (conn->state != OPEN)
        return;
    if (conn->inlet.len && !conn->stream.paused)
        rc_inlet_again(&conn->inlet, &conn->stream);
    if (!conn->waiting && conn->state == OPEN)
        write_out(conn);
}

bool rc_net_turn(struct rc_net *net)
{
    rc_time end = rc_clock_now() + net->config.pass_us;
    struct rc_conn *conn, *stop = TAILQ_LAST(&net->dirty, conn_list);
    bool last = false;
    while (!last && (conn = TAILQ_FIRST(&net->dirty)) && rc_clock_now() < end) {
        last = conn == stop;
        tidy(conn);
    }
    while ((conn = TAILQ_FIRST(&net->dead)) && rc_clock_now() < end) {
        if (conn->state == MOVING) {
            depart(conn);
        } else {
            TAILQ_REMOVE(&net->dead, conn, list_link);
            bury(conn);
        }
    }
    rc_metric_set(&net->config.values[GM_QUEUE_BYTES], net->queued);
    net->began = 0;
    net->pass_bytes = 0;
    return !TAILQ_EMPTY(&net->dirty) || !TAILQ_EMPTY(&net->dead);
}

void rc_net_close_all(struct rc_net *net, enum rc_close why)
{
    for (struct rc_conn *conn = TAILQ_FIRST(&net->all); conn; conn = TAILQ_NEXT(conn, link))
        rc_stream_close(&conn->stream, why);
}

size_t rc_net_count(const struct rc_net *net)
{
    return net->count;
}

void rc_net_free(struct rc_net *net)
{
    struct rc_conn *conn;
    if (!net)
        return;
    rc_net_close_all(net, RC_CLOSE_SHUTDOWN);
    while ((conn = TAILQ_FIRST(&net->dead))) {
        TAILQ_REMOVE(&net->dead, conn, list_link);
        bury(conn);
    }
    while ((conn = TAILQ_FIRST(&net->all)))
        release(conn);
    free(net);
}
