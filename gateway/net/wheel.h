/*
 * Many timers for one thread: heartbeats and deadlines of tens of thousands of connections. A hashed wheel:
 * set and stop cost O(1), each tick looks at one slot. Fires up to one tick late, never early. Pure; the
 * owner says what time it is.
 */
#ifndef RC_GATEWAY_WHEEL_H
#define RC_GATEWAY_WHEEL_H

#include "cluster/types.h"

#include <sys/queue.h>

#define RC_WHEEL_TICK  (10 * RC_MS)
#define RC_WHEEL_SLOTS 4096 /* one turn is 41 s: a far deadline is looked at once per turn */

struct rc_timer {
    LIST_ENTRY(rc_timer) link;
    rc_time at;                           /* when it is due; valid while set */
    void (*fire)(struct rc_timer *timer); /* NULL: not set */
};
LIST_HEAD(rc_timer_list, rc_timer);

struct rc_wheel {
    rc_time now;  /* as of the last advance */
    int64_t tick; /* slots before this one were looked at, absolute */
    struct rc_timer_list slot[RC_WHEEL_SLOTS];
};

void rc_wheel_init(struct rc_wheel *wheel, rc_time now);

/* Fires every timer due by now. A timer is no longer set when fire is called; fire may set or stop any. */
void rc_wheel_advance(struct rc_wheel *wheel, rc_time now);

/* How long the owner may sleep from wheel->now on: until the next slot that is not empty, at most `longest`. */
rc_time rc_wheel_wait(const struct rc_wheel *wheel, rc_time longest);

/* (Re)starts a zeroed or stopped or running timer: fires `after` past wheel->now. */
void rc_timer_set(struct rc_wheel *wheel, struct rc_timer *timer, rc_time after, void (*fire)(struct rc_timer *timer));
void rc_timer_stop(struct rc_timer *timer); /* also when not set */

#endif
