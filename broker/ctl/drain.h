/* roomcastctl drain: tells a node to drain, and watches it go. */
#ifndef RC_CTL_DRAIN_H
#define RC_CTL_DRAIN_H

#include <stdbool.h>

#include "broker/ctl/survey.h"

struct rc_drain_order {
    const char *node;               /* its name */
    const struct rc_survey *survey; /* asked already: who has this name, and how it is */
    const struct rc_secret *token;  /* empty: none */
    long timeout_ms;                /* for each answer of the node */
    bool stay;                      /* a broker that is to be removed: it does not end */
    bool wait;                      /* until it is gone; one that stays: until nothing is left to do */
    bool every_second;              /* tell what is left each second, else only at the begin */
};

/* Prints what happens to stdout, what went wrong to stderr. RC_EXIT_OK: it drains, or with `wait` is gone;
 * RC_EXIT_USAGE: there is no such node, it is a persister, or a gateway that should stay; RC_EXIT_UNAVAILABLE: it is down, refused, or is still
 * there after an hour; RC_EXIT_INTERNAL. */
enum rc_exit rc_ctl_drain(const struct rc_drain_order *order);

#endif
