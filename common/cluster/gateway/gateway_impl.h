/*
 * Inside of the gateway's core: one struct, and a file per rule set.
 *
 *   gateway.c       sessions in and out, dispatch, tick
 *   view.c          G1, G2, G4: which brokers we go by
 *   rooms.c         G3, G5: sockets, rooms, joins
 *   serving.c       G6 fence, G7 start
 *   emits.c         section 5: slot queues, retry, results
 *   delivered.c     section 10: what waits for storage only
 *   receiver.c      D1: highest number per (origin, room)
 *   gateway_roll.c  section 8: brokers added and removed
 */
#ifndef RC_CLUSTER_GATEWAY_IMPL_H
#define RC_CLUSTER_GATEWAY_IMPL_H

#include "cluster/gateway.h"
#include "cluster/index.h"
#include "cluster/map.h"
#include "cluster/placement.h"

struct rc_queue;
TAILQ_HEAD(rc_queue_list, rc_queue);
struct rc_gw_emit;
TAILQ_HEAD(rc_gw_emit_list, rc_gw_emit);

/* A configured broker as this gateway knows it. Its place is its index in placement and views, and stays its own until it
 * is removed. A free place has no id and weight 0: it owns no rooms and has no session. */
struct rc_gw_broker {
    struct rc_member member;
    uint8_t index;
    bool voter;                       /* counts in the majority (C2) */
    struct rc_session *s;             /* NULL: none */
    enum rc_broker_state state;       /* last announced in this session */
    uint64_t base;                    /* operations up to this ordinal belong to earlier sessions */
    uint64_t version;                 /* of the last SYNCED sent in this session; 0: none */
    uint64_t synced;                  /* ordinal of that SYNCED */
    uint64_t handed;                  /* last batch of this session with DELIVERs: it waits for the workers */
    uint64_t processed;               /* last batch that the workers finished */
    rc_time lost;                     /* when the last session ended; RC_NEVER: never up in this incarnation */
    rc_time contact;                  /* G6: largest echo of an active batch; outlives sessions */
    struct rc_queue_list stalled;     /* queues with emits that wait for this session's credit */
    struct rc_gw_emit_list delivered; /* emits that it told DELIVERED in this session and will confirm */
    struct rc_gw_emit_list bare;      /* those whose payload is gone */
};

/* A room with local members. */
struct rc_gw_room {
    struct rc_buf *key;
    uint32_t slot;
    uint32_t members;  /* sockets in it, pending ones included */
    uint64_t joined[]; /* per broker: ordinal of the JOIN; of this session if above the broker's base */
};

struct rc_gw_socket {
    uint64_t id; /* host's number */
    union {
        struct rc_gw_wait *wait; /* until it is open */
        size_t bytes;            /* unconfirmed, undelivered emits, since it is open */
    };
    bool open;   /* CONNECT answered */
    bool paused; /* host was told to stop reading */
    uint32_t rooms;
    struct rc_gw_room *room[];
};

/* A CONNECT that is not answered yet. */
struct rc_gw_wait {
    TAILQ_ENTRY(rc_gw_wait) link; /* g->pending */
    struct rc_gw_socket *socket;
    rc_time since; /* CONNECT asked */
};
TAILQ_HEAD(rc_gw_wait_list, rc_gw_wait);

/* Unconfirmed emits of one slot, in order (section 5). Lives as long as the incarnation: the generation must
 * not restart. */
struct rc_queue {
    TAILQ_ENTRY(rc_queue) link;    /* g->queues */
    TAILQ_ENTRY(rc_queue) waiting; /* target's stalled, while next is set */
    uint32_t slot;
    uint64_t generation;
    uint64_t sent;               /* highest number sent in this generation */
    struct rc_gw_broker *target; /* NULL: none; has a session otherwise */
    rc_time hold;                /* after a refusal: no target before this */
    struct rc_gw_emit_list emits;
    struct rc_gw_emit_list bare; /* delivered, payload dropped, never sent again (delivered.c) */
    struct rc_gw_emit *next;     /* first not yet sent to the target; NULL: all sent */
    bool careful;                /* was refused as busy: one at a time */
    bool stalled;                /* is in the target's stalled list */
};

struct rc_receiver_entry;
TAILQ_HEAD(rc_receiver_list, rc_receiver_entry);
struct rc_receiver {
    struct rc_map map;            /* (origin, incarnation, room) -> entry */
    struct rc_receiver_list used; /* least recently used first */
    size_t max;                   /* entries; see rc_receiver_full */
    rc_time idle;                 /* unused for longer than this an entry may go: no copy can come any more (E + W) */
    uint64_t evicted;             /* entries that went so at the bound */
};

struct rc_gateway {
    struct rc_gateway_config config; /* broker points nowhere: see brokers */
    struct rc_world world;
    struct rc_gateway_events events;
    uint64_t inc;
    enum rc_gateway_state state;
    bool draining;
    bool hushed;            /* G8 */
    rc_time started;        /* of this incarnation */
    rc_time active_at;      /* valid from RC_ACTIVE on */
    rc_time majority_since; /* RC_NEVER: no majority now; valid in RC_ACTIVE */

    uint32_t n;                   /* places, free ones included */
    struct rc_gw_broker *brokers; /* n of RC_BROKERS_MAX */
    struct rc_placement *placement;
    uint64_t view;    /* V as a set of indexes */
    uint64_t version; /* of V, from 1 */

    struct rc_index sockets; /* rc_gw_socket by id */
    struct rc_gw_wait_list pending;
    size_t pending_count;
    struct rc_index rooms; /* rc_gw_room by key */

    struct rc_queue **queue;       /* RC_SLOTS, made on first use */
    struct rc_queue_list queues;   /* all made */
    struct rc_gw_emit_list by_age; /* all unconfirmed, oldest first */
    size_t unconfirmed, unconfirmed_bytes;
    uint64_t seq;  /* of the last emit of this incarnation */
    int64_t fecha; /* largest given out */
    struct rc_receiver receiver;
    struct rc_gateway_stats count; /* only the counters are kept here */
};

/* gateway.c */
rc_time rc_gw_now(const struct rc_gateway *g);
void rc_gw_push(struct rc_gateway *g, struct rc_gw_broker *b, struct rc_op *op);
struct rc_gw_broker *rc_gw_broker_find(struct rc_gateway *g, const char *id);
void rc_gw_broker_end(struct rc_gateway *g, struct rc_gw_broker *b, enum rc_end why); /* ends its session */

/* view.c */
void rc_view_update(struct rc_gateway *g);
bool rc_view_settled(const struct rc_gateway *g, rc_time now);

/* rooms.c */
void rc_gw_rooms_init(struct rc_gateway *g);
bool rc_gw_room_joined(const struct rc_gw_room *room, const struct rc_gw_broker *b);
void rc_gw_room_join(struct rc_gateway *g, struct rc_gw_room *room, struct rc_gw_broker *b);
void rc_gw_room_leave(struct rc_gateway *g, struct rc_gw_room *room, struct rc_gw_broker *b);
bool rc_gw_rooms_joined(const struct rc_gateway *g, const struct rc_gw_broker *b); /* debug builds look; else true */
void rc_gw_open_ready(struct rc_gateway *g); /* G5: answers what can be answered */
void rc_gw_time_out(struct rc_gateway *g, rc_time now);
void rc_gw_rooms_widen(struct rc_gateway *g, uint32_t n); /* makes place in each room for brokers up to n */
struct rc_gw_socket *rc_gw_socket_find(const struct rc_gateway *g, uint64_t id);
void rc_gw_socket_end(struct rc_gateway *g, struct rc_gw_socket *socket, enum rc_socket_end why);
void rc_gw_rooms_fini(struct rc_gateway *g);

/* serving.c */
bool rc_gw_majority(const struct rc_gateway *g, rc_time now);
void rc_gw_contact(struct rc_gateway *g, struct rc_gw_broker *b, rc_time echo);
void rc_gw_fence(struct rc_gateway *g, uint64_t known_inc);
void rc_gw_advance(struct rc_gateway *g, rc_time now); /* G7 */

/* emits.c */
void rc_emits_init(struct rc_gateway *g);
void rc_emits_fini(struct rc_gateway *g);
void rc_emits_retarget(struct rc_gateway *g);
void rc_emits_lost(struct rc_gateway *g, struct rc_gw_broker *b);
void rc_emits_pump(struct rc_gateway *g, struct rc_gw_broker *b);
void rc_emits_reply(struct rc_gateway *g, struct rc_gw_broker *b, const struct rc_op *op);
void rc_emits_expire(struct rc_gateway *g, rc_time now);

/* receiver.c */
void rc_receiver_init(struct rc_receiver *r, uint64_t seed, size_t max, rc_time idle);
void rc_receiver_fini(struct rc_receiver *r);
/* True: not seen before, hand it on. */
bool rc_receiver_note(struct rc_receiver *r, const struct rc_msg *msg, rc_time now);
/* At the bound, and nothing in it is idle: no new rooms, please. Drops idle entries to make room. */
bool rc_receiver_full(struct rc_receiver *r, rc_time now);
/* Drops what was not used since then. */
void rc_receiver_forget(struct rc_receiver *r, rc_time before);

#endif
