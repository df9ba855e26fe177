/*
 * One run: the nodes of a cluster with the real core in each, clients, a plan of faults, and a checker that watches.
 *
 *   kernel  time, chance, nodes          gateways  core + modelled worker (sockets)     clients  users with tabs
 *   net     connections, cuts, breaks    brokers   core + topic                         faults   what goes wrong
 *   host    sessions of a node           persisters core + modelled disk                check    what must never happen
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "host.h"

#include "cluster/broker.h"
#include "cluster/gateway.h"
#include "cluster/persister.h"

#define SIM_USERS_MAX   5
#define SIM_ROOMS       (SIM_USERS_MAX + 1) /* user:0 .. user:4, admins */
#define SIM_ROOM_ADMINS SIM_USERS_MAX
#define SIM_NODES_MAX   64
#define SIM_FAULTS_MAX  8

enum sim_mode { SIM_NONE, SIM_SINGLE, SIM_DOUBLE, SIM_STORM };

/* What the world around the core does wrong on purpose, so that the checker can be seen to fail, and the kind of fault that
 * brings it to light. */
#define SIM_PLANT_LIST(X)                                                                                              \
    X(SIM_SOUND, "", NULL, "nothing is planted")                                                                       \
    X(SIM_EARLY_ACK, "early-ack", NULL, "batches are processed before the sockets have them")                          \
    X(SIM_EARLY_OPEN, "early-open", "drainB", "CONNECT is answered before the rooms are in place")                     \
    X(SIM_SWALLOW, "swallow", NULL, "a broker's line loses a DELIVER, not its batch")                                  \
    X(SIM_TWICE, "twice", NULL, "the worker writes a delivery twice")                                                  \
    X(SIM_REORDER, "reorder", NULL, "the worker swaps two deliveries")                                                 \
    X(SIM_NO_EXCEPT, "no-except", NULL, "the worker ignores `except`")                                                 \
    X(SIM_DEAF_FENCE, "deaf-fence", "iso", "the worker keeps its sockets when the core fenced itself")                 \
    X(SIM_LYING_DISK, "lying-disk", NULL, "a commit is reported and never made")                                       \
    X(SIM_TORN_DISK, "torn-disk", NULL, "a commit's position is durable, its last row is not")                         \
    X(SIM_STORE_TWICE, "store-twice", "flap", "rows are stored under a new key each time")                             \
    X(SIM_EARLY_CURSOR, "early-cursor", "wipeP", "a commit's cursor is durable, its last row is not")                  \
    X(SIM_HERMIT, "hermit", "gapP", "persisters never ask each other")                                                 \
    X(SIM_HIDDEN_GAP, "hidden-gap", NULL, "the topic loses a record and hides the gap")                                \
    X(SIM_SAME_INC, "same-incarnation", "crashG", "a restarted gateway keeps its incarnation")                         \
    X(SIM_STOPPED_CLOCK, "stopped-clock", "sleep", "a gateway's clock stood still and nobody tells it")                \
    X(SIM_SCATTER, "scatter", NULL, "a socket writes to any partition of a room")

enum sim_plant {
#define X(name, text, fault, what) name,
    SIM_PLANT_LIST(X)
#undef X
        SIM_PLANTS
};

/* What the caller asks for; 0 and NULL leave it to the seed. */
struct sim_options {
    enum sim_mode mode;
    unsigned faults;                   /* 0: as many as the mode says, of any kind */
    const char *fault[SIM_FAULTS_MAX]; /* kinds, in the order in which they begin */
    unsigned brokers, gateways, persisters, k, quorum;
    bool partitions; /* admins is a hot room (gateway/partition.h) */
    bool tight;      /* bounds are reached */
    bool hasty;      /* E is as short as it may be */
    bool fine;       /* batches of one operation on slow lines: what a rule orders comes in between */
    enum sim_plant plant;
    rc_time max_delay; /* a delivery must not take longer (P6); 0: any time */
    rc_time max_ack;   /* nor an acknowledgement */
    bool no_fence;     /* no gateway may fence itself */
    uint64_t watch;    /* message whose way is traced */
    FILE *trace;       /* NULL: silent */
};

/* The shape of a world, from its seed. Times are virtual. */
struct sim_shape {
    unsigned brokers, gateways, persisters, k, quorum;
    bool k_mixed;          /* k differs between gateways */
    bool voter;            /* the last broker has weight 0 */
    bool tight;            /* bounds so small that they are reached */
    rc_time commit_max;    /* a commit takes up to this */
    rc_time worker_lag;    /* a worker takes up to this; 0: done at once */
    rc_time line_busy;     /* a line takes the next batch after up to this */
    size_t batch_max;      /* bytes of operations of one batch */
    unsigned topic_loss;   /* permille of records that the topic loses */
    unsigned commit_fails; /* permille of commits that fail */
    struct rc_times times;
};

enum sim_fate { SIM_OPEN_FATE, SIM_ACKED, SIM_FAILED };

struct sim_message {
    uint64_t id; /* index + 1; also its payload and row */
    struct sim_socket *from;
    uint32_t n; /* number within its sender, from 1 */
    unsigned rooms;
    uint8_t room[2];
    bool row; /* is to be stored */
    bool wants_ack;
    rc_time sent_at;
    rc_time taken_at;     /* by its gateway's core; 0: not yet */
    rc_time taken_frozen; /* of its gateway's node, then */
    enum sim_fate fate;
    struct rc_key key;          /* under which it was first stored; seq 0: not yet */
    struct sim_message *unread; /* next in a socket that is not read */
};

enum sim_socket_state { SIM_PENDING, SIM_OPEN, SIM_CLOSED };

struct sim_socket {
    uint64_t id; /* from 1, never used twice */
    struct sim_client *client;
    struct sim_gateway *gateway;
    enum sim_socket_state state;
    bool ending;   /* the core closed it, the worker does not know yet */
    bool stopped;  /* back-pressure: not read */
    bool owed_end; /* a message without ack wish failed: its client learns it by the end of the socket only */
    uint64_t inc;  /* of its gateway when it connected; 0: still on its way */
    rc_time opened_at;
    rc_time asked_at;     /* CONNECT reached its gateway */
    rc_time asked_frozen; /* of its gateway's node, then */
    rc_time asked_stuck;  /* of its gateway's worker, then */
    uint32_t sent;        /* messages its client sent */
    rc_time out_at;       /* arrival of the newest of them */
    struct sim_message *unread, **unread_tail;
    uint8_t *got; /* by message id: copies received */
    size_t got_cap;
    uint32_t *last; /* by sender's socket id * SIM_ROOMS + room: highest n received */
    size_t last_cap;
    struct sim_socket *next; /* all sockets ever made, newest first */
};

struct sim_client {
    struct sim_world *w;
    unsigned user;
    bool admin;
    struct sim_socket *socket; /* NULL: not connected */
    rc_time gap;               /* about this long between two sends */
};

/* The watched message's emit to one room, as its origin numbered it. */
struct sim_way {
    const struct sim_host *origin; /* NULL: not sent yet */
    uint32_t slot;
    uint64_t seq;
};

/* What the cores and the world counted in a run. */
struct sim_totals {
    uint64_t messages, acked, failed, receipts, sockets;
    uint64_t batches, ops, sessions;
    uint64_t resends, refusals, duplicates, fences, views, gone, record_resends, holes, gaps, lost_records, pulled;
    uint64_t events;
    rc_time delay_max; /* longest way from client to client */
    rc_time ack_max;
    rc_time settle; /* after the last message until everybody is connected and acknowledged */
};

#define SIM_VIOLATIONS_MAX 20

struct sim_world {
    struct sim sim;
    struct sim_net net;
    uint64_t seed;
    struct sim_options options;
    struct sim_shape shape;
    uint64_t incs;   /* highest incarnation given out; begins with room below */
    uint64_t stores; /* last identity of a store */
    struct rc_member member[RC_BROKERS_MAX];
    char persister_id[RC_PERSISTERS_MAX][RC_ID_MAX + 1];
    struct sim_broker **broker;
    struct sim_gateway **gateway;
    struct sim_persister **persister;
    struct sim_host *host[SIM_NODES_MAX]; /* all nodes, by index */
    unsigned hosts;
    unsigned users;
    struct rc_buf *room[SIM_ROOMS];
    struct sim_client *client;
    unsigned clients;
    struct sim_socket *sockets;
    uint64_t last_socket;
    struct sim_message **message; /* by id - 1 */
    size_t messages, messages_cap;
    bool quiet;         /* no more traffic: things must settle */
    bool broker_killed; /* a broker took its topic buffer along */
    rc_time fault_end;
    char fault[SIM_FAULTS_MAX][96];
    unsigned faults;
    unsigned wiped; /* persisters that lost their disk, the others having what was on it */
    bool rolled;    /* a broker was added or removed: one at a time (C1) */
    char violation[SIM_VIOLATIONS_MAX][256];
    unsigned violations;
    uint64_t slowest, slowest_ack; /* messages with the longest delivery and acknowledgement */
    rc_time squeezed_until;        /* a fault makes bounds so small that they are reached, until then; 0: none does */
    uint64_t suspect;              /* message of the first violation; 0: it concerns none */
    struct sim_way way[2];         /* of the watched message */
    struct sim_totals totals;
};

/* Makes the world of this seed, runs it to its end, judges it. The result holds until sim_world_fini. */
void sim_world_run(struct sim_world *w, uint64_t seed, const struct sim_options *options);
void sim_world_fini(struct sim_world *w);
/* Its shape and its faults, on the current line. */
void sim_world_describe(const struct sim_world *w, FILE *out);

/* Starts lie this many apart, as wall clocks in ms do. A clock that was set back falls between two of them: that a new life should
 * begin in the very millisecond of an earlier one is outside of what is promised (S1). */
#define SIM_INC_STEP ((uint64_t)1000)

/* A broker more, down and configured nowhere but at itself. Once in a run. */
struct sim_host *sim_world_add_broker(struct sim_world *w);
uint64_t sim_world_inc(struct sim_world *w);                              /* a new incarnation, above all others */
int sim_room_index(const struct sim_world *w, const struct rc_buf *room); /* -1: none of ours */
/* Message id in a payload or row; 0 when it is not one of ours. */
uint64_t sim_message_id(const struct sim_world *w, const struct rc_buf *payload);

#endif
