/*
 * Relays on the link loop: streams between this gateway's workers and other gateways. Belongs to the link loop.
 *
 *   worker -- rc_relay --> trunk: whose stream --> lanes: in what order --> ways: over which broker
 *
 * A stream goes over one lane (lane.h), which keeps its bytes in order and loses none of them, whatever happens to brokers. It ends
 * with its lane: the other gateway is gone, or no broker leads there for longer than RC_LANES_PATIENCE (RC_CLOSE_RELAY).
 *
 * The trunk is where the far end is not believed: what it sends beyond the window, credits without having got it, or garbles, ends
 * that stream at both ends (RC_CLOSE_RELAY, `relay-broken` in the log) and nothing else.
 */
#ifndef RC_GATEWAY_TRUNK_H
#define RC_GATEWAY_TRUNK_H

#include "cluster/session.h"
#include "gateway/relay/relay.h"
#include "roster.h"

/* Streams. Beyond it OPENs are refused (RC_CLOSE_BUSY); so is what the lanes do not take. */
#define RC_TRUNK_STREAMS_MAX 65536

struct rc_trunk;

struct rc_trunk_config {
    const char *id;                 /* ours */
    unsigned workers;               /* of this gateway */
    const struct rc_roster *roster; /* who is where; outlives the trunk */
    rc_time silence;                /* times.session */
    rc_time now;
    void *host;
    /* To the worker in the stream's number; takes relay->data. */
    void (*down)(void *host, const struct rc_relay *relay);
    /* Sends a packed Side to a broker; takes the reference. */
    void (*side)(void *host, struct rc_session *s, struct rc_buf *side);
    /* This broker drains: other ways are better. */
    bool (*drains)(void *host, const struct rc_session *s);
};

/* Copies config, not what it points to. Aborts when memory is short. */
struct rc_trunk *rc_trunk_new(const struct rc_trunk_config *config);
void rc_trunk_free(struct rc_trunk *trunk); /* NULL is allowed */
/* How many workers have sessions; 0 (at first, and when they end): no guests are taken in. */
void rc_trunk_workers(struct rc_trunk *trunk, unsigned workers);

/* A broker's session began, or ended. */
void rc_trunk_up(struct rc_trunk *trunk, struct rc_session *s);
void rc_trunk_down(struct rc_trunk *trunk, struct rc_session *s);
/* Our incarnation is over (G6): ends all streams here. Those at the other ends end with it. */
void rc_trunk_end(struct rc_trunk *trunk);

/* From a worker; relay->data stays the caller's. */
void rc_trunk_send(struct rc_trunk *trunk, const struct rc_relay *relay);
/* A Side that came from a broker. False: it is not of a relay (nothing was done). */
bool rc_trunk_side(struct rc_trunk *trunk, struct rc_session *s, const struct rc_buf *side);

/* At the end of a loop pass: sends what can be sent. */
void rc_trunk_pump(struct rc_trunk *trunk);
/* Every times.tick, before the pump. */
void rc_trunk_tick(struct rc_trunk *trunk, rc_time now);

size_t rc_trunk_count(const struct rc_trunk *trunk);   /* streams */
size_t rc_trunk_kept(const struct rc_trunk *trunk);    /* bytes that other gateways have not got yet */
uint64_t rc_trunk_moves(const struct rc_trunk *trunk); /* lanes that went on over another way */

#endif
