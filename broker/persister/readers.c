/* The sessions of gateways at a persister. */
#include "broker/persister/readers.h"

#include <string.h>

#include "cluster/mem.h"

TAILQ_HEAD(session_list, rc_session);

struct rc_readers {
    uint64_t inc;
    struct rc_times times;
    struct rc_world world;
    struct session_list open;
    size_t count;
};

struct rc_readers *rc_readers_new(uint64_t inc, const struct rc_times *times, const struct rc_world *world)
{
    struct rc_readers *r = rc_zalloc(sizeof *r);
    r->inc = inc;
    r->times = *times;
    r->world = *world;
    TAILQ_INIT(&r->open);
    return r;
}

void rc_readers_free(struct rc_readers *r)
{
    if (!r)
        return;
    while (!TAILQ_EMPTY(&r->open))
        rc_readers_down(r, TAILQ_FIRST(&r->open));
    free(r);
}

void rc_readers_set_inc(struct rc_readers *r, uint64_t inc)
{
    r->inc = inc;
}

static rc_time now_of(const struct rc_readers *r)
{
    return r->world.now(r->world.host);
}

struct rc_session *rc_readers_up(struct rc_readers *r, const struct rc_peer *gateway, uint64_t session)
{
    struct rc_session *s;
    if (gateway->role != RC_GATEWAY)
        return NULL;
    TAILQ_FOREACH (s, &r->open, link)
        if (strcmp(s->peer.id, gateway->id) == 0)
            break;
    if (s)
        rc_readers_end(r, s, RC_END_REPLACED);
    if (r->count == RC_READERS_MAX)
        return NULL;
    s = rc_session_new(gateway, session, r->inc, 0, now_of(r));
    TAILQ_INSERT_TAIL(&r->open, s, link);
    r->count++;
    return s;
}

void rc_readers_down(struct rc_readers *r, struct rc_session *s)
{
    TAILQ_REMOVE(&r->open, s, link);
    r->count--;
    rc_session_free(s);
}

void rc_readers_end(struct rc_readers *r, struct rc_session *s, enum rc_end why)
{
    r->world.end(r->world.host, s, why);
    rc_readers_down(r, s);
}

void rc_readers_take(struct rc_readers *r, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_session_take(s, now_of(r), max_bytes, batch);
}

static bool over_bound(const struct rc_session *s)
{
    return s->out_bytes + s->flight_bytes > RC_READERS_BOUND;
}

bool rc_readers_receive(struct rc_readers *r, struct rc_session *s, const struct rc_batch *batch)
{
    const struct rc_op *op;
    enum rc_end why = RC_END_PROTOCOL;
    bool ok = rc_session_accept(s, now_of(r), batch, &why);
    TAILQ_FOREACH (op, &batch->ops, link) {
        if (ok && op->kind != RC_OP_SIDE) {
            why = RC_END_PROTOCOL;
            ok = false;
        }
    }
    if (!ok) {
        rc_readers_end(r, s, why);
        return false;
    }
    rc_session_done(s, batch->seq);
    if (rc_session_wants(s))
        r->world.kick(r->world.host, s);
    return true;
}

static void attend(struct rc_readers *r, struct rc_session *s, rc_time now)
{
    if (rc_session_silent(s, now, r->times.s)) {
        rc_readers_end(r, s, RC_END_SILENT);
    } else if (over_bound(s)) {
        rc_readers_end(r, s, RC_END_BOUND);
    } else if (now - s->sent_at >= r->times.h - r->times.tick / 2) {
        s->due = true;
        r->world.kick(r->world.host, s);
    }
}

void rc_readers_tick(struct rc_readers *r)
{
    rc_time now = now_of(r);
    struct rc_session *s, *next;
    for (s = TAILQ_FIRST(&r->open); s; s = next) {
        next = TAILQ_NEXT(s, link);
        attend(r, s, now);
    }
}

struct rc_session *rc_readers_find(struct rc_readers *r, uint64_t session)
{
    struct rc_session *s;
    TAILQ_FOREACH (s, &r->open, link)
        if (s->id == session)
            return s;
    return NULL;
}

size_t rc_readers_count(const struct rc_readers *r)
{
    return r->count;
}
