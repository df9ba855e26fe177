/* A stream without a kernel: what the protocol sends is collected, what the test says is fed like net.c does. */
#ifndef RC_TEST_FAKE_STREAM_H
#define RC_TEST_FAKE_STREAM_H

#include "gateway/net/stream.h"

#include <stdlib.h>
#include <string.h>

struct fake_stream {
    struct rc_stream stream; /* first */
    char out[65536];         /* what was sent, NUL-terminated */
    size_t out_len;
    uint8_t kept[65536];
    size_t kept_len;
    enum rc_close why; /* valid when closing */
};

static void fake_send(struct rc_stream *stream, struct rc_buf *frame)
{
    struct fake_stream *fake = (struct fake_stream *)stream;
    if (!stream->closing && fake->out_len + frame->len < sizeof(fake->out)) {
        memcpy(fake->out + fake->out_len, frame->data, frame->len);
        fake->out_len += frame->len;
        fake->out[fake->out_len] = 0;
    }
    rc_buf_rele(frame);
}

static void fake_pause(struct rc_stream *stream, bool stop)
{
    stream->paused = stop;
}

static void fake_close(struct rc_stream *stream, enum rc_close why)
{
    if (!stream->closing)
        ((struct fake_stream *)stream)->why = why;
    stream->closing = true;
}

static const struct rc_stream_ops fake_ops = {fake_send, fake_pause, fake_close};

static inline struct fake_stream *fake_new(void)
{
    struct fake_stream *fake = calloc(1, sizeof(*fake));
    fake->stream.ops = &fake_ops;
    return fake;
}

/* Shows what was kept, then the new bytes, to whoever is the user. */
static inline void fake_feed(struct fake_stream *fake, const void *data, size_t len)
{
    struct rc_stream *stream = &fake->stream;
    uint8_t *bytes = malloc(fake->kept_len + len + 1);
    size_t total = fake->kept_len + len, at = 0;
    memcpy(bytes, fake->kept, fake->kept_len);
    memcpy(bytes + fake->kept_len, data, len);
    while (at < total && !stream->closing && !stream->paused) {
        void *self = stream->self;
        size_t used = stream->user->input(self, stream, bytes + at, total - at);
        at += used;
        if (!used && stream->self == self)
            break;
    }
    fake->kept_len = total - at;
    memcpy(fake->kept, bytes + at, fake->kept_len);
    free(bytes);
}

/* Ends the stream for its user and frees it. */
static inline void fake_free(struct fake_stream *fake)
{
    fake_close(&fake->stream, RC_CLOSE_PEER);
    if (fake->stream.user)
        fake->stream.user->closed(fake->stream.self, fake->why);
    free(fake);
}

#endif
