/*
 * Relays between gateways (protocol.md 9): a broker passes their messages on and keeps nothing of them.
 *
 * Each message says where it goes; it leaves here saying where it came from. What cannot be passed on is dropped: the gateways number
 * and keep their messages, and send them again, by us or another broker. That a gateway has no session here (any more) is told to
 * those who send to it, and to all when it is lost (RelayLost). Belongs to the loop.
 *
 * At bound / 2 a gateway gets no more bytes, at bound nothing more. The bound is above what makes rooms with that gateway busy, so a
 * burst of relays delays deliveries to it and ends nothing.
 */
#ifndef RC_BROKER_RELAY_H
#define RC_BROKER_RELAY_H

#include "broker/metrics.h"
#include "cluster/session.h"

TAILQ_HEAD(rc_broker_sessions, rc_session);

struct rc_relays {
    const struct rc_broker_sessions *sessions; /* open ones */
    size_t bound;                              /* bytes that a gateway may have unsent and unacknowledged */
    _Atomic uint64_t *values;                  /* BM_COUNT */
    void *host;
    /* Sends a packed Side; takes the reference. False: it is too large, nothing was sent. */
    bool (*side)(void *host, struct rc_session *s, struct rc_buf *side);
};

/* A Side that came from a peer. Of relays and from a gateway: passed on or dropped. Others are ignored. */
void rc_relays_side(const struct rc_relays *relays, struct rc_session *from, const struct rc_buf *side);

/* A session ended. */
void rc_relays_lost(const struct rc_relays *relays, const struct rc_session *s);

#endif
