/* What a person reads with --trace, beyond what the callbacks tell: changes of a gateway's state, and the rare operations. */
#ifndef SIM_TIMELINE_H
#define SIM_TIMELINE_H

#include "gateways.h"

/* A batch leaves a node. Folds it into the hash, traces what is rare in it and what concerns the watched message. */
void sim_timeline_batch(struct sim_world *w, const struct sim_host *from, const struct sim_host *to,
                        const struct rc_batch *batch);
/* After each of the gateway's tasks: traces what changed since the last. */
void sim_timeline_gateway(struct sim_gateway *g);

#endif
