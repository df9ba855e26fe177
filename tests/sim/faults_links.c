/* What goes wrong between nodes. */
#include "kinds.h"

#include <stdio.h>

void sim_kind_brk(struct sim_fault *f)
{
    struct sim_host *a, *b;
    sim_fault_pair(f, &a, &b);
    sim_fault_describe(f, "%s-%s", a->node.id, b->node.id);
    sim_fault_step(f, f->at, SIM_BREAK, a, b, 0);
}

void sim_kind_flap(struct sim_fault *f)
{
    struct sim_host *a, *b;
    sim_fault_pair(f, &a, &b);
    sim_fault_describe(f, "%s-%s", a->node.id, b->node.id);
    for (rc_time t = f->at; t < f->end; t += sim_between(f->plan, 100 * SIM_MS, 900 * SIM_MS))
        sim_fault_step(f, t, SIM_BREAK, a, b, 0);
}

void sim_kind_cut(struct sim_fault *f)
{
    struct sim_host *a, *b;
    sim_fault_pair(f, &a, &b);
    int direction = sim_chance(f->plan, 600) ? 0 : (int)sim_between(f->plan, 1, 2);
    sim_fault_describe(f, "%s-%s way %d", a->node.id, b->node.id, direction);
    sim_fault_cut(f, f->at, f->end, a, b, direction);
}

void sim_kind_part(struct sim_fault *f)
{
    char side[64] = "";
    size_t len = 0;
    bool in[SIM_NODES_MAX] = {false};
    for (unsigned i = 0; i < f->w->hosts; i++) {
        in[i] = sim_chance(f->plan, 500);
        if (in[i] && len < sizeof(side))
            len += (size_t)snprintf(side + len, sizeof(side) - len, "%s ", f->w->host[i]->node.id);
    }
    sim_fault_describe(f, "%s|", side);
    for (unsigned i = 0; i < f->w->hosts; i++)
        for (unsigned j = 0; j < f->w->hosts; j++)
            if (in[i] && !in[j])
                sim_fault_cut(f, f->at, f->end, f->w->host[i], f->w->host[j], 0);
}

void sim_kind_iso(struct sim_fault *f)
{
    struct sim_host *n = sim_fault_any(f);
    sim_fault_describe(f, "%s", n->node.id);
    for (unsigned i = 0; i < f->w->hosts; i++)
        if (f->w->host[i] != n)
            sim_fault_cut(f, f->at, f->end, n, f->w->host[i], 0);
}

/* A broker is cut off from the other brokers and from one gateway; the other gateways hear all brokers. */
void sim_kind_mesh(struct sim_fault *f)
{
    struct sim_host *g = sim_fault_gateway(f), *b = sim_fault_broker(f);
    f->dur = sim_between(f->plan, 3000 * SIM_MS, 6000 * SIM_MS);
    f->end = f->at + f->dur;
    sim_fault_describe(f, "%s-%s", b->node.id, g->node.id);
    sim_fault_cut(f, f->at, f->end, g, b, 0);
    sim_fault_cut_brokers(f, f->at, f->end, b);
}

/* Each gateway misses another broker: none of these may act, and every gateway has its majority. */
void sim_kind_ring(struct sim_fault *f)
{
    f->dur = sim_between(f->plan, 3000 * SIM_MS, 14000 * SIM_MS);
    f->end = f->at + f->dur;
    sim_fault_describe(f, "%s", "each");
    for (unsigned i = 0; i < f->w->shape.gateways; i++)
        sim_fault_cut(f, f->at, f->end, &f->w->gateway[i]->host, &f->w->broker[i % f->w->shape.brokers]->host, 0);
}

void sim_kind_slow(struct sim_fault *f)
{
    struct sim_host *n = sim_fault_any(f), *one = sim_chance(f->plan, 500) ? sim_fault_any(f) : NULL;
    rc_time by = sim_between(f->plan, 20 * SIM_MS, 500 * SIM_MS);
    bool both = sim_chance(f->plan, 500);
    sim_fault_describe(f, "%s by %.0f%s", n->node.id, (double)by / 1000, both ? " both ways" : "");
    for (unsigned i = 0; i < f->w->hosts; i++) {
        struct sim_host *o = f->w->host[i];
        if (o == n || (one && o != one))
            continue;
        sim_fault_step(f, f->at, SIM_SLOW, n, o, by);
        sim_fault_step(f, f->at, SIM_SLOW, o, n, both ? by : 0);
        sim_fault_step(f, f->end, SIM_SLOW, n, o, 0);
        sim_fault_step(f, f->end, SIM_SLOW, o, n, 0);
    }
}

void sim_kind_lossy(struct sim_fault *f)
{
    struct sim_host *a, *b;
    sim_fault_pair(f, &a, &b);
    rc_time permille = sim_between(f->plan, 5, 200);
    sim_fault_describe(f, "%s-%s by %d in a thousand", a->node.id, b->node.id, (int)permille);
    sim_fault_step(f, f->at, SIM_LOSE, a, b, permille);
    sim_fault_step(f, f->at, SIM_LOSE, b, a, permille);
    sim_fault_step(f, f->end, SIM_LOSE, a, b, 0);
    sim_fault_step(f, f->end, SIM_LOSE, b, a, 0);
}
