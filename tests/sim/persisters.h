/* A persister of the simulated world: the real core, and a modelled disk that survives crashes. */
#ifndef SIM_PERSISTERS_H
#define SIM_PERSISTERS_H

#include "world.h"

#include "cluster/map.h"

struct sim_persister {
    struct sim_host host;           /* first member */
    struct rc_persister *core;      /* NULL: down */
    const struct rc_commit *commit; /* under way; the core's */
    bool durable;                   /* it is on the disk and only not yet reported */
    rc_time slow;                   /* a commit takes up to this; 0: as the world's disks do */
    unsigned failing;               /* permille of commits that fail, beyond what the world's disks do */
    struct rc_map rows;             /* disk: key -> message id, as a pointer's value */
    struct rc_map positions;        /* disk: broker and incarnation -> number, likewise */
    uint8_t *stored;                /* disk: by message id - 1, under how many keys */
    size_t stored_cap;
};

extern const struct sim_role sim_persister_role;

void sim_persister_init(struct sim_persister *p);
void sim_persister_fini(struct sim_persister *p);
/* Disk trouble, until 0 is said: commits take up to `slow`; so many in a thousand fail. */
void sim_persister_slow(struct sim_persister *p, rc_time slow);
void sim_persister_fail(struct sim_persister *p, unsigned permille);
/* A record that came by the topic. As a task of the node. */
void sim_persister_topic(struct sim_persister *p, const char *broker, uint64_t inc, const struct rc_op *record);
/* How many rows of this message are on the disk. */
unsigned sim_persister_has(const struct sim_persister *p, uint64_t message);

#endif
