/* roomcast-sim: runs the cluster core in hostile worlds, one a seed, and says which of them it did not stand. */
#include "command.h"
#include "jobs.h"
#include "report.h"

#include <inttypes.h>
#include <time.h>

#define STORIES_MAX 3 /* told in full; of what fails further, what is needed to replay it */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t hash_of(uint64_t seed, const struct sim_options *o)
{
    struct sim_world w;
    sim_world_run(&w, seed, o);
    uint64_t hash = w.sim.hash;
    sim_world_fini(&w);
    return hash;
}

static void run_seed(const struct sim_command *c, uint64_t seed, struct sim_sum *sum, FILE *out)
{
    struct sim_world w;
    sim_world_run(&w, seed, &c->options);
    bool two_ways = c->twice && hash_of(seed, &c->options) != w.sim.hash;
    if (two_ways)
        fprintf(out, "seed %" PRIu64 " went two ways\n", seed);
    if (w.violations)
        sim_report_failure(&w, sum->failed < STORIES_MAX, out);
    if (c->verbose)
        sim_report_line(&w, out);
    if (w.violations || two_ways)
        sum->failed++;
    else
        sum->passed++;
    sim_world_fini(&w); /* the cores' counters are read as they go */
    sim_totals_add(&sum->totals, &w.totals);
}

static int run_all(const struct sim_command *c)
{
    struct sim_sum sum;
    double begin = seconds();
    sim_jobs_run(c, run_seed, &sum);
    sim_totals_print(&sum.totals, seconds() - begin);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", sum.passed, sum.failed);
    return sum.failed ? 1 : 0;
}

/* ---- plants */

static struct sim_options planted(const struct sim_command *c, enum sim_plant plant)
{
    struct sim_options o = c->options;
    o.plant = plant;
    if (!o.faults && sim_plant_fault(plant))
        o.fault[o.faults++] = sim_plant_fault(plant);
    return o;
}

/* True if a seed of the range catches the planted bug. */
static bool caught(const struct sim_command *c, enum sim_plant plant)
{
    struct sim_options o = planted(c, plant);
    for (uint64_t seed = c->first; seed <= c->last; seed++) {
        struct sim_world w;
        sim_world_run(&w, seed, &o);
        if (w.violations)
            printf("%-18s caught by seed %" PRIu64 ": %s\n", sim_plant_name(plant), seed, w.violation[0]);
        sim_world_fini(&w);
        if (w.violations)
            return true;
    }
    printf("%-18s MISSED by seeds %" PRIu64 " to %" PRIu64 "\n", sim_plant_name(plant), c->first, c->last);
    return false;
}

static int run_plants(const struct sim_command *c)
{
    unsigned passed = 0, failed = 0;
    for (int p = 1; p < SIM_PLANTS; p++) {
        if (!c->all && c->options.plant != (enum sim_plant)p)
            continue;
        if (caught(c, (enum sim_plant)p))
            passed++;
        else
            failed++;
        fflush(stdout);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct sim_command c;
    sim_command_parse(&c, argc, argv);
    return c.plants ? run_plants(&c) : run_all(&c);
}
