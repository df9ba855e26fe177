/* What the marks and samples of a run mean. */
#include <string.h>

#include "report/report.h"

#define SECOND 1e9

const struct rc_percentile rc_percentiles[] = {{"p50", 0.5},     {"p90", 0.9},       {"p99", 0.99},
                                               {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1}};
const size_t rc_percentile_count = sizeof rc_percentiles / sizeof rc_percentiles[0];

static double per(double value, double count)
{
    return count > 0 ? value / count : -1;
}

static double grown(uint64_t from, uint64_t to)
{
    return (double)to - (double)from;
}

static void find_connects(struct rc_findings *f, const struct rc_run *run)
{
    const struct rc_mark *a = &run->base, *b = &run->joined, *c = &run->settled;
    bool probed = run->plan->pid_count > 0;
    if (b->time == 0) {
        return;
    }
    double count = grown(a->totals.connects, b->totals.connects);
    f->connect_seconds = grown(a->time, b->time) / SECOND;
    f->connects = per(count, f->connect_seconds);
    f->connect_cpu = probed ? per(grown(a->probe.sum.cpu, b->probe.sum.cpu) / 1e3, count) : -1;
    if (c->time != 0 && probed) {
        f->connection_anon = per(grown(a->probe.sum.anon, c->probe.sum.anon), count);
        f->connection_rss = per(grown(a->probe.sum.rss, c->probe.sum.rss), count);
    }
}

/* The slope of the servers' memory over the samples from..to, by least squares, in bytes a minute. */
static double slope(const struct rc_sample *sample, size_t count)
{
    double n = (double)count, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < count; i++) {
        double x = (double)sample[i].time / SECOND / 60, y = (double)sample[i].anon;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    double d = n * sxx - sx * sx;
    return d > 0 ? (n * sxy - sx * sy) / d : 0;
}

static double mean_p50(const struct rc_sample *sample, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)sample[i].p50;
    }
    return per(sum, (double)count);
}

static void find_drift(struct rc_findings *f, const struct rc_run *run)
{
    size_t from = 0, to;
    while (from < run->samples && run->begin + run->sample[from].time < run->from.time) {
        from++;
    }
    for (to = from; to < run->samples && run->begin + run->sample[to].time <= run->to.time; to++) {
    }
    if (to - from < 8) {
        return;
    }
    size_t quarter = (to - from) / 4;
    f->drift_anon = slope(&run->sample[from], to - from);
    f->drift_p50 = per(mean_p50(&run->sample[to - quarter], quarter), mean_p50(&run->sample[from], quarter));
}

void rc_findings_make(struct rc_findings *f, const struct rc_run *run)
{
    const struct rc_mark *a = &run->from, *b = &run->to;
    *f = (struct rc_findings){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, -1};
    f->drift_anon = 0;
    find_connects(f, run);
    if (b->time == 0) {
        return;
    }
    double cpu = grown(a->probe.sum.cpu, b->probe.sum.cpu) / SECOND;
    f->seconds = grown(a->time, b->time) / SECOND;
    f->sent = per(grown(a->totals.sent, b->totals.sent), f->seconds);
    f->delivered = per(grown(a->totals.delivered, b->totals.delivered), f->seconds);
    if (run->plan->pid_count > 0) {
        f->cpu = per(cpu, f->seconds);
        f->delivered_per_cpu = per(grown(a->totals.delivered, b->totals.delivered), cpu);
        f->idle_cpu = per(f->cpu * 1e6, (double)b->totals.connected);
    }
    find_drift(f, run);
}

static size_t add_reason(struct rc_reason *reasons, size_t count, size_t max, const struct rc_reason *more)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(reasons[i].text, more->text) == 0) {
            atomic_fetch_add(&reasons[i].count, atomic_load(&more->count));
            return count;
        }
    }
    if (count < max) {
        memcpy(&reasons[count++], more, sizeof *more);
    }
    return count;
}

size_t rc_report_reasons(const struct rc_run *run, struct rc_reason *reasons, size_t max)
{
    size_t count = 0;
    for (uint32_t w = 0; w < run->shared->workers; w++) {
        const struct rc_share *share = &run->shared->share[w];
        for (size_t i = 0; i < RC_REASONS && atomic_load(&share->reasons[i].count) > 0; i++) {
            count = add_reason(reasons, count, max, &share->reasons[i]);
        }
    }
    for (size_t i = 1; i < count; i++) {
        for (size_t j = i; j > 0 && atomic_load(&reasons[j].count) > atomic_load(&reasons[j - 1].count); j--) {
            struct rc_reason swap;
            memcpy(&swap, &reasons[j], sizeof swap);
            memcpy(&reasons[j], &reasons[j - 1], sizeof swap);
            memcpy(&reasons[j - 1], &swap, sizeof swap);
        }
    }
    return count;
}
