/*
 * The broker's side of the cluster protocol: protocol.md 4 (who lives, fitness, accept, refuse, gone) and the
 * publishing half of 7 (topic buffer, resend, confirmation). Pure code; see node.h for threads and callbacks.
 */
#ifndef RC_CLUSTER_BROKER_H
#define RC_CLUSTER_BROKER_H

#include "cluster/node.h"
#include "cluster/roll.h"

struct rc_broker;

struct rc_broker_events {
    /* T2: fast path. Publish this RECORD on the topic; the operation stays the core's. May be NULL: none. */
    void (*publish)(void *host, const struct rc_op *record);
    /* The state changed (already announced to all gateways). May be NULL. */
    void (*state)(void *host, enum rc_broker_state from, enum rc_broker_state to);
    /* B8: a gateway incarnation is gone. May be NULL. */
    void (*gone)(void *host, const char *gateway, uint64_t inc);
};

struct rc_broker_config {
    char id[RC_ID_MAX + 1];
    uint64_t inc;
    struct rc_times times;
    uint32_t n;                     /* configured brokers, this one included */
    const struct rc_member *broker; /* n of them, copied */
    uint32_t persisters;            /* configured persisters */
    const char (*persister)[RC_ID_MAX + 1];
    uint32_t quorum;      /* a record is stored when this many persisters have it; 0: confirm without storage */
    size_t topic_bound;   /* bytes of records not yet stored everywhere (256 MiB) */
    size_t waiting_bound; /* bytes of waiting emits (64 MiB) */
    size_t gateway_bound; /* bytes unsent or unacknowledged towards one gateway (16 MiB) */
};

struct rc_broker_stats {
    enum rc_broker_state state;
    uint64_t inc;
    bool mature;
    size_t gateways, brokers, persisters; /* with a session */
    uint32_t voters;                      /* brokers that count in the majority, this one included (C2) */
    size_t live;                          /* gateways that this broker takes for alive; 0 also when unknown */
    size_t rooms, memberships, waiting, waiting_bytes, topic_records, topic_bytes;
    uint64_t topic_last, topic_stored; /* numbers: newest, and stored at the quorum */
    uint64_t emits, delivers, confirms, refused, gone, records, resends, holes;
    uint64_t judged;                                 /* times that who lives was worked out */
    uint64_t stuck;                                  /* sessions ended since the peer acknowledged nothing for 5 S */
    uint64_t busy_waiting, busy_gateway, busy_topic; /* of refused: which bound was reached (section 10) */
    uint64_t hello_gone;                             /* HELLOs of incarnations that are gone (section 11, 6) */
    struct rc_broken broken;
    size_t out_bytes; /* unsent and unacknowledged, all sessions */
};

struct rc_broker *rc_broker_new(const struct rc_broker_config *config, const struct rc_world *world,
                                const struct rc_broker_events *events);
void rc_broker_free(struct rc_broker *b);
void rc_broker_tick(struct rc_broker *b);
void rc_broker_suspended(struct rc_broker *b);

/* The configured brokers are these from now on (section 8): see rc_gateway_brokers. */
enum rc_roll rc_broker_brokers(struct rc_broker *b, const struct rc_member *broker, uint32_t n);

/* Judges a proven HELLO before it is answered; on RC_HELLO_OLD known_inc is set. Changes nothing. */
enum rc_hello rc_broker_hello(struct rc_broker *b, const struct rc_peer *peer, uint64_t *known_inc);
/* The session is open (we answered HELLO_OK, or a broker answered ours). Ends an older one of the same node.
 * B5. */
struct rc_session *rc_broker_up(struct rc_broker *b, const struct rc_peer *peer, uint64_t session);
void rc_broker_down(struct rc_broker *b, struct rc_session *s);
void rc_broker_take(struct rc_broker *b, struct rc_session *s, size_t max_bytes, struct rc_batch *batch);
bool rc_broker_receive(struct rc_broker *b, struct rc_session *s, const struct rc_batch *batch);

enum rc_broker_state rc_broker_state(const struct rc_broker *b);
/* B4: no new emits from now on. */
void rc_broker_drain(struct rc_broker *b);
/* Nothing waits for an acknowledgement and nothing is unstored. */
bool rc_broker_idle(const struct rc_broker *b);
/* Whether it may go, as far as the others need its voice (B3): false while they will be a mature majority without it, and are not
 * yet. In a rolling restart that is until the broker before it has matured. */
bool rc_broker_spare(const struct rc_broker *b);

void rc_broker_stats(const struct rc_broker *b, struct rc_broker_stats *out);
/* Gateways that have members in this room, and their ids if out is not NULL (up to max). */
size_t rc_broker_members(const struct rc_broker *b, const void *room, size_t len, char (*out)[RC_ID_MAX + 1],
                         size_t max);

#endif
