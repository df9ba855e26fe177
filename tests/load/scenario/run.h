/*
 * One run, from the fork of the workers to their end, and what was measured in it. The director is the process that was
 * started; it owns the run and is the only one that reads it.
 */
#ifndef RC_RUN_H
#define RC_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "options/options.h"
#include "probe/probe.h"
#include "shared/shared.h"

#define RC_SAMPLES_MAX 600
#define RC_WAVES_MAX   1000

/* A moment of the run: totals so far, and latencies since the sample before. */
struct rc_sample {
    uint64_t time; /* ns since the begin */
    uint64_t connected, connects, delivered, sent, cpu, anon;
    uint64_t p50, p99; /* ns; 0: no delivery that counts */
};

/* Totals and servers' use at a moment. */
struct rc_mark {
    uint64_t time; /* ns; 0: the run did not get there */
    struct rc_totals totals;
    struct rc_probe probe;
};

struct rc_wave {
    uint64_t took; /* ns until all were back */
    uint64_t cpu;  /* ns of the servers */
    uint64_t anon; /* bytes of the servers, after settling */
};

struct rc_run {
    const struct rc_plan *plan;
    struct rc_shared *shared;
    uint64_t begin;          /* ns, CLOCK_MONOTONIC */
    struct rc_mark base;     /* before the connects that are measured */
    struct rc_mark joined;   /* when they were answered */
    struct rc_mark settled;  /* and it had become quiet */
    struct rc_mark from, to; /* of measuring */
    struct rc_mark end;      /* judged */
    uint32_t base_clients;   /* connected at base */
    struct rc_wave wave[RC_WAVES_MAX];
    size_t waves;
    struct rc_sample sample[RC_SAMPLES_MAX];
    size_t samples;
    uint64_t sample_every; /* ns; doubles when there is no room for more */
    uint64_t sample_last;
    struct rc_histogram seen;                                  /* of latency, at the last sample */
    struct rc_histogram latency, span, ack, connect, lateness; /* of all workers, at the end */
    const char *doing;                                         /* for the progress line */
    uint64_t doing_since;
    uint64_t printed; /* ns: when the progress line was */
    bool interrupted;
    bool broken;    /* a worker ended before it should */
    unsigned found; /* enum rc_finding */
};

/* Runs the plan's scenario. False: it could not begin, and says why on stderr. */
bool rc_run_do(struct rc_run *run, const struct rc_plan *plan);
void rc_run_fini(struct rc_run *run);

/* sampling.c: what the director does while it waits. */
void rc_run_mark(struct rc_run *run, struct rc_mark *mark);
void rc_run_sample(struct rc_run *run);
void rc_run_progress(struct rc_run *run);
void rc_run_progress_end(const struct rc_run *run);

/* fleet.c: the worker processes. */
uint32_t rc_fleet_size(const struct rc_plan *plan, char *why, size_t why_size); /* 0: a sentence in why */
bool rc_fleet_start(const struct rc_plan *plan, struct rc_shared *shared);
bool rc_fleet_whole(struct rc_shared *shared); /* none ended by itself */
bool rc_fleet_end(struct rc_shared *shared);   /* waits for all, the stubborn are killed. False: one failed */

#endif
