/*
 * Relays on the link loop: streams between this gateway's workers and other gateways. Belongs to the link loop; keeps no bytes, only
 * which stream goes where.
 *
 * A stream goes over one broker, chosen when it opens among those that have sessions with both gateways, and ends with either of
 * these sessions: ours we see end, of the other's the broker tells us (RelayLost). Sessions keep order and lose nothing inside, so a
 * stream has no gaps.
 *
 * The trunk is where the far end is not believed: what it sends beyond the window, credits without having got it, or garbles, ends
 * that stream at both ends (RC_CLOSE_RELAY, `relay-broken` in the log) and nothing else.
 */
#ifndef RC_GATEWAY_TRUNK_H
#define RC_GATEWAY_TRUNK_H

#include "cluster/session.h"
#include "gateway/relay/relay.h"
#include "roster.h"

#define RC_TRUNK_STREAMS_MAX                                                                                           \
    65536 /* beyond it OPENs are refused (RC_CLOSE_BUSY); so is what the backlog does not take */

struct rc_trunk;

struct rc_trunk_config {
    const char *id;                 /* ours */
    unsigned workers;               /* of this gateway */
    const struct rc_roster *roster; /* who is where; outlives the trunk */
    void *host;
    /* To the worker in the stream's number; takes relay->data. */
    void (*down)(void *host, const struct rc_relay *relay);
    /* Sends a packed Side to a broker; takes the reference. False: it is too large, nothing was sent. */
    bool (*side)(void *host, struct rc_session *s, struct rc_buf *side);
};

/* Copies config, not what it points to. Aborts when memory is short. */
struct rc_trunk *rc_trunk_new(const struct rc_trunk_config *config);
void rc_trunk_free(struct rc_trunk *trunk); /* NULL is allowed */
/* How many workers have sessions; 0 (at first, and when they end): no guests are taken in. */
void rc_trunk_workers(struct rc_trunk *trunk, unsigned workers);

/* A broker's session began, or ended. */
void rc_trunk_up(struct rc_trunk *trunk, struct rc_session *s);
void rc_trunk_down(struct rc_trunk *trunk, struct rc_session *s);

/* From a worker; relay->data stays the caller's. */
void rc_trunk_send(struct rc_trunk *trunk, const struct rc_relay *relay);
/* A Side that came from a broker. False: it is not of a relay (nothing was done). */
bool rc_trunk_side(struct rc_trunk *trunk, struct rc_session *s, const struct rc_buf *side);

/* At the end of a loop pass: sends what waited for a broker to take it. */
void rc_trunk_pump(struct rc_trunk *trunk);

size_t rc_trunk_count(const struct rc_trunk *trunk); /* streams */

#endif
