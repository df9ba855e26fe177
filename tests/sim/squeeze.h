/* Bounds of the cores: as configured by default, or so small that they are reached all the time. */
#ifndef SIM_SQUEEZE_H
#define SIM_SQUEEZE_H

#include "host.h"

struct sim_bounds { /* bytes, but receivers */
    size_t gateway, socket, credit, receivers;
    size_t topic, waiting, towards;
};

const struct sim_bounds *sim_bounds(bool tight);

/* The running core of this gateway or broker gets tight bounds, or those of its world again. As a task of the node. */
void sim_squeeze(struct sim_host *h, bool tight);

#endif
