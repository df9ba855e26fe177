/* A broker of the simulated world: the real core, and the message topic as a separate, lossy path to the persisters. */
#ifndef SIM_BROKERS_H
#define SIM_BROKERS_H

#include "world.h"

struct sim_broker {
    struct sim_host host;                /* first member */
    struct rc_broker *core;              /* NULL: down */
    rc_time topic_at[RC_PERSISTERS_MAX]; /* arrival of the newest record there: the topic keeps its order */
    uint64_t hidden[RC_PERSISTERS_MAX];  /* plant: lost records that the numbers no longer show */
    bool draining;
    rc_time drain_since; /* on its own clock */
};

extern const struct sim_role sim_broker_role;

/* As told by an operator: accept no more, wait until nothing is left to do (8 s at most), exit; a new process starts soon
 * after, unless it is to stay until it is removed. As a task of the node. */
void sim_broker_drain(struct sim_broker *b, bool stay);

#endif
