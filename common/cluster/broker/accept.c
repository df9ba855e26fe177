/*
 * B6, B7, B9: an emit is accepted only if no member can be missing; then it waits until every member gateway
 * has acknowledged its DELIVER and its record is stored, and is confirmed. Whatever breaks in between is the
 * origin's to repeat.
 *
 *   EMIT --refuse--> REFUSED, and silence for that generation
 *        --accept--> DELIVER to the room's gateways, record to the topic --all acked--> DELIVERED --stored-->
 * CONFIRM
 */
#include "cluster/broker/broker_impl.h"
#include "cluster/pool.h"

#include <string.h>

/* ---- refusing
 * ------------------------------------------------------------------------------------------------------------
 */

static bool is_refused(const struct rc_bk_gateway *e, uint32_t slot, uint64_t generation)
{
    return e->slot[slot].refused >= generation;
}

/* B7: answers once per generation; what is still on its way with that generation is dropped silently. */
static void refuse(struct rc_broker *b, struct rc_bk_gateway *origin, uint32_t slot, uint64_t generation,
                   enum rc_refusal why)
{
    if (is_refused(origin, slot, generation))
        return;
    origin->slot[slot].refused = generation;
    struct rc_op *op = rc_op_new(RC_OP_REFUSED);
    op->reply.slot = slot;
    op->reply.number = generation;
    op->reply.reason = why;
    rc_bk_push(b, origin->s, op);
    b->count.refused++;
}

/* ---- waiting
 * -------------------------------------------------------------------------------------------------------------
 */

static void reply(struct rc_broker *b, const struct rc_bk_waiting *w, enum rc_op_kind kind)
{
    struct rc_op *op = rc_op_new(kind);
    op->reply.slot = w->slot;
    op->reply.number = w->seq;
    rc_bk_push(b, w->origin->s, op);
}

static void strike(struct rc_bk_wait *wait)
{
    TAILQ_REMOVE(&wait->gateway->waits, wait, link);
    wait->gateway = NULL;
    wait->emit->left--;
}

static void forget(struct rc_broker *b, struct rc_bk_waiting *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (w->wait[i].gateway)
            strike(&w->wait[i]);
    if (w->record)
        rc_topic_forget(b, w);
    TAILQ_REMOVE(&w->origin->waiting, w, link);
    b->waiting--;
    b->waiting_bytes -= w->bytes;
    rc_pool_put(w, w->bytes);
}

static void check(struct rc_broker *b, struct rc_bk_waiting *w)
{
    if (w->left)
        return;
    if (w->record) {
        if (!w->told_delivered)
            reply(b, w, RC_OP_DELIVERED);
        w->told_delivered = true;
        return;
    }
    reply(b, w, RC_OP_CONFIRM);
    b->count.confirms++;
    forget(b, w);
}

void rc_bk_stored(struct rc_broker *b, struct rc_bk_waiting *w)
{
    if (!RC_HOLDS(&b->count.broken, w->origin->s, RC_INV_CONFIRM, rc_topic_copies(b, w->record) >= b->config.quorum))
        return; /* the origin sends it again in its next session */
    w->record = 0;
    check(b, w);
}

void rc_bk_acked(struct rc_broker *b, struct rc_bk_gateway *e)
{
    struct rc_bk_wait *wait;
    while ((wait = TAILQ_FIRST(&e->waits)) && wait->ordinal <= e->s->acked) {
        struct rc_bk_waiting *w = wait->emit;
        strike(wait);
        check(b, w);
    }
}

void rc_bk_waits_done(struct rc_broker *b, struct rc_bk_gateway *e)
{
    struct rc_bk_wait *wait;
    while ((wait = TAILQ_FIRST(&e->waits))) {
        struct rc_bk_waiting *w = wait->emit;
        strike(wait);
        check(b, w);
    }
}

void rc_bk_waits_refuse(struct rc_broker *b, struct rc_bk_gateway *e)
{
    struct rc_bk_wait *wait;
    while ((wait = TAILQ_FIRST(&e->waits))) {
        struct rc_bk_waiting *w = wait->emit;
        struct rc_bk_gateway *origin = w->origin;
        uint32_t slot = w->slot;
        uint64_t generation = w->generation;
        forget(b, w);
        refuse(b, origin, slot, generation, RC_NOT_COVERED);
    }
}

void rc_bk_forget_emits(struct rc_broker *b, struct rc_bk_gateway *e)
{
    struct rc_bk_waiting *w;
    while ((w = TAILQ_FIRST(&e->waiting)))
        forget(b, w);
}

/* ---- accepting
 * -----------------------------------------------------------------------------------------------------------
 */

static size_t waiting_size(uint32_t targets)
{
    return sizeof(struct rc_bk_waiting) + targets * sizeof(struct rc_bk_wait);
}

/* A member gateway has as much unacknowledged as it may. */
static bool member_full(const struct rc_broker *b, const struct rc_bk_room *room, size_t bytes)
{
    const struct rc_bk_member *m;
    if (!room)
        return false;
    SLIST_FOREACH (m, &room->members, in_room)
        if (m->gateway->s && m->gateway->s->out_bytes + m->gateway->s->flight_bytes + bytes > b->config.gateway_bound)
            return true;
    return false;
}

/* Section 10: the bounds of what is waiting, of a gateway, of the topic. */
static bool busy(struct rc_broker *b, const struct rc_bk_room *room, const struct rc_op *op)
{
    uint64_t *reached = NULL;
    if (b->waiting_bytes + waiting_size(room ? room->gateways : 0) > b->config.waiting_bound)
        reached = &b->count.busy_waiting;
    else if (member_full(b, room, op->bytes))
        reached = &b->count.busy_gateway;
    else if (op->emit.row && b->persisters && !rc_topic_has_room(b, op->bytes))
        reached = &b->count.busy_topic;
    if (reached)
        ++*reached;
    return reached != NULL;
}

/* 0: accept. */
static enum rc_refusal judge(struct rc_broker *b, const struct rc_bk_room *room, const struct rc_op *op)
{
    const struct rc_bk_fitness *f = rc_bk_fitness(b);
    if (b->draining || f->state != RC_OPEN)
        return RC_NOT_OPEN;
    for (uint32_t i = 0; i < f->views; i++)
        if (!rc_bk_covers(f->view[i], op->emit.slot))
            return RC_NOT_COVERED;
    return busy(b, room, op) ? RC_BUSY : 0;
}

static void send_to(struct rc_broker *b, struct rc_bk_waiting *w, struct rc_bk_gateway *e, const struct rc_op *emit)
{
    struct rc_bk_wait *wait = &w->wait[w->n++];
    wait->gateway = e;
    wait->emit = w;
    w->left++;
    TAILQ_INSERT_TAIL(&e->waits, wait, link);
    if (!e->s)
        return; /* it may be alive: the emit waits until it says HELLO or is gone */
    struct rc_op *op = rc_op_new(RC_OP_DELIVER);
    op->deliver = emit->emit.msg;
    memcpy(op->deliver.origin, w->origin->id, sizeof op->deliver.origin);
    op->deliver.origin_inc = w->origin->inc;
    rc_msg_hold(&op->deliver);
    rc_bk_push(b, e->s, op);
    wait->ordinal = e->s->ordinal;
    b->count.delivers++;
}

static void accept_emit(struct rc_broker *b, struct rc_bk_gateway *origin, const struct rc_bk_room *room,
                        const struct rc_op *op)
{
    uint32_t targets = room ? room->gateways : 0;
    struct rc_bk_waiting *w = rc_pool_zget(waiting_size(targets));
    w->origin = origin;
    w->slot = op->emit.slot;
    w->generation = op->emit.generation;
    w->seq = op->emit.msg.seq;
    w->bytes = waiting_size(targets);
    TAILQ_INSERT_TAIL(&origin->waiting, w, link);
    b->waiting++;
    b->waiting_bytes += w->bytes;
    b->count.emits++;
    const struct rc_bk_member *m;
    if (room)
        SLIST_FOREACH (m, &room->members, in_room)
            send_to(b, w, m->gateway, op);
    if (op->emit.row && b->persisters) {
        uint64_t number = rc_topic_append(b, origin, op, b->config.quorum ? w : NULL);
        w->record = b->config.quorum ? number : 0;
    }
    check(b, w);
}

/* A queue is sent from its first to its newest, and again so in a higher generation (section 5). */
static bool in_order(struct rc_broker *b, const struct rc_bk_gateway *origin, const struct rc_op *op)
{
    struct rc_bk_slot *slot = &origin->slot[op->emit.slot];
    if (!RC_HOLDS(&b->count.broken, origin->s, RC_INV_TARGET, op->emit.generation >= slot->generation))
        return false;
    bool again = op->emit.generation > slot->generation;
    if (!RC_HOLDS(&b->count.broken, origin->s, RC_INV_ORDER, again || op->emit.msg.seq > slot->seq))
        return false;
    slot->generation = op->emit.generation;
    slot->seq = op->emit.msg.seq;
    return true;
}

void rc_bk_emit(struct rc_broker *b, struct rc_bk_gateway *origin, const struct rc_op *op)
{
    if (!in_order(b, origin, op))
        return;
    if (is_refused(origin, op->emit.slot, op->emit.generation))
        return;
    const struct rc_bk_room *room = rc_bk_room_find(b, op->emit.msg.room);
    enum rc_refusal no = judge(b, room, op);
    if (no)
        refuse(b, origin, op->emit.slot, op->emit.generation, no);
    else
        accept_emit(b, origin, room, op);
}
