/* Protobuf to operations, believing nothing. */
#include "link/wire.h"

#include "brokers.h"
#include "link/link.h"

#include <stdlib.h>
#include <string.h>

#define FECHA_MAX INT64_C(253402300799999) /* ms: the end of the year 9999 */

bool rc_wire_id(const ProtobufCBinaryData *from, char id[RC_ID_MAX + 1])
{
    if (from->len < 1 || from->len > RC_ID_MAX || memchr(from->data, 0, from->len))
        return false;
    memcpy(id, from->data, from->len);
    id[from->len] = 0;
    if (!rc_id_valid(id))
        id[0] = 0;
    return id[0] != 0;
}

/* NULL only when memory is short: an empty value is an empty buffer. */
static struct rc_buf *to_buf(const ProtobufCBinaryData *from)
{
    return from->len ? rc_buf_copy(from->data, from->len) : rc_buf_new(0);
}

static const char *to_room(const ProtobufCBinaryData *from, struct rc_buf **room)
{
    if (from->len < 1 || from->len > RC_ROOM_MAX)
        return "room key must have 1 to 512 bytes";
    return (*room = to_buf(from)) ? NULL : "out of memory";
}

static const char *to_bytes(const ProtobufCBinaryData *from, struct rc_buf **buf)
{
    return (*buf = to_buf(from)) ? NULL : "out of memory";
}

static const char *to_msg(const Roomcast__Message *m, bool named, struct rc_msg *msg)
{
    if (!m)
        return "message is missing";
    if (named ? !rc_wire_id(&m->origin, msg->origin) : m->origin.len || m->origin_inc)
        return "message of a bad origin";
    if (!m->seq)
        return "message without a number";
    msg->origin_inc = m->origin_inc;
    msg->seq = m->seq;
    const char *bad = to_room(&m->room, &msg->room);
    if (!bad && m->has_except)
        bad = to_room(&m->except, &msg->except);
    return bad ? bad : to_bytes(&m->payload, &msg->payload);
}

static const char *to_synced(const Roomcast__Synced *s, struct rc_op *op)
{
    if (s->n_member > RC_BROKERS_MAX || s->k > RC_BROKERS_MAX)
        return "view of too many brokers";
    op->synced.version = s->version;
    op->synced.k = s->k;
    op->synced.member = calloc(s->n_member ? s->n_member : 1, sizeof *op->synced.member);
    if (!op->synced.member)
        return "out of memory";
    for (size_t i = 0; i < s->n_member; i++) {
        struct rc_member *m = &op->synced.member[i];
        if (!rc_wire_id(&s->member[i]->id, m->id) || s->member[i]->weight > RC_WEIGHT_MAX)
            return "view with a bad broker";
        for (size_t j = 0; j < i; j++)
            if (!strcmp(m->id, op->synced.member[j].id))
                return "view names a broker twice";
        m->weight = s->member[i]->weight;
        op->synced.n++;
    }
    return NULL;
}

static const char *to_emit(const Roomcast__Emit *e, struct rc_op *op)
{
    if (e->slot >= RC_SLOTS)
        return "slot out of range";
    op->emit.slot = e->slot;
    op->emit.generation = e->generation;
    const char *bad = to_msg(e->message, false, &op->emit.msg);
    if (bad || !e->has_row)
        return bad;
    if (e->fecha < 0 || e->fecha > FECHA_MAX)
        return "date out of range";
    op->emit.fecha = e->fecha;
    return to_bytes(&e->row, &op->emit.row);
}

static const char *to_reply(const Roomcast__Reply *r, struct rc_op *op)
{
    if (r->slot >= RC_SLOTS)
        return "slot out of range";
    if (op->kind == RC_OP_REFUSED && ((int)r->reason < RC_NOT_OPEN || (int)r->reason > RC_BUSY))
        return "refused for an unknown reason";
    op->reply.slot = r->slot;
    op->reply.number = r->number;
    if (op->kind == RC_OP_REFUSED)
        op->reply.reason = (enum rc_refusal)r->reason;
    return NULL;
}

static const char *to_list(const Roomcast__List *l, struct rc_op *op)
{
    if (l->n_gateway > RC_WIRE_LIST_MAX)
        return "list of too many gateways";
    op->list.alive = calloc(l->n_gateway ? l->n_gateway : 1, sizeof *op->list.alive);
    if (!op->list.alive)
        return "out of memory";
    op->list.n = (uint32_t)l->n_gateway;
    for (size_t i = 0; i < l->n_gateway; i++) {
        if (!rc_wire_id(&l->gateway[i]->id, op->list.alive[i].id))
            return "list with a bad gateway id";
        op->list.alive[i].inc = l->gateway[i]->inc;
    }
    return NULL;
}

static const char *to_record(const Roomcast__Record *r, struct rc_op *op)
{
    if (!r->number || !r->seq)
        return "record without a number";
    if (!rc_wire_id(&r->origin, op->record.key.origin))
        return "record of a bad origin";
    if (r->fecha < 0 || r->fecha > FECHA_MAX)
        return "date out of range";
    op->record.number = r->number;
    op->record.key.fecha = r->fecha;
    op->record.key.origin_inc = r->origin_inc;
    op->record.key.seq = r->seq;
    return to_bytes(&r->row, &op->record.row);
}

static const char *to_range(const Roomcast__Range *r, struct rc_op *op)
{
    if (op->kind == RC_OP_HOLE && (!r->first || r->last < r->first))
        return "hole that ends before it begins";
    op->range.first = r->first;
    op->range.last = op->kind == RC_OP_HOLE ? r->last : 0;
    return NULL;
}

static const char *to_room_op(const Roomcast__Room *r, struct rc_op *op)
{
    op->room.members = op->kind == RC_OP_COUNT ? r->members : 0;
    return to_room(&r->key, &op->room.room);
}

/* protobuf-c leaves no message pointer of a set case NULL. */
static const char *fill(const Roomcast__Op *from, struct rc_op *op)
{
    switch (from->kind_case) {
    case ROOMCAST__OP__KIND_JOIN:
        return to_room_op(from->join, op);
    case ROOMCAST__OP__KIND_LEAVE:
        return to_room_op(from->leave, op);
    case ROOMCAST__OP__KIND_COUNT:
        return to_room_op(from->count, op);
    case ROOMCAST__OP__KIND_SYNCED:
        return to_synced(from->synced, op);
    case ROOMCAST__OP__KIND_EMIT:
        return to_emit(from->emit, op);
    case ROOMCAST__OP__KIND_DELIVERED:
        return to_reply(from->delivered, op);
    case ROOMCAST__OP__KIND_CONFIRM:
        return to_reply(from->confirm, op);
    case ROOMCAST__OP__KIND_REFUSED:
        return to_reply(from->refused, op);
    case ROOMCAST__OP__KIND_DELIVER:
        return to_msg(from->deliver, true, &op->deliver);
    case ROOMCAST__OP__KIND_BYE:
        return NULL;
    case ROOMCAST__OP__KIND_LIST:
        return to_list(from->list, op);
    case ROOMCAST__OP__KIND_RECORD:
        return to_record(from->record, op);
    case ROOMCAST__OP__KIND_RESEND:
        return to_range(from->resend, op);
    case ROOMCAST__OP__KIND_STORED:
        return to_range(from->stored, op);
    case ROOMCAST__OP__KIND_HOLE:
        return to_range(from->hole, op);
    case ROOMCAST__OP__KIND_SIDE:
        return from->side.len > RC_LINK_SIDE_MAX ? "side data above the limit" : to_bytes(&from->side, &op->side);
    default:
        return "operation that this node does not know";
    }
}

static const char *to_op(const Roomcast__Op *from, struct rc_op **out)
{
    if (from->kind_case < ROOMCAST__OP__KIND_JOIN || from->kind_case > ROOMCAST__OP__KIND_SIDE)
        return "operation that this node does not know";
    struct rc_op *op = rc_op_new((enum rc_op_kind)from->kind_case);
    const char *bad = fill(from, op);
    if (bad) {
        rc_op_free(op);
        return bad;
    }
    rc_op_weigh(op);
    *out = op;
    return NULL;
}

const char *rc_wire_record(const Roomcast__Record *from, struct rc_op **out)
{
    struct rc_op *op = rc_op_new(RC_OP_RECORD);
    const char *bad = to_record(from, op);
    if (bad) {
        rc_op_free(op);
        return bad;
    }
    rc_op_weigh(op);
    *out = op;
    return NULL;
}

/* Far from where sums and differences of clocks would overflow. */
static bool clock_ok(int64_t t)
{
    return t >= 0 && t <= INT64_MAX / 4;
}

const char *rc_wire_batch(const Roomcast__Batch *from, struct rc_batch *batch)
{
    if (!from->seq)
        return "batch without a number";
    if ((int)from->state < RC_UNFIT || (int)from->state > RC_DRAINING)
        return "unknown broker state";
    if (!clock_ok(from->t) || !clock_ok(from->echo))
        return "clock out of range";
    if (from->n_op > RC_WIRE_OPS_MAX)
        return "batch of too many operations";
    batch->session = from->session;
    batch->from_inc = from->from_inc;
    batch->to_inc = from->to_inc;
    batch->seq = from->seq;
    batch->ack = from->ack;
    batch->t = from->t;
    batch->echo = from->has_echo ? from->echo : RC_NEVER;
    batch->active = from->active;
    batch->mature = from->mature;
    batch->state = (enum rc_broker_state)from->state;
    batch->topic_last = from->topic_last;
    for (size_t i = 0; i < from->n_op; i++) {
        struct rc_op *op = NULL;
        const char *bad = to_op(from->op[i], &op);
        if (bad) {
            rc_batch_fini(batch);
            return bad;
        }
        TAILQ_INSERT_TAIL(&batch->ops, op, link);
        batch->bytes += op->bytes;
    }
    return NULL;
}

Roomcast__Frame *rc_wire_open(struct rc_arena *a, const void *bytes, size_t len)
{
    Roomcast__Frame *f = roomcast__frame__unpack(&a->pb, len, bytes);
    return f && f->kind_case != ROOMCAST__FRAME__KIND__NOT_SET ? f : NULL;
}
