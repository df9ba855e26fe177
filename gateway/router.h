/*
 * The link loop: the one thread that runs the gateway's core on its links, between the workers and the brokers.
 *
 *   workers --rc_up--> mailbox --> core ---> brokers      batches of EMIT, JOIN, LEAVE
 *   workers <--rc_down-- core's events <---- brokers      DELIVER, CONFIRM; a barrier ends a batch with deliveries
 *   workers --query--> queries ------------> a persister, found in the brokers' map of the cluster
 *
 * It never parses client input and never waits for a worker; a worker that does not turn silences the heartbeats (G8).
 */
#ifndef RC_GATEWAY_ROUTER_H
#define RC_GATEWAY_ROUTER_H

#include "exit.h"
#include "gateway/options.h"
#include "gateway/worker.h"
#include "link/host.h"
#include "loop.h"
#include "roster.h"

#define RC_WORKERS_MAX 256

struct rc_router;

struct rc_router_config {
    struct rc_gateway_options *options; /* outlives the router; changed by rc_router_reload alone */
    struct rc_loop *loop;               /* its own */
    struct rc_peer self;                /* id, incarnation, admin address */
    void (*serving)(void *arg);         /* each time the state becomes RC_SERVING */
    void (*dry)(void *arg);             /* after rc_router_leave: nothing is left to do */
    void (*twin)(void *arg);            /* another process has our node.id (protocol.md S1): end with an error */
    void *arg;
};

/* Opens the links and dials the brokers. NULL: *code to exit with, and why. */
struct rc_router *rc_router_new(const struct rc_router_config *config, enum rc_exit *code, char why[RC_LINK_WHY]);
/* The workers are stopped by now, and freed after it (or never started). */
void rc_router_free(struct rc_router *r);

/* For the workers' configuration. */
struct rc_uplink rc_router_uplink(struct rc_router *r);
/* Before the loop runs: the workers by index. They stay the caller's. */
void rc_router_workers(struct rc_router *r, struct rc_worker *const *worker, unsigned count);

/* Bytes of deliveries that wait for one worker: above all that the brokers may have unacknowledged. */
size_t rc_router_mailbox(const struct rc_gateway_options *o);
/* Reads the options again and puts them in force; report as in rc_options_reload. False: refused, nothing changed. */
bool rc_router_reload(struct rc_router *r, FILE *report);

/* The workers were told to drain: no more CONNECTs, all else goes on. Before rc_router_leave. */
void rc_router_drain(struct rc_router *r);
/* The workers were told to end: goes on until they have, waits for what is unconfirmed (5 s at most), says BYE, then
 * calls dry. */
void rc_router_leave(struct rc_router *r);

struct rc_router_stats {
    struct rc_gateway_stats core;
    size_t brokers, persisters; /* with a session */
    size_t out_bytes;           /* unconfirmed messages */
    uint64_t jumps;             /* of the clock */
    uint64_t relay_moves;       /* times that relays went on over another broker */
    size_t relay_kept;          /* bytes of relays that the other gateways have not got */
};
void rc_router_stats(const struct rc_router *r, struct rc_router_stats *out);
const struct rc_roster *rc_router_roster(const struct rc_router *r);
const struct rc_link *rc_router_link(const struct rc_router *r);
const char *rc_router_address(const struct rc_router *r); /* of the cluster listener */

#endif
