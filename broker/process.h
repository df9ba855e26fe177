/* The broker as a process: the core (cluster/broker.h) on links, topic, admin listener and clock. One thread. */
#ifndef RC_BROKER_PROCESS_H
#define RC_BROKER_PROCESS_H

#include "broker/options.h"
#include "exit.h"

/* Runs until a signal ends it; returns the exit code. *next_inc: 0, or the program shall start again with this
 * incarnation, since its own was refused as too old (protocol.md S1). */
enum rc_exit rc_broker_run(struct rc_broker_options *options, uint64_t *next_inc);

#endif
