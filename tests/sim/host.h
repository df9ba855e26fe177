/*
 * The links of one node, as the daemons' link loops hold them: dial and redial, HELLO and its answers, batches taken when the
 * core kicked and the line is free. What differs between gateway, broker and persister stands in struct sim_role.
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "net.h"

#include "cluster/node.h"

struct sim_world;
struct sim_host;

struct sim_role {
    enum rc_role role;
    void (*boot)(struct sim_host *h);  /* makes the core; h->self.inc is to be set */
    void (*crash)(struct sim_host *h); /* frees the core, drops what the process held */
    void (*tick)(struct sim_host *h);
    void (*before)(struct sim_host *h); /* the loop turns: clock and lease are checked first */
    void (*after)(struct sim_host *h);  /* the callbacks of this turn are worked off */
    enum rc_hello (*hello)(struct sim_host *h, const struct rc_peer *peer, uint64_t *known); /* NULL: never dialled */
    struct rc_session *(*up)(struct sim_host *h, const struct rc_peer *peer, uint64_t session,
                             enum rc_broker_state state);
    void (*refused)(struct sim_host *h, uint64_t known); /* HELLO_NO */
    void (*down)(struct sim_host *h, struct rc_session *s);
    void (*take)(struct sim_host *h, struct rc_session *s, size_t max, struct rc_batch *batch);
    bool (*receive)(struct sim_host *h, struct rc_session *s, const struct rc_batch *batch);
    enum rc_broker_state (*state)(const struct sim_host *h); /* told in HELLO_OK; NULL: no broker */
    /* The configured brokers of a node that is up change (section 8). */
    void (*roll)(struct sim_host *h, const struct rc_member *broker, uint32_t n);
};

struct sim_line { /* one side of a connection, from HELLO to its end */
    TAILQ_ENTRY(sim_line) link;
    struct sim_conn *conn;
    int side;
    struct sim_target *target;  /* what it dialled; NULL: it was dialled */
    struct rc_session *session; /* NULL: still shaking hands, or ended */
    struct sim_host *peer;
    rc_time since; /* when it was made, on the node's clock */
    bool kicked;   /* the core has something to send */
    bool busy;     /* the last batch is still being written */
    bool ended;    /* the core ended the session: close it after this task */
};

struct sim_target { /* a persister, or a broker that this one dials while it is configured */
    struct sim_host *to;
    struct sim_line *line; /* NULL: down */
    rc_time again;         /* not dialled before this, on the node's clock */
};

struct sim_host {
    struct sim_node node; /* first member: the kernel's callbacks give it back */
    struct sim_world *w;
    const struct sim_role *role;
    struct rc_peer self;
    struct rc_world world; /* what the core sees */
    bool for_good;         /* when it goes it does not come back */
    bool removed;          /* it is gone, and configured nowhere */
    uint64_t brokers;      /* its configuration: a set of indexes of the world's brokers */
    struct sim_target *target;
    unsigned targets;
    TAILQ_HEAD(sim_lines, sim_line) lines;
};

void sim_host_init(struct sim_host *h, struct sim_world *w, const struct sim_role *role, const char *id,
                   unsigned index);
void sim_host_dials(struct sim_host *h, struct sim_host *to);
void sim_host_fini(struct sim_host *h);
/* The process dies; its peers learn it from their TCP, or only from its silence if quiet. */
void sim_host_kill(struct sim_host *h, bool quiet);
/* The brokers of its configuration, in an order of its own; returns how many. */
uint32_t sim_host_brokers(const struct sim_host *h, struct rc_member out[RC_BROKERS_MAX]);
/* Its configuration is this set of brokers from now on; a process that is up takes it in when it runs. */
void sim_host_configure(struct sim_host *h, uint64_t brokers);
/* Gives up the handshakes under way: they were begun with an incarnation that is over. */
void sim_host_forget(struct sim_host *h);

extern const struct sim_ear sim_host_ear;

#endif
