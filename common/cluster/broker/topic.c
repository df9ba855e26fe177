/*
 * T2, T3: records of accepted emits, numbered, kept until every configured persister has stored them.
 * Publishing is the fast path; a persister that misses some asks RESEND and is served over its own link, as
 * far as credit goes.
 */
#include "cluster/broker/broker_impl.h"
#include "cluster/mem.h"

#include <string.h>

#define RESEND_CREDIT ((size_t)1 << 20) /* bytes on their way to one persister */

void rc_topic_init(struct rc_topic *t)
{
    memset(t, 0, sizeof *t);
    t->first = 1;
}

static struct rc_bk_record *at(struct rc_topic *t, uint64_t number)
{
    return &t->ring[number & (t->cap - 1)];
}

static void drop_first(struct rc_topic *t)
{
    struct rc_bk_record *r = at(t, t->first++);
    t->bytes -= r->op->bytes;
    rc_op_free(r->op);
    r->op = NULL;
}

void rc_topic_fini(struct rc_topic *t)
{
    while (t->first <= t->last)
        drop_first(t);
    free(t->ring);
}

static void grow(struct rc_topic *t)
{
    size_t cap = t->cap ? t->cap * 2 : 64;
    struct rc_bk_record *ring = rc_zarray(cap, sizeof *ring);
    for (uint64_t n = t->first; n <= t->last; n++)
        ring[n & (cap - 1)] = *at(t, n);
    free(t->ring);
    t->ring = ring;
    t->cap = cap;
}

/* At the bound what is stored at the quorum goes, oldest first; what is not never goes. */
bool rc_topic_has_room(struct rc_broker *b, size_t bytes)
{
    struct rc_topic *t = &b->topic;
    while (t->bytes + bytes > b->config.topic_bound && t->first <= t->last && t->first <= t->stored) {
        drop_first(t);
        b->count.holes++;
    }
    return t->bytes + bytes <= b->config.topic_bound;
}

uint64_t rc_topic_append(struct rc_broker *b, const struct rc_bk_gateway *origin, const struct rc_op *emit,
                         struct rc_bk_waiting *w)
{
    struct rc_topic *t = &b->topic;
    if (t->last - t->first + 1 >= t->cap)
        grow(t);
    struct rc_op *op = rc_op_new(RC_OP_RECORD);
    op->record.number = ++t->last;
    op->record.key.fecha = emit->emit.fecha;
    memcpy(op->record.key.origin, origin->id, sizeof op->record.key.origin);
    op->record.key.origin_inc = origin->inc;
    op->record.key.seq = emit->emit.msg.seq;
    op->record.row = rc_buf_hold(emit->emit.row);
    rc_op_weigh(op);
    *at(t, t->last) = (struct rc_bk_record){op, w};
    t->bytes += op->bytes;
    b->count.records++;
    if (!b->config.quorum)
        t->stored = t->last; /* nobody waits for these */
    if (b->events.publish)
        b->events.publish(b->world.host, op);
    return t->last;
}

void rc_topic_forget(struct rc_broker *b, const struct rc_bk_waiting *w)
{
    struct rc_topic *t = &b->topic;
    if (w->record >= t->first && w->record <= t->last)
        at(t, w->record)->emit = NULL;
}

/* ---- stored
 * --------------------------------------------------------------------------------------------------------------
 */

/* The number up to which at least `persisters` of them have everything. */
static uint64_t stored_by(const struct rc_broker *b, uint32_t persisters)
{
    uint64_t best = 0;
    for (uint32_t i = 0; i < b->persisters; i++) {
        uint64_t number = b->persister[i].stored;
        uint32_t have = 0;
        for (uint32_t j = 0; j < b->persisters; j++)
            have += b->persister[j].stored >= number;
        if (have >= persisters && number > best)
            best = number;
    }
    return best;
}

uint32_t rc_topic_copies(const struct rc_broker *b, uint64_t number)
{
    uint32_t copies = 0;
    for (uint32_t i = 0; i < b->persisters; i++)
        copies += b->persister[i].stored >= number;
    return copies;
}

void rc_topic_stored(struct rc_broker *b, struct rc_bk_persister *p, uint64_t number)
{
    struct rc_topic *t = &b->topic;
    if (!RC_HOLDS(&b->count.broken, p->s, RC_INV_STORED, number <= t->last))
        return;
    if (number > p->stored)
        p->stored = number;
    uint64_t stored = b->config.quorum ? stored_by(b, b->config.quorum) : t->last;
    for (uint64_t n = t->stored + 1; n <= stored; n++) {
        t->stored = n;
        struct rc_bk_waiting *w = at(t, n)->emit;
        at(t, n)->emit = NULL;
        if (w)
            rc_bk_stored(b, w);
    }
    uint64_t everywhere = stored_by(b, b->persisters);
    while (t->first <= t->last && t->first <= everywhere)
        drop_first(t);
}

/* ---- resend
 * --------------------------------------------------------------------------------------------------------------
 */

void rc_topic_resend(struct rc_broker *b, struct rc_bk_persister *p, uint64_t from)
{
    struct rc_topic *t = &b->topic;
    b->count.resends++;
    if (from < t->first) {
        struct rc_op *hole = rc_op_new(RC_OP_HOLE);
        hole->range.first = from;
        hole->range.last = t->first - 1;
        rc_bk_push(b, p->s, hole);
        from = t->first;
    }
    p->cursor = from;
    rc_topic_pump(b, p);
}

static struct rc_op *copy_of(const struct rc_op *record)
{
    struct rc_op *op = rc_op_new(RC_OP_RECORD);
    op->record = record->record;
    rc_buf_hold(op->record.row);
    return op;
}

void rc_topic_pump(struct rc_broker *b, struct rc_bk_persister *p)
{
    struct rc_topic *t = &b->topic;
    if (!p->cursor)
        return;
    if (p->cursor < t->first)
        p->cursor = t->first; /* dropped meanwhile: the persister sees the gap and asks again */
    while (p->cursor <= t->last && p->s->out_bytes + p->s->flight_bytes < RESEND_CREDIT)
        rc_bk_push(b, p->s, copy_of(at(t, p->cursor++)->op));
    if (p->cursor > t->last)
        p->cursor = 0;
}
