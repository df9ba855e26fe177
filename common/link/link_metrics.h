/* What a node's links count, as a list of metrics beside the daemon's own: the same on every role. */
#ifndef RC_LINK_METRICS_H
#define RC_LINK_METRICS_H

#include "link/link.h"
#include "metric.h"

#define RC_LINK_METRIC_LIST(X)                                                                                         \
    X(LM_LINES, "link_lines", RC_GAUGE, "connections", "Proven connections with other nodes")                          \
    X(LM_STRANGERS, "link_strangers", RC_GAUGE, "connections", "Accepted connections that have not proved themselves") \
    X(LM_ACCEPTED, "link_accepted_total", RC_COUNTER, "connections", "Connections accepted")                           \
    X(LM_DIALLED, "link_dialled_total", RC_COUNTER, "connections", "Connections dialled")                              \
    X(LM_PROVEN, "link_proven_total", RC_COUNTER, "sessions", "Sessions opened")                                       \
    X(LM_BATCHES_IN, "link_batches_in_total", RC_COUNTER, "batches", "Batches received")                               \
    X(LM_BATCHES_OUT, "link_batches_out_total", RC_COUNTER, "batches", "Batches sent")                                 \
    X(LM_BYTES_IN, "link_bytes_in_total", RC_COUNTER, "bytes", "Bytes of the batches received")                        \
    X(LM_BYTES_OUT, "link_bytes_out_total", RC_COUNTER, "bytes", "Bytes of the batches sent")

enum rc_link_metric {
    RC_LINK_METRIC_LIST(RC_METRIC_ENUM) LM_ENDED, /* + enum rc_why */
    LM_COUNT = LM_ENDED + RC_WHY_COUNT
};

struct rc_link_metrics {
    _Atomic uint64_t values[LM_COUNT];
    _Atomic uint64_t *copies[1];
};

/* The list for rc_metrics_write and the status. m must stay where it is. */
struct rc_metrics rc_link_metrics_list(struct rc_link_metrics *m, const char *role);
/* Takes the link's numbers over; on the link's thread. */
void rc_link_metrics_refresh(struct rc_link_metrics *m, const struct rc_link *link);

#endif
