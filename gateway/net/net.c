/* Client connections: events, input and output. */
#include "gateway/net/net_impl.h"

#include "clock.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES_MAX 64 /* of one system call */

static void conn_send(struct rc_stream *stream, struct rc_buf *frame);
static void conn_pause(struct rc_stream *stream, bool stop);
const struct rc_stream_ops net_conn_ops = {conn_send, conn_pause, net_close};
static void on_ready(void *item, uint32_t what);

struct rc_net *rc_net_new(const struct rc_net_config *config)
{
    struct rc_net *net = calloc(1, sizeof(*net));
    if (!net)
        return NULL;
    net->config = *config;
    TAILQ_INIT(&net->all);
    TAILQ_INIT(&net->dirty);
    TAILQ_INIT(&net->dead);
    net->poller = rc_poller_new(config->base, on_ready);
    if (net->poller)
        return net;
    free(net);
    return NULL;
}

void net_count(struct rc_net *net, size_t metric, uint64_t n)
{
    rc_metric_add(&net->config.values[metric], n);
}

/* Tells the kernel what we wait for. Of a paused connection that is watched we want to hear of its end, not of its input, hence
 * on the edge only; a FIN shows as EPOLLRDHUP, a reset as input. */
void net_interest(struct net_conn *conn)
{
    bool reads = conn->state == OPEN ? !conn->stream.paused : conn->state == LINGERING && !conn->eof;
    bool watches = conn->state == OPEN && conn->stream.paused && conn->stream.watched;
    uint32_t want = (reads ? EPOLLIN : 0) | (conn->waiting ? EPOLLOUT : 0) |
                    (watches ? EPOLLIN | EPOLLRDHUP | (uint32_t)EPOLLET : 0);
    if (rc_poller_want(conn->net->poller, conn->fd, conn->wanted, want, conn))
        conn->wanted = want;
    else
        rc_stream_close(&conn->stream, RC_CLOSE_MEMORY);
}

static void remember_peer(struct net_story *story, const struct sockaddr *peer)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (peer && peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        memcpy(story->address.s6_addr, mapped, sizeof(mapped));
        memcpy(story->address.s6_addr + sizeof(mapped), &in->sin_addr, sizeof(in->sin_addr));
        story->port = ntohs(in->sin_port);
    } else if (peer && peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)peer;
        story->address = in->sin6_addr;
        story->port = ntohs(in->sin6_port);
    }
}

/* NULL: it will not be told, or memory is short, which is no reason to turn a client away. */
static struct net_story *begin_story(const struct sockaddr *peer)
{
    struct net_story *story = rc_log_on(RC_DEBUG) ? calloc(1, sizeof(*story)) : NULL;
    if (story) {
        story->since = rc_clock_now();
        remember_peer(story, peer);
    }
    return story;
}

void net_enlist(struct rc_net *net, struct net_conn *conn)
{
    TAILQ_INSERT_TAIL(&net->all, conn, link);
    net->count++;
    net_count(net, GM_CONNECTIONS, 1);
    net_interest(conn);
}

struct rc_stream *rc_net_adopt(struct rc_net *net, int fd, const struct sockaddr *peer)
{
    struct net_conn *conn = calloc(1, sizeof(*conn));
    if (!conn) {
        close(fd);
        return NULL;
    }
    conn->stream.ops = &net_conn_ops;
    conn->net = net;
    conn->fd = fd;
    conn->story = begin_story(peer);
    net_count(net, GM_CONNECTIONS_TOTAL, 1);
    net_enlist(net, conn);
    return &conn->stream;
}

void net_mark_dirty(struct net_conn *conn)
{
    if (conn->dirty || conn->state == CLOSING || conn->state == MOVING)
        return;
    conn->dirty = true;
    TAILQ_INSERT_TAIL(&conn->net->dirty, conn, list_link);
}

/* Output */

static void drop_queue(struct net_conn *conn)
{
    rc_frame_queue_clear(&conn->queue);
    conn->net->queued -= conn->stream.queued;
    conn->stream.queued = 0;
}

static ssize_t write_some(struct net_conn *conn)
{
    struct iovec iov[FRAMES_MAX];
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = rc_frame_queue_peek(&conn->queue, iov, FRAMES_MAX)};
    ssize_t n = sendmsg(conn->fd, &msg, MSG_NOSIGNAL);
    net_count(conn->net, GM_WRITES, 1);
    if (n > 0) {
        net_count(conn->net, GM_BYTES_OUT, (uint64_t)n);
        rc_frame_queue_pop(&conn->queue, (size_t)n);
        conn->stream.written += (uint64_t)n;
        conn->stream.queued -= (uint32_t)n;
        conn->net->queued -= (size_t)n;
    }
    return n;
}

/* Writes until the queue is empty or the kernel takes no more. */
void net_flush(struct net_conn *conn)
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
static void write_out(struct net_conn *conn)
{
    bool waited = conn->waiting;
    net_flush(conn);
    conn->waiting = conn->stream.queued > 0;
    if (conn->waiting != waited)
        net_interest(conn);
    if (waited && !conn->waiting && conn->state == OPEN && conn->stream.user && conn->stream.user->drained)
        conn->stream.user->drained(conn->stream.self, &conn->stream);
}

/* Whether a frame of this length may be queued; one that is larger than the bound may when it is alone. */
static bool fits(const struct net_conn *conn, size_t len)
{
    return !conn->stream.queued || conn->stream.queued + len <= conn->net->config.queue_max;
}

static void conn_send(struct rc_stream *stream, struct rc_buf *frame)
{
    struct net_conn *conn = (struct net_conn *)stream;
    if (stream->closing || !frame || !frame->len) {
        rc_buf_rele(frame);
        if (!frame)
            rc_stream_close(stream, RC_CLOSE_MEMORY);
        return;
    }
    if (!fits(conn, frame->len) && !conn->waiting)
        net_flush(conn); /* not slow, only much in one pass */
    if (stream->closing || !fits(conn, frame->len) || !rc_frame_queue_push(&conn->queue, frame)) {
        rc_stream_close(stream, fits(conn, frame->len) ? RC_CLOSE_MEMORY : RC_CLOSE_SLOW);
        rc_buf_rele(frame);
        return;
    }
    stream->queued += frame->len;
    conn->net->queued += frame->len;
    if (!conn->waiting)
        net_mark_dirty(conn);
}

/* Input */

/* Notes when the pass has had its share. */
static void spend(struct rc_net *net, size_t bytes)
{
    rc_time now = rc_clock_now();
    if (!net->began)
        net->began = now;
    net->pass_bytes += bytes;
    net->spent = now - net->began >= net->config.pass_us || net->pass_bytes >= net->config.pass_bytes;
}

static void read_in(struct net_conn *conn)
{
    struct rc_net *net = conn->net;
    size_t kept = conn->inlet.len;
    if (kept > RC_STREAM_KEEP || (kept && conn->dirty)) { /* it was paused, or has just come: the turn shows it first */
        net_mark_dirty(conn);
        return;
    }
    if (kept)
        memcpy(net->buffer, conn->inlet.kept, kept);
    ssize_t n = read(conn->fd, net->buffer + kept, RC_NET_READ);
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
    if (conn->story)
        conn->story->bytes_in += (uint64_t)n;
    net_count(net, GM_BYTES_IN, (uint64_t)n);
    rc_inlet_feed(&conn->inlet, &conn->stream, net->buffer, kept + (size_t)n);
    spend(net, (size_t)n);
}

static void conn_pause(struct rc_stream *stream, bool stop)
{
    struct net_conn *conn = (struct net_conn *)stream;
    if (stream->paused == stop || stream->closing)
        return;
    stream->paused = stop;
    net_interest(conn);
    if (!stop && conn->inlet.len)
        net_mark_dirty(conn);
}

/* Something happened to a connection that is not read. */
static void look_for_end(struct net_conn *conn, bool fin)
{
    int error = 0;
    socklen_t len = sizeof(error);
    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (!error && !fin)
        return; /* only input */
    conn->broken = error != 0;
    conn->eof = true;
    rc_stream_close(&conn->stream, error ? RC_CLOSE_ERROR : RC_CLOSE_PEER);
}

static void on_ready(void *item, uint32_t what)
{
    struct net_conn *conn = item;
    what &= conn->wanted;
    if (conn->state == LINGERING) {
        ssize_t n = what & EPOLLIN ? read(conn->fd, conn->net->buffer, RC_NET_READ) : 1;
        conn->eof = conn->eof || n == 0;
        conn->broken = conn->broken || (n < 0 && errno != EAGAIN && errno != EINTR);
        net_flush(conn);
        net_linger_on(conn);
        return;
    }
    if (what & EPOLLOUT)
        write_out(conn);
    if (conn->state != OPEN)
        return;
    if (!conn->stream.paused && (what & EPOLLIN) && !conn->net->spent)
        read_in(conn); /* else the kernel tells again */
    else if (conn->stream.paused)
        look_for_end(conn, what & EPOLLRDHUP);
}

/* Chores of one connection: input that it kept while it paused, then output. */
static void tidy(struct net_conn *conn)
{
    net_mark_clean(conn);
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
    struct net_conn *conn, *stop = TAILQ_LAST(&net->dirty, conn_list);
    bool last = false;
    while (!last && (conn = TAILQ_FIRST(&net->dirty)) && rc_clock_now() < end) {
        last = conn == stop;
        tidy(conn);
    }
    while ((conn = TAILQ_FIRST(&net->dead)) && rc_clock_now() < end) {
        if (conn->state == MOVING) {
            net_depart(conn);
        } else {
            TAILQ_REMOVE(&net->dead, conn, list_link);
            net_bury(conn);
        }
    }
    rc_metric_set(&net->config.values[GM_QUEUE_BYTES], net->queued);
    net->began = 0;
    net->pass_bytes = 0;
    net->spent = false;
    return !TAILQ_EMPTY(&net->dirty) || !TAILQ_EMPTY(&net->dead);
}

void rc_net_close_all(struct rc_net *net, enum rc_close why)
{
    for (struct net_conn *conn = TAILQ_FIRST(&net->all); conn; conn = TAILQ_NEXT(conn, link))
        rc_stream_close(&conn->stream, why);
}

size_t rc_net_close_some(struct rc_net *net, size_t max, enum rc_close why)
{
    size_t closed = 0;
    struct net_conn *conn;
    TAILQ_FOREACH (conn, &net->all, link) {
        if (closed == max)
            break;
        if (conn->state == OPEN) {
            rc_stream_close(&conn->stream, why);
            closed++;
        }
    }
    return closed;
}

size_t rc_net_count(const struct rc_net *net)
{
    return net->count;
}

void rc_net_free(struct rc_net *net)
{
    struct net_conn *conn;
    if (!net)
        return;
    rc_net_close_all(net, RC_CLOSE_SHUTDOWN);
    while ((conn = TAILQ_FIRST(&net->dead))) {
        TAILQ_REMOVE(&net->dead, conn, list_link);
        net_bury(conn);
    }
    while ((conn = TAILQ_FIRST(&net->all)))
        net_release(conn);
    rc_poller_free(net->poller);
    free(net);
}
