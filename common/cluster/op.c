/* Operations and batches: making, weighing, releasing. */
#include "cluster/op.h"
#include "cluster/pool.h"

#include <stdlib.h>
#include <string.h>

void rc_msg_hold(struct rc_msg *msg)
{
    rc_buf_hold(msg->room);
    rc_buf_hold(msg->except);
    rc_buf_hold(msg->payload);
}

void rc_msg_rele(struct rc_msg *msg)
{
    rc_buf_rele(msg->room);
    rc_buf_rele(msg->except);
    rc_buf_rele(msg->payload);
    msg->room = msg->except = msg->payload = NULL;
}

struct rc_op *rc_op_new(enum rc_op_kind kind)
{
    struct rc_op *op = rc_pool_zget(sizeof *op);
    op->kind = kind;
    op->bytes = sizeof *op;
    return op;
}

static size_t buf_weight(const struct rc_buf *buf)
{
    return buf ? buf->len : 0;
}

static size_t msg_weight(const struct rc_msg *msg)
{
    return buf_weight(msg->room) + buf_weight(msg->except) + buf_weight(msg->payload);
}

static size_t contents(const struct rc_op *op)
{
    switch (op->kind) {
    case RC_OP_JOIN:
    case RC_OP_LEAVE:
    case RC_OP_COUNT:
        return buf_weight(op->room.room);
    case RC_OP_SYNCED:
        return op->synced.n * sizeof(struct rc_member);
    case RC_OP_EMIT:
        return msg_weight(&op->emit.msg) + buf_weight(op->emit.row);
    case RC_OP_DELIVER:
        return msg_weight(&op->deliver);
    case RC_OP_LIST:
        return op->list.n * sizeof(struct rc_alive);
    case RC_OP_RECORD:
        return buf_weight(op->record.row);
    case RC_OP_SIDE:
        return buf_weight(op->side);
    default:
        return 0;
    }
}

void rc_op_weigh(struct rc_op *op)
{
    op->bytes = sizeof *op + contents(op);
}

void rc_op_free(struct rc_op *op)
{
    switch (op->kind) {
    case RC_OP_JOIN:
    case RC_OP_LEAVE:
    case RC_OP_COUNT:
        rc_buf_rele(op->room.room);
        break;
    case RC_OP_SYNCED:
        free(op->synced.member);
        break;
    case RC_OP_EMIT:
        rc_msg_rele(&op->emit.msg);
        rc_buf_rele(op->emit.row);
        break;
    case RC_OP_DELIVER:
        rc_msg_rele(&op->deliver);
        break;
    case RC_OP_LIST:
        free(op->list.alive);
        break;
    case RC_OP_RECORD:
        rc_buf_rele(op->record.row);
        break;
    case RC_OP_SIDE:
        rc_buf_rele(op->side);
        break;
    default:
        break;
    }
    rc_pool_put(op, sizeof *op);
}

const char *rc_op_name(enum rc_op_kind kind)
{
    static const char *const name[] = {
        [RC_OP_JOIN] = "join",       [RC_OP_LEAVE] = "leave",     [RC_OP_COUNT] = "count",
        [RC_OP_SYNCED] = "synced",   [RC_OP_EMIT] = "emit",       [RC_OP_DELIVERED] = "delivered",
        [RC_OP_CONFIRM] = "confirm", [RC_OP_REFUSED] = "refused", [RC_OP_DELIVER] = "deliver",
        [RC_OP_BYE] = "bye",         [RC_OP_LIST] = "list",       [RC_OP_RECORD] = "record",
        [RC_OP_RESEND] = "resend",   [RC_OP_STORED] = "stored",   [RC_OP_HOLE] = "hole",
        [RC_OP_SIDE] = "side",
    };
    return kind >= RC_OP_JOIN && kind <= RC_OP_SIDE ? name[kind] : "?";
}

void rc_batch_init(struct rc_batch *batch)
{
    memset(batch, 0, sizeof *batch);
    TAILQ_INIT(&batch->ops);
    batch->echo = RC_NEVER;
}

void rc_batch_fini(struct rc_batch *batch)
{
    struct rc_op *op;
    while ((op = TAILQ_FIRST(&batch->ops))) {
        TAILQ_REMOVE(&batch->ops, op, link);
        rc_op_free(op);
    }
    batch->bytes = 0;
}
