/* The plan of faults: each kind is a few timed steps between random nodes. */
#include "faults.h"

#include "brokers.h"
#include "gateways.h"
#include "persisters.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct fault {
    struct sim_world *w;
    struct sim_rng *plan;
    const char *kind;
    rc_time at, dur; /* default span */
    rc_time end;     /* when it is over */
};

/* ---- steps */

enum act {
    START,
    KILL,
    KILL_QUIETLY,
    PAUSE,
    SLEEP,
    STALL,
    BLOCK,
    UNBLOCK,
    BREAK,
    SLOW,
    LOSE,
    DRAIN,
    DRAIN_STAY,
    CONFIGURE,
    WIPE,
    REMOVE
};

struct step {
    struct sim_world *w;
    enum act act;
    struct sim_host *a, *b;
    rc_time value;
};

static void drain_broker(void *on, void *arg, uint64_t stay)
{
    (void)arg;
    sim_broker_drain(on, stay != 0);
}

static void drain_gateway(void *on, void *arg, uint64_t num)
{
    (void)arg, (void)num;
    sim_gateway_drain(on);
}

static void stall_gateway(void *on, void *arg, uint64_t dur)
{
    (void)arg;
    sim_worker_stick(&((struct sim_gateway *)on)->worker, (rc_time)dur);
}

static void do_step(void *on, void *arg, uint64_t num)
{
    struct step *s = arg;
    struct sim_net *net = &s->w->net;
    (void)on, (void)num;
    switch (s->act) {
    case START:
        if (!s->a->removed)
            sim_node_start(&s->a->node);
        break;
    case KILL:
    case KILL_QUIETLY:
        sim_host_kill(s->a, s->act == KILL_QUIETLY);
        break;
    case PAUSE:
    case SLEEP:
        sim_node_pause(&s->a->node, s->value, s->act == SLEEP);
        break;
    case STALL:
        sim_node_do(&s->a->node, (struct sim_task){.run = stall_gateway, .on = s->a, .num = (uint64_t)s->value});
        break;
    case BLOCK:
        sim_trace(&s->w->sim, s->a->node.id, "-x-> %s cut", s->b->node.id);
        sim_net_block(net, &s->a->node, &s->b->node);
        break;
    case UNBLOCK:
        sim_trace(&s->w->sim, s->a->node.id, "---> %s whole", s->b->node.id);
        sim_net_unblock(net, &s->a->node, &s->b->node);
        break;
    case BREAK:
        sim_trace(&s->w->sim, s->a->node.id, "-/- %s connections break", s->b->node.id);
        sim_net_break(net, &s->a->node, &s->b->node);
        break;
    case SLOW:
        sim_net_slow(net, &s->a->node, &s->b->node, s->value);
        break;
    case LOSE:
        sim_net_lose(net, &s->a->node, &s->b->node, (unsigned)s->value);
        break;
    case DRAIN:
        sim_node_do(&s->a->node,
                    (struct sim_task){.run = s->a->role->role == RC_BROKER ? drain_broker : drain_gateway, .on = s->a});
        break;
    case DRAIN_STAY:
        sim_node_do(&s->a->node, (struct sim_task){.run = drain_broker, .on = s->a, .num = 1});
        break;
    case REMOVE:
        s->a->removed = true;
        sim_host_kill(s->a, false);
        break;
    case WIPE:
        if (!s->a->node.up)
            sim_persister_wipe((struct sim_persister *)s->a);
        break;
    case CONFIGURE:
        sim_host_configure(s->a, (uint64_t)s->value);
        break;
    }
    free(s);
}

static void plan(const struct fault *f, rc_time at, enum act act, struct sim_host *a, struct sim_host *b, rc_time value)
{
    struct step *s = sim_alloc(sizeof(*s));
    *s = (struct step){.w = f->w, .act = act, .a = a, .b = b, .value = value};
    sim_at(&f->w->sim, at, (struct sim_task){.run = do_step, .arg = s, .drop = free});
}

/* direction 0: both, 1: a to b, 2: b to a */
static void plan_cut(const struct fault *f, rc_time from, rc_time to, struct sim_host *a, struct sim_host *b,
                     int direction)
{
    if (direction != 2) {
        plan(f, from, BLOCK, a, b, 0);
        plan(f, to, UNBLOCK, a, b, 0);
    }
    if (direction != 1) {
        plan(f, from, BLOCK, b, a, 0);
        plan(f, to, UNBLOCK, b, a, 0);
    }
}

static void describe(const struct fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void describe(const struct fault *f, const char *fmt, ...)
{
    struct sim_world *w = f->w;
    char what[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    snprintf(w->fault[w->faults++], sizeof(w->fault[0]), "%s %s @%.0f+%.0f", f->kind, what, (double)f->at / 1000,
             (double)f->dur / 1000);
}

/* ---- choices */

static struct sim_host *any_broker(const struct fault *f)
{
    return &f->w->broker[sim_between(f->plan, 0, f->w->shape.brokers - 1)]->host;
}

static struct sim_host *any_gateway(const struct fault *f)
{
    return &f->w->gateway[sim_between(f->plan, 0, f->w->shape.gateways - 1)]->host;
}

static struct sim_host *any(const struct fault *f)
{
    return f->w->host[sim_between(f->plan, 0, f->w->hosts - 1)];
}

/* A broker, and mostly a gateway, else any other node. */
static void any_pair(const struct fault *f, struct sim_host **a, struct sim_host **b)
{
    *b = any_broker(f);
    *a = any_gateway(f);
    if (sim_chance(f->plan, 300))
        do
            *a = any(f);
        while (*a == *b);
}

/* ---- kinds */

static void brk(struct fault *f)
{
    struct sim_host *a, *b;
    any_pair(f, &a, &b);
    describe(f, "%s-%s", a->node.id, b->node.id);
    plan(f, f->at, BREAK, a, b, 0);
}

static void flap(struct fault *f)
{
    struct sim_host *a, *b;
    any_pair(f, &a, &b);
    describe(f, "%s-%s", a->node.id, b->node.id);
    for (rc_time t = f->at; t < f->end; t += sim_between(f->plan, 100 * SIM_MS, 900 * SIM_MS))
        plan(f, t, BREAK, a, b, 0);
}

static void cut(struct fault *f)
{
    struct sim_host *a, *b;
    any_pair(f, &a, &b);
    int direction = sim_chance(f->plan, 600) ? 0 : (int)sim_between(f->plan, 1, 2);
    describe(f, "%s-%s way %d", a->node.id, b->node.id, direction);
    plan_cut(f, f->at, f->end, a, b, direction);
}

static void part(struct fault *f)
{
    char side[64] = "";
    size_t len = 0;
    bool in[SIM_NODES_MAX] = {false};
    for (unsigned i = 0; i < f->w->hosts; i++) {
        in[i] = sim_chance(f->plan, 500);
        if (in[i] && len < sizeof(side))
            len += (size_t)snprintf(side + len, sizeof(side) - len, "%s ", f->w->host[i]->node.id);
    }
    describe(f, "%s|", side);
    for (unsigned i = 0; i < f->w->hosts; i++)
        for (unsigned j = 0; j < f->w->hosts; j++)
            if (in[i] && !in[j])
                plan_cut(f, f->at, f->end, f->w->host[i], f->w->host[j], 0);
}

static void iso(struct fault *f)
{
    struct sim_host *n = any(f);
    describe(f, "%s", n->node.id);
    for (unsigned i = 0; i < f->w->hosts; i++)
        if (f->w->host[i] != n)
            plan_cut(f, f->at, f->end, n, f->w->host[i], 0);
}

/* A node may go for good where the others can do without it, and nothing else happens. */
static void maybe_for_good(const struct fault *f, struct sim_host *n)
{
    unsigned broker_spare = f->w->shape.brokers >= 3, gateway_spare = f->w->shape.gateways >= 2;
    bool may = n->role->role == RC_BROKER ? broker_spare : n->role->role == RC_GATEWAY && gateway_spare;
    n->for_good |= f->w->options.mode == SIM_SINGLE && may && sim_chance(f->plan, 300);
}

static void crash(struct fault *f, struct sim_host *n)
{
    maybe_for_good(f, n);
    describe(f, "%s%s", n->node.id, n->for_good ? " for good" : "");
    plan(f, f->at, sim_chance(f->plan, 300) ? KILL_QUIETLY : KILL, n, NULL, 0);
    if (!n->for_good)
        plan(f, f->end, START, n, NULL, 0);
}

static void crash_broker(struct fault *f)
{
    crash(f, any_broker(f));
}

static void crash_gateway(struct fault *f)
{
    crash(f, any_gateway(f));
}

static void crash_persister(struct fault *f)
{
    crash(f, &f->w->persister[sim_between(f->plan, 0, f->w->shape.persisters - 1)]->host);
}

/* Down for so long, and back with a new disk if its rows are elsewhere by then. */
static void plan_wipe(const struct fault *f, rc_time from, rc_time to, struct sim_host *p)
{
    plan(f, from, KILL, p, NULL, 0);
    plan(f, to - 1 * SIM_MS, WIPE, p, NULL, 0);
    plan(f, to, START, p, NULL, 0);
}

static void wipe_persister(struct fault *f)
{
    struct sim_host *p = &f->w->persister[sim_between(f->plan, 0, f->w->shape.persisters - 1)]->host;
    describe(f, "%s", p->node.id);
    plan_wipe(f, f->at, f->end, p);
}

/* What is stored meanwhile is in one store only, and no broker's buffer outlives it. It may be a new store. */
static void gap(struct fault *f)
{
    unsigned keeps = (unsigned)sim_between(f->plan, 0, f->w->shape.persisters - 1);
    struct sim_host *one = &f->w->persister[keeps]->host;
    bool wiped = sim_chance(f->plan, 500);
    f->dur = sim_between(f->plan, 1000 * SIM_MS, 3000 * SIM_MS);
    f->end = f->at + f->dur + 1000 * SIM_MS;
    describe(f, "but %s%s", one->node.id, wiped ? " wiped" : "");
    if (wiped)
        plan_wipe(f, f->at - 500 * SIM_MS, f->at - 200 * SIM_MS, one);
    for (unsigned i = 0; i < f->w->hosts; i++) {
        struct sim_host *h = f->w->host[i];
        bool persister = h->role->role == RC_PERSISTER && h != one;
        if (!persister && h->role->role != RC_BROKER)
            continue;
        plan(f, persister ? f->at : f->at + f->dur, KILL, h, NULL, 0);
        plan(f, persister ? f->end : f->end - 800 * SIM_MS, START, h, NULL, 0);
    }
}

static void freeze(struct fault *f, enum act act)
{
    struct sim_host *n = sim_chance(f->plan, 200) ? any(f) : sim_chance(f->plan, 500) ? any_broker(f) : any_gateway(f);
    describe(f, "%s", n->node.id);
    plan(f, f->at, act, n, NULL, f->dur);
}

static void pause_one(struct fault *f)
{
    freeze(f, PAUSE);
}

static void sleep_one(struct fault *f)
{
    freeze(f, SLEEP);
}

static void stall(struct fault *f)
{
    struct sim_host *g = any_gateway(f);
    describe(f, "%s", g->node.id);
    plan(f, f->at, STALL, g, NULL, f->dur);
}

static void lossy(struct fault *f)
{
    struct sim_host *a, *b;
    any_pair(f, &a, &b);
    rc_time permille = sim_between(f->plan, 5, 200);
    describe(f, "%s-%s by %d in a thousand", a->node.id, b->node.id, (int)permille);
    plan(f, f->at, LOSE, a, b, permille);
    plan(f, f->at, LOSE, b, a, permille);
    plan(f, f->end, LOSE, a, b, 0);
    plan(f, f->end, LOSE, b, a, 0);
}

static void slow(struct fault *f)
{
    struct sim_host *n = any(f), *one = sim_chance(f->plan, 500) ? any(f) : NULL;
    rc_time by = sim_between(f->plan, 20 * SIM_MS, 500 * SIM_MS);
    bool both = sim_chance(f->plan, 500);
    describe(f, "%s by %.0f%s", n->node.id, (double)by / 1000, both ? " both ways" : "");
    for (unsigned i = 0; i < f->w->hosts; i++) {
        struct sim_host *o = f->w->host[i];
        if (o == n || (one && o != one))
            continue;
        plan(f, f->at, SLOW, n, o, by);
        plan(f, f->at, SLOW, o, n, both ? by : 0);
        plan(f, f->end, SLOW, n, o, 0);
        plan(f, f->end, SLOW, o, n, 0);
    }
}

static void drain(struct fault *f, struct sim_host *n)
{
    maybe_for_good(f, n);
    describe(f, "%s%s", n->node.id, n->for_good ? " for good" : "");
    plan(f, f->at, DRAIN, n, NULL, 0);
}

static void drain_a_broker(struct fault *f)
{
    drain(f, any_broker(f));
}

static void drain_a_gateway(struct fault *f)
{
    drain(f, any_gateway(f));
}

static void gstart(struct fault *f)
{
    struct sim_host *g = any_gateway(f), *b = any_broker(f);
    f->dur = sim_between(f->plan, 4000 * SIM_MS, 7000 * SIM_MS);
    f->end = f->at + f->dur;
    describe(f, "%s-%s", g->node.id, b->node.id);
    plan(f, f->at, sim_chance(f->plan, 500) ? KILL_QUIETLY : KILL, g, NULL, 0);
    plan_cut(f, f->at, f->end, g, b, 0);
    for (unsigned i = 0; i < f->w->shape.brokers; i++) {
        struct sim_host *o = &f->w->broker[i]->host;
        plan(f, f->at, SLOW, o, b, o == b ? 0 : sim_between(f->plan, 200 * SIM_MS, 450 * SIM_MS));
        plan(f, f->end, SLOW, o, b, 0);
    }
    plan(f, f->at + sim_between(f->plan, 50 * SIM_MS, 800 * SIM_MS), START, g, NULL, 0);
}

static void frozen_and_cut(struct fault *f, enum act act, rc_time shortest, rc_time longest, rc_time cut_for)
{
    struct sim_host *g = any_gateway(f), *b = any_broker(f);
    f->dur = cut_for;
    f->end = f->at + f->dur;
    describe(f, "%s-%s", g->node.id, b->node.id);
    plan(f, f->at, act, b, NULL, sim_between(f->plan, shortest, longest));
    plan_cut(f, f->at + sim_between(f->plan, 0, 900 * SIM_MS), f->end, g, b, 0);
}

static void pausecut(struct fault *f)
{
    frozen_and_cut(f, PAUSE, 1500 * SIM_MS, 3000 * SIM_MS, 7500 * SIM_MS);
}

static void sleepcut(struct fault *f)
{
    frozen_and_cut(f, SLEEP, 3000 * SIM_MS, 6000 * SIM_MS, 9000 * SIM_MS);
}

/* ---- section 8 */

/* Every node but this one gets the set of brokers, at another moment each, all within `within`. */
static void roll_out(const struct fault *f, rc_time from, rc_time within, const struct sim_host *but, uint64_t brokers)
{
    for (unsigned i = 0; i < f->w->hosts; i++)
        if (f->w->host[i] != but)
            plan(f, from + sim_between(f->plan, 0, within), CONFIGURE, f->w->host[i], NULL, (rc_time)brokers);
}

static uint64_t all_brokers(const struct fault *f)
{
    return ((uint64_t)1 << f->w->shape.brokers) - 1;
}

static void add_broker(struct fault *f)
{
    f->dur = 3500 * SIM_MS;
    f->end = f->at + f->dur;
    struct sim_host *b = sim_world_add_broker(f->w);
    f->w->rolled = true;
    describe(f, "%s", b->node.id);
    plan(f, f->at, START, b, NULL, 0);
    roll_out(f, f->at, 3000 * SIM_MS, b, all_brokers(f));
}

static void remove_broker(struct fault *f)
{
    unsigned which = (unsigned)sim_between(f->plan, 0, f->w->shape.brokers - 1 - f->w->shape.voter);
    struct sim_host *b = &f->w->broker[which]->host;
    f->dur = 4200 * SIM_MS;
    f->end = f->at + f->dur;
    f->w->rolled = b->for_good = true;
    describe(f, "%s", b->node.id);
    plan(f, f->at, DRAIN_STAY, b, NULL, 0);
    roll_out(f, f->at + 500 * SIM_MS, 2000 * SIM_MS, b, all_brokers(f) & ~((uint64_t)1 << which));
    plan(f, f->at + 4000 * SIM_MS, REMOVE, b, NULL, 0);
}

/* ---- the plan */

static const struct {
    const char *name;
    void (*make)(struct fault *f);
} kinds[] = {
    {"brk", brk},
    {"flap", flap},
    {"cut", cut},
    {"part", part},
    {"iso", iso},
    {"crashB", crash_broker},
    {"crashB", crash_broker}, /* twice as often */
    {"crashG", crash_gateway},
    {"crashP", crash_persister},
    {"pause", pause_one},
    {"pause", pause_one},
    {"sleep", sleep_one},
    {"stall", stall},
    {"slow", slow},
    {"lossy", lossy},
    {"drainB", drain_a_broker},
    {"drainG", drain_a_gateway},
    {"addB", add_broker},
    {"rmB", remove_broker},
    {"gstart", gstart},
    {"pausecut", pausecut},
    {"sleepcut", sleepcut},
    {"wipeP", wipe_persister},
    {"gapP", gap},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t find(const char *kind)
{
    size_t i = 0;
    while (i < KINDS && strcmp(kinds[i].name, kind))
        i++;
    return i;
}

static bool is_roll(size_t k)
{
    return kinds[k].make == add_broker || kinds[k].make == remove_broker;
}

bool sim_fault_known(const char *kind)
{
    return find(kind) < KINDS;
}

void sim_fault_names(FILE *out)
{
    for (size_t i = 0; i < KINDS; i++)
        if (find(kinds[i].name) == i)
            fprintf(out, " %s", kinds[i].name);
}

void sim_faults_plan(struct sim_world *w)
{
    struct sim_rng *dice = &w->sim.plan;
    enum sim_mode mode = w->options.mode;
    int64_t n = mode == SIM_STORM ? sim_between(dice, 3, SIM_FAULTS_MAX) : (int64_t)mode;
    rc_time at = sim_between(dice, 6500 * SIM_MS, 8000 * SIM_MS);
    w->fault_end = 7000 * SIM_MS;
    for (int64_t i = 0; i < n; i++) {
        size_t k = (size_t)sim_between(dice, 0, KINDS - 1);
        if (i == 0 && w->options.fault)
            k = find(w->options.fault);
        if (is_roll(k) && (w->rolled || (kinds[k].make == remove_broker && w->shape.brokers < 2)))
            k = find("brk"); /* C1 */
        struct fault f = {.w = w, .plan = dice, .kind = kinds[k].name, .at = at};
        f.dur = sim_between(dice, 200 * SIM_MS, 5000 * SIM_MS);
        f.end = f.at + f.dur;
        kinds[k].make(&f);
        w->fault_end = f.end > w->fault_end ? f.end : w->fault_end;
        at += sim_between(dice, 0, mode == SIM_STORM ? 2500 * SIM_MS : 1800 * SIM_MS);
    }
}
