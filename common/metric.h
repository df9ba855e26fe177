/*
 * Metrics: one line per metric in a daemon's list, from which come the enum, the text endpoint and the status.
 *
 *   #define GATEWAY_METRICS(X) \
 *       X(GM_CLIENTS, "clients", RC_GAUGE, "sockets", "Client sockets that are open.") \
 *       ...
 *
 *   enum { GATEWAY_METRICS(RC_METRIC_ENUM) GM_COUNT };
 *
 *   static const struct rc_metric_info info[] = {GATEWAY_METRICS(RC_METRIC_INFO)};
 *
 *   _Atomic uint64_t values[GM_COUNT];
 *
 * Counters only grow. Each thread may have its own copy of the values; readers sum them. All accesses are
 * relaxed: a value is never torn, but two values read one after the other need not belong to the same moment.
 */
#ifndef RC_METRIC_H
#define RC_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum rc_metric_kind { RC_COUNTER, RC_GAUGE };

struct rc_metric_info {
    const char *name; /* [a-z0-9_]+, without role */
    enum rc_metric_kind kind;
    const char *unit; /* of one count: "messages", "bytes" */
    const char *help; /* one sentence */
};

#define RC_METRIC_ENUM(id, name, kind, unit, help) id,
#define RC_METRIC_INFO(id, name, kind, unit, help) {name, kind, unit, help},

/* A list and its values; points to what the daemon owns. */
struct rc_metrics {
    const char *role; /* "gateway": names become roomcast_gateway_NAME */
    const struct rc_metric_info *info;
    size_t count;
    _Atomic uint64_t *const *copies; /* copies[i][metric], one per writing thread */
    size_t copy_count;
};

static inline void rc_metric_add(_Atomic uint64_t *value, uint64_t n)
{
    atomic_fetch_add_explicit(value, n, memory_order_relaxed);
}

static inline void rc_metric_sub(_Atomic uint64_t *value, uint64_t n)
{
    atomic_fetch_sub_explicit(value, n, memory_order_relaxed);
}

static inline void rc_metric_set(_Atomic uint64_t *value, uint64_t n)
{
    atomic_store_explicit(value, n, memory_order_relaxed);
}

static inline uint64_t rc_metric_get(_Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* The sum of all copies; a gauge whose sum is below 0 for a moment (added in one copy, subtracted in another)
 * reads 0. */
uint64_t rc_metrics_value(const struct rc_metrics *metrics, size_t metric);

/* Writes all as Prometheus text (version 0.0.4): HELP, TYPE and value of each. */
void rc_metrics_write(const struct rc_metrics *metrics, FILE *out);

#endif
