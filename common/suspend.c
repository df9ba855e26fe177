/* Compares two clocks from one loop pass to the next. */
#include "suspend.h"

#include "clock.h"
#include "log.h"

#define TOLERANCE (250 * RC_MS) /* time synchronisation slews by far less in one pass */

enum rc_jump rc_suspend_look(struct rc_suspend *s, rc_time now, int64_t wall_ms, int64_t *jump_us)
{
    int64_t offset = wall_ms * RC_MS - now;
    int64_t jump = s->looked ? offset - s->offset : 0;
    s->offset = offset;
    s->looked = true;
    if (jump_us)
        *jump_us = jump;
    if (jump > TOLERANCE)
        return RC_JUMP_AHEAD;
    return jump < -TOLERANCE ? RC_JUMP_BACK : RC_JUMP_NONE;
}

bool rc_suspend_slept(struct rc_suspend *s)
{
    int64_t jump;
    enum rc_jump kind = rc_suspend_look(s, rc_clock_now(), rc_clock_wall_ms(), &jump);
    if (kind == RC_JUMP_NONE)
        return false;
    s->jumps++;
    rc_log(RC_WARN, "clock-jump", "ms=%lld", (long long)(jump / RC_MS));
    return kind == RC_JUMP_AHEAD;
}
