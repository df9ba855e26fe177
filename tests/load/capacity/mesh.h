/*
 * Many gateways and brokers in one process: the real cores, their batches packed and unpacked as on a link, on virtual time in a
 * network that only delays. What tests/sim is for rules, this is for amounts: messages, bytes and CPU time.
 *
 * A node works on one thing at a time, and what that took of real CPU time it is busy in virtual time (unless mesh.free), so that
 * a node that has more to do than time for it falls behind as a process would: frames wait for it in the connection, and its
 * heartbeats behind them.
 */
#ifndef RC_CAPACITY_MESH_H
#define RC_CAPACITY_MESH_H

#include "cluster/broker.h"
#include "cluster/gateway.h"
#include "link/arena.h"

#define MESH_STEP     RC_MS             /* of virtual time; also the way from node to node */
#define MESH_WINDOW   ((size_t)4 << 20) /* bytes that a connection holds between two processes, as kernels do */
#define MESH_CONNECTS 5                 /* clients of a gateway in a step: more than the client side of one could do */

struct mesh;
struct mesh_node;
struct mesh_line;

struct mesh_frame {
    TAILQ_ENTRY(mesh_frame) link;
    rc_time at; /* arrives */
    size_t len;
    uint8_t bytes[];
};

struct mesh_end {               /* a side of a connection; the session's line points here */
    TAILQ_ENTRY(mesh_end) turn; /* node->kicked, if kicked */
    struct mesh_node *node;
    struct mesh_line *line;
    struct rc_session *s; /* NULL: down, or this side has ended it */
    bool kicked;
    size_t waiting; /* bytes in inbox */
    TAILQ_HEAD(, mesh_frame) inbox;
};

struct mesh_line {
    struct mesh_end end[2]; /* 0 dials */
    bool up;                /* since a handshake, until both sides know that it ended */
    rc_time again;          /* not dialled before */
};

/* What a node did since the last mesh_reset. */
struct mesh_count {
    double cpu, longest;          /* seconds: in all, and without a turn of the loop */
    uint64_t batches, bytes, ops; /* sent */
    uint64_t joins, lists;        /* of ops */
    uint64_t ended[RC_END_COUNT]; /* sessions that its core ended */
};

struct mesh_node {
    struct mesh *mesh;
    struct rc_peer self;
    struct rc_gateway *gateway; /* one of the two */
    struct rc_broker *broker;
    bool up, frozen;
    rc_time busy;      /* works until then */
    rc_time tick;      /* next */
    rc_time refill;    /* gateway: its clients come from then on */
    uint32_t *missing; /* those that do not wait for an answer and have none */
    uint32_t missing_count;
    uint32_t lines, turn; /* turn: whose inbox is looked at first */
    struct mesh_end **end;
    TAILQ_HEAD(, mesh_end) kicked;
    uint32_t barriers;
    struct {
        uint64_t session, seq;
    } barrier[RC_BROKERS_MAX * 4]; /* to be passed after this call */
    struct mesh_count count;
    uint64_t fences, opened;
};

struct mesh {
    rc_time now;
    uint64_t random;
    bool free; /* work takes no time */
    uint32_t gateways, brokers, k;
    uint32_t clients; /* of a gateway */
    struct rc_times times;
    struct rc_member member[RC_BROKERS_MAX];
    struct mesh_node *node; /* brokers, then gateways */
    struct mesh_line *line;
    size_t lines;
    struct rc_arena arena;

    /* probes */
    rc_time slowest; /* delivery */
    uint64_t sent, delivered, confirmed, failed;
    uint64_t refused; /* clients that got no answer to their CONNECT, or were closed */
};

/* All nodes start at once. clients: sockets of each gateway, each in a room of its own; the first one is an admin as well. */
struct mesh *mesh_new(uint32_t gateways, uint32_t brokers, uint32_t clients);
void mesh_free(struct mesh *m);
void mesh_step(struct mesh *m);
/* A message from the first client of a gateway to this one of the next; with `admins`, to all admins as well. */
void mesh_write(struct mesh *m, uint32_t gateway, uint32_t client, bool admins);
void mesh_reset(struct mesh *m); /* counts from here */

/* Every broker is open, every gateway serves and has answered all its clients. */
bool mesh_steady(const struct mesh *m);
void mesh_kill(struct mesh *m, struct mesh_node *n);
void mesh_start(struct mesh *m, struct mesh_node *n);

/* mesh_line.c: connections. */
void mesh_lines_make(struct mesh *m);
void mesh_lines_free(struct mesh *m);
void mesh_lines_turn(struct mesh *m); /* ends, dials */
bool mesh_hear(struct mesh_node *n);  /* works on one frame; false: none has come */
void mesh_flush(struct mesh_node *n);

/* mesh_node.c: cores. */
void mesh_node_boot(struct mesh_node *n);
void mesh_node_fini(struct mesh_node *n);
void mesh_node_fill(struct mesh_node *n); /* clients connect, MESH_CONNECTS of those that are due */
void mesh_node_tick(struct mesh_node *n);
struct rc_session *mesh_node_up(struct mesh_node *n, const struct rc_peer *peer, uint64_t session,
                                enum rc_broker_state state);
void mesh_node_down(struct mesh_node *n, struct rc_session *s);
void mesh_node_take(struct mesh_node *n, struct rc_session *s, struct rc_batch *batch);
void mesh_node_receive(struct mesh_node *n, struct rc_session *s, const struct rc_batch *batch);
uint64_t mesh_random(struct mesh *m);

/* Seconds of CPU time of this thread. */
double mesh_cpu(void);

int rooms_run(size_t rooms, size_t emits);
int phases_run(uint32_t gateways, uint32_t brokers, uint32_t clients, bool free);

#endif
