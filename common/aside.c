/* Sessions beside the core. */
#include "aside.h"

#include <string.h>

#include "cluster/mem.h"

TAILQ_HEAD(session_list, rc_session);

struct rc_aside {
    uint64_t inc;
    struct rc_times times;
    struct rc_world world;
    struct session_list open;
    size_t count;
};

struct rc_aside *rc_aside_new(uint64_t inc, const struct rc_times *times, const struct rc_world *world)
{
    struct rc_aside *a = rc_zalloc(sizeof *a);
    a->inc = inc;
    a->times = *times;
    a->world = *world;
    TAILQ_INIT(&a->open);
    return a;
}

void rc_aside_free(struct rc_aside *a)
{
    if (!a)
        return;
    while (!TAILQ_EMPTY(&a->open))
        rc_aside_down(a, TAILQ_FIRST(&a->open));
    free(a);
}

void rc_aside_set_inc(struct rc_aside *a, uint64_t inc)
{
    a->inc = inc;
}

static rc_time now_of(const struct rc_aside *a)
{
    return a->world.now(a->world.host);
}

struct rc_session *rc_aside_of(struct rc_aside *a, const char *id)
{
    struct rc_session *s;
    TAILQ_FOREACH (s, &a->open, link)
        if (strcmp(s->peer.id, id) == 0)
            break;
    return s;
}

struct rc_session *rc_aside_up(struct rc_aside *a, const struct rc_peer *peer, uint64_t session)
{
    struct rc_session *s = rc_aside_of(a, peer->id);
    if (s)
        rc_aside_end(a, s, RC_END_REPLACED);
    if (a->count == RC_ASIDE_MAX)
        return NULL;
    s = rc_session_new(peer, session, a->inc, 0, now_of(a));
    TAILQ_INSERT_TAIL(&a->open, s, link);
    a->count++;
    return s;
}

void rc_aside_down(struct rc_aside *a, struct rc_session *s)
{
    TAILQ_REMOVE(&a->open, s, link);
    a->count--;
    rc_session_free(s);
}

void rc_aside_end(struct rc_aside *a, struct rc_session *s, enum rc_end why)
{
    a->world.end(a->world.host, s, why);
    rc_aside_down(a, s);
}

void rc_aside_take(struct rc_aside *a, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_session_take(s, now_of(a), max_bytes, batch);
}

static bool over_bound(const struct rc_session *s)
{
    return s->out_bytes + s->flight_bytes > RC_ASIDE_BOUND;
}

bool rc_aside_receive(struct rc_aside *a, struct rc_session *s, const struct rc_batch *batch)
{
    const struct rc_op *op;
    enum rc_end why = RC_END_PROTOCOL;
    bool ok = rc_session_accept(s, now_of(a), batch, &why);
    TAILQ_FOREACH (op, &batch->ops, link) {
        if (ok && op->kind != RC_OP_SIDE) {
            why = RC_END_PROTOCOL;
            ok = false;
        }
    }
    if (!ok) {
        rc_aside_end(a, s, why);
        return false;
    }
    rc_session_done(s, batch->seq);
    if (rc_session_wants(s))
        a->world.kick(a->world.host, s);
    return true;
}

static void attend(struct rc_aside *a, struct rc_session *s, rc_time now)
{
    if (rc_session_silent(s, now, a->times.s)) {
        rc_aside_end(a, s, RC_END_SILENT);
    } else if (over_bound(s)) {
        rc_aside_end(a, s, RC_END_BOUND);
    } else if (now - s->sent_at >= a->times.h - a->times.tick / 2) {
        s->due = true;
        a->world.kick(a->world.host, s);
    }
}

void rc_aside_tick(struct rc_aside *a)
{
    rc_time now = now_of(a);
    struct rc_session *s, *next;
    for (s = TAILQ_FIRST(&a->open); s; s = next) {
        next = TAILQ_NEXT(s, link);
        attend(a, s, now);
    }
}

struct rc_session *rc_aside_find(struct rc_aside *a, uint64_t session)
{
    struct rc_session *s;
    TAILQ_FOREACH (s, &a->open, link)
        if (s->id == session)
            return s;
    return NULL;
}

/* FNV-1a; every byte then counts in every bit, or names that differ in their end would all choose one peer. */
static uint64_t mix(uint64_t hash, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ data[i]) * 0x100000001b3;
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
}

struct rc_session *rc_aside_pick(const struct rc_aside *a, const void *name, size_t len)
{
    uint64_t seed = mix(0xcbf29ce484222325, name, len), best = 0;
    struct rc_session *s, *out = NULL;
    TAILQ_FOREACH (s, &a->open, link) {
        uint64_t score = mix(seed, (const uint8_t *)s->peer.id, strlen(s->peer.id));
        if (!out || score > best) {
            out = s;
            best = score;
        }
    }
    return out;
}

size_t rc_aside_count(const struct rc_aside *a)
{
    return a->count;
}
