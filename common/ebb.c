/* When to give memory back. */
#include "ebb.h"

#include "clock.h"
#include "cluster/pool.h"
#include "log.h"

#include <inttypes.h>
#include <malloc.h>

bool rc_ebb_sample(struct rc_ebb *ebb, uint64_t count)
{
    ebb->height = count > ebb->height ? count : ebb->height;
    uint64_t left = ebb->height - count;
    bool rises = count > ebb->last + ebb->height / 100;
    bool ebbs = left >= RC_EBB_LEAST && left >= ebb->height / 4 && !rises;
    ebb->last = count;
    ebb->calm = ebbs ? ebb->calm + 1 : 0;
    if (ebb->calm < RC_EBB_CALM)
        return false;
    bool quick = ebb->height <= RC_EBB_MOST;
    *ebb = (struct rc_ebb){.height = count, .last = count};
    return quick;
}

void rc_ebb_watch(struct rc_ebb *ebb, uint64_t count)
{
    uint64_t height = ebb->height;
    rc_time begun = rc_clock_now();
    if (!rc_ebb_sample(ebb, count))
        return;
    rc_pool_empty_depot();
    malloc_trim(0);
    rc_log(RC_INFO, "memory-returned", "height=%" PRIu64 " now=%" PRIu64 " took_us=%" PRId64, height, count,
           rc_clock_now() - begun);
}
