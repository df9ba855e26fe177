/* The output queue of a connection. */
#include "gateway/net/frame_queue.h"

#include "cluster/pool.h"

#define FIRST 8 /* places; then four times as many each time: a pass that is full fills up in a few steps */

struct rc_frame_ring {
    uint32_t head, n, space; /* space: a power of two */
    uint32_t offset;         /* bytes of the first frame that are gone */
    struct rc_buf *frame[];  /* `space` places, a reference each */
};

static struct rc_buf **place(struct rc_frame_ring *ring, uint32_t i)
{
    return &ring->frame[(ring->head + i) & (ring->space - 1)];
}

static size_t ring_size(uint32_t space)
{
    return sizeof(struct rc_frame_ring) + space * sizeof(struct rc_buf *);
}

static void ring_free(struct rc_frame_ring *ring)
{
    if (ring)
        rc_pool_put(ring, ring_size(ring->space));
}

static struct rc_frame_ring *grow(struct rc_frame_ring *old)
{
    uint32_t space = old ? old->space * 4 : FIRST;
    struct rc_frame_ring *ring = rc_pool_get(ring_size(space));
    if (!ring)
        return NULL;
    *ring = (struct rc_frame_ring){.n = old ? old->n : 0, .space = space, .offset = old ? old->offset : 0};
    for (uint32_t i = 0; i < ring->n; i++)
        ring->frame[i] = *place(old, i);
    ring_free(old);
    return ring;
}

bool rc_frame_queue_push(struct rc_frame_queue *q, struct rc_buf *frame)
{
    if (!q->ring || q->ring->n == q->ring->space) {
        struct rc_frame_ring *ring = grow(q->ring);
        if (!ring)
            return false;
        q->ring = ring;
    }
    *place(q->ring, q->ring->n++) = frame;
    return true;
}

size_t rc_frame_queue_peek(const struct rc_frame_queue *q, struct iovec *iov, size_t max)
{
    struct rc_frame_ring *ring = q->ring;
    size_t offset = ring ? ring->offset : 0, n = 0;
    for (; ring && n < ring->n && n < max; n++) {
        const struct rc_buf *frame = *place(ring, (uint32_t)n);
        iov[n] = (struct iovec){(void *)(uintptr_t)(frame->data + offset), frame->len - offset};
        offset = 0;
    }
    return n;
}

void rc_frame_queue_pop(struct rc_frame_queue *q, size_t bytes)
{
    struct rc_frame_ring *ring = q->ring;
    while (bytes) {
        struct rc_buf *frame = ring->frame[ring->head];
        size_t left = frame->len - ring->offset;
        if (bytes < left) {
            ring->offset += (uint32_t)bytes;
            return;
        }
        bytes -= left;
        ring->offset = 0;
        ring->head = (ring->head + 1) & (ring->space - 1);
        ring->n--;
        rc_buf_rele(frame);
    }
    if (ring && !ring->n)
        rc_frame_queue_clear(q);
}

void rc_frame_queue_clear(struct rc_frame_queue *q)
{
    struct rc_frame_ring *ring = q->ring;
    for (uint32_t i = 0; ring && i < ring->n; i++)
        rc_buf_rele(*place(ring, i));
    ring_free(ring);
    q->ring = NULL;
}
