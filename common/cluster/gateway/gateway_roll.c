/* Section 8 at a gateway: brokers added and removed while clients are connected. */
#include "cluster/gateway/gateway_impl.h"
#include "cluster/mem.h"

#include <string.h>

static void configured(const struct rc_gateway *g, struct rc_roll_list *out)
{
    out->n = 0;
    out->pending = NULL;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct rc_gw_broker *b = &g->brokers[i];
        if (!b->member.id[0])
            continue;
        if (!b->voter)
            out->pending = b->member.id;
        out->member[out->n++] = b->member;
    }
}

/* With the old lists the newcomer would take rooms for its own, by the view that it is told, which are not joined there. */
static void place(struct rc_gateway *g)
{
    struct rc_member member[RC_BROKERS_MAX];
    for (uint32_t i = 0; i < g->n; i++)
        member[i] = g->brokers[i].member;
    struct rc_placement *placement = rc_placement_new(member, g->n);
    if (!placement)
        rc_out_of_memory();
    rc_placement_free(g->placement);
    g->placement = placement;
}

/* A place whose broker was removed, and need not be waited for any more (G4); else one behind the last. */
static uint32_t free_place(const struct rc_gateway *g)
{
    rc_time now = rc_gw_now(g);
    for (uint32_t i = 0; i < g->n; i++) {
        const struct rc_gw_broker *b = &g->brokers[i];
        if (!b->member.id[0] && (b->lost == RC_NEVER || now - b->lost > g->config.times.w))
            return i;
    }
    return g->n;
}

/* Rooms move when it is fit. Its ordinals go on from those of the place, so that no JOIN of an earlier broker counts. */
static bool add(struct rc_gateway *g, const struct rc_member *member)
{
    uint32_t i = free_place(g);
    if (i == RC_BROKERS_MAX)
        return false;
    struct rc_gw_broker *b = &g->brokers[i];
    uint64_t base = b->base;
    if (i == g->n) {
        rc_gw_rooms_widen(g, g->n + 1);
        g->n++;
    }
    *b = (struct rc_gw_broker){
        .member = *member, .index = (uint8_t)i, .base = base, .lost = RC_NEVER, .contact = RC_NEVER};
    TAILQ_INIT(&b->stalled);
    TAILQ_INIT(&b->delivered);
    TAILQ_INIT(&b->bare);
    return true;
}

/* Others may go by its word for W, unless it told that it gives none any more. */
static void remove_broker(struct rc_gateway *g, struct rc_gw_broker *b)
{
    bool drained = b->s && b->state == RC_DRAINING;
    if (b->s)
        rc_gw_broker_end(g, b, RC_END_REMOVED);
    if (drained)
        b->lost = RC_NEVER;
    b->member = (struct rc_member){0};
    b->voter = false;
    b->contact = RC_NEVER;
}

enum rc_roll rc_gateway_brokers(struct rc_gateway *g, const struct rc_member *broker, uint32_t n)
{
    struct rc_roll_list before;
    const struct rc_member *which;
    configured(g, &before);
    enum rc_roll roll = rc_roll_judge(&before, broker, n, &which);
    if (!rc_roll_good(roll) || roll == RC_ROLL_NONE)
        return roll;
    if (roll == RC_ROLL_ADDED && !add(g, which))
        return RC_ROLL_FULL;
    if (roll == RC_ROLL_REMOVED)
        remove_broker(g, rc_gw_broker_find(g, which->id));
    place(g);
    rc_gw_open_ready(g);
    return roll;
}
