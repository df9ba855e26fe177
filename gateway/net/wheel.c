/* The timer wheel of a worker. */
#include "gateway/net/wheel.h"

void rc_wheel_init(struct rc_wheel *wheel, rc_time now)
{
    wheel->now = now;
    wheel->tick = now / RC_WHEEL_TICK;
    for (size_t i = 0; i < RC_WHEEL_SLOTS; i++)
        LIST_INIT(&wheel->slot[i]);
}

/* The tick at or after `at`, but one that is still to come. */
static void insert(struct rc_wheel *wheel, struct rc_timer *timer)
{
    int64_t tick = (timer->at + RC_WHEEL_TICK - 1) / RC_WHEEL_TICK;
    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    LIST_INSERT_HEAD(&wheel->slot[(uint64_t)tick % RC_WHEEL_SLOTS], timer, link);
}

void rc_timer_set(struct rc_wheel *wheel, struct rc_timer *timer, rc_time after, void (*fire)(struct rc_timer *timer))
{
    rc_timer_stop(timer);
    timer->at = wheel->now + after;
    timer->fire = fire;
    insert(wheel, timer);
}

void rc_timer_stop(struct rc_timer *timer)
{
    if (!timer->fire)
        return;
    LIST_REMOVE(timer, link);
    timer->fire = NULL;
}

/* The list is moved aside first, because callbacks may put timers into the same slot. */
static void look_at(struct rc_wheel *wheel, struct rc_timer_list *slot)
{
    struct rc_timer_list due = *slot;
    if (LIST_EMPTY(slot))
        return;
    LIST_FIRST(&due)->link.le_prev = &LIST_FIRST(&due);
    LIST_INIT(slot);
    struct rc_timer *timer;
    while ((timer = LIST_FIRST(&due))) {
        LIST_REMOVE(timer, link);
        if (timer->at > wheel->now) {
            insert(wheel, timer);
            continue;
        }
        void (*fire)(struct rc_timer *) = timer->fire;
        timer->fire = NULL;
        fire(timer);
    }
}

void rc_wheel_advance(struct rc_wheel *wheel, rc_time now)
{
    int64_t last = now / RC_WHEEL_TICK;
    wheel->now = now;
    if (last - wheel->tick > RC_WHEEL_SLOTS) /* one turn sees every timer */
        wheel->tick = last - RC_WHEEL_SLOTS;
    while (wheel->tick < last) {
        wheel->tick++;
        look_at(wheel, &wheel->slot[(uint64_t)wheel->tick % RC_WHEEL_SLOTS]);
    }
}

rc_time rc_wheel_wait(const struct rc_wheel *wheel, rc_time longest)
{
    int64_t last = (wheel->now + longest) / RC_WHEEL_TICK;
    for (int64_t tick = wheel->tick + 1; tick <= last; tick++) {
        if (!LIST_EMPTY(&wheel->slot[(uint64_t)tick % RC_WHEEL_SLOTS]))
            return tick * RC_WHEEL_TICK - wheel->now;
    }
    return longest;
}
