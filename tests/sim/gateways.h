/* A gateway of the simulated world: the real core, and a modelled worker that holds the client sockets. */
#ifndef SIM_GATEWAYS_H
#define SIM_GATEWAYS_H

#include "worker.h"

struct sim_gateway {
    struct sim_host host;    /* first member */
    struct rc_gateway *core; /* NULL: down */
    struct sim_worker worker;
    bool draining;                /* told to go: clients look for another */
    rc_time drain_since;          /* on its own clock */
    uint64_t drain_inc;           /* incarnation that drains */
    rc_time drain_pace;           /* between two sockets that are closed */
    bool set_back;                /* its clock was: its next incarnation is not above the last */
    bool had[SIM_ROOMS];          /* this incarnation had a socket in this room */
    struct rc_gateway_stats seen; /* last traced */
};

extern const struct sim_role sim_gateway_role;

/* A client's connection arrives. As a task of the node. */
void sim_gateway_connect(struct sim_gateway *g, struct sim_socket *s);
void sim_gateway_disconnect(struct sim_gateway *g, struct sim_socket *s);
void sim_gateway_read(struct sim_gateway *g, struct sim_socket *s, struct sim_message *m);
/* As told by an operator: refuse clients, close sockets at a pace, empty the queues, say BYE, exit; then start anew. As a task. */
void sim_gateway_drain(struct sim_gateway *g);

#endif
