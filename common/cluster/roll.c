/* C1: what differs between two lists of brokers. */
#include "cluster/roll.h"

#include <string.h>

static const struct rc_member *find(const struct rc_member *list, uint32_t n, const char *id)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(list[i].id, id) == 0)
            return &list[i];
    return NULL;
}

/* How many of `list` are not in `other`; *one is the last of them. */
static uint32_t missing(const struct rc_member *list, uint32_t n, const struct rc_member *other, uint32_t m,
                        const struct rc_member **one)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!find(other, m, list[i].id)) {
            *one = &list[i];
            count++;
        }
    return count;
}

static const struct rc_member *reweighed(const struct rc_member *from, uint32_t n, const struct rc_member *to,
                                         uint32_t m)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct rc_member *now = find(to, m, from[i].id);
        if (now && now->weight != from[i].weight)
            return now;
    }
    return NULL;
}

enum rc_roll rc_roll_between(const struct rc_member *from, uint32_t n, const struct rc_member *to, uint32_t m,
                             const struct rc_member **which)
{
    const struct rc_member *added = NULL, *removed = NULL;
    uint32_t more = missing(to, m, from, n, &added), less = missing(from, n, to, m, &removed);
    *which = NULL;
    if (more + less > 1)
        return RC_ROLL_MANY;
    if ((*which = reweighed(from, n, to, m)))
        return RC_ROLL_WEIGHT;
    *which = added ? added : removed;
    return added ? RC_ROLL_ADDED : removed ? RC_ROLL_REMOVED : RC_ROLL_NONE;
}

enum rc_roll rc_roll_judge(const struct rc_roll_list *now, const struct rc_member *to, uint32_t m,
                           const struct rc_member **which)
{
    if (!m || m > RC_BROKERS_MAX)
        return RC_ROLL_MANY;
    enum rc_roll roll = rc_roll_between(now->member, now->n, to, m, which);
    if (!rc_roll_good(roll) || roll == RC_ROLL_NONE || !now->pending)
        return roll;
    return roll == RC_ROLL_REMOVED && strcmp((*which)->id, now->pending) == 0 ? roll : RC_ROLL_PENDING;
}

const char *rc_roll_text(enum rc_roll roll)
{
    static const char *const text[] = {
        [RC_ROLL_NONE] = "the same brokers",
        [RC_ROLL_ADDED] = "a broker was added",
        [RC_ROLL_REMOVED] = "a broker was removed",
        [RC_ROLL_MANY] = "more than one broker differs: add or remove one, reload every node, then the next",
        [RC_ROLL_WEIGHT] = "a broker has another weight: remove it, reload every node, and add it again",
        [RC_ROLL_PENDING] =
            "the broker that was added last was not heard yet: start it, or remove it again, before the next change",
        [RC_ROLL_FULL] =
            "the place of a broker that was removed a moment ago is still needed: try again in some seconds",
        [RC_ROLL_SELF] = "this broker is not among them: drain and stop it instead",
    };
    return text[roll];
}
