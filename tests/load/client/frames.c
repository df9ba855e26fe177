/* WebSocket frames by wslay. */
#include "client/frames.h"

#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

/* A wslay context and the bytes that its callback may take. */
struct rc_frame_lens {
    wslay_frame_context_ptr ctx;
    const uint8_t *at, *end; /* not taken yet */
    size_t held;             /* bytes that wslay took and that belong to no whole frame */
    uint64_t got;            /* of the payload of the frame under way */
    struct rc_frame_lens *next;
};

struct rc_frame_pool {
    struct rc_frame_lens *idle;
    wslay_frame_context_ptr writer;
    struct rc_bytes *out; /* where the writer puts bytes; their room was made before */
    uint64_t random;
};

static ssize_t give(uint8_t *buf, size_t len, int flags, void *arg)
{
    struct rc_frame_lens *lens = arg;
    size_t left = (size_t)(lens->end - lens->at);
    size_t n = len < left ? len : left;
    (void)flags;
    if (n == 0) {
        return -1; /* wslay wants to read more */
    }
    memcpy(buf, lens->at, n);
    lens->at += n;
    lens->held += n;
    return (ssize_t)n;
}

static ssize_t put(const uint8_t *data, size_t len, int flags, void *arg)
{
    struct rc_frame_pool *pool = arg;
    (void)flags;
    memcpy(pool->out->data + pool->out->len, data, len);
    pool->out->len += len;
    return (ssize_t)len;
}

/* A mask protects proxies from hostile pages; here it need not be a secret. */
static int make_mask(uint8_t *buf, size_t len, void *arg)
{
    struct rc_frame_pool *pool = arg;
    pool->random ^= pool->random << 13;
    pool->random ^= pool->random >> 7;
    pool->random ^= pool->random << 17;
    memcpy(buf, &pool->random, len < 8 ? len : 8);
    return 0;
}

struct rc_frame_pool *rc_frame_pool_new(void)
{
    const struct wslay_frame_callbacks callbacks = {put, NULL, make_mask};
    struct rc_frame_pool *pool = calloc(1, sizeof *pool);
    if (!pool || wslay_frame_context_init(&pool->writer, &callbacks, pool) != 0) {
        free(pool);
        return NULL;
    }
    pool->random = 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)pool;
    return pool;
}

static void lens_free(struct rc_frame_lens *lens)
{
    wslay_frame_context_free(lens->ctx);
    free(lens);
}

void rc_frame_pool_free(struct rc_frame_pool *pool)
{
    while (pool->idle) {
        struct rc_frame_lens *lens = pool->idle;
        pool->idle = lens->next;
        lens_free(lens);
    }
    wslay_frame_context_free(pool->writer);
    free(pool);
}

static struct rc_frame_lens *borrow(struct rc_frame_pool *pool)
{
    const struct wslay_frame_callbacks callbacks = {NULL, give, NULL};
    struct rc_frame_lens *lens = pool->idle;
    if (lens) {
        pool->idle = lens->next;
        return lens;
    }
    lens = calloc(1, sizeof *lens);
    if (lens && wslay_frame_context_init(&lens->ctx, &callbacks, lens) != 0) {
        free(lens);
        return NULL;
    }
    return lens;
}

static size_t header_len(uint64_t payload)
{
    return payload < 126 ? 2 : payload < 65536 ? 4 : 10;
}

static const char *check(const struct wslay_frame_iocb *io, const struct rc_frames *frames)
{
    if (io->mask) {
        return "a masked frame";
    }
    if (io->rsv) {
        return "a frame with a reserved bit";
    }
    if (wslay_is_ctrl_frame(io->opcode)) {
        return NULL;
    }
    if (io->payload_length + frames->partial.len > RC_FRAME_MAX) {
        return "a message above 1 MiB";
    }
    return !io->fin || io->opcode == WSLAY_CONTINUATION_FRAME ? "a fragmented message" : NULL;
}

static enum rc_frame_kind kind_of(uint8_t opcode)
{
    switch (opcode) {
    case WSLAY_TEXT_FRAME:
        return RC_FRAME_TEXT;
    case WSLAY_PING:
        return RC_FRAME_PING;
    case WSLAY_PONG:
        return RC_FRAME_PONG;
    case WSLAY_CONNECTION_CLOSE:
        return RC_FRAME_CLOSE;
    default:
        return RC_FRAME_BINARY;
    }
}

/* One piece of a frame. *stop when the callback wants no more. */
static const char *take_piece(struct rc_frames *frames, struct rc_frame_lens *lens, const struct wslay_frame_iocb *io,
                              rc_frame_cb cb, void *arg, bool *stop)
{
    const char *wrong = lens->got == 0 ? check(io, frames) : NULL;
    if (wrong) {
        return wrong;
    }
    lens->got += io->data_length;
    bool whole = lens->got == io->payload_length;
    if (!whole || frames->partial.len > 0) {
        if (!rc_bytes_add(&frames->partial, io->data, io->data_length, RC_FRAME_MAX)) {
            return "a message that memory has no room for";
        }
    }
    if (!whole) {
        return NULL;
    }
    lens->got = 0;
    lens->held -= header_len(io->payload_length) + (size_t)io->payload_length;
    struct rc_bytes message = frames->partial;
    frames->partial = (struct rc_bytes){0};
    *stop = !cb(arg, kind_of(io->opcode), message.len ? message.data : io->data,
                message.len ? message.len : io->data_length);
    rc_bytes_fini(&message);
    return NULL;
}

const char *rc_frames_read(struct rc_frame_pool *pool, struct rc_frames *frames, const uint8_t *data, size_t len,
                           rc_frame_cb cb, void *arg)
{
    struct rc_frame_lens *lens = frames->lens ? frames->lens : borrow(pool);
    const char *wrong = NULL;
    bool stop = false;
    if (!lens) {
        return "a frame that memory has no room for";
    }
    frames->lens = lens;
    lens->at = data;
    lens->end = data + len;
    while (!wrong && !stop) {
        struct wslay_frame_iocb io = {0};
        ssize_t n = wslay_frame_recv(lens->ctx, &io);
        if (n == WSLAY_ERR_WANT_READ) {
            break;
        }
        wrong = n < 0 ? "a frame that breaks RFC 6455" : take_piece(frames, lens, &io, cb, arg, &stop);
    }
    if (!wrong && !stop && lens->held == 0) {
        frames->lens = NULL;
        lens->next = pool->idle;
        pool->idle = lens;
    }
    return wrong;
}

bool rc_frames_write(struct rc_frame_pool *pool, struct rc_bytes *out, size_t max, enum rc_frame_kind kind,
                     const void *data, size_t len)
{
    static const uint8_t opcodes[] = {WSLAY_TEXT_FRAME, WSLAY_BINARY_FRAME, WSLAY_PING, WSLAY_PONG,
                                      WSLAY_CONNECTION_CLOSE};
    struct wslay_frame_iocb io = {
        .fin = 1, .opcode = opcodes[kind], .payload_length = len, .mask = 1, .data = data, .data_length = len};
    if (!rc_bytes_room(out, header_len(len) + 4 + len, max)) {
        return false;
    }
    pool->out = out;
    do {
        ssize_t n = wslay_frame_send(pool->writer, &io);
        if (n < 0) {
            return false;
        }
        io.data += n;
        io.data_length -= (size_t)n;
    } while (io.data_length > 0);
    return true;
}

/* A lens whose frame was not whole cannot be lent again. */
void rc_frames_fini(struct rc_frame_pool *pool, struct rc_frames *frames)
{
    (void)pool;
    if (frames->lens) {
        lens_free(frames->lens);
        frames->lens = NULL;
    }
    rc_bytes_fini(&frames->partial);
}
