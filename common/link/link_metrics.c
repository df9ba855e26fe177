/* Metrics of links. */
#include "link/link_metrics.h"

static const struct rc_metric_info info[LM_COUNT] = {RC_LINK_METRIC_LIST(RC_METRIC_INFO)
#define X(name, word, text) {"link_ended_" word "_total", RC_COUNTER, "connections", "Ended: " text},
                                                         RC_WHY_LIST(X)
#undef X
};

struct rc_metrics rc_link_metrics_list(struct rc_link_metrics *m, const char *role)
{
    m->copies[0] = m->values;
    return (struct rc_metrics){role, info, LM_COUNT, m->copies, 1};
}

void rc_link_metrics_refresh(struct rc_link_metrics *m, const struct rc_link *link)
{
    struct rc_link_stats s;
    rc_link_stats(link, &s);
    const uint64_t now[LM_ENDED] = {s.lines,      s.strangers,   s.accepted, s.dialled,  s.proven,
                                    s.batches_in, s.batches_out, s.bytes_in, s.bytes_out};
    for (unsigned i = 0; i < LM_ENDED; i++)
        rc_metric_set(&m->values[i], now[i]);
    for (unsigned i = 0; i < RC_WHY_COUNT; i++)
        rc_metric_set(&m->values[LM_ENDED + i], s.ended[i]);
}
