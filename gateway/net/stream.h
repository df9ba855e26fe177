/*
 * The seam between bytes (net.c) and the protocol that speaks on a connection (http.c, then ws_conn.c): each
 * side sees the other through one table, so that tests put themselves on either side.
 *
 * One thread, the worker's. Whoever closes may still be called by code that is on the stack, so nothing is
 * freed at once: after rc_stream_close the user gets no more input, what it sends is dropped, and `closed`
 * comes from the loop after the pass, once, as the last call.
 */
#ifndef RC_GATEWAY_STREAM_H
#define RC_GATEWAY_STREAM_H

#include "cluster/buf.h"
#include "gateway/close.h"

struct rc_stream;

/* The protocol above. */
struct rc_stream_user {
    /* Bytes came; may change them in place. Returns how many it used; the rest is shown again, with what came
     * after it. It must use all of what it is shown unless it paused, closed, changed the stream's user, or
     * is sure to need less than RC_STREAM_KEEP bytes to go on. */
    size_t (*input)(void *self, struct rc_stream *stream, uint8_t *data, size_t len);
    /* The output queue ran empty after it had been waiting for the client. May be NULL. */
    void (*drained)(void *self, struct rc_stream *stream);
    /* The stream is gone; free yourself. */
    void (*closed)(void *self, enum rc_close why);
};
#define RC_STREAM_KEEP 256 /* bytes of an unfinished frame that a stream keeps for its user */

/* The bytes below. */
struct rc_stream_ops {
    void (*send)(struct rc_stream *stream, struct rc_buf *frame);
    void (*pause)(struct rc_stream *stream, bool stop);
    void (*close)(struct rc_stream *stream, enum rc_close why);
};

struct rc_stream {
    const struct rc_stream_ops *ops;
    const struct rc_stream_user *user; /* changed by the user itself when the protocol changes */
    void *self;                        /* user's */
    uint64_t written;                  /* bytes that the kernel took so far */
    uint32_t queued;                   /* bytes sent and not yet taken by the kernel; bounds are below 4 GiB */
    bool paused;                       /* user wants no input for now */
    bool watched;                      /* user wants to know of the peer's end also while paused; set it before */
    bool closing;                      /* close was called, or moving */
    bool moving;                       /* it goes to another worker at the end of the pass */
};

/* Appends a frame to the output; takes over the caller's reference, NULL means memory is short and closes. A
 * queue above its bound that the kernel does not take closes the stream (RC_CLOSE_SLOW). */
static inline void rc_stream_send(struct rc_stream *stream, struct rc_buf *frame)
{
    stream->ops->send(stream, frame);
}

/* Stops or goes on with input; what is already in the kernel or kept stays there. */
static inline void rc_stream_pause(struct rc_stream *stream, bool stop)
{
    stream->ops->pause(stream, stop);
}

/* Ends it: what was sent before is still written (unless slow or broken), then our side is shut and the
 * client's FIN awaited for a moment, so that a last frame is not lost to a reset. Later calls change nothing.
 */
static inline void rc_stream_close(struct rc_stream *stream, enum rc_close why)
{
    stream->ops->close(stream, why);
}

#endif
