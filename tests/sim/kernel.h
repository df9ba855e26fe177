/*
 * Deterministic kernel: virtual time, seeded randomness, and nodes that start, crash and freeze.
 *
 * Everything happens in one thread. An event is a struct sim_task that runs at a moment of virtual time; events of the same
 * moment run in the order in which they were made. A node's tasks run only while it is up: frozen, it keeps them in its
 * backlog; crashed, it loses them. Names here begin with sim_, so that the simulator is told from the core it runs (rc_).
 */
#ifndef SIM_KERNEL_H
#define SIM_KERNEL_H

#include "cluster/types.h"

#include <stdio.h>

#define SIM_MS ((rc_time)1000) /* virtual time is in microseconds, like rc_time, but the world's own */

/* xoshiro256**; every draw of a run comes from one of these, so the seed decides all of it. */
struct sim_rng {
    uint64_t s[4];
};
void sim_rng_init(struct sim_rng *r, uint64_t seed);
uint64_t sim_rng_next(struct sim_rng *r);
int64_t sim_between(struct sim_rng *r, int64_t low, int64_t high); /* both included; low when high < low */
bool sim_chance(struct sim_rng *r, unsigned permille);

struct sim_task {
    void (*run)(void *on, void *arg, uint64_t num);
    void *on;
    void *arg;
    uint64_t num;
    void (*drop)(void *arg); /* releases arg when the task is lost instead of run; NULL: nothing to release */
};

struct sim_node;
struct sim_event;

struct sim {
    rc_time now;            /* virtual time */
    struct sim_event *heap; /* pending events, the earliest first */
    size_t len, cap;        /* of heap */
    uint64_t made;          /* events made so far: breaks ties */
    uint64_t ran;           /* events run so far */
    uint64_t hash;          /* of all that was seen to happen: equal for equal seeds */
    struct sim_rng plan;    /* shape of the world, faults, clients: the same whatever the core does */
    struct sim_rng dice;    /* latencies, losses, the core's own draws */
    FILE *trace;            /* NULL: silent */
};

void sim_init(struct sim *sim, uint64_t seed, FILE *trace);
void sim_fini(struct sim *sim); /* drops what is still pending */
void sim_at(struct sim *sim, rc_time at, struct sim_task task);
void sim_run(struct sim *sim, rc_time until);  /* runs all events up to and including `until` */
void sim_mix(struct sim *sim, uint64_t value); /* folds a fact into the hash */
/* One line of the timeline: milliseconds, a mark, who, what. The mark says what belongs to the story of a failing seed. */
#define SIM_TRACE_MARK   12  /* where it stands in the line */
#define SIM_MARK_FAULT   '*' /* something went wrong, or right again, from outside */
#define SIM_MARK_WATCHED '>' /* the way of the watched message */
void sim_trace(struct sim *sim, const char *who, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void sim_trace_as(struct sim *sim, char mark, const char *who, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* What a kind of node does at its own moments. None may be NULL. */
struct sim_kind {
    void (*boot)(struct sim_node *n);   /* it was started */
    void (*crash)(struct sim_node *n);  /* it is gone: nothing of it may be called any more */
    void (*before)(struct sim_node *n); /* ahead of each of its tasks */
    void (*after)(struct sim_node *n);  /* behind each of its tasks */
};

struct sim_conn;

struct sim_node {
    struct sim *sim;
    const struct sim_kind *kind;
    char id[RC_ID_MAX + 1];
    unsigned index; /* among all nodes of the world */
    bool up, paused;
    bool slept;               /* frozen together with its clock */
    rc_time frozen;           /* virtual time that it was frozen, in all */
    uint64_t epoch;           /* grows at each start and crash: tasks of an older one are lost */
    rc_time offset;           /* its clock at virtual time 0 */
    int64_t ppm;              /* how much faster its clock runs, in millionths */
    rc_time asleep;           /* clock time that it missed with its clock stopped */
    struct sim_task *backlog; /* what came while it was frozen */
    size_t backlog_len, backlog_cap;
};

void sim_node_init(struct sim_node *n, struct sim *sim, const struct sim_kind *kind, const char *id, unsigned index);
void sim_node_fini(struct sim_node *n);
rc_time sim_node_now(const struct sim_node *n); /* its clock */

/* Runs the task on the node now; later if it is frozen, never if it is down. */
void sim_node_do(struct sim_node *n, struct sim_task task);
/* The same in `delay` of its own clock, unless it crashed meanwhile. */
void sim_node_timer(struct sim_node *n, rc_time delay, struct sim_task task);

void sim_node_start(struct sim_node *n); /* no-op if it is up */
void sim_node_crash(struct sim_node *n); /* no-op if it is down */
/* Freezes it for `dur` of virtual time; its clock too if `clock`. No-op if it is down or frozen. */
void sim_node_pause(struct sim_node *n, rc_time dur, bool clock);

/* For small, fixed needs of the simulator: zeroed, never NULL. */
void *sim_alloc(size_t size);
/* Makes room for one more element; cap doubles. */
void *sim_grow(void *array, size_t len, size_t *cap, size_t size);

#endif
