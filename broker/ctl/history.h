/* roomcastctl history and export: what a persister has stored, in the order of keys. */
#ifndef RC_CTL_HISTORY_H
#define RC_CTL_HISTORY_H

#include <stdint.h>

#include "broker/ctl/survey.h"

struct rc_history_order {
    const struct rc_survey *survey; /* asked already */
    const struct rc_secret *token;  /* empty: none */
    long timeout_ms;                /* for each page */
    const char *persister;          /* its name; NULL: one that serves */
    const char *user;               /* NULL: all */
    const char *before, *after;     /* keys; NULL: from the end, from the beginning */
    int64_t from, to;               /* ms since 1970, `to` not included; 0: no bound */
    long limit;                     /* most messages to show */
    bool json;
};

/* The persister of this name, or for NULL the first that serves, else the first that answers; NULL after a message, and
 * *code. */
const struct rc_survey_node *rc_ctl_persister(const struct rc_survey *survey, const char *name, enum rc_exit *code);

/* Shows the newest messages, or those before or after a key; the oldest first. RC_EXIT_OK; RC_EXIT_UNAVAILABLE: the persister
 * does not answer; RC_EXIT_USAGE: it refused; RC_EXIT_DATA: the output cannot be written; RC_EXIT_INTERNAL. */
enum rc_exit rc_ctl_history(const struct rc_history_order *order);
/* Writes all messages as lines to stdout. Likewise; what it did not finish goes on after the last line's key. */
enum rc_exit rc_ctl_export(const struct rc_history_order *order);

#endif
