/* Two or three faults timed so that one rule of the protocol is all that holds. */
#include "kinds.h"

/* A gateway starts, cut off from one broker, which hears of it so much later from the others. */
static void start_unheard(struct sim_fault *f, rc_time least, rc_time most)
{
    struct sim_host *g = sim_fault_gateway(f), *b = sim_fault_broker(f);
    f->dur = sim_between(f->plan, 4000 * SIM_MS, 7000 * SIM_MS);
    f->end = f->at + f->dur;
    sim_fault_describe(f, "%s-%s", g->node.id, b->node.id);
    sim_fault_step(f, f->at, sim_chance(f->plan, 500) ? SIM_KILL_QUIETLY : SIM_KILL, g, NULL, 0);
    sim_fault_cut(f, f->at, f->end, g, b, 0);
    for (unsigned i = 0; i < f->w->shape.brokers; i++) {
        struct sim_host *o = &f->w->broker[i]->host;
        sim_fault_step(f, f->at, SIM_SLOW, o, b, o == b ? 0 : sim_between(f->plan, least, most));
        sim_fault_step(f, f->end, SIM_SLOW, o, b, 0);
    }
    sim_fault_step(f, f->at + sim_between(f->plan, 50 * SIM_MS, 800 * SIM_MS), SIM_START, g, NULL, 0);
}

void sim_kind_gstart(struct sim_fault *f)
{
    start_unheard(f, 200 * SIM_MS, 450 * SIM_MS);
}

/* So late that nothing it hears is within L_m, and its sessions live on. */
void sim_kind_gstartlate(struct sim_fault *f)
{
    start_unheard(f, 560 * SIM_MS, 620 * SIM_MS);
}

/* A gateway starts after its old incarnation was forgotten, and one broker cannot know: it is cut off from the gateway and the
 * other brokers, and perhaps frozen with their last words unread. */
static void start_behind(struct sim_fault *f, bool frozen)
{
    struct sim_host *g = sim_fault_gateway(f), *b = sim_fault_broker(f);
    rc_time start = f->at + sim_between(f->plan, 2600 * SIM_MS, 3400 * SIM_MS);
    f->dur = 10000 * SIM_MS;
    f->end = f->at + f->dur;
    sim_fault_describe(f, "%s-%s", g->node.id, b->node.id);
    sim_fault_step(f, f->at, SIM_KILL, g, NULL, 0);
    sim_fault_step(f, start, SIM_START, g, NULL, 0);
    sim_fault_cut(f, start, f->end, g, b, 0);
    if (frozen)
        sim_fault_step(f, start + 50 * SIM_MS, SIM_PAUSE, b, NULL, sim_between(f->plan, 2300 * SIM_MS, 2700 * SIM_MS));
    sim_fault_cut_brokers(f, start + (frozen ? 1000 * SIM_MS : 100 * SIM_MS), f->end, b);
}

void sim_kind_gstartcut(struct sim_fault *f)
{
    start_behind(f, false);
}

void sim_kind_gstartpause(struct sim_fault *f)
{
    start_behind(f, true);
}

/* A broker comes and goes, one gateway is slow to tell another broker of it, and the other gateways are slow to see it. */
void sim_kind_lateview(struct sim_fault *f)
{
    struct sim_host *g = sim_fault_gateway(f), *comes = sim_fault_broker(f), *told = sim_fault_broker(f);
    f->dur = 10000 * SIM_MS;
    f->end = f->at + f->dur;
    sim_fault_describe(f, "%s %s of %s", g->node.id, told->node.id, comes->node.id);
    sim_fault_step(f, f->at, SIM_SLOW, g, told, sim_between(f->plan, 300 * SIM_MS, 600 * SIM_MS));
    sim_fault_step(f, f->end, SIM_SLOW, g, told, 0);
    for (unsigned i = 0; i < f->w->shape.gateways; i++) {
        struct sim_host *o = &f->w->gateway[i]->host;
        sim_fault_step(f, f->at, SIM_SLOW, comes, o, o == g ? 0 : sim_between(f->plan, 300 * SIM_MS, 600 * SIM_MS));
        sim_fault_step(f, f->end, SIM_SLOW, comes, o, 0);
    }
    for (rc_time t = f->at; t < f->end; t += 2000 * SIM_MS) {
        sim_fault_step(f, t, SIM_KILL, comes, NULL, 0);
        sim_fault_step(f, t + 300 * SIM_MS, SIM_START, comes, NULL, 0);
    }
}

/* A gateway is frozen for less than L_g, cut off from all brokers just before it goes on, and finds their heartbeats. */
void sim_kind_pauseiso(struct sim_fault *f)
{
    struct sim_host *g = sim_fault_gateway(f);
    rc_time frozen = sim_between(f->plan, 1000 * SIM_MS, 1450 * SIM_MS);
    rc_time cut_at = f->at + frozen - sim_between(f->plan, 10 * SIM_MS, 300 * SIM_MS);
    f->dur = 5000 * SIM_MS;
    f->end = f->at + f->dur;
    sim_fault_describe(f, "%s for %.0f", g->node.id, (double)frozen / 1000);
    sim_fault_step(f, f->at, SIM_PAUSE, g, NULL, frozen);
    sim_fault_cut_brokers(f, cut_at, f->end, g);
}

static void frozen_and_cut(struct sim_fault *f, enum sim_act act, rc_time shortest, rc_time longest, rc_time cut_for)
{
    struct sim_host *g = sim_fault_gateway(f), *b = sim_fault_broker(f);
    f->dur = cut_for;
    f->end = f->at + f->dur;
    sim_fault_describe(f, "%s-%s", g->node.id, b->node.id);
    sim_fault_step(f, f->at, act, b, NULL, sim_between(f->plan, shortest, longest));
    sim_fault_cut(f, f->at + sim_between(f->plan, 0, 900 * SIM_MS), f->end, g, b, 0);
}

void sim_kind_pausecut(struct sim_fault *f)
{
    frozen_and_cut(f, SIM_PAUSE, 1500 * SIM_MS, 3000 * SIM_MS, 7500 * SIM_MS);
}

void sim_kind_sleepcut(struct sim_fault *f)
{
    frozen_and_cut(f, SIM_SLEEP, 3000 * SIM_MS, 6000 * SIM_MS, 9000 * SIM_MS);
}
