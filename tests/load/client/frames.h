/*
 * WebSocket frames of a client, by wslay's frame layer: an implementation that shares nothing with the gateway's.
 *
 * A wslay context has a buffer of 4 KiB, too much for each of many idle connections. So contexts are lent: a connection has one
 * only while a frame of it is not whole. Single-threaded; one pool a worker.
 */
#ifndef RC_FRAMES_H
#define RC_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/bytes.h"

#define RC_FRAME_MAX (1u << 20) /* bytes of a message that is taken in */

enum rc_frame_kind { RC_FRAME_TEXT, RC_FRAME_BINARY, RC_FRAME_PING, RC_FRAME_PONG, RC_FRAME_CLOSE };

struct rc_frame_pool;
struct rc_frame_lens;

/* The reading side of a connection; zeroed at its begin. */
struct rc_frames {
    struct rc_frame_lens *lens; /* lent by the pool, NULL between frames */
    struct rc_bytes partial;    /* of a message that is not whole */
    uint8_t kind;               /* of that message */
};

/* A message or control frame; the bytes are valid during the call. Answers whether to go on: not when the connection ended. */
typedef bool (*rc_frame_cb)(void *arg, enum rc_frame_kind kind, const uint8_t *data, size_t len);

struct rc_frame_pool *rc_frame_pool_new(void); /* NULL: out of memory */
void rc_frame_pool_free(struct rc_frame_pool *pool);

/* Takes in what was read. NULL: all well, or the callback stopped it; else a static phrase that says what the server did
 * wrong, and the connection is to be ended. */
const char *rc_frames_read(struct rc_frame_pool *pool, struct rc_frames *frames, const uint8_t *data, size_t len,
                           rc_frame_cb cb, void *arg);

/* Appends a masked frame. False: no room (see rc_bytes_room), and nothing was added. */
bool rc_frames_write(struct rc_frame_pool *pool, struct rc_bytes *out, size_t max, enum rc_frame_kind kind,
                     const void *data, size_t len);

/* Gives back what the connection holds. */
void rc_frames_fini(struct rc_frame_pool *pool, struct rc_frames *frames);

#endif
