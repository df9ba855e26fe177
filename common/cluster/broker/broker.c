/* The broker's core: sessions in and out, dispatch, housekeeping. The rules are in the files that
 * broker_impl.h names. */
#include "cluster/broker/broker_impl.h"
#include "cluster/mem.h"

#include <string.h>

rc_time rc_bk_now(const struct rc_broker *b)
{
    return b->world.now(b->world.host);
}

void rc_bk_push(struct rc_broker *b, struct rc_session *s, struct rc_op *op)
{
    rc_session_push(s, op);
    b->world.kick(b->world.host, s);
}

static void take_persisters(struct rc_broker *b, const struct rc_broker_config *config)
{
    b->persister = rc_zarray(config->persisters, sizeof *b->persister);
    b->persisters = config->persisters;
    for (uint32_t i = 0; i < config->persisters; i++)
        memcpy(b->persister[i].id, config->persister[i], sizeof b->persister[i].id);
}

struct rc_broker *rc_broker_new(const struct rc_broker_config *config, const struct rc_world *world,
                                const struct rc_broker_events *events)
{
    if (config->n > RC_BROKERS_MAX || config->persisters > RC_PERSISTERS_MAX || config->quorum > config->persisters)
        return NULL;
    struct rc_broker *b = rc_zalloc(sizeof *b);
    (void)RC_HOLDS(&b->count.broken, NULL, RC_INV_TIMES, !rc_times_check(&config->times));
    b->config = *config;
    b->config.broker = NULL;
    b->config.persister = NULL;
    b->world = *world;
    b->events = *events;
    b->started = rc_bk_now(b);
    rc_bk_peers_init(b, config->broker, config->n);
    take_persisters(b, config);
    rc_map_init(&b->gateways, world->random(world->host));
    rc_bk_rooms_init(b);
    TAILQ_INIT(&b->views);
    TAILQ_INIT(&b->gone);
    b->fitness.dirty = true;
    rc_topic_init(&b->topic);
    return b;
}

void rc_broker_free(struct rc_broker *b)
{
    if (!b)
        return;
    rc_bk_gateways_fini(b);
    rc_bk_peers_fini(b);
    for (uint32_t i = 0; i < b->persisters; i++)
        if (b->persister[i].s)
            rc_session_free(b->persister[i].s);
    rc_topic_fini(&b->topic);
    rc_bk_rooms_fini(b);
    free(b->fitness.live);
    free(b->persister);
    free(b);
}

static struct rc_bk_persister *persister_of(struct rc_broker *b, const char *id)
{
    for (uint32_t i = 0; i < b->persisters; i++)
        if (strcmp(b->persister[i].id, id) == 0)
            return &b->persister[i];
    return NULL;
}

/* ---- sessions
 * ------------------------------------------------------------------------------------------------------------
 */

static enum rc_hello not_older(const struct rc_session *s, uint64_t inc, uint64_t hello, uint64_t *known_inc)
{
    if (hello >= inc)
        return RC_HELLO_OK;
    *known_inc = inc;
    return s ? RC_HELLO_TWIN : RC_HELLO_OLD;
}

enum rc_hello rc_broker_hello(struct rc_broker *b, const struct rc_peer *peer, uint64_t *known_inc)
{
    if (peer->role == RC_GATEWAY)
        return rc_bk_gateway_hello(b, peer, known_inc);
    const struct rc_bk_peer *p = peer->role == RC_BROKER ? rc_bk_peer_find(b, peer->id) : NULL;
    if (p)
        return not_older(p->s, p->inc, peer->inc, known_inc);
    const struct rc_bk_persister *persister = peer->role == RC_PERSISTER ? persister_of(b, peer->id) : NULL;
    if (persister)
        return not_older(persister->s, persister->inc, peer->inc, known_inc);
    return RC_HELLO_UNKNOWN;
}

static struct rc_session *replace(struct rc_broker *b, struct rc_session **s, const struct rc_peer *peer,
                                  uint64_t session)
{
    if (*s) {
        b->world.end(b->world.host, *s, RC_END_REPLACED);
        rc_session_free(*s);
    }
    *s = rc_session_new(peer, session, b->config.inc, 0, rc_bk_now(b));
    return *s;
}

static struct rc_session *broker_up(struct rc_broker *b, struct rc_bk_peer *p, const struct rc_peer *peer,
                                    uint64_t session)
{
    replace(b, &p->s, peer, session)->owner = p;
    p->inc = peer->inc;
    rc_bk_send_lists(b);
    return p->s;
}

static struct rc_session *persister_up(struct rc_broker *b, struct rc_bk_persister *p, const struct rc_peer *peer,
                                       uint64_t session)
{
    replace(b, &p->s, peer, session)->owner = p;
    p->inc = peer->inc;
    p->cursor = 0;
    return p->s;
}

/* A broker that we dialled may say a lower incarnation than before: its clock was set back, and as it dials nobody,
 * nobody tells it. Between brokers nothing is ordered by it. Unless the higher one has a session: that is another process. */
static bool welcome(struct rc_broker *b, const struct rc_peer *peer)
{
    uint64_t known;
    enum rc_hello verdict = rc_broker_hello(b, peer, &known);
    return verdict == RC_HELLO_OK || (peer->role == RC_BROKER && verdict == RC_HELLO_OLD);
}

struct rc_session *rc_broker_up(struct rc_broker *b, const struct rc_peer *peer, uint64_t session)
{
    if (!welcome(b, peer))
        return NULL;
    struct rc_session *s;
    if (peer->role == RC_GATEWAY)
        s = rc_bk_gateway_up(b, peer, session);
    else if (peer->role == RC_BROKER)
        s = broker_up(b, rc_bk_peer_find(b, peer->id), peer, session);
    else
        s = persister_up(b, persister_of(b, peer->id), peer, session);
    rc_bk_announce(b);
    return s;
}

void rc_broker_down(struct rc_broker *b, struct rc_session *s)
{
    if (s->peer.role == RC_GATEWAY) {
        rc_bk_gateway_lost(b, s->owner);
        rc_bk_announce(b);
        return;
    }
    if (s->peer.role == RC_BROKER)
        ((struct rc_bk_peer *)s->owner)->s = NULL;
    else
        ((struct rc_bk_persister *)s->owner)->s = NULL;
    rc_session_free(s);
}

void rc_bk_end(struct rc_broker *b, struct rc_session *s, enum rc_end why)
{
    b->world.end(b->world.host, s, why);
    rc_broker_down(b, s);
}

void rc_broker_take(struct rc_broker *b, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_time now = rc_bk_now(b);
    if (s->peer.role == RC_BROKER)
        rc_bk_list_taken(b, s->owner);
    rc_session_take(s, now, max_bytes, batch);
    batch->state = b->state;
    batch->mature = rc_bk_mature(b, now);
    if (s->peer.role == RC_PERSISTER)
        batch->topic_last = b->topic.last;
}

/* ---- receiving
 * -----------------------------------------------------------------------------------------------------------
 */

/* False: a gateway must not send that; the session ends. */
static bool from_gateway(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_op *op)
{
    switch (op->kind) {
    case RC_OP_EMIT:
        if (op->emit.slot >= RC_SLOTS)
            return false;
        rc_bk_emit(b, e, op);
        return true;
    case RC_OP_JOIN:
        return rc_bk_join(b, e, op->room.room);
    case RC_OP_LEAVE:
        rc_bk_leave(b, e, op->room.room);
        return true;
    case RC_OP_SYNCED:
        if (op->synced.n > RC_BROKERS_MAX)
            return false;
        rc_bk_gateway_synced(b, e, op);
        return true;
    case RC_OP_COUNT: /* agreed (docs/protocol.md 14), and shown by nobody yet */
    case RC_OP_SIDE:
        return true;
    default:
        return false;
    }
}

/* What we sent before we were suspended, and find echoed now, says nothing of the time that our clock missed. */
static void note_contact(const struct rc_broker *b, const struct rc_session *s, rc_time *contact)
{
    if (s->contact > b->started && s->contact > *contact)
        *contact = s->contact;
}

static bool receive_gateway(struct rc_broker *b, struct rc_session *s, const struct rc_batch *batch)
{
    struct rc_bk_gateway *e = s->owner;
    if (!RC_HOLDS(&b->count.broken, s, RC_INV_SESSION, e->s == s))
        return true; /* ended by rc_broker_receive */
    rc_time now = rc_bk_now(b);
    const struct rc_times *t = &b->config.times;
    if (!e->active || now - e->heard >= t->l_d || now - e->contact >= t->l_a)
        b->fitness.dirty = true;
    e->heard = s->heard;
    note_contact(b, s, &e->contact);
    e->active |= batch->active;
    if (e->active && !e->listed)
        rc_bk_send_lists(b); /* the others must know it before it may rely on us (G7) */
    rc_bk_acked(b, e);
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link) {
        if (op->kind == RC_OP_BYE) {
            rc_bk_gateway_gone(b, e);
            rc_bk_announce(b);
            return false;
        }
        if (!from_gateway(b, e, op)) {
            rc_bk_end(b, s, RC_END_PROTOCOL);
            return false;
        }
    }
    return true;
}

static bool receive_broker(struct rc_broker *b, struct rc_session *s, const struct rc_batch *batch)
{
    struct rc_bk_peer *p = s->owner;
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link) {
        if (op->kind == RC_OP_LIST) {
            rc_bk_list_arrived(p, op);
            b->fitness.dirty = true;
        } else if (op->kind != RC_OP_SIDE) {
            rc_bk_end(b, s, RC_END_PROTOCOL);
            return false;
        }
    }
    if (p->mature != batch->mature || rc_bk_now(b) - p->contact >= b->config.times.l_m)
        b->fitness.dirty = true;
    p->mature = batch->mature;
    p->draining = batch->state == RC_DRAINING;
    note_contact(b, s, &p->contact);
    return true;
}

static bool receive_persister(struct rc_broker *b, struct rc_session *s, const struct rc_batch *batch)
{
    struct rc_bk_persister *p = s->owner;
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link) {
        if (op->kind == RC_OP_STORED) {
            rc_topic_stored(b, p, op->range.first);
        } else if (op->kind == RC_OP_RESEND) {
            rc_topic_resend(b, p, op->range.first);
        } else if (op->kind != RC_OP_SIDE) {
            rc_bk_end(b, s, RC_END_PROTOCOL);
            return false;
        }
    }
    rc_topic_pump(b, p);
    return true;
}

bool rc_broker_receive(struct rc_broker *b, struct rc_session *s, const struct rc_batch *batch)
{
    enum rc_end why;
    if (!rc_session_accept(s, rc_bk_now(b), batch, &why)) {
        rc_bk_end(b, s, why);
        return false;
    }
    bool go_on = s->peer.role == RC_GATEWAY  ? receive_gateway(b, s, batch)
                 : s->peer.role == RC_BROKER ? receive_broker(b, s, batch)
                                             : receive_persister(b, s, batch);
    if (!go_on)
        return false;
    if (s->broken) {
        rc_bk_end(b, s, RC_END_INVARIANT);
        return false;
    }
    rc_session_done(s, batch->seq);
    if (rc_session_wants(s))
        b->world.kick(b->world.host, s);
    rc_bk_announce(b);
    return true;
}

/* ---- housekeeping
 * -------------------------------------------------------------------------------------------------------- */

/* Ends a session that is silent or does not acknowledge; else lets it say something every H. Returns false if
 * it ended. */
static bool attend(struct rc_broker *b, struct rc_session *s, rc_time now)
{
    const struct rc_times *t = &b->config.times;
    bool silent = rc_session_silent(s, now, t->s);
    if (s->broken || !RC_HOLDS(&b->count.broken, s, RC_INV_CLOCKS, s->contact <= s->heard && s->heard <= now)) {
        rc_bk_end(b, s, RC_END_INVARIANT);
        return false;
    }
    if (silent || (s->flight_len && now - s->acked_at > 5 * t->s)) {
        b->count.stuck += !silent;
        rc_bk_end(b, s, silent ? RC_END_SILENT : RC_END_BOUND);
        return false;
    }
    if (now - s->sent_at >= t->h - t->tick / 2) {
        s->due = true;
        b->world.kick(b->world.host, s);
    }
    return true;
}

/* B2: the list goes out with the heartbeats, and at once when somebody joins it. */
static bool list_changed(const struct rc_broker *b, rc_time now)
{
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next) {
        const struct rc_bk_gateway *e = at->value;
        if (e->listed != (e->active && now - e->heard < b->config.times.l_d))
            return true;
    }
    return false;
}

void rc_broker_tick(struct rc_broker *b)
{
    rc_time now = rc_bk_now(b);
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next) {
        struct rc_bk_gateway *e = at->value;
        if (e->s)
            attend(b, e->s, now);
    }
    if (list_changed(b, now))
        rc_bk_send_lists(b);
    const struct rc_bk_peer *p;
    TAILQ_FOREACH (p, &b->peers, link)
        if (p->s)
            attend(b, p->s, now);
    for (uint32_t i = 0; i < b->persisters; i++)
        if (b->persister[i].s)
            attend(b, b->persister[i].s, now);
    rc_bk_gateways_sweep(b);
    rc_bk_announce(b);
}

void rc_broker_suspended(struct rc_broker *b)
{
    b->started = rc_bk_now(b);
    b->fitness.dirty = true;
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next)
        ((struct rc_bk_gateway *)at->value)->contact = RC_NEVER;
    struct rc_bk_peer *p;
    TAILQ_FOREACH (p, &b->peers, link)
        p->contact = RC_NEVER;
    rc_bk_announce(b);
}

void rc_broker_drain(struct rc_broker *b)
{
    b->draining = true;
    rc_bk_announce(b);
}

bool rc_broker_idle(const struct rc_broker *b)
{
    return !b->waiting && b->topic.stored >= b->topic.last;
}

enum rc_broker_state rc_broker_state(const struct rc_broker *b)
{
    return b->state;
}

static void count_sessions(const struct rc_broker *b, struct rc_broker_stats *out)
{
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next) {
        const struct rc_bk_gateway *e = at->value;
        out->gateways += e->s != NULL;
        out->out_bytes += e->s ? e->s->out_bytes + e->s->flight_bytes : 0;
    }
    const struct rc_bk_peer *p;
    out->voters = 1;
    TAILQ_FOREACH (p, &b->peers, link) {
        out->brokers += p->s != NULL;
        out->voters += p->voter;
    }
    for (uint32_t i = 0; i < b->persisters; i++) {
        const struct rc_session *s = b->persister[i].s;
        out->persisters += s != NULL;
        out->out_bytes += s ? s->out_bytes + s->flight_bytes : 0;
    }
}

void rc_broker_stats(const struct rc_broker *b, struct rc_broker_stats *out)
{
    *out = b->count;
    out->state = b->state;
    out->inc = b->config.inc;
    out->mature = rc_bk_mature(b, rc_bk_now(b));
    out->live = b->fitness.known ? b->fitness.n : 0;
    out->rooms = b->room_count;
    out->memberships = b->memberships;
    out->waiting = b->waiting;
    out->waiting_bytes = b->waiting_bytes;
    out->topic_records = (size_t)(b->topic.last - b->topic.first + 1);
    out->topic_bytes = b->topic.bytes;
    out->topic_last = b->topic.last;
    out->topic_stored = b->topic.stored;
    count_sessions(b, out);
}
