/* What a fault is made of: timed steps, each done to one or two nodes, and the choice of those nodes. */
#ifndef SIM_STEPS_H
#define SIM_STEPS_H

#include "world.h"

struct sim_fault {
    struct sim_world *w;
    struct sim_rng *plan;
    const char *kind;
    rc_time at, dur; /* default span */
    rc_time end;     /* when it is over */
    bool alone;      /* there is no other in this run */
};

enum sim_act {
    SIM_START,
    SIM_KILL,
    SIM_KILL_QUIETLY,
    SIM_PAUSE,
    SIM_SLEEP,
    SIM_STALL,
    SIM_BLOCK,
    SIM_UNBLOCK,
    SIM_BREAK,
    SIM_SLOW,
    SIM_LOSE,
    SIM_DRAIN,
    SIM_DRAIN_STAY,
    SIM_CONFIGURE,
    SIM_REMOVE,
    SIM_SLOW_DISK,
    SIM_BAD_DISK,
    SIM_SQUEEZE,
    SIM_RELAX,
    SIM_SET_BACK
};

/* Plans a step; b and value mean what the act says. */
void sim_fault_step(const struct sim_fault *f, rc_time at, enum sim_act act, struct sim_host *a, struct sim_host *b,
                    rc_time value);
/* direction 0: both, 1: a to b, 2: b to a */
void sim_fault_cut(const struct sim_fault *f, rc_time from, rc_time to, struct sim_host *a, struct sim_host *b,
                   int direction);
void sim_fault_cut_brokers(const struct sim_fault *f, rc_time from, rc_time to, struct sim_host *n);
/* Says whom it hits; the kind and its time are added. Once for each fault. */
void sim_fault_describe(const struct sim_fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct sim_host *sim_fault_broker(const struct sim_fault *f);
struct sim_host *sim_fault_gateway(const struct sim_fault *f);
struct sim_host *sim_fault_persister(const struct sim_fault *f);
struct sim_host *sim_fault_any(const struct sim_fault *f);
/* A broker (b), and mostly a gateway, else any other node. */
void sim_fault_pair(const struct sim_fault *f, struct sim_host **a, struct sim_host **b);

#endif
