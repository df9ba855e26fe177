/* B1, B5, B8: what this broker knows of each gateway, from its first HELLO until it is gone. */
#include "cluster/broker/broker_impl.h"
#include "cluster/mem.h"

#include <string.h>

#define REMEMBER_GONE (3600000 * RC_MS)

/* Gateways that die together are forgotten one after the other, from so many rooms on: some 40 ms of a loop that owes heartbeats. */
#define SWEEP_ROOMS 50000

struct rc_bk_gateway *rc_bk_gateway_find(const struct rc_broker *b, const char *id)
{
    return rc_map_get(&b->gateways, id, strlen(id));
}

/* ---- views
 * ---------------------------------------------------------------------------------------------------------------
 */

static bool same_view(const struct rc_bk_view *v, const struct rc_op *op)
{
    if (v->k != op->synced.k || v->n != op->synced.n)
        return false;
    for (uint32_t i = 0; i < v->n; i++)
        if (strcmp(v->member[i].id, op->synced.member[i].id) != 0 || v->member[i].weight != op->synced.member[i].weight)
            return false;
    return true;
}

static struct rc_bk_view *view_hold(struct rc_broker *b, const struct rc_op *op)
{
    struct rc_bk_view *v;
    TAILQ_FOREACH (v, &b->views, link)
        if (same_view(v, op)) {
            v->refs++;
            return v;
        }
    v = rc_zalloc(sizeof *v);
    v->refs = 1;
    v->k = op->synced.k;
    v->n = op->synced.n;
    v->member = rc_zarray(v->n, sizeof *v->member);
    if (v->n)
        memcpy(v->member, op->synced.member, v->n * sizeof *v->member);
    while (v->me < v->n && strcmp(v->member[v->me].id, b->config.id) != 0)
        v->me++;
    TAILQ_INSERT_TAIL(&b->views, v, link);
    return v;
}

static void view_drop(struct rc_broker *b, struct rc_bk_gateway *e)
{
    struct rc_bk_view *v = e->view;
    e->view = NULL;
    b->fitness.dirty = true;
    if (!v || --v->refs)
        return;
    TAILQ_REMOVE(&b->views, v, link);
    free(v->member);
    free(v);
}

void rc_bk_gateway_synced(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_op *op)
{
    if (!RC_HOLDS(&b->count.broken, e->s, RC_INV_SYNCED, op->synced.version > e->version))
        return;
    e->version = op->synced.version;
    struct rc_bk_view *view = view_hold(b, op);
    view_drop(b, e);
    e->view = view;
}

/* ---- gone
 * ----------------------------------------------------------------------------------------------------------------
 */

static struct rc_bk_gone *gone_find(const struct rc_broker *b, const char *id)
{
    struct rc_bk_gone *gone;
    TAILQ_FOREACH (gone, &b->gone, link)
        if (strcmp(gone->id, id) == 0)
            return gone;
    return NULL;
}

static void remember(struct rc_broker *b, const struct rc_bk_gateway *e)
{
    struct rc_bk_gone *gone = gone_find(b, e->id);
    if (gone)
        TAILQ_REMOVE(&b->gone, gone, link);
    else
        gone = rc_zalloc(sizeof *gone);
    memcpy(gone->id, e->id, sizeof gone->id);
    if (e->inc > gone->inc)
        gone->inc = e->inc;
    gone->at = rc_bk_now(b);
    TAILQ_INSERT_TAIL(&b->gone, gone, link);
}

static void forget_gone(struct rc_broker *b, rc_time before)
{
    struct rc_bk_gone *gone;
    while ((gone = TAILQ_FIRST(&b->gone)) && gone->at < before) {
        TAILQ_REMOVE(&b->gone, gone, link);
        free(gone);
    }
}

static void gateway_free(struct rc_broker *b, struct rc_bk_gateway *e)
{
    rc_bk_leave_all(b, e);
    view_drop(b, e);
    (void)RC_HOLDS(&b->count.broken, NULL, RC_INV_WAITS, TAILQ_EMPTY(&e->waits) && TAILQ_EMPTY(&e->waiting));
    rc_map_del(&b->gateways, e->id, strlen(e->id));
    if (e->s)
        rc_session_free(e->s);
    free(e->slot);
    free(e);
}

static void session_drop(struct rc_broker *b, struct rc_bk_gateway *e)
{
    rc_bk_forget_emits(b, e);
    free(e->slot);
    e->slot = NULL;
    e->base = e->s->ordinal;
    rc_session_free(e->s);
    e->s = NULL;
}

/* Drops its rooms, and strikes it from all waits: some of them are complete now. */
void rc_bk_gateway_gone(struct rc_broker *b, struct rc_bk_gateway *e)
{
    if (e->s) {
        b->world.end(b->world.host, e->s, RC_END_GONE);
        session_drop(b, e);
    }
    b->count.gone++;
    if (e->active)
        remember(b, e);
    if (b->events.gone)
        b->events.gone(b->world.host, e->id, e->inc);
    rc_bk_waits_done(b, e);
    bool listed = e->listed;
    gateway_free(b, e);
    if (listed)
        rc_bk_send_lists(b); /* or it lives on through our word, and whoever heard its BYE too stays unfit */
}

/* ---- sessions
 * ------------------------------------------------------------------------------------------------------------
 */

enum rc_hello rc_bk_gateway_hello(struct rc_broker *b, const struct rc_peer *peer, uint64_t *known_inc)
{
    const struct rc_bk_gateway *e = rc_bk_gateway_find(b, peer->id);
    const struct rc_bk_gone *gone = gone_find(b, peer->id);
    if (e && e->inc > peer->inc) {
        *known_inc = e->inc;
        return e->s ? RC_HELLO_TWIN : RC_HELLO_OLD;
    }
    if (gone && gone->inc >= peer->inc) {
        *known_inc = gone->inc;
        b->count.hello_gone += gone->inc == peer->inc; /* else its clock was set back */
        return RC_HELLO_OLD;
    }
    return RC_HELLO_OK;
}

static struct rc_bk_gateway *gateway_make(struct rc_broker *b, const struct rc_peer *peer)
{
    struct rc_bk_gateway *e = rc_zalloc(sizeof *e);
    memcpy(e->id, peer->id, sizeof e->id);
    e->inc = peer->inc;
    e->contact = RC_NEVER;
    TAILQ_INIT(&e->rooms);
    TAILQ_INIT(&e->waits);
    TAILQ_INIT(&e->waiting);
    rc_map_put(&b->gateways, e->id, strlen(e->id))->value = e;
    return e;
}

struct rc_session *rc_bk_gateway_up(struct rc_broker *b, const struct rc_peer *peer, uint64_t session)
{
    struct rc_bk_gateway *e = rc_bk_gateway_find(b, peer->id);
    if (e && e->inc < peer->inc) {
        rc_bk_gateway_gone(b, e);
        e = NULL;
    }
    if (e && e->s) {
        b->world.end(b->world.host, e->s, RC_END_REPLACED);
        rc_bk_gateway_lost(b, e);
        e = rc_bk_gateway_find(b, peer->id);
    }
    if (!e)
        e = gateway_make(b, peer);
    /* B5: what it told us and what we sent it in an earlier session is void. */
    rc_bk_leave_all(b, e);
    view_drop(b, e);
    rc_bk_waits_refuse(b, e);
    e->version = 0;
    e->slot = rc_zarray(RC_SLOTS, sizeof *e->slot);
    e->heard = rc_bk_now(b);
    e->s = rc_session_new(peer, session, b->config.inc, e->base, e->heard);
    e->s->owner = e;
    b->fitness.dirty = true;
    return e->s;
}

/* Only the session ended: rooms, view and waits stay, since its sockets do (B1). Frees the session. */
void rc_bk_gateway_lost(struct rc_broker *b, struct rc_bk_gateway *e)
{
    session_drop(b, e);
    if (!e->active)
        rc_bk_gateway_gone(b, e);
}

void rc_bk_gateways_sweep(struct rc_broker *b)
{
    rc_time now = rc_bk_now(b);
    forget_gone(b, now - REMEMBER_GONE);
    const struct rc_bk_fitness *f = rc_bk_fitness(b);
    if (!f->known)
        return;
    size_t before = b->memberships;
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next) {
        struct rc_bk_gateway *e = at->value;
        if (before - b->memberships >= SWEEP_ROOMS)
            return; /* the next one with the next tick */
        if (!e->s && !e->live)
            rc_bk_gateway_gone(b, e);
    }
}

void rc_bk_gateways_fini(struct rc_broker *b)
{
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next)
        rc_bk_forget_emits(b, at->value);
    RC_MAP_FOREACH (&b->gateways, at, next)
        gateway_free(b, at->value);
    forget_gone(b, INT64_MAX);
    rc_map_fini(&b->gateways);
}
