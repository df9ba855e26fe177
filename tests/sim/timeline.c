/* The timeline of --trace. */
#include "timeline.h"

#include <inttypes.h>
#include <string.h>

static const char *refusal_text(enum rc_refusal why)
{
    static const char *const text[] = {"?", "not open", "not covered", "busy"};
    return why <= RC_BUSY ? text[why] : text[0];
}

static void trace_synced(struct sim *sim, const char *from, const char *to, const struct rc_op *op)
{
    char view[RC_BROKERS_MAX * 8] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < op->synced.n && len < sizeof(view) - RC_ID_MAX - 2; i++)
        len += (size_t)snprintf(view + len, sizeof(view) - len, " %s", op->synced.member[i].id);
    sim_trace(sim, from, "> %s SYNCED %" PRIu64 ":%s", to, op->synced.version, view);
}

static void trace_rare(struct sim_world *w, const char *from, const char *to, const struct rc_op *op)
{
    switch (op->kind) {
    case RC_OP_SYNCED:
        trace_synced(&w->sim, from, to, op);
        break;
    case RC_OP_REFUSED:
        sim_trace(&w->sim, from, "> %s REFUSED slot %u generation %" PRIu64 ": %s", to, op->reply.slot,
                  op->reply.number, refusal_text(op->reply.reason));
        break;
    case RC_OP_RESEND:
        sim_trace(&w->sim, from, "> %s RESEND from %" PRIu64, to, op->range.first);
        break;
    case RC_OP_HOLE:
        sim_trace(&w->sim, from, "> %s %s %" PRIu64 " %" PRIu64, to, rc_op_name(op->kind), op->range.first,
                  op->range.last);
        break;
    case RC_OP_BYE:
        sim_trace(&w->sim, from, "> %s BYE", to);
        break;
    default:
        break;
    }
}

static void note_way(struct sim_world *w, const struct sim_host *from, const struct rc_op *op)
{
    struct sim_way *way = &w->way[op->emit.msg.except ? 1 : 0]; /* the copy to admins excepts the other room */
    *way = (struct sim_way){.origin = from, .slot = op->emit.slot, .seq = op->emit.msg.seq};
}

static bool answers(const struct sim_world *w, const struct sim_host *to, const struct rc_op *op)
{
    for (unsigned i = 0; i < 2; i++)
        if (w->way[i].origin == to && w->way[i].slot == op->reply.slot && w->way[i].seq == op->reply.number)
            return true;
    return false;
}

/* The way of the message that is looked at: what carries it, and the answers to its emits. */
static void trace_watched(struct sim_world *w, const struct sim_host *from, const struct sim_host *to,
                          const struct rc_op *op)
{
    uint64_t id = w->options.watch, seq;
    const struct rc_buf *bytes;
    switch (op->kind) {
    case RC_OP_EMIT:
        bytes = op->emit.msg.payload;
        seq = op->emit.msg.seq;
        if (sim_message_id(w, bytes) == id)
            note_way(w, from, op);
        break;
    case RC_OP_DELIVER:
        bytes = op->deliver.payload;
        seq = op->deliver.seq;
        break;
    case RC_OP_RECORD:
        bytes = op->record.row;
        seq = op->record.number;
        break;
    case RC_OP_CONFIRM:
    case RC_OP_DELIVERED:
        if (answers(w, to, op))
            sim_trace_as(&w->sim, SIM_MARK_WATCHED, from->node.id, "> %s m%" PRIu64 ": %s %" PRIu64, to->node.id, id,
                         rc_op_name(op->kind), op->reply.number);
        return;
    default:
        return;
    }
    if (sim_message_id(w, bytes) == id)
        sim_trace_as(&w->sim, SIM_MARK_WATCHED, from->node.id, "> %s m%" PRIu64 ": %s %" PRIu64, to->node.id, id,
                     rc_op_name(op->kind), seq);
}

void sim_timeline_batch(struct sim_world *w, const struct sim_host *from, const struct sim_host *to,
                        const struct rc_batch *batch)
{
    const struct rc_op *op;
    sim_mix(&w->sim, batch->seq << 24 ^ batch->ack << 8 ^ batch->bytes);
    TAILQ_FOREACH (op, &batch->ops, link) {
        w->totals.ops++;
        w->totals.refusals += op->kind == RC_OP_REFUSED;
        sim_mix(&w->sim, op->kind);
        if (!w->sim.trace)
            continue;
        trace_rare(w, from->node.id, to->node.id, op);
        if (w->options.watch)
            trace_watched(w, from, to, op);
    }
}

void sim_timeline_gateway(struct sim_gateway *g)
{
    static const char *const state[] = {"starting", "active", "serving", "leaving"};
    struct rc_gateway_stats now, *seen = &g->seen;
    if (!g->host.w->sim.trace)
        return;
    rc_gateway_stats(g->core, &now);
    if (now.state != seen->state || now.inc != seen->inc)
        sim_trace(&g->host.w->sim, g->host.node.id, "is %s, incarnation %" PRIu64, state[now.state], now.inc);
    if (now.view != seen->view || now.view_changes != seen->view_changes || now.settled != seen->settled)
        sim_trace(&g->host.w->sim, g->host.node.id, "has %u brokers in its view, %s", now.view,
                  now.settled ? "settled" : "not settled");
    *seen = now;
}
