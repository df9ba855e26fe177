/*
 * The gateway's side of the cluster protocol: protocol.md 3 (views, joins, serving, fence), 5 (emits) and 6
 * (receiving). Pure code; see node.h for threads and callbacks.
 *
 *   client sockets -- connect/disconnect/emit --> [core] <-- sessions --> brokers
 *                  <-- opened/deliver/result ---
 */
#ifndef RC_CLUSTER_GATEWAY_H
#define RC_CLUSTER_GATEWAY_H

#include "cluster/node.h"
#include "cluster/roll.h"

struct rc_gateway;

/* Why the core closes or refuses a socket. */
enum rc_socket_end {
    RC_SOCKET_FENCED,  /* cut off from the majority (G6) */
    RC_SOCKET_EXPIRED, /* an emit without ack wish was given up undelivered (section 5) */
    RC_SOCKET_TIMEOUT, /* CONNECT could not be answered in time (G5) */
    RC_SOCKET_BUSY,    /* the receiver's table is full (section 10) */
};

/* How a message ended. */
enum rc_outcome {
    RC_OUTCOME_OK,         /* delivered to every member, stored if it was to be */
    RC_OUTCOME_UNKNOWN,    /* given up after E, not known to be delivered */
    RC_OUTCOME_NOT_STORED, /* delivered, given up waiting for storage */
    RC_OUTCOME_BUSY,       /* refused at once: a bound is reached; nothing was sent */
};

struct rc_gateway_events {
    /* G5: the socket's rooms are in place; from now on it is in its rooms' sets. */
    void (*opened)(void *host, uint64_t socket);
    /* The socket is out of all rooms and forgotten; close it. */
    void (*closed)(void *host, uint64_t socket, enum rc_socket_end why);
    /* D1: hand to each opened member socket of msg->room that is not also in msg->except. */
    void (*deliver)(void *host, const struct rc_msg *msg);
    /* D2: behind a batch with DELIVERs, new ones or not (the first copy of a duplicate, from another session, may
     * still be on its way). When all that deliver handed out so far is in the sockets' queues, call
     * rc_gateway_processed with these numbers. */
    void (*barrier)(void *host, uint64_t session, uint64_t seq);
    /* The message of rc_gateway_emit ended. Called once for each accepted message whose socket is still
     * known. */
    void (*result)(void *host, uint64_t socket, uint64_t token, enum rc_outcome outcome);
    /* Back-pressure: stop or go on reading from this socket. */
    void (*pause)(void *host, uint64_t socket, bool stop);
    /* Fenced (G6) or told that our incarnation is gone: all sockets and sessions are already ended; inc is
     * the new one. */
    void (*fenced)(void *host, uint64_t inc);
};

struct rc_gateway_config {
    char id[RC_ID_MAX + 1];
    uint64_t inc;
    struct rc_times times;
    uint32_t k;                     /* rooms are joined at this many brokers */
    uint32_t n;                     /* configured brokers */
    const struct rc_member *broker; /* n of them, copied */
    size_t bound;                   /* unconfirmed bytes of the gateway (64 MiB) */
    size_t socket_bound;            /* unconfirmed, undelivered bytes of a socket (256 KiB) */
    size_t credit;                  /* bytes in flight to one broker (4 MiB) */
    size_t receiver_max;            /* entries of the duplicate table (1 M) */
};

enum rc_gateway_state { RC_STARTING, RC_ACTIVE, RC_SERVING, RC_LEAVING };

struct rc_gateway_stats {
    enum rc_gateway_state state;
    uint64_t inc;
    size_t sockets, pending, rooms;        /* pending: CONNECTs not yet answered */
    size_t unconfirmed, unconfirmed_bytes; /* emits */
    size_t receiver_entries;
    uint32_t view;   /* brokers in V */
    uint32_t voters; /* brokers that count in the majority; fewer than configured until an added one was heard (C2) */
    bool settled;
    uint64_t emits, resends, refusals, confirms, expired, not_stored;
    /* at the bounds (section 10): emits refused as busy, payloads dropped of what waits for storage only, sockets paused,
     * queues that waited for a broker's credit, receiver's entries dropped while idle, CONNECTs refused since none was */
    uint64_t busy, stripped, pauses, stalls, evicted, full;
    uint64_t delivers, duplicates, fences, view_changes;
    struct rc_broken broken; /* section 11 */
};

struct rc_gateway *rc_gateway_new(const struct rc_gateway_config *config, const struct rc_world *world,
                                  const struct rc_gateway_events *events);
void rc_gateway_free(struct rc_gateway *g);

/* Housekeeping; call every times.tick. */
void rc_gateway_tick(struct rc_gateway *g);
/* G6: call at the start of each loop pass, before anything is read. */
void rc_gateway_check_fence(struct rc_gateway *g);
/* The machine slept (section 2): every lease is over. */
void rc_gateway_suspended(struct rc_gateway *g);
/* G8: false withholds heartbeats. */
void rc_gateway_alive(struct rc_gateway *g, bool alive);

/* The configured brokers are these from now on (section 8): one more or one less than before. rc_roll_good: it is
 * so; the session of a removed broker is ended (RC_END_REMOVED). Else: why it was refused; nothing changed. */
enum rc_roll rc_gateway_brokers(struct rc_gateway *g, const struct rc_member *broker, uint32_t n);

/* A broker answered HELLO_OK. NULL: it is not configured; close the line. */
struct rc_session *rc_gateway_up(struct rc_gateway *g, const struct rc_peer *peer, uint64_t session,
                                 enum rc_broker_state state);
/* A broker answered HELLO_NO with this incarnation: fences. */
void rc_gateway_refused(struct rc_gateway *g, uint64_t known_inc);
void rc_gateway_down(struct rc_gateway *g, struct rc_session *s);
/* The state that the broker of this session last announced. */
enum rc_broker_state rc_gateway_broker_state(const struct rc_session *s);
void rc_gateway_take(struct rc_gateway *g, struct rc_session *s, size_t max_bytes, struct rc_batch *batch);
/* The batch and its operations stay the caller's. False: the session was ended (and `end` was called). */
bool rc_gateway_receive(struct rc_gateway *g, struct rc_session *s, const struct rc_batch *batch);
/* D2: the deliveries of this session's batches up to seq are in the sockets' queues. The session may have
 * ended since. */
void rc_gateway_processed(struct rc_gateway *g, uint64_t session, uint64_t seq);

/* Puts a socket into rooms (at most RC_SOCKET_ROOMS_MAX; refs are taken) and calls opened when all are in
 * place. False: not accepting (draining), bad arguments or a socket that exists; nothing changed. */
bool rc_gateway_connect(struct rc_gateway *g, uint64_t socket, struct rc_buf *const *room, uint32_t n);
void rc_gateway_disconnect(struct rc_gateway *g, uint64_t socket);

struct rc_emit {
    uint64_t socket;
    uint64_t token;         /* given back with the result */
    bool wants_ack;         /* the client asked for an acknowledgement */
    struct rc_buf *payload; /* opaque event bytes */
    uint32_t n;             /* 1 or 2 rooms; a socket in both gets one copy, by the first */
    struct rc_buf *room[2];
    int64_t fecha;      /* wall clock, ms; the core keeps it from going back */
    struct rc_buf *row; /* packed Row to store, travels with room[0]; NULL: not stored */
};
/* Takes a message of an opened socket; the result comes later. References are taken. RC_OUTCOME_BUSY:
 * refused, nothing was sent; RC_OUTCOME_UNKNOWN: the socket is not open; else RC_OUTCOME_OK: taken. */
enum rc_outcome rc_gateway_emit(struct rc_gateway *g, const struct rc_emit *emit);

/* Stops accepting sockets. */
void rc_gateway_drain(struct rc_gateway *g);
/* Says BYE on every session; the host then lets the lines run dry and closes them. */
void rc_gateway_bye(struct rc_gateway *g);

void rc_gateway_stats(const struct rc_gateway *g, struct rc_gateway_stats *out);
/* G6: contact with a majority of brokers is younger than L_g. For status and tests. */
bool rc_gateway_has_majority(const struct rc_gateway *g);
/* Members of a room on this gateway, opened or not. For status and tests. */
size_t rc_gateway_members(const struct rc_gateway *g, const void *room, size_t len);

#endif
