/* The output queue of a connection. */
#include "gateway/net/frame_queue.h"

#include <stdlib.h>

static bool grow(struct rc_frame_queue *q)
{
    uint32_t space = q->space ? q->space * 2 : 4;
    struct rc_buf **ring = malloc(space * sizeof(struct rc_buf *));
    if (!ring)
        return false;
    for (uint32_t i = 0; i < q->n; i++)
        ring[i] = q->ring[(q->head + i) % q->space];
    free(q->ring);
    q->ring = ring;
    q->space = space;
    q->head = 0;
    return true;
}

bool rc_frame_queue_push(struct rc_frame_queue *q, struct rc_buf *frame)
{
    if (q->n == q->space && !grow(q))
        return false;
    q->ring[(q->head + q->n++) % q->space] = frame;
    return true;
}

size_t rc_frame_queue_peek(const struct rc_frame_queue *q, struct iovec *iov, size_t max)
{
    size_t offset = q->offset, n = 0;
    for (; n < q->n && n < max; n++) {
        struct rc_buf *frame = q->ring[(q->head + n) % q->space];
        iov[n] = (struct iovec){frame->data + offset, frame->len - offset};
        offset = 0;
    }
    return n;
}

void rc_frame_queue_pop(struct rc_frame_queue *q, size_t bytes)
{
    while (bytes) {
        struct rc_buf *frame = q->ring[q->head];
        size_t left = frame->len - q->offset;
        if (bytes < left) {
            q->offset += (uint32_t)bytes;
            return;
        }
        bytes -= left;
        q->offset = 0;
        q->head = (q->head + 1) % q->space;
        q->n--;
        rc_buf_rele(frame);
    }
}

void rc_frame_queue_clear(struct rc_frame_queue *q)
{
    for (uint32_t i = 0; i < q->n; i++)
        rc_buf_rele(q->ring[(q->head + i) % q->space]);
    free(q->ring);
    *q = (struct rc_frame_queue){0};
}
