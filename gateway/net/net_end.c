/* The end of connections, and their way to another worker. */
#include "gateway/net/net_impl.h"

#include "clock.h"
#include "log.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

void net_mark_clean(struct net_conn *conn)
{
    if (conn->dirty)
        TAILQ_REMOVE(&conn->net->dirty, conn, list_link);
    conn->dirty = false;
}

/* It leaves its users and waits for the turn. */
static void mark_dead(struct net_conn *conn, enum net_state state)
{
    net_mark_clean(conn);
    if (conn->state == OPEN) /* else it is in the list */
        TAILQ_INSERT_TAIL(&conn->net->dead, conn, list_link);
    conn->state = state & 3;
}

/* Out of this net's lists and sums. */
static void unlink_from(struct rc_net *net, struct net_conn *conn)
{
    net_mark_clean(conn);
    TAILQ_REMOVE(&net->all, conn, link);
    net->count--;
    net->queued -= conn->stream.queued;
}

/* The end */

/* It moves no more. */
static void stay(struct net_conn *conn)
{
    rc_buf_rele(conn->departure->front);
    free(conn->departure);
    conn->departure = NULL;
    conn->stream.moving = false;
}

void net_close(struct rc_stream *stream, enum rc_close why)
{
    struct net_conn *conn = (struct net_conn *)stream;
    if (conn->state == CLOSING || conn->state == LINGERING)
        return;
    stream->closing = true;
    conn->why = why & 63;
    if (conn->state == MOVING)
        stay(conn);
    mark_dead(conn, CLOSING);
    if (why == RC_CLOSE_SLOW || why == RC_CLOSE_MEMORY)
        conn->broken = true;
}

void net_release(struct net_conn *conn)
{
    struct rc_net *net = conn->net;
    if (conn->farewell)
        rc_timer_stop(&conn->farewell->timer);
    free(conn->farewell);
    close(conn->fd);
    unlink_from(net, conn);
    rc_frame_queue_clear(&conn->queue);
    rc_inlet_clear(&conn->inlet);
    free(conn->story);
    free(conn);
}

static void linger_over(struct rc_timer *timer)
{
    net_release(((struct farewell *)(void *)timer)->conn); /* the timer is its first member */
}

/* A lingering connection goes when nothing is left to be written and the peer's FIN has come. */
void net_linger_on(struct net_conn *conn)
{
    if (conn->broken || (!conn->stream.queued && conn->eof)) {
        net_release(conn);
        return;
    }
    if (!conn->stream.queued)
        shutdown(conn->fd, SHUT_WR);
    conn->waiting = conn->stream.queued > 0;
    net_interest(conn);
}

static void log_end(const struct net_conn *conn)
{
    char address[INET6_ADDRSTRLEN];
    const struct net_story *story = conn->story;
    if (!rc_log_on(RC_DEBUG))
        return;
    if (!story) {
        rc_log(RC_DEBUG, "client-closed", "out=%" PRIu64 " reason=\"%s\"", conn->stream.written,
               rc_close_text((enum rc_close)conn->why));
        return;
    }
    if (IN6_IS_ADDR_V4MAPPED(&story->address))
        inet_ntop(AF_INET, story->address.s6_addr + 12, address, sizeof(address));
    else
        inet_ntop(AF_INET6, &story->address, address, sizeof(address));
    rc_log(RC_DEBUG, "client-closed", "peer=%s:%u in=%" PRIu64 " out=%" PRIu64 " age_s=%" PRId64 " reason=\"%s\"",
           address, story->port, story->bytes_in, conn->stream.written,
           (rc_clock_now() - story->since) / (1000 * RC_MS), rc_close_text((enum rc_close)conn->why));
}

/* The one place where a connection ends for its user. */
void net_bury(struct net_conn *conn)
{
    struct rc_stream *stream = &conn->stream;
    net_count(conn->net, GM_CLOSED + conn->why, 1);
    rc_metric_sub(&conn->net->config.values[GM_CONNECTIONS], 1);
    log_end(conn);
    if (stream->user)
        stream->user->closed(stream->self, (enum rc_close)conn->why);
    stream->user = NULL;
    conn->state = LINGERING;
    rc_inlet_clear(&conn->inlet);
    net_flush(conn);
    conn->farewell = calloc(1, sizeof(*conn->farewell));
    if (conn->farewell) {
        conn->farewell->conn = conn;
        rc_timer_set(conn->net->config.wheel, &conn->farewell->timer, RC_NET_LINGER_US, linger_over);
    }
    conn->broken = conn->broken || !conn->farewell;
    net_linger_on(conn);
}

/* To another worker */

bool rc_net_owns(const struct rc_stream *stream)
{
    return stream->ops == &net_conn_ops;
}

void rc_net_move(struct rc_stream *stream, struct rc_buf *front, unsigned worker)
{
    struct net_conn *conn = (struct net_conn *)stream;
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
void net_depart(struct net_conn *conn)
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
    rc_poller_want(net->poller, conn->fd, conn->wanted, 0, conn);
    conn->wanted = 0;
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
    struct net_conn *conn = (struct net_conn *)stream;
    conn->net = net;
    net->queued += stream->queued;
    net_enlist(net, conn);
    net_mark_dirty(conn);
}

void rc_net_discard(struct rc_stream *stream)
{
    struct net_conn *conn = (struct net_conn *)stream;
    close(conn->fd);
    rc_frame_queue_clear(&conn->queue);
    rc_inlet_clear(&conn->inlet);
    free(conn->story);
    free(conn);
}
