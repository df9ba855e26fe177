/* Counted immutable bytes. */
#include "cluster/buf.h"
#include "cluster/pool.h"

#include <string.h>

struct rc_buf *rc_buf_new(size_t len)
{
    if (len > UINT32_MAX)
        return NULL;
    struct rc_buf *buf = rc_pool_get(sizeof *buf + len);
    if (!buf)
        return NULL;
    atomic_init(&buf->refs, 1);
    buf->len = (uint32_t)len;
    return buf;
}

struct rc_buf *rc_buf_copy(const void *data, size_t len)
{
    struct rc_buf *buf = rc_buf_new(len);
    if (buf && len)
        memcpy(buf->data, data, len);
    return buf;
}

struct rc_buf *rc_buf_hold(struct rc_buf *buf)
{
    if (buf)
        atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
    return buf;
}

void rc_buf_rele(struct rc_buf *buf)
{
    if (buf && atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel) == 1)
        rc_pool_put(buf, sizeof *buf + buf->len);
}

bool rc_buf_equal(const struct rc_buf *a, const struct rc_buf *b)
{
    if (a == b)
        return true;
    return a && b && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}
