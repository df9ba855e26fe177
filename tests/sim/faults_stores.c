/* What happens to stores as a whole: one is lost, or one alone has what nobody else got. */
#include "kinds.h"

/* Down for so long, and back with a new disk if its rows are elsewhere by then. */
static void plan_wipe(const struct sim_fault *f, rc_time from, rc_time to, struct sim_host *p)
{
    sim_fault_step(f, from, SIM_KILL, p, NULL, 0);
    sim_fault_step(f, to - 1 * SIM_MS, SIM_WIPE_DISK, p, NULL, 0);
    sim_fault_step(f, to, SIM_START, p, NULL, 0);
}

void sim_kind_wipeP(struct sim_fault *f)
{
    struct sim_host *p = sim_fault_persister(f);
    sim_fault_describe(f, "%s", p->node.id);
    plan_wipe(f, f->at, f->end, p);
}

/* What is stored meanwhile is in one store only, and no broker's buffer outlives it. It may be a new store. */
void sim_kind_gapP(struct sim_fault *f)
{
    struct sim_host *one = sim_fault_persister(f);
    bool wiped = sim_chance(f->plan, 500);
    f->dur = sim_between(f->plan, 1000 * SIM_MS, 3000 * SIM_MS);
    f->end = f->at + f->dur + 1000 * SIM_MS;
    sim_fault_describe(f, "but %s%s", one->node.id, wiped ? " wiped" : "");
    if (wiped)
        plan_wipe(f, f->at - 500 * SIM_MS, f->at - 200 * SIM_MS, one);
    for (unsigned i = 0; i < f->w->hosts; i++) {
        struct sim_host *h = f->w->host[i];
        bool persister = h->role->role == RC_PERSISTER && h != one;
        if (!persister && h->role->role != RC_BROKER)
            continue;
        sim_fault_step(f, persister ? f->at : f->at + f->dur, SIM_KILL, h, NULL, 0);
        sim_fault_step(f, persister ? f->end : f->end - 800 * SIM_MS, SIM_START, h, NULL, 0);
    }
}
