/*
 * Section 5: the emit from the origin's side. Per slot one queue of unconfirmed emits with one target and a
 * generation.
 *
 *   append ---> [sent | next ... unsent] ---EMIT(generation)---> target ---DELIVERED---> ---CONFIRM---> gone
 *
 * Whatever changes the target raises the generation and starts again from the first: a new target gets the
 * whole queue, in order, before anything newer. Never two targets at once.
 */
#include "cluster/gateway/emits_impl.h"
#include "cluster/mem.h"
#include "cluster/pool.h"

struct rc_gw_message {
    uint64_t socket, token;
    bool wants_ack;
    bool reported; /* its result was told */
    unsigned left; /* emits not yet ended */
};

void rc_emits_init(struct rc_gateway *g)
{
    g->queue = rc_zarray(RC_SLOTS, sizeof(struct rc_queue *));
    TAILQ_INIT(&g->queues);
    TAILQ_INIT(&g->by_age);
    g->unconfirmed = g->unconfirmed_bytes = 0;
    for (uint32_t i = 0; i < g->n; i++)
        TAILQ_INIT(&g->brokers[i].stalled);
    rc_delivered_init(g);
}

static void emit_free(struct rc_gw_emit *e)
{
    rc_msg_rele(&e->msg);
    rc_buf_rele(e->row);
    if (--e->message->left == 0)
        rc_pool_put(e->message, sizeof *e->message);
    rc_pool_put(e, sizeof *e);
}

void rc_emits_fini(struct rc_gateway *g)
{
    struct rc_gw_emit *e;
    while ((e = TAILQ_FIRST(&g->by_age))) {
        TAILQ_REMOVE(&g->by_age, e, age);
        emit_free(e);
    }
    struct rc_queue *q;
    while ((q = TAILQ_FIRST(&g->queues))) {
        TAILQ_REMOVE(&g->queues, q, link);
        free(q);
    }
    free(g->queue);
    g->queue = NULL;
}

static struct rc_queue *queue_of(struct rc_gateway *g, uint32_t slot)
{
    if (!g->queue[slot]) {
        struct rc_queue *q = g->queue[slot] = rc_zalloc(sizeof *q);
        q->slot = slot;
        q->hold = RC_NEVER;
        TAILQ_INIT(&q->emits);
        TAILQ_INIT(&q->bare);
        TAILQ_INSERT_TAIL(&g->queues, q, link);
    }
    return g->queue[slot];
}

static struct rc_op *emit_op(const struct rc_gw_emit *e)
{
    struct rc_op *op = rc_op_new(RC_OP_EMIT);
    op->emit.slot = e->queue->slot;
    op->emit.generation = e->queue->generation;
    op->emit.msg = e->msg;
    op->emit.msg.origin[0] = '\0'; /* the session says who */
    op->emit.msg.origin_inc = 0;
    rc_msg_hold(&op->emit.msg);
    op->emit.fecha = e->fecha;
    op->emit.row = rc_buf_hold(e->row);
    return op;
}

static void stall(struct rc_gateway *g, struct rc_queue *q, bool stalled)
{
    if (stalled && !q->stalled) {
        TAILQ_INSERT_TAIL(&q->target->stalled, q, waiting);
        g->count.stalls++;
    } else if (!stalled && q->stalled) {
        TAILQ_REMOVE(&q->target->stalled, q, waiting);
    }
    q->stalled = stalled;
}

static bool has_credit(const struct rc_gateway *g, const struct rc_gw_broker *b)
{
    return b->s->out_bytes + b->s->flight_bytes < g->config.credit;
}

/* After a busy refusal only the first is sent until the target took it: or each refusal costs the whole queue. */
static bool may_send(const struct rc_queue *q)
{
    return q->next && (!q->careful || q->next == TAILQ_FIRST(&q->emits));
}

/* Sends what the queue has not sent to its target yet, as far as credit goes. */
static void pump(struct rc_gateway *g, struct rc_queue *q)
{
    if (!RC_HOLDS(&g->count.broken, NULL, RC_INV_TARGET, q->target->s && q->generation))
        return;
    while (may_send(q) && has_credit(g, q->target)) {
        if (!RC_HOLDS(&g->count.broken, q->target->s, RC_INV_ORDER, q->next->msg.seq > q->sent))
            return;
        q->sent = q->next->msg.seq;
        rc_gw_push(g, q->target, emit_op(q->next));
        q->next = TAILQ_NEXT(q->next, link);
    }
    stall(g, q, may_send(q));
}

void rc_emits_pump(struct rc_gateway *g, struct rc_gw_broker *b)
{
    struct rc_queue *q;
    while ((q = TAILQ_FIRST(&b->stalled)) && has_credit(g, b))
        pump(g, q);
}

static void set_target(struct rc_gateway *g, struct rc_queue *q, struct rc_gw_broker *target)
{
    stall(g, q, false);
    for (const struct rc_gw_emit *e = TAILQ_FIRST(&q->emits); e != q->next; e = TAILQ_NEXT(e, link))
        g->count.resends++; /* was sent to the old target */
    q->target = target;
    q->generation++;
    q->sent = 0;
    q->next = TAILQ_FIRST(&q->emits);
    if (target)
        pump(g, q);
}

/* The first open broker of first_k(slot, V). */
static struct rc_gw_broker *choose(const struct rc_gateway *g, uint32_t slot)
{
    uint8_t first[RC_BROKERS_MAX];
    uint32_t n = rc_placement_first(g->placement, slot, g->view, g->config.k, first);
    for (uint32_t i = 0; i < n; i++)
        if (g->brokers[first[i]].state == RC_OPEN)
            return &g->brokers[first[i]];
    return NULL;
}

static void retarget(struct rc_gateway *g, struct rc_queue *q, rc_time now)
{
    if (!q->target && now < q->hold)
        return;
    struct rc_gw_broker *target = choose(g, q->slot);
    if (target != q->target)
        set_target(g, q, target);
}

void rc_emits_retarget(struct rc_gateway *g)
{
    rc_time now = rc_gw_now(g);
    struct rc_queue *q;
    TAILQ_FOREACH (q, &g->queues, link)
        retarget(g, q, now);
}

void rc_emits_lost(struct rc_gateway *g, struct rc_gw_broker *b)
{
    struct rc_queue *q;
    TAILQ_FOREACH (q, &g->queues, link)
        if (q->target == b)
            set_target(g, q, NULL);
    rc_delivered_lost(g, b);
}

/* ---- bounds
 * ------------------------------------------------------------------------------------------------------------
 */

static void socket_charge(struct rc_gateway *g, struct rc_gw_socket *socket, size_t bytes)
{
    socket->bytes += bytes;
    if (!socket->paused && socket->bytes >= g->config.socket_bound) {
        socket->paused = true;
        g->count.pauses++;
        g->events.pause(g->world.host, socket->id, true);
    }
}

static void socket_credit(struct rc_gateway *g, const struct rc_gw_emit *e)
{
    struct rc_gw_socket *socket = rc_gw_socket_find(g, e->message->socket);
    if (!socket || e->delivered)
        return;
    socket->bytes -= e->bytes;
    if (socket->paused && socket->bytes < g->config.socket_bound / 2) {
        socket->paused = false;
        g->events.pause(g->world.host, socket->id, false);
    }
}

/* ---- a message in
 * -------------------------------------------------------------------------------------------------------- */

static size_t emit_bytes(const struct rc_emit *emit, uint32_t i)
{
    size_t row = i == 0 && emit->row ? emit->row->len : 0;
    return sizeof(struct rc_gw_emit) + emit->payload->len + emit->room[i]->len + row;
}

static void append(struct rc_gateway *g, const struct rc_emit *emit, uint32_t i, struct rc_gw_message *m, rc_time now)
{
    struct rc_gw_emit *e = rc_pool_zget(sizeof *e);
    e->queue = queue_of(g, rc_slot(emit->room[i]->data, emit->room[i]->len));
    e->message = m;
    e->msg = (struct rc_msg){
        .seq = ++g->seq, .room = emit->room[i], .except = i ? emit->room[0] : NULL, .payload = emit->payload};
    rc_msg_hold(&e->msg);
    e->fecha = g->fecha;
    e->row = i ? NULL : rc_buf_hold(emit->row);
    e->bytes = emit_bytes(emit, i);
    e->since = now;
    TAILQ_INSERT_TAIL(&e->queue->emits, e, link);
    TAILQ_INSERT_TAIL(&g->by_age, e, age);
    g->unconfirmed++;
    g->unconfirmed_bytes += e->bytes;
    if (!e->queue->next)
        e->queue->next = e;
    if (e->queue->target)
        pump(g, e->queue);
    else
        retarget(g, e->queue, now);
}

enum rc_outcome rc_gateway_emit(struct rc_gateway *g, const struct rc_emit *emit)
{
    struct rc_gw_socket *socket = rc_gw_socket_find(g, emit->socket);
    if (!socket || !socket->open)
        return RC_OUTCOME_UNKNOWN;
    bool both = emit->n == 2 && !rc_buf_equal(emit->room[0], emit->room[1]);
    size_t bytes = emit_bytes(emit, 0) + (both ? emit_bytes(emit, 1) : 0);
    /* What was read before the socket heard of the pause is still taken, up to a second bound. */
    if (socket->bytes >= 4 * g->config.socket_bound || !rc_delivered_make_room(g, bytes)) {
        g->count.busy++;
        return RC_OUTCOME_BUSY;
    }
    struct rc_gw_message *m = rc_pool_zget(sizeof *m);
    *m = (struct rc_gw_message){emit->socket, emit->token, emit->wants_ack, false, both ? 2 : 1};
    if (emit->fecha > g->fecha)
        g->fecha = emit->fecha;
    rc_time now = rc_gw_now(g);
    g->count.emits += m->left;
    append(g, emit, 0, m, now);
    if (both)
        append(g, emit, 1, m, now);
    socket_charge(g, socket, bytes);
    return RC_OUTCOME_OK;
}

/* ---- a message out
 * ------------------------------------------------------------------------------------------------------- */

static void report(struct rc_gateway *g, struct rc_gw_message *m, enum rc_outcome outcome)
{
    if (m->reported)
        return;
    m->reported = true;
    if (rc_gw_socket_find(g, m->socket))
        g->events.result(g->world.host, m->socket, m->token, outcome);
}

void rc_emit_unqueue(struct rc_gateway *g, struct rc_gw_emit *e)
{
    struct rc_queue *q = e->queue;
    if (q->next == e)
        q->next = TAILQ_NEXT(e, link);
    TAILQ_REMOVE(&q->emits, e, link);
    if (q->target)
        pump(g, q); /* a careful queue has another first one now */
}

void rc_emit_finish(struct rc_gateway *g, struct rc_gw_emit *e, enum rc_outcome outcome)
{
    if (e->bare)
        TAILQ_REMOVE(&e->queue->bare, e, link);
    else
        rc_emit_unqueue(g, e);
    rc_delivered_drop(e);
    TAILQ_REMOVE(&g->by_age, e, age);
    g->unconfirmed--;
    g->unconfirmed_bytes -= e->bytes;
    socket_credit(g, e);
    if (outcome != RC_OUTCOME_OK || e->message->left == 1)
        report(g, e->message, outcome);
    emit_free(e);
}

/* The oldest are confirmed first, the newest are delivered last: behind a persister that is away a queue grows long. */
static struct rc_gw_emit *find(const struct rc_gw_emit_list *list, enum rc_op_kind kind, uint64_t seq)
{
    struct rc_gw_emit *e;
    if (kind == RC_OP_DELIVERED) {
        TAILQ_FOREACH_REVERSE(e, list, rc_gw_emit_list, link)
        if (e->msg.seq <= seq)
            return e->msg.seq == seq ? e : NULL;
        return NULL;
    }
    e = TAILQ_LAST(list, rc_gw_emit_list);
    if (!e || e->msg.seq < seq)
        return NULL; /* or all that is bare would be passed by */
    TAILQ_FOREACH (e, list, link)
        if (e->msg.seq >= seq)
            return e->msg.seq == seq ? e : NULL;
    return NULL;
}

static void refused(struct rc_gateway *g, struct rc_queue *q, enum rc_refusal reason)
{
    rc_time pause = reason == RC_BUSY ? 10 * g->config.times.r : g->config.times.r;
    g->count.refusals++;
    q->hold = rc_gw_now(g) + pause;
    q->careful = reason == RC_BUSY;
    set_target(g, q, NULL);
}

void rc_emits_reply(struct rc_gateway *g, struct rc_gw_broker *b, const struct rc_op *op)
{
    struct rc_queue *q = op->reply.slot < RC_SLOTS ? g->queue[op->reply.slot] : NULL;
    if (!q)
        return;
    if (op->kind == RC_OP_REFUSED) {
        if (q->target == b && q->generation == op->reply.number)
            refused(g, q, op->reply.reason);
        return;
    }
    struct rc_gw_emit *e = find(&q->bare, op->kind, op->reply.number);
    if (!e)
        e = find(&q->emits, op->kind, op->reply.number);
    if (!e)
        return;
    if (op->kind == RC_OP_CONFIRM) {
        g->count.confirms++;
        rc_emit_finish(g, e, RC_OUTCOME_OK);
    } else {
        socket_credit(g, e);
        e->delivered = true;
        rc_delivered_note(b, e);
    }
    if (q->careful && q->target) {
        q->careful = false;
        pump(g, q);
    }
}

/* An emit that nobody confirmed for E: its outcome is unknown, and somebody is told. */
static void expire(struct rc_gateway *g, struct rc_gw_emit *e)
{
    if (e->delivered) {
        g->count.not_stored++;
        rc_emit_finish(g, e, RC_OUTCOME_NOT_STORED);
        return;
    }
    struct rc_gw_socket *silent = e->message->wants_ack ? NULL : rc_gw_socket_find(g, e->message->socket);
    g->count.expired++;
    rc_emit_finish(g, e, RC_OUTCOME_UNKNOWN);
    if (silent)
        rc_gw_socket_end(g, silent, RC_SOCKET_EXPIRED);
}

void rc_emits_expire(struct rc_gateway *g, rc_time now)
{
    struct rc_gw_emit *e;
    while ((e = TAILQ_FIRST(&g->by_age)) && now - e->since > g->config.times.e)
        expire(g, e);
}
