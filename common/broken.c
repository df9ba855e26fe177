/* The core has no log: it counts, and this tells. */
#include "broken.h"

#include "log.h"

void rc_broken_report(const struct rc_broken *broken, uint64_t *seen)
{
    if (broken->count == *seen)
        return;
    rc_log(RC_ERROR, "invariant-broken",
           "number=%d text=\"%s\" times=%llu total=%llu effect=\"sessions concerned ended\"", (int)broken->last,
           rc_invariant_text(broken->last), (unsigned long long)(broken->count - *seen),
           (unsigned long long)broken->count);
    *seen = broken->count;
}
