/*
 * The home of relays: streams (net/stream.h) of clients that are connected to another gateway, on which this worker's HTTP and all
 * above it work as on any other. One thread, the worker's.
 */
#ifndef RC_GATEWAY_HOME_H
#define RC_GATEWAY_HOME_H

#include "gateway/http/http.h"
#include "gateway/metrics.h"
#include "gateway/uplink.h"

struct rc_home;

struct rc_home_config {
    struct rc_http_server *http; /* speaks on the streams */
    struct rc_wheel *wheel;
    struct rc_uplink uplink;
    _Atomic uint64_t *values;
    size_t queue_max; /* bytes queued for one client beyond its window; above: RC_CLOSE_SLOW */
};

/* Aborts when memory is short. */
struct rc_home *rc_home_new(const struct rc_home_config *config);
/* Cuts what is left; users get their `closed`. NULL is allowed. */
void rc_home_free(struct rc_home *home);

/* What the edge sent, or RC_CLOSE_RELAY of the link loop. Bytes in relay->data may be changed. */
void rc_home_down(struct rc_home *home, const struct rc_relay *relay);

/* The chores of a loop pass: input that was kept while a stream paused, output, ends. */
void rc_home_turn(struct rc_home *home);

/* Closes all that are open; the ends come with the next turns. */
void rc_home_close_all(struct rc_home *home, enum rc_close why);

/* Streams in any state. */
size_t rc_home_count(const struct rc_home *home);

#endif
