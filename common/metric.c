/* Metrics: sums of the copies and the text endpoint. */
#include "metric.h"

#include <inttypes.h>

uint64_t rc_metrics_value(const struct rc_metrics *metrics, size_t metric)
{
    uint64_t sum = 0; /* wraps and comes back when one copy of a gauge is below 0 */
    for (size_t i = 0; i < metrics->copy_count; i++) {
        sum += rc_metric_get(&metrics->copies[i][metric]);
    }
    return metrics->info[metric].kind == RC_GAUGE && (int64_t)sum < 0 ? 0 : sum;
}

void rc_metrics_write(const struct rc_metrics *metrics, FILE *out)
{
    for (size_t i = 0; i < metrics->count; i++) {
        const struct rc_metric_info *info = &metrics->info[i];
        fprintf(out, "# HELP roomcast_%s_%s %s (%s)\n", metrics->role, info->name, info->help, info->unit);
        fprintf(out, "# TYPE roomcast_%s_%s %s\n", metrics->role, info->name,
                info->kind == RC_COUNTER ? "counter" : "gauge");
        fprintf(out, "roomcast_%s_%s %" PRIu64 "\n", metrics->role, info->name, rc_metrics_value(metrics, i));
    }
}
