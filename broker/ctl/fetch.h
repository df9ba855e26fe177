/*
 * Many HTTP requests at once with one common end: what has not answered by the deadline is answered with an
 * error. Answers may ask for more. The one place that includes libcurl. Single-threaded.
 */
#ifndef RC_CTL_FETCH_H
#define RC_CTL_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "secret.h"

#define RC_FETCH_BODY_MAX (4u << 20) /* bytes; a longer answer is an error */

struct rc_fetch;

/* The end of one request. body (not terminated) is NULL when error says in a phrase why there is none; for a status other
 * than 200 and 202 there are both, unless the token was refused. Both are valid during the call. The callback may call rc_fetch_add. */
typedef void (*rc_fetch_cb)(void *arg, const char *body, size_t len, const char *error);

/* token: for `Authorization: Bearer`, outlives the fetch; NULL or empty: none. NULL when out of memory. */
struct rc_fetch *rc_fetch_new(const struct rc_secret *token);

/* Begins http://address/path; cb is called once, from rc_fetch_run. False when out of memory: cb is not
 * called. */
bool rc_fetch_add(struct rc_fetch *fetch, const char *address, const char *path, rc_fetch_cb cb, void *arg);

/* Returns when every request has ended, timeout_ms after the call at the latest. */
void rc_fetch_run(struct rc_fetch *fetch, long timeout_ms);

void rc_fetch_free(struct rc_fetch *fetch); /* NULL is allowed */

struct rc_fetch_order {
    const struct rc_secret *token;
    const char *address, *path;
    bool post; /* POST without a body, else GET */
    long timeout_ms;
    size_t body_max; /* bytes; 0: RC_FETCH_BODY_MAX */
};

/* One request alone, to its end. False when out of memory, which is told on stderr: cb was not called. */
bool rc_fetch_one(const struct rc_fetch_order *order, rc_fetch_cb cb, void *arg);

#endif
