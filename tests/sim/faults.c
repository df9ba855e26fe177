/* The plan of faults of a world: how many, of which kinds, when. */
#include "faults.h"

#include "kinds.h"

#include <string.h>

static const struct {
    const char *name;
    unsigned weight; /* how often it is drawn */
    void (*make)(struct sim_fault *f);
} kinds[] = {
#define X(kind, weight) {#kind, weight, sim_kind_##kind},
    SIM_KIND_LIST(X)
#undef X
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t find(const char *kind)
{
    size_t i = 0;
    while (i < KINDS && strcmp(kinds[i].name, kind) != 0)
        i++;
    return i;
}

static size_t draw(struct sim_rng *dice)
{
    unsigned total = 0;
    size_t k = 0;
    for (size_t i = 0; i < KINDS; i++)
        total += kinds[i].weight;
    int64_t n = sim_between(dice, 0, total - 1);
    while (n >= (int64_t)kinds[k].weight)
        n -= kinds[k++].weight;
    return k;
}

static bool is_roll(size_t k)
{
    return kinds[k].make == sim_kind_addB || kinds[k].make == sim_kind_rmB;
}

bool sim_fault_known(const char *kind)
{
    return find(kind) < KINDS;
}

void sim_fault_names(FILE *out)
{
    for (size_t i = 0; i < KINDS; i++)
        fprintf(out, " %s", kinds[i].name);
}

void sim_faults_plan(struct sim_world *w)
{
    struct sim_rng *dice = &w->sim.plan;
    const struct sim_options *o = &w->options;
    bool storm = o->faults ? o->faults > 2 : o->mode == SIM_STORM;
    int64_t n = o->faults ? o->faults : storm ? sim_between(dice, 3, SIM_FAULTS_MAX) : (int64_t)o->mode;
    rc_time at = sim_between(dice, 6500 * SIM_MS, 8000 * SIM_MS);
    w->fault_end = 7000 * SIM_MS;
    for (int64_t i = 0; i < n; i++) {
        size_t k = draw(dice);
        if (o->faults)
            k = find(o->fault[i]);
        if (is_roll(k) && (w->rolled || (kinds[k].make == sim_kind_rmB && w->shape.brokers < 2)))
            k = find("brk"); /* C1 */
        struct sim_fault f = {.w = w, .plan = dice, .kind = kinds[k].name, .at = at, .alone = n == 1};
        f.dur = sim_between(dice, 200 * SIM_MS, 5000 * SIM_MS);
        f.end = f.at + f.dur;
        kinds[k].make(&f);
        w->fault_end = f.end > w->fault_end ? f.end : w->fault_end;
        at += sim_between(dice, 0, storm ? 2500 * SIM_MS : 1800 * SIM_MS);
    }
}
