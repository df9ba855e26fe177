/* CPU time and memory of the servers' processes, from /proc. */
#ifndef RC_PROBE_H
#define RC_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "options/options.h"

struct rc_usage {
    uint64_t cpu;    /* ns, user and system, of all threads so far; a multiple of 10 ms */
    uint64_t system; /* ns, of it in the kernel */
    uint64_t anon;   /* bytes: resident and not of files, what the process holds for itself */
    uint64_t rss;    /* bytes: resident */
};

/* The use of each process of the plan, and their sum. One that is gone keeps zeros. */
struct rc_probe {
    uint64_t time; /* ns */
    struct rc_usage sum;
    struct rc_usage of[RC_PIDS_MAX];
    size_t gone;
};

void rc_probe_take(struct rc_probe *probe, const struct rc_plan *plan);

#endif
