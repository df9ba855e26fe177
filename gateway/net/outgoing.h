/*
 * A payload on its way to many clients: each transport's bytes are made when the first client needs them, then
 * shared. Lives on the stack of who sends. One thread.
 */
#ifndef RC_GATEWAY_OUTGOING_H
#define RC_GATEWAY_OUTGOING_H

#include "gateway/sio/payload.h"

struct rc_outgoing {        /* made by naming the payload: {payload, NULL} */
    struct rc_buf *payload; /* valid (rc_payload_valid); the caller's */
    struct rc_buf *frames;  /* as WebSocket frames; NULL: nobody needed them yet */
};

/* The payload's Engine.IO messages as unmasked WebSocket frames: '4' before the text, attachments as binary frames. A
 * reference for the caller; NULL when memory is short. */
struct rc_buf *rc_outgoing_frames(struct rc_outgoing *out);

void rc_outgoing_fini(struct rc_outgoing *out);

#endif
