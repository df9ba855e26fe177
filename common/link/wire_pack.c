/* Operations to protobuf: structs in an arena that point into the buffers of what is packed. */
#include "link/wire.h"

#include <string.h>

static ProtobufCBinaryData of_buf(struct rc_buf *buf)
{
    return (ProtobufCBinaryData){buf ? buf->len : 0, buf ? buf->data : NULL};
}

static ProtobufCBinaryData of_id(const char *id)
{
    return (ProtobufCBinaryData){strlen(id), (uint8_t *)(uintptr_t)id};
}

static void message_of(const struct rc_msg *msg, Roomcast__Message *m)
{
    roomcast__message__init(m);
    m->origin = of_id(msg->origin);
    m->origin_inc = msg->origin_inc;
    m->seq = msg->seq;
    m->room = of_buf(msg->room);
    m->has_except = msg->except != NULL;
    m->except = of_buf(msg->except);
    m->payload = of_buf(msg->payload);
}

static bool room_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    Roomcast__Room *r = rc_arena_alloc(a, 1, sizeof *r);
    if (!r)
        return false;
    roomcast__room__init(r);
    r->key = of_buf(op->room.room);
    r->members = op->room.members;
    if (op->kind == RC_OP_JOIN)
        to->join = r;
    else if (op->kind == RC_OP_LEAVE)
        to->leave = r;
    else
        to->count = r;
    return true;
}

static bool synced_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    uint32_t n = op->synced.n;
    Roomcast__Synced *s = rc_arena_alloc(a, 1, sizeof *s);
    Roomcast__Member *m = rc_arena_alloc(a, n, sizeof *m);
    Roomcast__Member **list = rc_arena_alloc(a, n, sizeof(Roomcast__Member *));
    if (!s || !m || !list)
        return false;
    roomcast__synced__init(s);
    s->version = op->synced.version;
    s->k = op->synced.k;
    s->n_member = n;
    s->member = list;
    for (uint32_t i = 0; i < n; i++) {
        list[i] = &m[i];
        roomcast__member__init(&m[i]);
        m[i].id = of_id(op->synced.member[i].id);
        m[i].weight = op->synced.member[i].weight;
    }
    to->synced = s;
    return true;
}

static bool emit_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    Roomcast__Emit *e = rc_arena_alloc(a, 1, sizeof *e);
    Roomcast__Message *m = rc_arena_alloc(a, 1, sizeof *m);
    if (!e || !m)
        return false;
    roomcast__emit__init(e);
    message_of(&op->emit.msg, m);
    e->slot = op->emit.slot;
    e->generation = op->emit.generation;
    e->message = m;
    e->has_row = op->emit.row != NULL;
    e->fecha = op->emit.row ? op->emit.fecha : 0;
    e->row = of_buf(op->emit.row);
    to->emit = e;
    return true;
}

static bool reply_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    Roomcast__Reply *r = rc_arena_alloc(a, 1, sizeof *r);
    if (!r)
        return false;
    roomcast__reply__init(r);
    r->slot = op->reply.slot;
    r->number = op->reply.number;
    if (op->kind == RC_OP_REFUSED)
        r->reason = (Roomcast__Refusal)op->reply.reason;
    if (op->kind == RC_OP_DELIVERED)
        to->delivered = r;
    else if (op->kind == RC_OP_CONFIRM)
        to->confirm = r;
    else
        to->refused = r;
    return true;
}

static bool deliver_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    Roomcast__Message *m = rc_arena_alloc(a, 1, sizeof *m);
    if (!m)
        return false;
    message_of(&op->deliver, m);
    to->deliver = m;
    return true;
}

static bool bye_of(struct rc_arena *a, Roomcast__Op *to)
{
    Roomcast__Bye *b = rc_arena_alloc(a, 1, sizeof *b);
    if (!b)
        return false;
    roomcast__bye__init(b);
    to->bye = b;
    return true;
}

static bool list_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    uint32_t n = op->list.n;
    Roomcast__List *l = rc_arena_alloc(a, 1, sizeof *l);
    Roomcast__Alive *g = rc_arena_alloc(a, n, sizeof *g);
    Roomcast__Alive **list = rc_arena_alloc(a, n, sizeof(Roomcast__Alive *));
    if (!l || !g || !list)
        return false;
    roomcast__list__init(l);
    l->n_gateway = n;
    l->gateway = list;
    for (uint32_t i = 0; i < n; i++) {
        list[i] = &g[i];
        roomcast__alive__init(&g[i]);
        g[i].id = of_id(op->list.alive[i].id);
        g[i].inc = op->list.alive[i].inc;
    }
    to->list = l;
    return true;
}

void rc_wire_record_frame(const struct rc_op *op, Roomcast__Record *to)
{
    roomcast__record__init(to);
    to->number = op->record.number;
    to->fecha = op->record.key.fecha;
    to->origin = of_id(op->record.key.origin);
    to->origin_inc = op->record.key.origin_inc;
    to->seq = op->record.key.seq;
    to->row = of_buf(op->record.row);
}

static bool record_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    Roomcast__Record *r = rc_arena_alloc(a, 1, sizeof *r);
    if (!r)
        return false;
    rc_wire_record_frame(op, r);
    to->record = r;
    return true;
}

static bool range_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    Roomcast__Range *r = rc_arena_alloc(a, 1, sizeof *r);
    if (!r)
        return false;
    roomcast__range__init(r);
    r->first = op->range.first;
    r->last = op->kind == RC_OP_HOLE ? op->range.last : 0;
    if (op->kind == RC_OP_RESEND)
        to->resend = r;
    else if (op->kind == RC_OP_STORED)
        to->stored = r;
    else
        to->hole = r;
    return true;
}

static bool op_of(struct rc_arena *a, const struct rc_op *op, Roomcast__Op *to)
{
    /* The protobuf cases are numbered as our kinds. */
    _Static_assert((int)RC_OP_SIDE == (int)ROOMCAST__OP__KIND_SIDE, "order of operations");
    roomcast__op__init(to);
    to->kind_case = (Roomcast__Op__KindCase)op->kind;
    switch (op->kind) {
    case RC_OP_JOIN:
    case RC_OP_LEAVE:
    case RC_OP_COUNT:
        return room_of(a, op, to);
    case RC_OP_SYNCED:
        return synced_of(a, op, to);
    case RC_OP_EMIT:
        return emit_of(a, op, to);
    case RC_OP_DELIVERED:
    case RC_OP_CONFIRM:
    case RC_OP_REFUSED:
        return reply_of(a, op, to);
    case RC_OP_DELIVER:
        return deliver_of(a, op, to);
    case RC_OP_BYE:
        return bye_of(a, to);
    case RC_OP_LIST:
        return list_of(a, op, to);
    case RC_OP_RECORD:
        return record_of(a, op, to);
    case RC_OP_RESEND:
    case RC_OP_STORED:
    case RC_OP_HOLE:
        return range_of(a, op, to);
    case RC_OP_SIDE:
        to->side = of_buf(op->side);
        return true;
    }
    return false;
}

static bool ops_of(struct rc_arena *a, const struct rc_batch *batch, Roomcast__Batch *to)
{
    size_t n = 0;
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link)
        n++;
    Roomcast__Op *ops = rc_arena_alloc(a, n, sizeof *ops);
    to->op = rc_arena_alloc(a, n, sizeof(Roomcast__Op *));
    if (n > RC_WIRE_OPS_MAX || !ops || !to->op)
        return false;
    TAILQ_FOREACH (op, &batch->ops, link) {
        to->op[to->n_op] = &ops[to->n_op];
        if (!op_of(a, op, &ops[to->n_op++]))
            return false;
    }
    return true;
}

Roomcast__Frame *rc_wire_frame(struct rc_arena *a, const struct rc_batch *batch)
{
    Roomcast__Frame *f = rc_arena_alloc(a, 1, sizeof *f);
    Roomcast__Batch *b = rc_arena_alloc(a, 1, sizeof *b);
    if (!f || !b)
        return NULL;
    roomcast__frame__init(f);
    roomcast__batch__init(b);
    f->kind_case = ROOMCAST__FRAME__KIND_BATCH;
    f->batch = b;
    b->session = batch->session;
    b->from_inc = batch->from_inc;
    b->to_inc = batch->to_inc;
    b->seq = batch->seq;
    b->ack = batch->ack;
    b->t = batch->t;
    b->has_echo = batch->echo != RC_NEVER;
    b->echo = b->has_echo ? batch->echo : 0;
    b->active = batch->active;
    b->mature = batch->mature;
    b->state = (Roomcast__State)batch->state;
    b->topic_last = batch->topic_last;
    return ops_of(a, batch, b) ? f : NULL;
}
