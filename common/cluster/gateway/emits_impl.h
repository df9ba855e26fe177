/* Inside of section 5: the emit, which emits.c queues and sends, and delivered.c keeps while it waits for storage only. */
#ifndef RC_CLUSTER_EMITS_IMPL_H
#define RC_CLUSTER_EMITS_IMPL_H

#include "cluster/gateway/gateway_impl.h"

struct rc_gw_message; /* what a client sent: one or two emits */

struct rc_gw_emit {
    TAILQ_ENTRY(rc_gw_emit) link; /* its queue's emits, or bare */
    TAILQ_ENTRY(rc_gw_emit) age;  /* g->by_age */
    TAILQ_ENTRY(rc_gw_emit) held; /* with holder: its delivered, or bare */
    struct rc_queue *queue;
    struct rc_gw_message *message;
    struct rc_msg msg; /* bare: only the number is left */
    int64_t fecha;
    struct rc_buf *row;
    size_t bytes; /* of unconfirmed_bytes */
    rc_time since;
    struct rc_gw_broker *holder; /* said DELIVERED in its present session, so its CONFIRM may come; NULL: nobody */
    bool delivered;              /* routed to all, waits for storage only */
    bool bare;                   /* its payload was dropped: it cannot be sent again */
};

/* emits.c */
/* Ends one emit and frees it; the message ends with its last one, or with the first that failed. */
void rc_emit_finish(struct rc_gateway *g, struct rc_gw_emit *e, enum rc_outcome outcome);
/* Out of the emits of its queue: it is not sent any more. */
void rc_emit_unqueue(struct rc_gateway *g, struct rc_gw_emit *e);

/* delivered.c */
void rc_delivered_init(struct rc_gateway *g);
/* e is DELIVERED by b, which will CONFIRM it unless its session ends. */
void rc_delivered_note(struct rc_gw_broker *b, struct rc_gw_emit *e);
/* e ends, or nobody holds it any more. */
void rc_delivered_drop(struct rc_gw_emit *e);
/* b's session ended: what it held and is bare ends as not stored, the rest is only to be sent again. */
void rc_delivered_lost(struct rc_gateway *g, struct rc_gw_broker *b);
/* Drops payloads of what is delivered, oldest first, until so many more bytes fit into the gateway's bound. False: nothing
 * is left to be dropped. */
bool rc_delivered_make_room(struct rc_gateway *g, size_t bytes);

#endif
