/*
 * The handshake of a link (protocol.md S2), as pure code: packed frames in, packed frames out. Both sides prove that
 * they hold the cluster secret (HMAC-SHA256, fresh nonces of both, both nodes' words about themselves); nothing else
 * than this struct changes before the dialler's PROVE was right, so a replayed or forged HELLO does nothing.
 *
 *   dialler                       listener
 *   rc_handshake_dial   HELLO ->  rc_handshake_accept
 *   input   <- CHALLENGE          input
 *   input       PROVE ->          input: RC_HS_PROVEN, then rc_handshake_answer
 *   input: RC_HS_OK  <- HELLO_OK
 *      or: RC_HS_NO  <- HELLO_NO
 */
#ifndef RC_LINK_HANDSHAKE_H
#define RC_LINK_HANDSHAKE_H

#include "link/link.h"

#define RC_HS_VERSION   3    /* Hello.version; other versions are refused */
#define RC_HS_NONCE     16   /* bytes */
#define RC_HS_FRAME_MAX 2048 /* bytes of any frame of the handshake */

enum rc_hs_step {
    RC_HS_MORE,   /* send `out` and go on */
    RC_HS_PROVEN, /* listener: `peer` is who it says; judge it and call rc_handshake_answer */
    RC_HS_OK,     /* dialler: open; peer, session and state are valid */
    RC_HS_NO,     /* dialler: the proven peer refused; why, reason and known_inc are valid */
    RC_HS_FAIL,   /* it is over: why says it; if out_len is not 0 send `out`, then close */
};

struct rc_handshake {
    const struct rc_secret *secret;
    struct rc_peer self, peer; /* peer: valid from PROVEN or OK; before that, what it claims */
    bool dialler;
    bool greeted; /* dialler: CHALLENGE was right; listener: HELLO was right */
    uint8_t nonce_a[RC_HS_NONCE], nonce_b[RC_HS_NONCE];

    enum rc_why why;
    enum rc_hello reason;       /* NO: OLD, TWIN or UNKNOWN */
    uint64_t known_inc;         /* NO with OLD: the higher incarnation */
    uint64_t session;           /* OK */
    enum rc_broker_state state; /* OK */

    uint8_t out[RC_HS_FRAME_MAX]; /* packed Frame to send, after each call */
    size_t out_len;               /* 0: nothing to send */
};

/* self is copied, secret must outlive the handshake. dial leaves HELLO in out. */
void rc_handshake_dial(struct rc_handshake *h, const struct rc_peer *self, const struct rc_secret *secret);
void rc_handshake_accept(struct rc_handshake *h, const struct rc_peer *self, const struct rc_secret *secret);

/* Takes one frame of the peer. After PROVEN, OK, NO or FAIL no more may be given. */
enum rc_hs_step rc_handshake_input(struct rc_handshake *h, const uint8_t *frame, size_t len);

/* Listener, after PROVEN: leaves HELLO_OK or HELLO_NO in out. session is not 0; known_inc is for RC_HELLO_OLD. */
void rc_handshake_answer(struct rc_handshake *h, enum rc_hello verdict, uint64_t known_inc, uint64_t session,
                         enum rc_broker_state state);

#endif
