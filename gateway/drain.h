/*
 * The pace of a drain: how many clients are due to be closed. Pure: times are the caller's. One thread.
 */
#ifndef RC_GATEWAY_DRAIN_H
#define RC_GATEWAY_DRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "cluster/times.h"

#define RC_DRAIN_STEP_MS 50 /* between two looks at the clock */

struct rc_drain {
    uint64_t pace;   /* clients a second */
    uint64_t credit; /* millionths of a client that are due and not given yet */
    rc_time last;    /* when due was asked for */
    rc_time until;   /* everybody is gone by then; may be set to an earlier time */
};

/* pace: at least 1. */
void rc_drain_begin(struct rc_drain *drain, uint64_t pace, rc_time now, rc_time until);

/* How many of the `left` clients are due since the last call: pace times that time (1 s at most), or as many more as
 * it takes to be through by `until` at an even pace. All when that is over. */
size_t rc_drain_due(struct rc_drain *drain, size_t left, rc_time now);

/* The share of a worker with `clients` of the *left clients in what is *due, rounded up; takes it out of *due, and
 * its clients out of *left. */
size_t rc_drain_share(size_t *due, size_t *left, size_t clients);

#endif
