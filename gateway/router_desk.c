/* The desk of the link loop: what workers ask becomes calls into the core, what the core decides becomes mail to
 * workers. */
#include "gateway/router_impl.h"

#include "clock.h"
#include "cluster/pool.h"
#include "gateway/net/net.h"
#include "gateway/partition.h"
#include "log.h"

struct letter { /* a worker's request in the mailbox */
    struct rc_mail mail;
    struct rc_up up;
};

/* ---- from workers ------------------------------------------------------------------------------------------------ */

void rc_router_drop_mail(struct rc_mail *mail)
{
    struct letter *l = (struct letter *)(void *)mail;
    for (unsigned i = 0; i < l->up.rooms; i++)
        rc_buf_rele(l->up.room[i]);
    if (l->up.kind == RC_UP_EMIT) {
        rc_buf_rele(l->up.emit.payload);
        rc_buf_rele(l->up.emit.row);
        for (uint32_t i = 0; i < l->up.emit.n; i++)
            rc_buf_rele(l->up.emit.room[i]);
    }
    rc_buf_rele(l->up.side);
    rc_buf_rele(l->up.relay.data);
    if (l->up.connection)
        rc_net_discard(l->up.connection);
    rc_pool_put(l, sizeof *l);
}

static size_t letter_bytes(const struct rc_up *up)
{
    size_t bytes = sizeof(struct letter);
    if (up->kind == RC_UP_EMIT)
        bytes += up->emit.payload->len + (up->emit.row ? up->emit.row->len : 0);
    if (up->relay.data)
        bytes += up->relay.data->len;
    return bytes;
}

/* What a worker may be refused; the rest is bounded by what came before it. */
static bool can_be_refused(const struct rc_up *up)
{
    return up->kind == RC_UP_CONNECT || up->kind == RC_UP_EMIT ||
           (up->kind == RC_UP_RELAY && up->relay.kind == RC_RELAY_OPEN);
}

/* Any worker's thread. */
bool rc_router_post(void *arg, struct rc_up *up)
{
    struct rc_router *r = arg;
    struct letter *l = rc_pool_take(sizeof *l);
    l->up = *up;
    if (rc_mailbox_post(r->mailbox, &l->mail, letter_bytes(up), !can_be_refused(up)))
        return true;
    rc_pool_put(l, sizeof *l);
    return false;
}

static void down(struct rc_router *r, unsigned worker, const struct rc_down *what, size_t bytes)
{
    if (worker >= r->workers)
        return;
    if (rc_worker_post(r->worker[worker], what, sizeof *what + bytes))
        return;
    /* Its mailbox is above all that brokers may send unacknowledged: it is stuck. Its clients must not miss a message
     * unknowingly, so they are closed when it turns again. */
    rc_log(RC_ERROR, "worker-stuck", "worker=%u", worker);
    rc_buf_rele(what->msg.room);
    rc_buf_rele(what->msg.except);
    rc_buf_rele(what->msg.payload);
    rc_worker_post(r->worker[worker], &(struct rc_down){.kind = RC_DOWN_FENCED}, sizeof *what);
}

static void on_closed(void *arg, uint64_t socket, enum rc_socket_end why)
{
    down(arg, RC_SOCKET_WORKER(socket), &(struct rc_down){.kind = RC_DOWN_CLOSED, .socket = socket, .end = why}, 0);
}

static void on_result(void *arg, uint64_t socket, uint64_t token, enum rc_outcome outcome)
{
    down(arg, RC_SOCKET_WORKER(socket),
         &(struct rc_down){.kind = RC_DOWN_RESULT, .socket = socket, .token = token, .outcome = outcome}, 0);
}

static void take_connect(struct rc_router *r, struct rc_up *up)
{
    unsigned rooms = rc_partition_join(up->room, up->rooms);
    if (rooms)
        up->rooms = rooms;
    if (!rooms || !rc_gateway_connect(r->core, up->socket, up->room, rooms))
        on_closed(r, up->socket, RC_SOCKET_BUSY);
}

static void take_emit(struct rc_router *r, struct rc_up *up)
{
    rc_partition_emit(&r->config.options->partitions, &up->emit);
    enum rc_outcome outcome = rc_gateway_emit(r->core, &up->emit);
    if (outcome != RC_OUTCOME_OK)
        on_result(r, up->emit.socket, up->emit.token, outcome);
}

/* Any persister has the whole history; but the next page is best asked from the one that gave the last, since cursors
 * are places in its log, and the request may come to another gateway. */
static struct rc_session *persister_for(const struct rc_router *r, const struct rc_buf *side)
{
    uint8_t user[RC_USER_MAX];
    return rc_aside_pick(r->aside, user, rc_queries_user(side, user, sizeof user));
}

static void take_query(struct rc_router *r, const struct rc_up *up)
{
    struct rc_session *s = persister_for(r, up->side);
    struct rc_buf *ask = rc_queries_ask(r->queries, up->query, up->side, s, rc_clock_now());
    if (ask)
        rc_host_side(r->host, s, ask);
}

static void take_passed(struct rc_router *r, struct rc_barrier *b)
{
    if (--b->left)
        return;
    rc_gateway_processed(r->core, b->session, b->seq);
    TAILQ_REMOVE(&r->barriers, b, link);
    rc_pool_put(b, sizeof *b);
}

static void take_move(struct rc_router *r, struct rc_up *up)
{
    down(r, up->worker, &(struct rc_down){.kind = RC_DOWN_ARRIVE, .connection = up->connection}, 0);
    up->connection = NULL;
}

static void take_letter(struct rc_router *r, struct rc_up *up)
{
    switch (up->kind) {
    case RC_UP_CONNECT:
        take_connect(r, up);
        break;
    case RC_UP_DISCONNECT:
        rc_gateway_disconnect(r->core, up->socket);
        break;
    case RC_UP_EMIT:
        take_emit(r, up);
        break;
    case RC_UP_QUERY:
        take_query(r, up);
        break;
    case RC_UP_RELAY:
        rc_trunk_send(r->trunk, &up->relay);
        break;
    case RC_UP_MOVE:
        take_move(r, up);
        break;
    case RC_UP_PASSED:
        take_passed(r, up->barrier);
        break;
    }
}

void rc_router_take_mail(struct rc_router *r)
{
    struct rc_mail *mail = rc_mailbox_take_all(r->mailbox);
    while (mail) {
        struct rc_mail *next = mail->next;
        take_letter(r, &((struct letter *)(void *)mail)->up);
        rc_router_drop_mail(mail);
        mail = next;
    }
}

/* ---- the core's events ------------------------------------------------------------------------------------------- */

static void on_opened(void *arg, uint64_t socket)
{
    down(arg, RC_SOCKET_WORKER(socket), &(struct rc_down){.kind = RC_DOWN_OPENED, .socket = socket}, 0);
}

static void on_pause(void *arg, uint64_t socket, bool stop)
{
    down(arg, RC_SOCKET_WORKER(socket), &(struct rc_down){.kind = RC_DOWN_PAUSE, .socket = socket, .stop = stop}, 0);
}

static void on_deliver(void *arg, const struct rc_msg *msg)
{
    struct rc_router *r = arg;
    struct rc_msg whole = rc_partition_whole(msg);
    for (unsigned i = 0; i < r->workers; i++) {
        struct rc_down what = {.kind = RC_DOWN_DELIVER, .msg = whole};
        rc_msg_hold(&what.msg);
        down(r, i, &what, msg->payload->len);
    }
    rc_msg_rele(&whole);
}

/* D2: the batch is acknowledged when every worker has passed this point. */
static void on_barrier(void *arg, uint64_t session, uint64_t seq)
{
    struct rc_router *r = arg;
    struct rc_barrier *b = rc_pool_take(sizeof *b);
    *b = (struct rc_barrier){.session = session, .seq = seq, .left = r->workers};
    TAILQ_INSERT_TAIL(&r->barriers, b, link);
    for (unsigned i = 0; i < r->workers; i++)
        down(r, i, &(struct rc_down){.kind = RC_DOWN_BARRIER, .barrier = b}, 0);
}

static void on_fenced(void *arg, uint64_t inc)
{
    struct rc_router *r = arg;
    rc_log(RC_ERROR, "fenced", "incarnation=%llu effect=\"all clients are closed and connect again\"",
           (unsigned long long)inc);
    r->was_serving = false;
    rc_link_set_inc(rc_host_link(r->host), inc);
    rc_aside_set_inc(r->aside, inc);
    rc_trunk_end(r->trunk);
    for (unsigned i = 0; i < r->workers; i++)
        down(r, i, &(struct rc_down){.kind = RC_DOWN_FENCED}, 0);
}

void rc_router_rows(void *arg, uint64_t query, struct rc_buf *side)
{
    down(arg, RC_SOCKET_WORKER(query),
         &(struct rc_down){.kind = RC_DOWN_ROWS, .query = query, .side = rc_buf_hold(side)}, side ? side->len : 0);
}

static void on_relay(void *arg, const struct rc_relay *relay)
{
    down(arg, RC_RELAY_WORKER(relay->stream), &(struct rc_down){.kind = RC_DOWN_RELAY, .relay = *relay},
         relay->data ? relay->data->len : 0);
}

static void on_relay_side(void *arg, struct rc_session *s, struct rc_buf *side)
{
    struct rc_router *r = arg;
    rc_host_side(r->host, s, side); /* RC_TRUNK_SIDE_MAX is below what it takes */
}

static bool on_drains(void *arg, const struct rc_session *s)
{
    (void)arg;
    return rc_gateway_broker_state(s) == RC_DRAINING;
}

struct rc_trunk *rc_router_trunk(struct rc_router *r)
{
    return rc_trunk_new(&(struct rc_trunk_config){.id = r->config.self.id,
                                                  .roster = &r->roster,
                                                  .silence = r->times.s,
                                                  .now = rc_clock_now(),
                                                  .host = r,
                                                  .down = on_relay,
                                                  .side = on_relay_side,
                                                  .drains = on_drains});
}

const struct rc_gateway_events rc_router_events = {on_opened, on_closed, on_deliver, on_barrier,
                                                   on_result, on_pause,  on_fenced};

void rc_router_pass_barriers(struct rc_router *r)
{
    struct rc_barrier *b;
    while ((b = TAILQ_FIRST(&r->barriers))) {
        b->left = 1;
        take_passed(r, b);
    }
}

void rc_router_drop_barriers(struct rc_router *r)
{
    struct rc_barrier *b;
    while ((b = TAILQ_FIRST(&r->barriers))) {
        TAILQ_REMOVE(&r->barriers, b, link);
        rc_pool_put(b, sizeof *b);
    }
}
