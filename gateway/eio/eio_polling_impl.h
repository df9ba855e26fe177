/* Inside long-polling: what eio_polling.c and eio_upgrade.c share. */
#ifndef RC_GATEWAY_EIO_POLLING_IMPL_H
#define RC_GATEWAY_EIO_POLLING_IMPL_H

#include "gateway/eio/eio_polling.h"

struct eio_candidate; /* a WebSocket that wants to take over */

struct eio_waiting { /* what the next GET gets */
    struct rc_buf *buf;
    bool message; /* buf is a payload (payload.h), else the text of a packet */
};

struct rc_polling {
    struct rc_eio *eio;
    struct rc_response *poll; /* the GET that waits; NULL: none */
    struct rc_response *post; /* the POST whose body comes, or that is answered later; NULL: none */
    uint8_t *body;            /* heap: of the POST so far */
    size_t body_len, body_room;
    struct eio_waiting *out; /* heap, n of them */
    size_t n, room;
    size_t queued; /* bytes of out */
    struct eio_candidate *candidate;
    LIST_ENTRY(rc_polling) link; /* in the server's `ended`, while the session is closing */
    enum rc_close why;           /* valid then */
    bool reading;                /* the body of the POST comes */
    bool corked;                 /* packets of a POST are being worked on: the GET gets all that they cause at once */
    bool paused;                 /* the POST is answered when this is over */
    bool probed; /* the candidate asked: GETs are answered at once, so that the client can change over */
};

/* Answers the pending GET with what is queued, or with the packet that is given (NULL: only if something is queued). */
void rc_polling_flush(struct rc_polling *p, const char *packet);
/* Answers what is pending and frees it; the session goes on elsewhere or is gone. */
void rc_polling_free(struct rc_polling *p);
/* Closes the candidate, if there is one. */
void rc_polling_drop_candidate(struct rc_polling *p);

#endif
