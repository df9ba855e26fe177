/*
 * One life of a link (protocol.md 1): numbered batches in both directions, cumulative acks that mean "fully
 * processed", and the echo of clocks from which leases are taken. No resume: when a session ends, all that it
 * held is dropped.
 *
 *   core: rc_session_push ... -> [queue] -> rc_session_take -> line -> rc_session_accept -> ops ->
 * rc_session_done
 *
 * Two clocks per peer, never swapped: `contact` is our own clock at or before the moment when the peer last
 * spoke (from its echo; rights are taken from it); `heard` is when we last processed something of it (deaths
 * are declared from it).
 */
#ifndef RC_CLUSTER_SESSION_H
#define RC_CLUSTER_SESSION_H

#include "cluster/op.h"

/* Operations that nobody waits for are acknowledged by the next heartbeat, or after so many bytes of them: a sender has a bound on
 * what is unacknowledged. */
#define RC_SESSION_ACK_BYTES (256u << 10)

/* So many bytes of JOIN, LEAVE and SYNCED may be on their way of a session with a window. Without it all rooms of a gateway lie in
 * front of the broker at once, and its heartbeats behind them: with enough rooms every session falls silent before they are read,
 * ends, and begins again with all rooms, for ever. Some 300 rooms, which a broker takes in less than half a millisecond. */
#define RC_SESSION_ROOMS_WINDOW (64u << 10)

struct rc_flight; /* a batch on its way, not yet acknowledged */

struct rc_session {
    TAILQ_ENTRY(rc_session) link; /* owner's list */
    struct rc_peer peer;
    uint64_t id;     /* random name, both sides know it */
    uint64_t my_inc; /* our incarnation when it began */
    void *owner;     /* the core's object for this peer */
    void *line;      /* the host's object for this session */

    struct rc_op_list out;    /* pushed, not yet taken */
    size_t out_bytes;         /* bytes of out */
    size_t window;            /* see RC_SESSION_ROOMS_WINDOW; 0: none */
    size_t rooms_bytes;       /* of flight_bytes: what the window is for */
    size_t flight_bytes;      /* bytes taken and not acknowledged */
    struct rc_flight *flight; /* ring of unacknowledged batches */
    size_t flight_len, flight_cap, flight_head;
    uint64_t tx_seq;  /* number of the last batch taken */
    uint64_t ordinal; /* of the last operation pushed; begins where the owner says */
    uint64_t acked;   /* every operation up to this ordinal is processed by the peer */
    rc_time acked_at; /* our clock when the flight last shrank, or became non-empty */

    uint64_t rx_seq;  /* last batch accepted */
    uint64_t rx_done; /* last batch fully processed: what we acknowledge */
    uint64_t tx_ack;  /* the ack that the peer was last told */
    uint64_t rx_ops;  /* last batch accepted whose ack the peer waits for */
    uint64_t owed;    /* first of these that the peer has no ack for; 0: none */
    size_t rx_bytes;  /* of operations accepted since the peer was last told an ack */

    rc_time start;   /* when it was opened */
    rc_time contact; /* largest echo; RC_NEVER before the first */
    rc_time heard;   /* last batch processed, or start */
    rc_time peer_t;  /* newest t of the peer: what we echo */
    rc_time sent_at; /* last batch taken */
    bool due;        /* take even if there is nothing to say */
    bool broken;     /* an invariant broke (invariant.h): take nothing, and end it */
    bool hushed;     /* take nothing: a node that cannot work must not look alive (G8) */
};

/* A session that starts now. base: ordinal of the last operation of the owner's earlier session with this
 * peer, or 0. */
struct rc_session *rc_session_new(const struct rc_peer *peer, uint64_t id, uint64_t my_inc, uint64_t base, rc_time now);
void rc_session_free(struct rc_session *s);

/* Queues op, which becomes the session's. Returns its ordinal. */
uint64_t rc_session_push(struct rc_session *s, struct rc_op *op);

/* True if a batch should be taken now: something queued, an ack to tell, or a heartbeat due. */
bool rc_session_wants(const struct rc_session *s);

/* Fills an initialised batch with the header fields of the session and queued operations up to max_bytes (one
 * at least). The caller adds active/state/mature/topic_last and owns the operations. */
void rc_session_take(struct rc_session *s, rc_time now, size_t max_bytes, struct rc_batch *batch);

/* Judges an arrived batch and takes its header in (ack, contact, heard, echo). Returns false and the reason
 * when the session must end. After true the caller processes the operations and calls rc_session_done when
 * that is complete. */
bool rc_session_accept(struct rc_session *s, rc_time now, const struct rc_batch *batch, enum rc_end *why);

/* Batches up to seq are fully processed; a lower or unknown number is ignored. */
void rc_session_done(struct rc_session *s, uint64_t seq);

/* S6: contact, or the start if later, is older than the session timeout. */
bool rc_session_silent(const struct rc_session *s, rc_time now, rc_time timeout);

#endif
