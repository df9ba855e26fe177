/*
 * The worker of a simulated gateway: owns the client sockets and takes jobs from the link loop in order, as the mailbox of a
 * worker thread does, at once or some time later.
 */
#ifndef SIM_WORKER_H
#define SIM_WORKER_H

#include "world.h"

enum sim_job_kind {
    SIM_DELIVER, /* msg: to the open members of its room that are not in `except` */
    SIM_BARRIER, /* session, seq: all before this is in the sockets' queues */
    SIM_OPENED,  /* socket: answer its CONNECT */
    SIM_CLOSE,   /* socket, why */
    SIM_STOP,    /* socket, stop: stop or go on reading */
};

struct sim_job {
    TAILQ_ENTRY(sim_job) link;
    enum sim_job_kind kind;
    struct rc_msg msg; /* held */
    uint64_t session, seq;
    struct sim_socket *socket;
    const char *why; /* static */
    bool stop;
};

struct sim_worker {
    struct sim_gateway *gateway;
    TAILQ_HEAD(sim_jobs, sim_job) jobs;
    rc_time last;         /* virtual time when the newest job is done */
    bool stuck;           /* jobs wait */
    rc_time stuck_since;  /* on the gateway's clock */
    rc_time stuck_before; /* so long in all earlier times */
};

void sim_worker_init(struct sim_worker *k, struct sim_gateway *g);
void sim_worker_fini(struct sim_worker *k);
/* The job is copied, its message becomes the worker's. */
void sim_worker_post(struct sim_worker *k, struct sim_job job);
/* The gateway's task is over: does what needs no time. */
void sim_worker_turn(struct sim_worker *k);
/* It does nothing for this long. As a task of the gateway. */
void sim_worker_stick(struct sim_worker *k, rc_time dur);
/* How long it has been stuck until now, in all. */
rc_time sim_worker_stuck(const struct sim_worker *k);
/* Ends a socket and tells its client; no-op if it is closed. */
void sim_worker_close(struct sim_socket *s, const char *why);

#endif
