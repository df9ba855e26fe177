/* From the first to the last copy of one message, over all workers: how far apart its receivers get it. */
#ifndef RC_SPAN_H
#define RC_SPAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RC_SPANS 16384 /* messages under way whose span is taken; one that finds its place taken is left out */

/* In shared memory; all zero bytes: free. */
struct rc_span {
    _Atomic uint64_t name;        /* sender << 32 | seq; seq is never 0 */
    _Atomic uint64_t first, last; /* ns; 0: none yet */
    _Atomic uint32_t copies;
};

/* A copy came at `now`, of so many in all. With the last one: true, and the span in ns. Any worker. */
bool rc_span_take(struct rc_span *spans, uint32_t sender, uint32_t seq, uint64_t now, uint32_t copies, uint64_t *span);

#endif
