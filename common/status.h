/* The JSON that GET /status answers on every node, for roomcastctl and tests; and the rates in it. */
#ifndef RC_STATUS_H
#define RC_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metric.h"

#define RC_RATE_SECONDS 5

/* Mean per second of a counter over the last RC_RATE_SECONDS. Zeroed at first; one thread. */
struct rc_rate {
    uint64_t total[RC_RATE_SECONDS + 1]; /* ring of the counter's values */
    int64_t at[RC_RATE_SECONDS + 1];     /* when each was taken, us */
    unsigned next;                       /* where the next sample goes */
    unsigned count;                      /* samples in the ring */
};

/* Once a second: total is the counter now, now_us rc_clock_now(). */
void rc_rate_sample(struct rc_rate *rate, uint64_t total, int64_t now_us);

/* 0 until there are two samples. */
double rc_rate_per_s(const struct rc_rate *rate);

/* A node that this node knows of. */
struct rc_status_node {
    const char *name, *role, *link, *admin; /* "" when not known; never NULL */
    bool up;
    bool configured; /* one of the brokers in force at this node */
};

/* A room that is partitioned, by its name without the namespace. */
struct rc_status_room {
    const char *name; /* never NULL */
    unsigned partitions;
};

/* What a daemon fills in; texts are the daemon's and never NULL. Numbers without meaning for a role are 0. */
struct rc_status {
    const char *name;    /* node.id */
    const char *role;    /* "gateway", ... */
    const char *state;   /* "serving", "open", "draining", ... */
    const char *reason;  /* why it is not well, a sentence; NULL: it is, or the state says all */
    const char *address; /* client URL of gateways, else the link address */
    const char *link;
    const char *admin;
    uint64_t incarnation;
    uint64_t connections;
    uint64_t relayed; /* gateway: of these, clients whose session another gateway has */
    uint64_t rooms;
    uint64_t messages_in, messages_out;           /* totals since start */
    double messages_in_per_s, messages_out_per_s; /* rc_rate_per_s */
    uint64_t queue_bytes;                         /* in all queues of the node */
    uint64_t lag;                                 /* persister: records announced and not committed */
    const struct rc_status_room *partitioned;     /* gateway: rooms over whose partitions its clients write */
    size_t partitioned_count;
    const struct rc_metrics *metrics; /* array */
    size_t metrics_count;
    const struct rc_status_node *map; /* every node known, itself included */
    size_t map_count;
};

/* The JSON text, malloc'd; NULL when memory is out or a text is not UTF-8. Adds version, uptime_s and
 * memory_bytes (RSS) itself. */
char *rc_status_json(const struct rc_status *status);

#endif
