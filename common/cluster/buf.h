/* Immutable, counted bytes: written once by who makes them, then shared by any number of holders and threads.
 */
#ifndef RC_CLUSTER_BUF_H
#define RC_CLUSTER_BUF_H

#include "cluster/types.h"

#include <stdatomic.h>

struct rc_buf {
    atomic_uint refs;
    uint32_t len; /* bytes in data */
    uint8_t data[];
};

/* A new buffer with one reference, contents unset or copied. NULL when memory is short. */
struct rc_buf *rc_buf_new(size_t len);
struct rc_buf *rc_buf_copy(const void *data, size_t len);

/* hold returns its argument; both accept NULL. The last rele frees. Any thread. */
struct rc_buf *rc_buf_hold(struct rc_buf *buf);
void rc_buf_rele(struct rc_buf *buf);

/* Two NULLs are equal, NULL and empty are not. */
bool rc_buf_equal(const struct rc_buf *a, const struct rc_buf *b);

#endif
