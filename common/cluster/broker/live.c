/*
 * B2 to B4: which gateways live, as far as a majority of the brokers can tell, and what this broker may do
 * for them.
 *
 * The result is kept with the moment until which it holds, so that judging an emit (B6) is a comparison and a
 * bit test.
 */
#include "cluster/broker/broker_impl.h"
#include "cluster/mem.h"

#include <string.h>

bool rc_bk_mature(const struct rc_broker *b, rc_time now)
{
    return now - b->started > b->config.times.l_d;
}

/* Computed when first asked: a whole placement takes some ms a broker, too long for a loop that owes heartbeats. */
bool rc_bk_covers(struct rc_bk_view *view, uint32_t slot)
{
    uint8_t bit = (uint8_t)(1u << (slot % 8));
    if (!(view->asked[slot / 8] & bit)) {
        view->asked[slot / 8] |= bit;
        if (rc_placement_covers(view->member, view->n, slot, view->k, view->me))
            view->covers[slot / 8] |= bit;
    }
    return view->covers[slot / 8] & bit;
}

/* now is within `span` after `since`; if so the result holds at most until it no longer is. */
static bool within(struct rc_bk_fitness *f, rc_time now, rc_time since, rc_time span)
{
    if (since == RC_NEVER || now - since >= span)
        return false;
    if (since + span < f->until)
        f->until = since + span;
    return true;
}

static const void *alive_key(const void *alive, size_t *len)
{
    const char *id = ((const struct rc_alive *)alive)->id;
    *len = strlen(id);
    return id;
}

/* Place for all that may be added: they stay where they are while they are looked up. */
static void make_room(const struct rc_broker *b, struct rc_bk_fitness *f)
{
    size_t most = b->gateways.count;
    const struct rc_bk_peer *p;
    TAILQ_FOREACH (p, &b->peers, link)
        most += p->n;
    if (most > f->cap) {
        free(f->live);
        f->live = rc_zarray(most, sizeof *f->live);
        f->cap = (uint32_t)most;
    }
    f->n = 0;
    rc_index_init(&f->by_id, alive_key, b->gateways.seed);
}

/* Per id the highest incarnation counts. */
static void add_live(struct rc_bk_fitness *f, const char *id, uint64_t inc)
{
    struct rc_alive *alive = rc_index_get(&f->by_id, id, strlen(id));
    if (alive) {
        if (inc > alive->inc)
            alive->inc = inc;
        return;
    }
    alive = &f->live[f->n++];
    memcpy(alive->id, id, sizeof alive->id);
    alive->inc = inc;
    rc_index_put(&f->by_id, alive);
}

static void collect(struct rc_broker *b, struct rc_bk_fitness *f, rc_time now)
{
    const struct rc_times *t = &b->config.times;
    uint32_t mature = rc_bk_mature(b, now);
    if (!mature)
        f->until = b->started + t->l_d + 1;
    make_room(b, f);
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next) {
        struct rc_bk_gateway *e = at->value;
        e->live = false;
        if (e->active && within(f, now, e->heard, t->l_d))
            add_live(f, e->id, e->inc);
    }
    uint32_t voters = 1;
    struct rc_bk_peer *p;
    TAILQ_FOREACH (p, &b->peers, link) {
        bool fresh = within(f, now, p->contact, t->l_m);
        p->voter |= fresh && p->mature; /* C2 */
        voters += p->voter;
        if (!fresh)
            continue;
        mature += p->mature;
        for (uint32_t j = 0; j < p->n; j++)
            add_live(f, p->list[j].id, p->list[j].inc);
    }
    f->known = mature >= voters / 2 + 1;
    rc_index_fini(&f->by_id);
}

/* A newer incarnation that said HELLO to us proves the older one dead. */
static void strike_replaced(const struct rc_broker *b, struct rc_bk_fitness *f)
{
    for (uint32_t i = 0; i < f->n;) {
        struct rc_bk_gateway *e = rc_bk_gateway_find(b, f->live[i].id);
        if (e && e->inc > f->live[i].inc) {
            f->live[i] = f->live[--f->n];
            continue;
        }
        if (e)
            e->live = e->inc == f->live[i].inc;
        i++;
    }
}

static void add_view(struct rc_bk_fitness *f, struct rc_bk_view *view)
{
    for (uint32_t i = 0; i < f->views; i++)
        if (f->view[i] == view)
            return;
    if (f->views < RC_BROKERS_MAX)
        f->view[f->views++] = view;
    else
        f->state = RC_FIT; /* that many different views are no state to accept in */
}

static void judge(struct rc_broker *b, struct rc_bk_fitness *f, rc_time now)
{
    f->state = RC_OPEN;
    for (uint32_t i = 0; i < f->n; i++) {
        const struct rc_bk_gateway *e = rc_bk_gateway_find(b, f->live[i].id);
        if (!e || e->inc != f->live[i].inc || !within(f, now, e->contact, b->config.times.l_a)) {
            f->state = RC_UNFIT;
            return;
        }
        if (e->view && e->view->me < e->view->n)
            add_view(f, e->view);
        else
            f->state = RC_FIT;
    }
}

const struct rc_bk_fitness *rc_bk_fitness(struct rc_broker *b)
{
    struct rc_bk_fitness *f = &b->fitness;
    rc_time now = rc_bk_now(b);
    if (!f->dirty && now < f->until)
        return f;
    f->dirty = false;
    b->count.judged++;
    f->until = INT64_MAX;
    f->views = 0;
    collect(b, f, now);
    strike_replaced(b, f);
    if (f->known)
        judge(b, f, now);
    else
        f->state = RC_UNFIT;
    return f;
}

void rc_bk_announce(struct rc_broker *b)
{
    enum rc_broker_state state = b->draining ? RC_DRAINING : rc_bk_fitness(b)->state;
    if (state == b->state)
        return;
    enum rc_broker_state from = b->state;
    b->state = state;
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next) {
        const struct rc_bk_gateway *e = at->value;
        if (!e->s)
            continue;
        e->s->due = true;
        b->world.kick(b->world.host, e->s);
    }
    if (b->events.state)
        b->events.state(b->world.host, from, state);
}

/* Those that drain as well are about to go; who is not there may never come. */
bool rc_broker_spare(const struct rc_broker *b)
{
    uint32_t voters = 1, mature = 0, young = 0;
    const struct rc_bk_peer *p;
    TAILQ_FOREACH (p, &b->peers, link) {
        voters += p->voter;
        if (p->s && !p->draining)
            (*(p->mature ? &mature : &young))++;
    }
    uint32_t majority = voters / 2 + 1;
    return mature >= majority || mature + young < majority;
}

/* ---- lists (B2)
 * ----------------------------------------------------------------------------------------------------------
 */

static struct rc_op *list_op(const struct rc_broker *b)
{
    struct rc_op *op = rc_op_new(RC_OP_LIST);
    op->list.alive = rc_zarray(b->gateways.count, sizeof *op->list.alive);
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next) {
        const struct rc_bk_gateway *e = at->value;
        if (!e->listed)
            continue;
        struct rc_alive *alive = &op->list.alive[op->list.n++];
        memcpy(alive->id, e->id, sizeof alive->id);
        alive->inc = e->inc;
    }
    return op;
}

/* Who is listed is settled here, not when a peer takes its list: peers take theirs at different times, and one that got an older
 * answer would never be told. */
void rc_bk_send_lists(struct rc_broker *b)
{
    rc_time now = rc_bk_now(b);
    struct rc_map_entry *at, *next;
    RC_MAP_FOREACH (&b->gateways, at, next) {
        struct rc_bk_gateway *e = at->value;
        e->listed = e->active && now - e->heard < b->config.times.l_d;
    }
    struct rc_bk_peer *p;
    TAILQ_FOREACH (p, &b->peers, link) {
        p->list_due = p->s != NULL;
        if (!p->s)
            continue;
        p->s->due = true;
        b->world.kick(b->world.host, p->s);
    }
}

void rc_bk_list_taken(struct rc_broker *b, struct rc_bk_peer *p)
{
    if (p->list_due)
        rc_session_push(p->s, list_op(b));
    p->list_due = false;
}

void rc_bk_list_arrived(struct rc_bk_peer *peer, const struct rc_op *op)
{
    free(peer->list);
    peer->n = op->list.n;
    peer->list = rc_zarray(peer->n, sizeof *peer->list);
    if (peer->n)
        memcpy(peer->list, op->list.alive, peer->n * sizeof *peer->list);
}
