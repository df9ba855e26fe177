/* Steps of faults, as they are planned and as they happen. */
#include "steps.h"

#include "brokers.h"
#include "gateways.h"
#include "persisters.h"
#include "squeeze.h"

#include <stdarg.h>
#include <stdlib.h>

struct step {
    struct sim_world *w;
    enum sim_act act;
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

static void squeeze_node(void *on, void *arg, uint64_t tight)
{
    (void)arg;
    sim_squeeze(on, tight != 0);
}

static void stall_gateway(void *on, void *arg, uint64_t dur)
{
    (void)arg;
    sim_worker_stick(&((struct sim_gateway *)on)->worker, (rc_time)dur);
}

/* Disks and bounds. */
static void do_resource(const struct step *s)
{
    switch (s->act) {
    case SIM_SLOW_DISK:
        sim_persister_slow((struct sim_persister *)s->a, s->value);
        break;
    case SIM_BAD_DISK:
        sim_persister_fail((struct sim_persister *)s->a, (unsigned)s->value);
        break;
    case SIM_SET_BACK:
        ((struct sim_gateway *)s->a)->set_back = true;
        break;
    case SIM_SQUEEZE:
    case SIM_RELAX:
        sim_node_do(&s->a->node, (struct sim_task){.run = squeeze_node, .on = s->a, .num = s->act == SIM_SQUEEZE});
        break;
    default:
        break;
    }
}

static void do_step(void *on, void *arg, uint64_t num)
{
    struct step *s = arg;
    struct sim_net *net = &s->w->net;
    (void)on, (void)num;
    switch (s->act) {
    case SIM_START:
        if (!s->a->removed)
            sim_node_start(&s->a->node);
        break;
    case SIM_KILL:
    case SIM_KILL_QUIETLY:
        sim_host_kill(s->a, s->act == SIM_KILL_QUIETLY);
        break;
    case SIM_PAUSE:
    case SIM_SLEEP:
        sim_node_pause(&s->a->node, s->value, s->act == SIM_SLEEP);
        break;
    case SIM_STALL:
        sim_node_do(&s->a->node, (struct sim_task){.run = stall_gateway, .on = s->a, .num = (uint64_t)s->value});
        break;
    case SIM_BLOCK:
        sim_trace_as(&s->w->sim, SIM_MARK_FAULT, s->a->node.id, "-x-> %s cut", s->b->node.id);
        sim_net_block(net, &s->a->node, &s->b->node);
        break;
    case SIM_UNBLOCK:
        sim_trace_as(&s->w->sim, SIM_MARK_FAULT, s->a->node.id, "---> %s whole", s->b->node.id);
        sim_net_unblock(net, &s->a->node, &s->b->node);
        break;
    case SIM_BREAK:
        sim_trace_as(&s->w->sim, SIM_MARK_FAULT, s->a->node.id, "-/- %s connections break", s->b->node.id);
        sim_net_break(net, &s->a->node, &s->b->node);
        break;
    case SIM_SLOW:
        sim_net_slow(net, &s->a->node, &s->b->node, s->value);
        break;
    case SIM_LOSE:
        sim_net_lose(net, &s->a->node, &s->b->node, (unsigned)s->value);
        break;
    case SIM_DRAIN:
        sim_node_do(&s->a->node,
                    (struct sim_task){.run = s->a->role->role == RC_BROKER ? drain_broker : drain_gateway, .on = s->a});
        break;
    case SIM_DRAIN_STAY:
        sim_node_do(&s->a->node, (struct sim_task){.run = drain_broker, .on = s->a, .num = 1});
        break;
    case SIM_REMOVE:
        s->a->removed = true;
        sim_host_kill(s->a, false);
        break;
    case SIM_CONFIGURE:
        sim_host_configure(s->a, (uint64_t)s->value);
        break;
    default:
        do_resource(s);
        break;
    }
    free(s);
}

void sim_fault_step(const struct sim_fault *f, rc_time at, enum sim_act act, struct sim_host *a, struct sim_host *b,
                    rc_time value)
{
    struct step *s = sim_alloc(sizeof(*s));
    *s = (struct step){.w = f->w, .act = act, .a = a, .b = b, .value = value};
    sim_at(&f->w->sim, at, (struct sim_task){.run = do_step, .arg = s, .drop = free});
}

void sim_fault_cut(const struct sim_fault *f, rc_time from, rc_time to, struct sim_host *a, struct sim_host *b,
                   int direction)
{
    if (direction != 2) {
        sim_fault_step(f, from, SIM_BLOCK, a, b, 0);
        sim_fault_step(f, to, SIM_UNBLOCK, a, b, 0);
    }
    if (direction != 1) {
        sim_fault_step(f, from, SIM_BLOCK, b, a, 0);
        sim_fault_step(f, to, SIM_UNBLOCK, b, a, 0);
    }
}

void sim_fault_cut_brokers(const struct sim_fault *f, rc_time from, rc_time to, struct sim_host *n)
{
    for (unsigned i = 0; i < f->w->shape.brokers; i++)
        if (&f->w->broker[i]->host != n)
            sim_fault_cut(f, from, to, n, &f->w->broker[i]->host, 0);
}

void sim_fault_describe(const struct sim_fault *f, const char *fmt, ...)
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

struct sim_host *sim_fault_broker(const struct sim_fault *f)
{
    return &f->w->broker[sim_between(f->plan, 0, f->w->shape.brokers - 1)]->host;
}

struct sim_host *sim_fault_gateway(const struct sim_fault *f)
{
    return &f->w->gateway[sim_between(f->plan, 0, f->w->shape.gateways - 1)]->host;
}

struct sim_host *sim_fault_persister(const struct sim_fault *f)
{
    return &f->w->persister[sim_between(f->plan, 0, f->w->shape.persisters - 1)]->host;
}

struct sim_host *sim_fault_any(const struct sim_fault *f)
{
    return f->w->host[sim_between(f->plan, 0, f->w->hosts - 1)];
}

void sim_fault_pair(const struct sim_fault *f, struct sim_host **a, struct sim_host **b)
{
    *b = sim_fault_broker(f);
    *a = sim_fault_gateway(f);
    if (sim_chance(f->plan, 300))
        do
            *a = sim_fault_any(f);
        while (*a == *b);
}
