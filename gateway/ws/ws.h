/*
 * WebSocket frames, server side (RFC 6455), as pure code: bytes in, messages and control frames out. No
 * extensions, no subprotocols. ws_conn.h puts it on a stream.
 *
 * Costs an idle connection nothing but the struct: whole frames are handed on where they lie; a heap buffer exists only
 * while a message is incomplete, and grows with the bytes that came, never with what a header promised.
 */
#ifndef RC_GATEWAY_WS_H
#define RC_GATEWAY_WS_H

#include "cluster/buf.h"
#include "gateway/ws/utf8.h"

enum rc_ws_opcode {
    RC_WS_CONTINUATION = 0,
    RC_WS_TEXT = 1,
    RC_WS_BINARY = 2,
    RC_WS_CLOSE = 8,
    RC_WS_PING = 9,
    RC_WS_PONG = 10,
};

/* Close codes, RFC 6455 7.4.1. */
enum rc_ws_code {
    RC_WS_NONE = 0, /* no error; as a code to send: an empty close frame */
    RC_WS_PROTOCOL = 1002,
    RC_WS_NOT_UTF8 = 1007,
    RC_WS_TOO_BIG = 1009,
    RC_WS_INTERNAL = 1011,
};

struct rc_ws {
    uint32_t max;          /* bytes of one message */
    uint32_t left;         /* payload bytes of the current data frame that have not come */
    uint8_t *message;      /* heap: what came of an incomplete message */
    uint32_t len, room;    /* of message: bytes used and allocated */
    struct rc_utf8 utf8;   /* of the current text message */
    uint8_t mask[4];       /* of the current data frame, turned to its next byte */
    uint8_t opcode;        /* of the current message; CONTINUATION: none has begun */
    bool fin;              /* the current frame ends the message */
    bool stop;             /* set by the user in a callback: take no further frame for now */
    enum rc_ws_code error; /* why the connection must be closed; NONE: all is well */
};

struct rc_ws_events {
    /* A whole message; data may be changed and is valid during the call. */
    void (*message)(void *self, bool text, uint8_t *data, size_t len);
    /* CLOSE (payload already checked), PING or PONG; len is at most 125. */
    void (*control)(void *self, enum rc_ws_opcode opcode, const uint8_t *data, size_t len);
};

void rc_ws_init(struct rc_ws *ws, uint32_t max);
void rc_ws_fini(struct rc_ws *ws);
/* Between messages: nothing is lost when it begins anew. */
bool rc_ws_idle(const struct rc_ws *ws);

/* Reads frames; unmasks in place. Returns how many bytes it used: fewer than len when a frame head or control frame is
 * incomplete (then fewer than RC_WS_KEEP are left; show them again with more), after `stop`, or with ws->error set. */
size_t rc_ws_feed(struct rc_ws *ws, uint8_t *data, size_t len, const struct rc_ws_events *events, void *self);
#define RC_WS_KEEP (14 + 125)

/* Writes the head of an unmasked, final frame; returns its length, at most 10. */
size_t rc_ws_head(uint8_t out[10], enum rc_ws_opcode opcode, uint64_t len);
size_t rc_ws_head_size(uint64_t len);

/* One whole frame; NULL when memory is short. */
struct rc_buf *rc_ws_frame(enum rc_ws_opcode opcode, const void *data, size_t len);
/* A close frame: code NONE is an empty one. */
struct rc_buf *rc_ws_close_frame(enum rc_ws_code code);

#endif
