/* Connections between nodes: latency, order, cuts, breaks and closes. */
#include "net.h"

#include <stdlib.h>

static size_t pair(const struct sim_net *net, const struct sim_node *from, const struct sim_node *to)
{
    return (size_t)from->index * net->nodes + to->index;
}

void sim_net_init(struct sim_net *net, struct sim *sim, const struct sim_ear *ear, unsigned nodes)
{
    *net = (struct sim_net){.sim = sim, .ear = ear, .nodes = nodes};
    net->base = sim_between(&sim->plan, 200, 3200);
    net->jitter = sim_between(&sim->plan, 0, 6000);
    net->blocked = sim_alloc(sizeof(*net->blocked) * nodes * nodes);
    net->slow = sim_alloc(sizeof(*net->slow) * nodes * nodes);
    net->loss = sim_alloc(sizeof(*net->loss) * nodes * nodes);
}

static void drop_held(struct sim_conn *c, int side)
{
    struct sim_lane *l = &c->lane[side];
    for (size_t i = 0; i < l->held_len; i++)
        c->net->ear->drop(l->held[i]);
    free(l->held);
    l->held = NULL;
    l->held_len = l->held_cap = 0;
    l->held_close = false;
}

void sim_net_fini(struct sim_net *net)
{
    for (struct sim_conn *c = net->conns, *next; c; c = next) {
        next = c->next;
        drop_held(c, 0);
        drop_held(c, 1);
        free(c);
    }
    free(net->blocked);
    free(net->slow);
    free(net->loss);
}

rc_time sim_net_latency(struct sim_net *net, const struct sim_node *from, const struct sim_node *to)
{
    struct sim_rng *dice = &net->sim->dice;
    rc_time extra = net->slow[pair(net, from, to)];
    return net->base + sim_between(dice, 0, net->jitter) + (extra ? sim_between(dice, extra / 2, extra * 3 / 2) : 0);
}

bool sim_net_blocked(const struct sim_net *net, const struct sim_node *from, const struct sim_node *to)
{
    return net->blocked[pair(net, from, to)] > 0;
}

void sim_net_slow(struct sim_net *net, const struct sim_node *from, const struct sim_node *to, rc_time extra)
{
    net->slow[pair(net, from, to)] = extra;
}

void sim_net_lose(struct sim_net *net, const struct sim_node *from, const struct sim_node *to, unsigned permille)
{
    net->loss[pair(net, from, to)] = permille;
}

/* ---- arrival */

static void heard(void *on, void *arg, uint64_t side)
{
    struct sim_conn *c = on;
    if (!c->lane[side].open) {
        c->net->ear->drop(arg);
        return;
    }
    c->net->ear->hear(c->end[side], c, (int)side, arg);
}

static void hung_up(void *on, void *arg, uint64_t side)
{
    struct sim_conn *c = on;
    (void)arg;
    if (!c->lane[side].open)
        return;
    c->lane[side].open = false;
    c->net->ear->hangup(c->end[side], c, (int)side);
}

/* Gives a frame (NULL: the close) of `from` to the process at the other side; there it waits if that is frozen. */
static void hand(struct sim_conn *c, int from, void *frame)
{
    int to = 1 - from;
    struct sim_task task = {.on = c, .arg = frame, .num = (uint64_t)to, .run = frame ? heard : hung_up};
    if (frame)
        task.drop = c->net->ear->drop;
    sim_node_do(c->end[to], task);
}

static void hold(struct sim_lane *l, void *frame)
{
    if (!frame) {
        l->held_close = true;
        return;
    }
    l->held = sim_grow(l->held, l->held_len, &l->held_cap, sizeof(*l->held));
    l->held[l->held_len++] = frame;
}

static void arrive(void *on, void *arg, uint64_t from)
{
    struct sim_conn *c = on;
    struct sim_lane *l = &c->lane[from];
    if (c->dead || !c->lane[1 - from].open) {
        if (arg)
            c->net->ear->drop(arg);
    } else if (l->held_len || l->held_close || sim_net_blocked(c->net, c->end[from], c->end[1 - from])) {
        hold(l, arg);
    } else {
        hand(c, (int)from, arg);
    }
}

static void put(struct sim_conn *c, int side, void *frame)
{
    struct sim_lane *l = &c->lane[side];
    unsigned loss = c->net->loss[pair(c->net, c->end[side], c->end[1 - side])];
    if (frame && loss && sim_chance(&c->net->sim->dice, loss)) {
        c->net->ear->drop(frame);
        return;
    }
    rc_time at = c->net->sim->now + sim_net_latency(c->net, c->end[side], c->end[1 - side]);
    l->last = at > l->last ? at : l->last;
    sim_at(c->net->sim, l->last,
           (struct sim_task){
               .run = arrive, .on = c, .arg = frame, .num = (uint64_t)side, .drop = frame ? c->net->ear->drop : NULL});
}

/* ---- what nodes do */

struct sim_conn *sim_net_dial(struct sim_net *net, struct sim_node *from, struct sim_node *to)
{
    if (!to->up)
        return NULL;
    struct sim_conn *c = sim_alloc(sizeof(*c));
    *c = (struct sim_conn){.net = net, .end = {from, to}, .next = net->conns};
    c->lane[0].open = c->lane[1].open = true;
    net->conns = c;
    return c;
}

void sim_conn_send(struct sim_conn *c, int side, void *frame)
{
    if (c->dead || !c->lane[side].open)
        c->net->ear->drop(frame);
    else
        put(c, side, frame);
}

void sim_conn_close(struct sim_conn *c, int side)
{
    if (!c->lane[side].open)
        return;
    c->lane[side].open = false;
    if (!c->dead)
        put(c, side, NULL);
}

/* ---- what faults do */

void sim_net_block(struct sim_net *net, const struct sim_node *from, const struct sim_node *to)
{
    net->blocked[pair(net, from, to)]++;
}

static void release(struct sim_conn *c, int from)
{
    struct sim_lane *l = &c->lane[from];
    void **held = l->held;
    size_t n = l->held_len;
    bool close = l->held_close;
    l->held = NULL;
    l->held_len = l->held_cap = 0;
    l->held_close = false;
    for (size_t i = 0; i < n; i++) {
        if (c->dead)
            c->net->ear->drop(held[i]);
        else
            hand(c, from, held[i]);
    }
    if (close && !c->dead)
        hand(c, from, NULL);
    free(held);
}

void sim_net_unblock(struct sim_net *net, const struct sim_node *from, const struct sim_node *to)
{
    unsigned *count = &net->blocked[pair(net, from, to)];
    if (*count == 0 || --*count > 0)
        return;
    for (struct sim_conn *c = net->conns; c; c = c->next)
        for (int side = 0; side < 2; side++)
            if (c->end[side] == from && c->end[1 - side] == to)
                release(c, side);
}

static void tell(struct sim_conn *c, int side, rc_time delay)
{
    /* by way of the node: while it is frozen it does not notice */
    sim_node_timer(c->end[side], delay, (struct sim_task){.run = hung_up, .on = c, .num = (uint64_t)side});
}

void sim_net_break(struct sim_net *net, const struct sim_node *a, const struct sim_node *b)
{
    struct sim_rng *dice = &net->sim->dice;
    for (struct sim_conn *c = net->conns; c; c = c->next) {
        bool between = (c->end[0] == a && c->end[1] == b) || (c->end[0] == b && c->end[1] == a);
        if (c->dead || !between || (!c->lane[0].open && !c->lane[1].open))
            continue;
        c->dead = true;
        for (int side = 0; side < 2; side++)
            if (sim_chance(dice, 600))
                tell(c, side, sim_between(dice, 0, 15 * SIM_MS));
    }
}

void sim_net_lost(struct sim_net *net, const struct sim_node *n, bool quiet)
{
    for (struct sim_conn *c = net->conns; c; c = c->next) {
        for (int side = 0; side < 2; side++) {
            if (c->end[side] != n || !(c->lane[0].open || c->lane[1].open))
                continue;
            c->lane[side].open = false;
            if (!c->dead && !quiet && !sim_net_blocked(net, n, c->end[1 - side]))
                tell(c, 1 - side, sim_between(&net->sim->dice, 100, 8 * SIM_MS));
            c->dead = true;
        }
    }
}
