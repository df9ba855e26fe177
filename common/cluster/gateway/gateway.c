/* The gateway's core: sessions in and out, dispatch, housekeeping. The rules are in the files that
 * gateway_impl.h names. */
#include "cluster/gateway/gateway_impl.h"
#include "cluster/mem.h"

#include <string.h>

rc_time rc_gw_now(const struct rc_gateway *g)
{
    return g->world.now(g->world.host);
}

void rc_gw_push(struct rc_gateway *g, struct rc_gw_broker *b, struct rc_op *op)
{
    rc_session_push(b->s, op);
    g->world.kick(g->world.host, b->s);
}

struct rc_gateway *rc_gateway_new(const struct rc_gateway_config *config, const struct rc_world *world,
                                  const struct rc_gateway_events *events)
{
    if (!config->n || config->n > RC_BROKERS_MAX)
        return NULL;
    struct rc_placement *placement = rc_placement_new(config->broker, config->n);
    if (!placement)
        return NULL;
    struct rc_gateway *g = rc_zalloc(sizeof *g);
    g->config = *config;
    g->config.broker = NULL;
    g->world = *world;
    g->events = *events;
    g->inc = config->inc;
    g->placement = placement;
    g->n = config->n;
    g->brokers = rc_zarray(RC_BROKERS_MAX, sizeof *g->brokers);
    for (uint32_t i = 0; i < g->n; i++) {
        g->brokers[i].member = config->broker[i];
        g->brokers[i].index = (uint8_t)i;
        g->brokers[i].voter = true;
        g->brokers[i].lost = g->brokers[i].contact = RC_NEVER;
    }
    (void)RC_HOLDS(&g->count.broken, NULL, RC_INV_TIMES, !rc_times_check(&config->times));
    g->version = 1;
    g->started = rc_gw_now(g);
    rc_gw_rooms_init(g);
    TAILQ_INIT(&g->pending);
    rc_emits_init(g);
    rc_receiver_init(&g->receiver, world->random(world->host), config->receiver_max, config->times.e + config->times.w);
    return g;
}

void rc_gateway_free(struct rc_gateway *g)
{
    if (!g)
        return;
    rc_emits_fini(g);
    rc_gw_rooms_fini(g);
    rc_receiver_fini(&g->receiver);
    for (uint32_t i = 0; i < g->n; i++)
        if (g->brokers[i].s)
            rc_session_free(g->brokers[i].s);
    rc_placement_free(g->placement);
    free(g->brokers);
    free(g);
}

struct rc_gw_broker *rc_gw_broker_find(struct rc_gateway *g, const char *id)
{
    for (uint32_t i = 0; i < g->n; i++)
        if (strcmp(g->brokers[i].member.id, id) == 0)
            return &g->brokers[i];
    return NULL;
}

/* The session is over; whoever relied on it looks for another. */
static void lose(struct rc_gateway *g, struct rc_gw_broker *b)
{
    struct rc_session *s = b->s;
    rc_emits_lost(g, b);
    b->base = s->ordinal;
    b->s = NULL;
    b->state = RC_UNFIT;
    b->lost = rc_gw_now(g);
    rc_session_free(s);
    rc_view_update(g);
}

void rc_gw_broker_end(struct rc_gateway *g, struct rc_gw_broker *b, enum rc_end why)
{
    g->world.end(g->world.host, b->s, why);
    lose(g, b);
}

struct rc_session *rc_gateway_up(struct rc_gateway *g, const struct rc_peer *peer, uint64_t session,
                                 enum rc_broker_state state)
{
    struct rc_gw_broker *b = rc_gw_broker_find(g, peer->id);
    if (!b || peer->role != RC_BROKER)
        return NULL;
    if (b->s)
        rc_gw_broker_end(g, b, RC_END_REPLACED);
    b->s = rc_session_new(peer, session, g->inc, b->base, rc_gw_now(g));
    b->s->owner = b;
    b->s->hushed = g->hushed;
    b->s->window = RC_SESSION_ROOMS_WINDOW;
    b->state = state;
    b->version = b->synced = b->handed = b->processed = 0;
    rc_view_update(g);
    return b->s;
}

void rc_gateway_down(struct rc_gateway *g, struct rc_session *s)
{
    lose(g, s->owner);
}

enum rc_broker_state rc_gateway_broker_state(const struct rc_session *s)
{
    const struct rc_gw_broker *b = s->owner;
    return b->state;
}

void rc_gateway_take(struct rc_gateway *g, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_session_take(s, rc_gw_now(g), max_bytes, batch);
    batch->active = g->state != RC_STARTING;
}

static void deliver(struct rc_gateway *g, struct rc_gw_broker *b, const struct rc_msg *msg, uint64_t seq)
{
    if (!RC_HOLDS(&g->count.broken, b->s, RC_INV_SERVING,
                  g->state == RC_SERVING || g->sockets.count == g->pending_count))
        return;
    g->count.delivers++;
    b->handed = seq;
    if (!rc_receiver_note(&g->receiver, msg, rc_gw_now(g))) {
        g->count.duplicates++;
        return;
    }
    if (!rc_index_get(&g->rooms, msg->room->data, msg->room->len))
        return; /* the last member left while it was on its way */
    g->events.deliver(g->world.host, msg);
}

static bool process(struct rc_gateway *g, struct rc_gw_broker *b, const struct rc_op *op, uint64_t seq)
{
    switch (op->kind) {
    case RC_OP_DELIVER:
        deliver(g, b, &op->deliver, seq);
        return true;
    case RC_OP_CONFIRM:
    case RC_OP_DELIVERED:
    case RC_OP_REFUSED:
        rc_emits_reply(g, b, op);
        return true;
    case RC_OP_SIDE:
        return true; /* the host's */
    default:
        return false;
    }
}

bool rc_gateway_receive(struct rc_gateway *g, struct rc_session *s, const struct rc_batch *batch)
{
    struct rc_gw_broker *b = s->owner;
    enum rc_end why;
    if (!rc_session_accept(s, rc_gw_now(g), batch, &why)) {
        rc_gw_broker_end(g, b, why);
        return false;
    }
    rc_gw_contact(g, b, batch->echo);
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link)
        if (!process(g, b, op, batch->seq)) {
            rc_gw_broker_end(g, b, RC_END_PROTOCOL);
            return false;
        }
    if (s->broken) {
        rc_gw_broker_end(g, b, RC_END_INVARIANT);
        return false;
    }
    if (b->handed == batch->seq)
        g->events.barrier(g->world.host, s->id, batch->seq);
    else if (b->processed >= b->handed)
        rc_session_done(s, batch->seq);
    if (rc_session_wants(s))
        g->world.kick(g->world.host, s);
    rc_emits_pump(g, b);
    if (b->state != batch->state) {
        b->state = batch->state;
        rc_view_update(g);
    }
    rc_gw_open_ready(g);
    return true;
}

void rc_gateway_processed(struct rc_gateway *g, uint64_t session, uint64_t seq)
{
    for (uint32_t i = 0; i < g->n; i++) {
        struct rc_gw_broker *b = &g->brokers[i];
        if (!b->s || b->s->id != session)
            continue;
        if (seq > b->processed)
            b->processed = seq;
        rc_session_done(b->s, b->processed >= b->handed ? b->s->rx_seq : b->processed);
        if (rc_session_wants(b->s))
            g->world.kick(g->world.host, b->s);
    }
}

void rc_gateway_tick(struct rc_gateway *g)
{
    rc_gateway_check_fence(g);
    rc_time now = rc_gw_now(g);
    const struct rc_times *t = &g->config.times;
    for (uint32_t i = 0; i < g->n; i++) {
        struct rc_gw_broker *b = &g->brokers[i];
        if (b->s && (b->s->broken || !RC_HOLDS(&g->count.broken, b->s, RC_INV_CLOCKS,
                                               b->s->contact <= b->s->heard && b->s->heard <= now)))
            rc_gw_broker_end(g, b, RC_END_INVARIANT);
        if (b->s && rc_session_silent(b->s, now, t->s))
            rc_gw_broker_end(g, b, RC_END_SILENT);
        if (b->s && now - b->s->sent_at >= t->h - t->tick / 2) {
            b->s->due = true;
            g->world.kick(g->world.host, b->s);
        }
    }
    rc_gw_advance(g, now);
    rc_emits_expire(g, now);
    rc_emits_retarget(g);
    rc_receiver_forget(&g->receiver, now - t->recent);
    rc_gw_open_ready(g);
    rc_gw_time_out(g, now);
}

void rc_gateway_alive(struct rc_gateway *g, bool alive)
{
    g->hushed = !alive;
    for (uint32_t i = 0; i < g->n; i++)
        if (g->brokers[i].s) {
            g->brokers[i].s->hushed = g->hushed;
            g->world.kick(g->world.host, g->brokers[i].s);
        }
}

void rc_gateway_drain(struct rc_gateway *g)
{
    g->draining = true;
}

void rc_gateway_bye(struct rc_gateway *g)
{
    for (uint32_t i = 0; i < g->n; i++) {
        if (!g->brokers[i].s)
            continue;
        g->brokers[i].s->window = 0; /* nothing comes behind it, and it has not long to get through */
        rc_gw_push(g, &g->brokers[i], rc_op_new(RC_OP_BYE));
    }
}

bool rc_gateway_has_majority(const struct rc_gateway *g)
{
    return rc_gw_majority(g, rc_gw_now(g));
}

void rc_gateway_stats(const struct rc_gateway *g, struct rc_gateway_stats *out)
{
    *out = g->count;
    out->state = g->draining ? RC_LEAVING : g->state;
    out->inc = g->inc;
    out->sockets = g->sockets.count;
    out->pending = g->pending_count;
    out->rooms = g->rooms.count;
    out->unconfirmed = g->unconfirmed;
    out->unconfirmed_bytes = g->unconfirmed_bytes;
    out->receiver_entries = g->receiver.map.count;
    out->evicted = g->receiver.evicted;
    out->view = (uint32_t)__builtin_popcountll(g->view);
    for (uint32_t i = 0; i < g->n; i++)
        out->voters += g->brokers[i].voter;
    out->settled = rc_view_settled(g, rc_gw_now(g));
}
