/* The pace of a drain. */
#include "gateway/drain.h"

#define SECOND ((uint64_t)1000 * RC_MS)

void rc_drain_begin(struct rc_drain *drain, uint64_t pace, rc_time now, rc_time until)
{
    *drain = (struct rc_drain){.pace = pace, .last = now, .until = until};
}

size_t rc_drain_due(struct rc_drain *drain, size_t left, rc_time now)
{
    if (now >= drain->until)
        return left;
    uint64_t passed = now > drain->last ? (uint64_t)(now - drain->last) : 0;
    uint64_t remains = (uint64_t)(drain->until - now);
    uint64_t needed = (left * SECOND + remains - 1) / remains; /* a second */
    drain->last = now;
    drain->credit += (passed < SECOND ? passed : SECOND) * (needed > drain->pace ? needed : drain->pace);
    uint64_t due = drain->credit / SECOND;
    drain->credit %= SECOND;
    return due < left ? (size_t)due : left;
}

size_t rc_drain_share(size_t *due, size_t *left, size_t clients)
{
    size_t share = *left ? (*due * clients + *left - 1) / *left : 0;
    share = share < *due ? share : *due;
    *due -= share;
    *left -= clients < *left ? clients : *left;
    return share;
}
