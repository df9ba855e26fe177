/* What happens to nodes, their disks, their bounds and their configuration. */
#include "kinds.h"

/* A node may go for good where the others can do without it, and nothing else happens. */
static void maybe_for_good(const struct sim_fault *f, struct sim_host *n)
{
    unsigned broker_spare = f->w->shape.brokers >= 3, gateway_spare = f->w->shape.gateways >= 2;
    bool may = n->role->role == RC_BROKER ? broker_spare : n->role->role == RC_GATEWAY && gateway_spare;
    n->for_good |= f->alone && may && sim_chance(f->plan, 300);
}

static void crash(struct sim_fault *f, struct sim_host *n)
{
    maybe_for_good(f, n);
    sim_fault_describe(f, "%s%s", n->node.id, n->for_good ? " for good" : "");
    sim_fault_step(f, f->at, sim_chance(f->plan, 300) ? SIM_KILL_QUIETLY : SIM_KILL, n, NULL, 0);
    if (!n->for_good)
        sim_fault_step(f, f->end, SIM_START, n, NULL, 0);
}

void sim_kind_crashB(struct sim_fault *f)
{
    crash(f, sim_fault_broker(f));
}

void sim_kind_crashG(struct sim_fault *f)
{
    crash(f, sim_fault_gateway(f));
}

void sim_kind_crashP(struct sim_fault *f)
{
    crash(f, &f->w->persister[sim_between(f->plan, 0, f->w->shape.persisters - 1)]->host);
}

/* The majority of the brokers dies and comes back late. */
void sim_kind_lostB(struct sim_fault *f)
{
    unsigned n = f->w->shape.brokers, first = (unsigned)sim_between(f->plan, 0, n - 1);
    f->dur = sim_between(f->plan, 2000 * SIM_MS, 14000 * SIM_MS);
    f->end = f->at + f->dur;
    sim_fault_describe(f, "%u of %u", n / 2 + 1, n);
    for (unsigned i = 0; i < n / 2 + 1; i++) {
        struct sim_host *b = &f->w->broker[(first + i) % n]->host;
        sim_fault_step(f, f->at, SIM_KILL, b, NULL, 0);
        sim_fault_step(f, f->end - sim_between(f->plan, 0, 1000 * SIM_MS), SIM_START, b, NULL, 0);
    }
}

/* Longer away than anything waits, or for good where the others make the quorum. */
void sim_kind_deadP(struct sim_fault *f)
{
    struct sim_host *p = sim_fault_persister(f);
    unsigned left = 0;
    for (unsigned i = 0; i < f->w->shape.persisters; i++)
        left += !f->w->persister[i]->host.for_good;
    f->dur = sim_between(f->plan, 8000 * SIM_MS, 14000 * SIM_MS);
    f->end = f->at + f->dur;
    p->for_good |= left > f->w->shape.quorum;
    sim_fault_describe(f, "%s%s", p->node.id, p->for_good ? " for good" : "");
    sim_fault_step(f, f->at, sim_chance(f->plan, 300) ? SIM_KILL_QUIETLY : SIM_KILL, p, NULL, 0);
    sim_fault_step(f, p->for_good ? f->at : f->end, p->for_good ? SIM_REMOVE : SIM_START, p, NULL, 0);
}

static void freeze(struct sim_fault *f, enum sim_act act)
{
    struct sim_host *n = sim_chance(f->plan, 200)   ? sim_fault_any(f)
                         : sim_chance(f->plan, 500) ? sim_fault_broker(f)
                                                    : sim_fault_gateway(f);
    sim_fault_describe(f, "%s", n->node.id);
    sim_fault_step(f, f->at, act, n, NULL, f->dur);
}

void sim_kind_pause(struct sim_fault *f)
{
    freeze(f, SIM_PAUSE);
}

void sim_kind_sleep(struct sim_fault *f)
{
    freeze(f, SIM_SLEEP);
}

void sim_kind_stall(struct sim_fault *f)
{
    struct sim_host *g = sim_fault_gateway(f);
    sim_fault_describe(f, "%s", g->node.id);
    sim_fault_step(f, f->at, SIM_STALL, g, NULL, f->dur);
}

/* A gateway dies, its clock is set back, and it starts again: with an older incarnation than before. */
void sim_kind_setback(struct sim_fault *f)
{
    struct sim_host *g = sim_fault_gateway(f);
    sim_fault_describe(f, "%s", g->node.id);
    sim_fault_step(f, f->at, SIM_SET_BACK, g, NULL, 0);
    sim_fault_step(f, f->at, SIM_KILL, g, NULL, 0);
    sim_fault_step(f, f->end, SIM_START, g, NULL, 0);
}

static void drain(struct sim_fault *f, struct sim_host *n)
{
    maybe_for_good(f, n);
    sim_fault_describe(f, "%s%s", n->node.id, n->for_good ? " for good" : "");
    sim_fault_step(f, f->at, SIM_DRAIN, n, NULL, 0);
}

void sim_kind_drainB(struct sim_fault *f)
{
    drain(f, sim_fault_broker(f));
}

void sim_kind_drainG(struct sim_fault *f)
{
    drain(f, sim_fault_gateway(f));
}

void sim_kind_slowP(struct sim_fault *f)
{
    struct sim_host *p = sim_fault_persister(f);
    rc_time longest = sim_between(f->plan, 300 * SIM_MS, 3000 * SIM_MS);
    sim_fault_describe(f, "%s by %.0f", p->node.id, (double)longest / 1000);
    sim_fault_step(f, f->at, SIM_SLOW_DISK, p, NULL, longest);
    sim_fault_step(f, f->end, SIM_SLOW_DISK, p, NULL, 0);
}

void sim_kind_disk(struct sim_fault *f)
{
    struct sim_host *p = sim_fault_persister(f);
    rc_time permille = sim_chance(f->plan, 300) ? 1000 : sim_between(f->plan, 100, 900);
    sim_fault_describe(f, "%s by %d in a thousand", p->node.id, (int)permille);
    sim_fault_step(f, f->at, SIM_BAD_DISK, p, NULL, permille);
    sim_fault_step(f, f->end, SIM_BAD_DISK, p, NULL, 0);
}

/* Bounds so small that they are reached: at one node, or at all of them. */
void sim_kind_full(struct sim_fault *f)
{
    struct sim_host *one = sim_chance(f->plan, 500) ? sim_fault_broker(f) : sim_fault_gateway(f);
    bool all = sim_chance(f->plan, 500);
    sim_fault_describe(f, "%s", all ? "all" : one->node.id);
    for (unsigned i = 0; i < f->w->hosts; i++) {
        struct sim_host *h = f->w->host[i];
        if (h->role->role == RC_PERSISTER || (!all && h != one))
            continue;
        sim_fault_step(f, f->at, SIM_SQUEEZE, h, NULL, 0);
        sim_fault_step(f, f->end, SIM_RELAX, h, NULL, 0);
    }
    /* a node that is frozen then takes its bounds back as it goes on */
    f->w->squeezed_until = f->end + 20000 * SIM_MS;
}

/* Every node but this one gets the set of brokers, at another moment each, all within `within`. */
static void roll_out(const struct sim_fault *f, rc_time from, rc_time within, const struct sim_host *but,
                     uint64_t brokers)
{
    for (unsigned i = 0; i < f->w->hosts; i++)
        if (f->w->host[i] != but)
            sim_fault_step(f, from + sim_between(f->plan, 0, within), SIM_CONFIGURE, f->w->host[i], NULL,
                           (rc_time)brokers);
}

static uint64_t all_brokers(const struct sim_fault *f)
{
    return ((uint64_t)1 << f->w->shape.brokers) - 1;
}

void sim_kind_addB(struct sim_fault *f)
{
    f->dur = 3500 * SIM_MS;
    f->end = f->at + f->dur;
    struct sim_host *b = sim_world_add_broker(f->w);
    f->w->rolled = true;
    sim_fault_describe(f, "%s", b->node.id);
    sim_fault_step(f, f->at, SIM_START, b, NULL, 0);
    roll_out(f, f->at, 3000 * SIM_MS, b, all_brokers(f));
}

void sim_kind_rmB(struct sim_fault *f)
{
    unsigned which = (unsigned)sim_between(f->plan, 0, f->w->shape.brokers - 1 - f->w->shape.voter);
    struct sim_host *b = &f->w->broker[which]->host;
    f->dur = 4200 * SIM_MS;
    f->end = f->at + f->dur;
    f->w->rolled = b->for_good = true;
    sim_fault_describe(f, "%s", b->node.id);
    sim_fault_step(f, f->at, SIM_DRAIN_STAY, b, NULL, 0);
    roll_out(f, f->at + 500 * SIM_MS, 2000 * SIM_MS, b, all_brokers(f) & ~((uint64_t)1 << which));
    sim_fault_step(f, f->at + 4000 * SIM_MS, SIM_REMOVE, b, NULL, 0);
}
