/* Work shared by several processes: each takes every N-th seed, and what they counted is added up at the end. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include "command.h"

struct sim_sum {
    struct sim_totals totals;
    uint64_t passed, failed;
};

/* Runs one seed; adds to the sum and writes what there is to tell. */
typedef void sim_seed_run(const struct sim_command *c, uint64_t seed, struct sim_sum *sum, FILE *out);

/* Runs all seeds of the command; what a seed tells is printed in one piece. A process that dies is a failure, with the seed
 * that killed it. */
void sim_jobs_run(const struct sim_command *c, sim_seed_run *run, struct sim_sum *sum);

#endif
