/* G1, G2, G4: the brokers that this gateway goes by, and who knows it. */
#include "cluster/gateway/gateway_impl.h"
#include "cluster/mem.h"

#include <string.h>

/* G1: an open session, and willing to take joins. */
static bool in_view(const struct rc_gw_broker *b)
{
    return b->s && (b->state == RC_FIT || b->state == RC_OPEN);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct rc_member *)a)->id, ((const struct rc_member *)b)->id);
}

/* In the order of the ids: gateways that came to the same brokers in another order announce the same view. */
static struct rc_op *synced(const struct rc_gateway *g)
{
    struct rc_op *op = rc_op_new(RC_OP_SYNCED);
    op->synced.version = g->version;
    op->synced.k = g->config.k;
    op->synced.member = rc_zarray(g->n, sizeof *op->synced.member);
    for (uint32_t i = 0; i < g->n; i++)
        if (g->view >> i & 1)
            op->synced.member[op->synced.n++] = g->brokers[i].member;
    qsort(op->synced.member, op->synced.n, sizeof *op->synced.member, by_id);
    return op;
}

/* G2, in this order: a broker must never believe that it has our rooms before it has them. */
static void sync_to(struct rc_gateway *g, struct rc_gw_broker *b)
{
    struct rc_gw_room *room;
    size_t at = 0;
    while ((room = rc_index_next(&g->rooms, &at)))
        rc_gw_room_join(g, room, b);
    (void)RC_HOLDS(&g->count.broken, b->s, RC_INV_SYNCED, rc_gw_rooms_joined(g, b));
    rc_gw_push(g, b, synced(g));
    b->version = g->version;
    b->synced = b->s->ordinal;
    for (at = 0; (room = rc_index_next(&g->rooms, &at));) {
        if (!(rc_placement_set(g->placement, room->slot, g->view, g->config.k) >> b->index & 1))
            rc_gw_room_leave(g, room, b);
    }
}

void rc_view_update(struct rc_gateway *g)
{
    uint64_t view = 0;
    for (uint32_t i = 0; i < g->n; i++)
        if (in_view(&g->brokers[i]))
            view |= (uint64_t)1 << i;
    if (view != g->view) {
        g->view = view;
        g->version++;
        g->count.view_changes++;
    }
    for (uint32_t i = 0; i < g->n; i++)
        if (g->brokers[i].s && g->brokers[i].version != g->version)
            sync_to(g, &g->brokers[i]);
    rc_emits_retarget(g);
    rc_gw_open_ready(g);
}

bool rc_view_settled(const struct rc_gateway *g, rc_time now)
{
    for (uint32_t i = 0; i < g->n; i++) {
        const struct rc_gw_broker *b = &g->brokers[i];
        if (b->s) {
            if (b->version != g->version || b->s->acked < b->synced)
                return false;
        } else if (b->lost != RC_NEVER && now - b->lost <= g->config.times.w) {
            return false;
        }
    }
    return true;
}
