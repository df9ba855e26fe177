/*
 * Inside of the broker's core: one struct, and a file per rule set.
 *
 *   broker.c    sessions in and out, dispatch, tick
 *   gateways.c  B1, B5, B8: what is known of a gateway
 *   live.c      B2 to B4: who lives, what state we are in
 *   members.c   rooms and who is in them
 *   accept.c    B6, B7, B9: emits accepted, refused, confirmed
 *   topic.c     T2, T3: records until they are stored
 *   peers.c     section 8: the other brokers, added and removed
 */
#ifndef RC_CLUSTER_BROKER_IMPL_H
#define RC_CLUSTER_BROKER_IMPL_H

#include "cluster/broker.h"
#include "cluster/index.h"
#include "cluster/map.h"
#include "cluster/placement.h"

/* A view that gateways announced, shared by all who announced the same. */
struct rc_bk_view {
    TAILQ_ENTRY(rc_bk_view) link; /* b->views */
    unsigned refs;
    uint32_t k, n;
    struct rc_member *member;
    uint32_t me;                  /* index of this broker; n: it is not in it */
    uint8_t asked[RC_SLOTS / 8];  /* slots whose bit in covers is computed */
    uint8_t covers[RC_SLOTS / 8]; /* slots whose first k contain this broker */
};
TAILQ_HEAD(rc_bk_view_list, rc_bk_view);

struct rc_bk_room;
struct rc_bk_gateway;
struct rc_bk_member { /* this gateway has members in this room */
    SLIST_ENTRY(rc_bk_member) in_room;
    TAILQ_ENTRY(rc_bk_member) of_gateway;
    struct rc_bk_room *room;
    struct rc_bk_gateway *gateway;
};
TAILQ_HEAD(rc_bk_member_list, rc_bk_member);
struct rc_bk_room {
    SLIST_HEAD(, rc_bk_member) members;
    uint32_t gateways; /* length of members */
    uint16_t len;      /* bytes of its key */
    uint8_t key[];
};

/* A waiting emit waits for one DELIVER to be acknowledged by one gateway. */
struct rc_bk_waiting;
struct rc_bk_wait {
    TAILQ_ENTRY(rc_bk_wait) link;  /* gateway's waits, in order of ordinal */
    struct rc_bk_gateway *gateway; /* NULL: done */
    struct rc_bk_waiting *emit;
    uint64_t ordinal; /* of the DELIVER in the gateway's session; 0: it has none, sent to nobody */
};
TAILQ_HEAD(rc_bk_wait_list, rc_bk_wait);
struct rc_bk_waiting {
    TAILQ_ENTRY(rc_bk_waiting) link; /* origin's waiting */
    struct rc_bk_gateway *origin;
    uint32_t slot;
    uint64_t generation, seq;
    uint64_t record; /* number of its record while that is not stored; else 0 */
    bool told_delivered;
    size_t bytes;
    uint32_t left; /* gateways that have not acknowledged */
    uint32_t n;
    struct rc_bk_wait wait[];
};
TAILQ_HEAD(rc_bk_waiting_list, rc_bk_waiting);

/* What a gateway said of a slot in this session. */
struct rc_bk_slot {
    uint64_t generation, seq; /* of its newest emit */
    uint64_t refused;         /* emits of this generation or a lower one are dropped (B7) */
};

/* B1. Stays when the session breaks, until the next HELLO or until it is gone. */
struct rc_bk_gateway {
    char id[RC_ID_MAX + 1];
    uint64_t inc;
    struct rc_session *s; /* NULL: none */
    uint64_t base;        /* ordinal of the last operation of its earlier session */
    rc_time contact, heard;
    bool active;             /* asked to be counted (G7) */
    bool listed;             /* in the list that the other brokers have, or get next */
    bool live;               /* in Live as computed last, with this incarnation */
    struct rc_bk_view *view; /* last SYNCED of this session; NULL: none */
    uint64_t version;        /* of that SYNCED; 0: none */
    struct rc_bk_member_list rooms;
    struct rc_bk_wait_list waits;      /* DELIVERs that it has not acknowledged */
    struct rc_bk_waiting_list waiting; /* its own emits */
    struct rc_bk_slot *slot;           /* RC_SLOTS of this session; NULL: none */
};

struct rc_bk_peer { /* another broker */
    TAILQ_ENTRY(rc_bk_peer) link;
    struct rc_member member;
    bool voter; /* counts in the majority (C2) */
    struct rc_session *s;
    uint64_t inc;
    rc_time contact;
    bool mature, draining;
    bool list_due; /* our list is to be told with the next batch */
    uint32_t n;
    struct rc_alive *list; /* n gateways that it heard lately */
};
TAILQ_HEAD(rc_bk_peer_list, rc_bk_peer);

struct rc_bk_persister {
    char id[RC_ID_MAX + 1];
    struct rc_session *s;
    uint64_t inc;
    uint64_t stored; /* all records up to this are committed there */
    uint64_t cursor; /* next record to resend; 0: no resend under way */
};

struct rc_bk_record {
    struct rc_op *op;           /* RECORD */
    struct rc_bk_waiting *emit; /* waits for its storage; NULL: nobody */
};
struct rc_topic {
    struct rc_bk_record *ring; /* cap, a power of two; record n is at n & (cap - 1) */
    size_t cap;
    uint64_t first, last; /* held: first..last; none if first > last */
    uint64_t stored;      /* all up to this are stored at the quorum */
    size_t bytes;
};

/* A table of millions of rooms that grows at once is a loop that stands still for longer than the leases of its peers allow. */
#define RC_BK_SHARDS 256

/* B3, B4 as computed last. Not computed again for each batch: one that says what we know only makes leases longer, and the result
 * holds until the first of those that it rests on ends. */
struct rc_bk_fitness {
    bool dirty;
    rc_time until; /* holds until then, if nothing happens */
    bool known;
    enum rc_broker_state state;
    uint32_t n, cap;
    struct rc_alive *live;
    struct rc_index by_id; /* of live, while it is collected */
    uint32_t views;
    struct rc_bk_view *view[RC_BROKERS_MAX]; /* distinct views of live gateways; one or two in practice */
};

struct rc_bk_gone { /* B8: remembered for an hour */
    TAILQ_ENTRY(rc_bk_gone) link;
    char id[RC_ID_MAX + 1];
    uint64_t inc;
    rc_time at;
};
TAILQ_HEAD(rc_bk_gone_list, rc_bk_gone);

struct rc_broker {
    struct rc_broker_config config; /* arrays point nowhere: see peers and persisters */
    struct rc_world world;
    struct rc_broker_events events;
    rc_time started; /* or suspended last */
    bool draining;
    enum rc_broker_state state;

    struct rc_member self;
    struct rc_bk_peer_list peers; /* the other configured brokers */
    uint32_t persisters;
    struct rc_bk_persister *persister;

    struct rc_map gateways;              /* id -> rc_bk_gateway */
    struct rc_index rooms[RC_BK_SHARDS]; /* rc_bk_room by key, by slot */
    size_t room_count, memberships;
    struct rc_bk_view_list views;
    struct rc_bk_gone_list gone;
    struct rc_bk_fitness fitness;
    size_t waiting, waiting_bytes;
    struct rc_topic topic;
    struct rc_broker_stats count; /* only the counters are kept here */
};

/* broker.c */
rc_time rc_bk_now(const struct rc_broker *b);
void rc_bk_push(struct rc_broker *b, struct rc_session *s, struct rc_op *op);

void rc_bk_end(struct rc_broker *b, struct rc_session *s, enum rc_end why);

/* peers.c */
void rc_bk_peers_init(struct rc_broker *b, const struct rc_member *broker, uint32_t n);
void rc_bk_peers_fini(struct rc_broker *b);
struct rc_bk_peer *rc_bk_peer_find(const struct rc_broker *b, const char *id);

/* gateways.c */
struct rc_bk_gateway *rc_bk_gateway_find(const struct rc_broker *b, const char *id);
enum rc_hello rc_bk_gateway_hello(struct rc_broker *b, const struct rc_peer *peer, uint64_t *known_inc);
struct rc_session *rc_bk_gateway_up(struct rc_broker *b, const struct rc_peer *peer, uint64_t session);
void rc_bk_gateway_lost(struct rc_broker *b, struct rc_bk_gateway *e);
void rc_bk_gateway_gone(struct rc_broker *b, struct rc_bk_gateway *e);
void rc_bk_gateway_synced(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_op *op);
void rc_bk_gateways_sweep(struct rc_broker *b); /* B8 */
void rc_bk_gateways_fini(struct rc_broker *b);

/* live.c */
const struct rc_bk_fitness *rc_bk_fitness(struct rc_broker *b);
bool rc_bk_mature(const struct rc_broker *b, rc_time now);
void rc_bk_announce(struct rc_broker *b); /* B4: if the state changed, tell all gateways */
void rc_bk_send_lists(
    struct rc_broker *b); /* with the next batch to each: one list, however often it changed until then */
void rc_bk_list_taken(struct rc_broker *b, struct rc_bk_peer *p); /* a batch is about to be taken for p */
void rc_bk_list_arrived(struct rc_bk_peer *peer, const struct rc_op *op);
bool rc_bk_covers(struct rc_bk_view *view, uint32_t slot);

/* members.c */
void rc_bk_rooms_init(struct rc_broker *b);
void rc_bk_rooms_fini(struct rc_broker *b); /* all members have left */
bool rc_bk_join(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_buf *key);
void rc_bk_leave(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_buf *key);
void rc_bk_leave_all(struct rc_broker *b, struct rc_bk_gateway *e);
struct rc_bk_room *rc_bk_room_find(const struct rc_broker *b, const struct rc_buf *key);

/* accept.c */
void rc_bk_emit(struct rc_broker *b, struct rc_bk_gateway *origin, const struct rc_op *op);
void rc_bk_acked(struct rc_broker *b, struct rc_bk_gateway *e);      /* e acknowledged up to e->s->acked */
void rc_bk_waits_done(struct rc_broker *b, struct rc_bk_gateway *e); /* B8: strike e from all waits */
void rc_bk_waits_refuse(struct rc_broker *b,
                        struct rc_bk_gateway *e); /* B5: what waits for e goes back to its origin */
void rc_bk_forget_emits(struct rc_broker *b, struct rc_bk_gateway *e); /* B9 */
void rc_bk_stored(struct rc_broker *b, struct rc_bk_waiting *w);       /* its record is at the quorum */

/* topic.c */
void rc_topic_init(struct rc_topic *t);
void rc_topic_fini(struct rc_topic *t);
uint32_t rc_topic_copies(const struct rc_broker *b, uint64_t number); /* persisters that stored this record */
bool rc_topic_has_room(struct rc_broker *b, size_t bytes);
uint64_t rc_topic_append(struct rc_broker *b, const struct rc_bk_gateway *origin, const struct rc_op *emit,
                         struct rc_bk_waiting *w);
void rc_topic_forget(struct rc_broker *b, const struct rc_bk_waiting *w); /* nobody waits for its record any more */
void rc_topic_stored(struct rc_broker *b, struct rc_bk_persister *p, uint64_t number);
void rc_topic_resend(struct rc_broker *b, struct rc_bk_persister *p, uint64_t from);
void rc_topic_pump(struct rc_broker *b, struct rc_bk_persister *p);

#endif
