/* The command line of roomcast-sim, and the line that replays a seed. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include "world.h"

#define SIM_JOBS_MAX 256

struct sim_command {
    uint64_t first, last; /* seeds */
    unsigned jobs;        /* processes that share the seeds */
    struct sim_options options;
    bool plants;  /* --plant: a run that fails is what is wanted */
    bool all;     /* each plant in turn */
    bool stop;    /* end with the first seed that fails */
    bool twice;   /* --determinism */
    bool verbose; /* one line a seed */
};

/* Ends the process on --help and on wrong usage. */
void sim_command_parse(struct sim_command *c, int argc, char **argv);
/* "--seeds 7 --mode ...": what makes this world again. */
void sim_command_print(const struct sim_options *o, uint64_t seed, FILE *out);

const char *sim_plant_name(enum sim_plant plant);
const char *sim_plant_fault(enum sim_plant plant); /* kind that brings it to light; NULL: any */

#endif
