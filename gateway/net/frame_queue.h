/* Shared frames that wait for the kernel, in order. Owns no memory while it is empty. Pure. */
#ifndef RC_GATEWAY_FRAME_QUEUE_H
#define RC_GATEWAY_FRAME_QUEUE_H

#include "cluster/buf.h"

#include <sys/uio.h>

struct rc_frame_queue {         /* zeroed: empty */
    struct rc_frame_ring *ring; /* heap; NULL: empty */
};

/* Takes over the reference. False: memory is short, nothing was taken. */
bool rc_frame_queue_push(struct rc_frame_queue *q, struct rc_buf *frame);
/* Fills at most max entries with what comes first; returns how many. */
size_t rc_frame_queue_peek(const struct rc_frame_queue *q, struct iovec *iov, size_t max);
/* The first bytes are gone, at most as many as are queued. */
void rc_frame_queue_pop(struct rc_frame_queue *q, size_t bytes);
/* Empties it. */
void rc_frame_queue_clear(struct rc_frame_queue *q);

#endif
