/*
 * protocol.md 8: the configured brokers change by one at a time (C1), and one that was added counts in no majority before
 * it was heard (C2). Majorities of n and of n + 1 brokers always meet, those of n and n + 2 need not.
 *
 * A change of weight is none of these: while it is rolled out, two gateways may have no broker in common that both take for
 * the owner of a slot. The broker is removed and added again instead.
 */
#ifndef RC_CLUSTER_ROLL_H
#define RC_CLUSTER_ROLL_H

#include "cluster/op.h"

enum rc_roll {
    RC_ROLL_NONE,    /* the same brokers */
    RC_ROLL_ADDED,   /* one more */
    RC_ROLL_REMOVED, /* one less */
    /* Not to be taken: */
    RC_ROLL_MANY,    /* more than one differs */
    RC_ROLL_WEIGHT,  /* one has another weight */
    RC_ROLL_PENDING, /* the broker that was added last has not been heard yet; only it may be removed */
    RC_ROLL_FULL,    /* at a gateway: all places are taken, one by a broker that was removed less than W ago */
    RC_ROLL_SELF,    /* at a broker: it is itself not among them */
};

/* What leads from these n brokers to those m, in any order. *which: the broker that is concerned, of `to` or `from`; NULL
 * unless the answer is ADDED, REMOVED or WEIGHT. */
enum rc_roll rc_roll_between(const struct rc_member *from, uint32_t n, const struct rc_member *to, uint32_t m,
                             const struct rc_member **which);

/* The brokers in force at a node that votes. */
struct rc_roll_list {
    struct rc_member member[RC_BROKERS_MAX];
    uint32_t n;
    const char *pending; /* id of one that was added and not heard yet; NULL: none */
};

/* The same, and whether such a node may take it. *which is valid when the answer is ADDED or REMOVED. */
enum rc_roll rc_roll_judge(const struct rc_roll_list *now, const struct rc_member *to, uint32_t m,
                           const struct rc_member **which);

/* Whether it may be taken. */
static inline bool rc_roll_good(enum rc_roll roll)
{
    return roll <= RC_ROLL_REMOVED;
}

/* For people: why it was refused, and what would be right; static string. */
const char *rc_roll_text(enum rc_roll roll);

#endif
