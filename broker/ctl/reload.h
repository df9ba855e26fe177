/* roomcastctl reload: nodes read their options again. */
#ifndef RC_CTL_RELOAD_H
#define RC_CTL_RELOAD_H

#include <stdbool.h>

#include "broker/ctl/survey.h"

struct rc_reload_order {
    const struct rc_survey *survey; /* asked already */
    const struct rc_secret *token;  /* empty: none */
    const char *node;               /* this one alone; NULL: all */
    long timeout_ms;                /* for each answer */
    bool wait;                      /* until each counts all its brokers: then the next may be added or removed */
};

/* Prints what each node says to stdout, what went wrong to stderr. RC_EXIT_OK: all that were asked did it;
 * RC_EXIT_CONFIG: one refused, and changed nothing; RC_EXIT_UNAVAILABLE: one is down, or with `wait` does not
 * count all its brokers after a minute; RC_EXIT_USAGE: no such node, and all
 * are up; RC_EXIT_INTERNAL. */
enum rc_exit rc_ctl_reload(const struct rc_reload_order *order);

#endif
