/* G6, G7: from start to serving, and the fence that ends an incarnation. */
#include "cluster/gateway/gateway_impl.h"

bool rc_gw_majority(const struct rc_gateway *g, rc_time now)
{
    uint32_t fresh = 0, voters = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct rc_gw_broker *b = &g->brokers[i];
        voters += b->voter;
        fresh += b->voter && b->contact != RC_NEVER && now - b->contact < g->config.times.l_g;
    }
    return fresh >= voters / 2 + 1;
}

/* Only a batch that said `active` was counted by the broker: its clock is later than the change. A broker that was
 * added votes from then on (C2). */
void rc_gw_contact(struct rc_gateway *g, struct rc_gw_broker *b, rc_time echo)
{
    if (g->state == RC_STARTING || echo == RC_NEVER || echo <= g->active_at || echo <= b->contact)
        return;
    b->contact = echo;
    b->voter = true;
}

static void forget_broker(struct rc_gateway *g, struct rc_gw_broker *b)
{
    struct rc_session *s = b->s;
    b->s = NULL;
    b->state = RC_UNFIT;
    b->lost = b->contact = RC_NEVER;
    if (!s)
        return;
    b->base = s->ordinal;
    g->world.end(g->world.host, s, RC_END_FENCE);
    rc_session_free(s);
}

void rc_gw_fence(struct rc_gateway *g, uint64_t known_inc)
{
    for (uint32_t i = 0; i < g->n; i++)
        forget_broker(g, &g->brokers[i]);
    rc_emits_fini(g);
    rc_emits_init(g);
    rc_gw_rooms_fini(g);
    rc_receiver_fini(&g->receiver); /* keeps its seed, bound and counter */
    g->inc = (known_inc > g->inc ? known_inc : g->inc) + 1;
    g->state = RC_STARTING;
    g->started = rc_gw_now(g);
    g->view = 0;
    g->version = 1;
    g->seq = 0;
    g->count.fences++;
    g->events.fenced(g->world.host, g->inc);
}

void rc_gateway_check_fence(struct rc_gateway *g)
{
    if (g->state == RC_SERVING && !rc_gw_majority(g, rc_gw_now(g)))
        rc_gw_fence(g, 0);
}

void rc_gateway_suspended(struct rc_gateway *g)
{
    rc_gw_fence(g, 0);
}

void rc_gateway_refused(struct rc_gateway *g, uint64_t known_inc)
{
    if (known_inc >= g->inc)
        rc_gw_fence(g, known_inc);
}

/* Known to every broker that could be asked: from now on be counted. */
static bool may_be_active(const struct rc_gateway *g, rc_time now)
{
    uint64_t voters = 0;
    for (uint32_t i = 0; i < g->n; i++)
        voters |= (uint64_t)g->brokers[i].voter << i;
    return g->view && rc_view_settled(g, now) &&
           ((g->view & voters) == voters || now - g->started > g->config.times.l_g);
}

static void become_active(struct rc_gateway *g, rc_time now)
{
    g->state = RC_ACTIVE;
    g->active_at = now;
    g->majority_since = RC_NEVER;
    for (uint32_t i = 0; i < g->n; i++)
        if (g->brokers[i].s) {
            g->brokers[i].s->due = true;
            g->world.kick(g->world.host, g->brokers[i].s);
        }
}

void rc_gw_advance(struct rc_gateway *g, rc_time now)
{
    if (g->state == RC_STARTING && may_be_active(g, now))
        become_active(g, now);
    if (g->state != RC_ACTIVE)
        return;
    if (!rc_gw_majority(g, now))
        g->majority_since = RC_NEVER;
    else if (g->majority_since == RC_NEVER)
        g->majority_since = now;
    else if (now - g->majority_since >= g->config.times.l_m + g->config.times.tick)
        g->state = RC_SERVING;
}
