/*
 * The hostile network: connections with latency that keep their order and lose nothing while they live, and everything in
 * flight when they break.
 *
 * A connection has two sides: 0 dialled, 1 was dialled. Each side has its own opinion whether it is open: a break may be
 * told to one side at once and to the other never, which then has to notice the silence.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "kernel.h"

struct sim_conn;

/* What a node's links do. Called as tasks of the node. */
struct sim_ear {
    void (*hear)(struct sim_node *n, struct sim_conn *c, int side, void *frame); /* frame becomes the callee's */
    void (*hangup)(struct sim_node *n, struct sim_conn *c, int side);            /* this side is closed now */
    void (*drop)(void *frame);                                                   /* releases a frame that is lost */
};

/* A direction of a connection. */
struct sim_lane {
    bool open;    /* the side that sends here has not closed, and was not told of the end */
    rc_time last; /* arrival of the newest frame: later ones do not overtake it */
    void **held;  /* frames that wait in front of a cut */
    size_t held_len, held_cap;
    bool held_close; /* the sender's close waits behind them */
};

struct sim_conn {
    struct sim_net *net;
    struct sim_node *end[2];
    struct sim_lane lane[2]; /* by sending side */
    void *user[2];           /* each side's own; NULL once that side is done with it */
    bool dead;               /* broken: nothing moves any more */
    struct sim_conn *next;   /* all connections ever made */
};

struct sim_net {
    struct sim *sim;
    const struct sim_ear *ear;
    struct sim_conn *conns; /* newest first; freed at the end of the run only, as events may name them */
    unsigned nodes;
    rc_time base, jitter; /* latency of this world */
    unsigned *blocked;    /* nodes * nodes: how many faults cut this direction */
    rc_time *slow;        /* nodes * nodes: added latency of this direction */
    unsigned *loss;       /* nodes * nodes: permille of frames that vanish although the connection lives */
};

void sim_net_init(struct sim_net *net, struct sim *sim, const struct sim_ear *ear, unsigned nodes);
void sim_net_fini(struct sim_net *net);

rc_time sim_net_latency(struct sim_net *net, const struct sim_node *from, const struct sim_node *to);
bool sim_net_blocked(const struct sim_net *net, const struct sim_node *from, const struct sim_node *to);
void sim_net_block(struct sim_net *net, const struct sim_node *from, const struct sim_node *to);
void sim_net_unblock(struct sim_net *net, const struct sim_node *from, const struct sim_node *to);
void sim_net_slow(struct sim_net *net, const struct sim_node *from, const struct sim_node *to, rc_time extra);
void sim_net_lose(struct sim_net *net, const struct sim_node *from, const struct sim_node *to, unsigned permille);

/* NULL: refused, since nobody listens. Through a cut it hangs, as a SYN does. */
struct sim_conn *sim_net_dial(struct sim_net *net, struct sim_node *from, struct sim_node *to);
/* The frame becomes the connection's; it is lost if this side is closed. */
void sim_conn_send(struct sim_conn *c, int side, void *frame);
/* This side is done; the other is told behind all that was sent. Idempotent. */
void sim_conn_close(struct sim_conn *c, int side);
/* Breaks all connections between two nodes; each side is told within 15 ms, or never (by chance). */
void sim_net_break(struct sim_net *net, const struct sim_node *a, const struct sim_node *b);
/* The node's process is gone: its connections die; peers that can be reached are told unless it went quietly. */
void sim_net_lost(struct sim_net *net, const struct sim_node *n, bool quiet);

#endif
