/* Sessions beside the core. */
#include "aside.h"

#include <string.h>

void rc_aside_init(struct rc_aside *a, const struct rc_world *world, const struct rc_times *times, uint64_t inc)
{
    *a = (struct rc_aside){.world = *world, .times = *times, .inc = inc};
    TAILQ_INIT(&a->sessions);
}

void rc_aside_down(struct rc_aside *a, struct rc_session *s)
{
    TAILQ_REMOVE(&a->sessions, s, link);
    rc_session_free(s);
}

void rc_aside_fini(struct rc_aside *a)
{
    struct rc_session *s;
    while ((s = TAILQ_FIRST(&a->sessions)))
        rc_aside_down(a, s);
}

static void end(struct rc_aside *a, struct rc_session *s, enum rc_end why)
{
    a->world.end(a->world.host, s, why);
    rc_aside_down(a, s);
}

struct rc_session *rc_aside_find(const struct rc_aside *a, const char *id)
{
    struct rc_session *s;
    TAILQ_FOREACH (s, &a->sessions, link)
        if (strcmp(s->peer.id, id) == 0)
            return s;
    return NULL;
}

struct rc_session *rc_aside_up(struct rc_aside *a, const struct rc_peer *peer, uint64_t session)
{
    struct rc_session *s = rc_aside_find(a, peer->id);
    if (s)
        end(a, s, RC_END_REPLACED);
    s = rc_session_new(peer, session, a->inc, 0, a->world.now(a->world.host));
    TAILQ_INSERT_TAIL(&a->sessions, s, link);
    return s;
}

void rc_aside_take(struct rc_aside *a, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_session_take(s, a->world.now(a->world.host), max_bytes, batch);
}

bool rc_aside_receive(struct rc_aside *a, struct rc_session *s, const struct rc_batch *batch)
{
    enum rc_end why = RC_END_PROTOCOL;
    bool good = rc_session_accept(s, a->world.now(a->world.host), batch, &why);
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link)
        good &= op->kind == RC_OP_SIDE;
    if (!good) {
        end(a, s, why);
        return false;
    }
    rc_session_done(s, batch->seq);
    if (rc_session_wants(s))
        a->world.kick(a->world.host, s);
    return true;
}

void rc_aside_tick(struct rc_aside *a)
{
    rc_time now = a->world.now(a->world.host);
    struct rc_session *s = TAILQ_FIRST(&a->sessions);
    while (s) {
        struct rc_session *next = TAILQ_NEXT(s, link);
        if (rc_session_silent(s, now, a->times.s)) {
            end(a, s, RC_END_SILENT);
        } else if (now - s->sent_at >= a->times.h - a->times.tick / 2) {
            s->due = true;
            a->world.kick(a->world.host, s);
        }
        s = next;
    }
}
