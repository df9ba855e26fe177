/* What the director looks at while it waits: samples for plots, and the progress line. */
#include <stdio.h>
#include <string.h>

#include "scenario/run.h"

#define SECOND         1000000000u
#define PROGRESS_EVERY (SECOND / 4)

void rc_run_mark(struct rc_run *run, struct rc_mark *mark)
{
    rc_shared_totals(run->shared, &mark->totals);
    rc_probe_take(&mark->probe, run->plan);
    mark->time = rc_bench_now();
}

/* Keeps every second sample; of the one that goes, the worse latency stays. */
static void thin_out(struct rc_run *run)
{
    size_t kept = 0;
    for (size_t i = 1; i < run->samples; i += 2) {
        struct rc_sample sample = run->sample[i];
        const struct rc_sample *gone = &run->sample[i - 1];
        sample.p50 = gone->p50 > sample.p50 ? gone->p50 : sample.p50;
        sample.p99 = gone->p99 > sample.p99 ? gone->p99 : sample.p99;
        run->sample[kept++] = sample;
    }
    run->samples = kept;
    run->sample_every *= 2;
}

static void latency_since(struct rc_run *run, struct rc_sample *sample)
{
    static struct rc_histogram now, part;
    memset(&now, 0, sizeof now);
    for (uint32_t i = 0; i < run->shared->workers; i++) {
        rc_histogram_merge(&now, &run->shared->share[i].latency);
    }
    memcpy(&part, &now, sizeof part);
    rc_histogram_subtract(&part, &run->seen);
    memcpy(&run->seen, &now, sizeof now);
    sample->p50 = rc_histogram_at(&part, 0.5);
    sample->p99 = rc_histogram_at(&part, 0.99);
}

void rc_run_sample(struct rc_run *run)
{
    uint64_t now = rc_bench_now();
    if (now - run->sample_last < run->sample_every) {
        return;
    }
    struct rc_totals totals;
    struct rc_probe probe;
    struct rc_sample sample = {.time = now - run->begin};
    run->sample_last = now;
    rc_shared_totals(run->shared, &totals);
    rc_probe_take(&probe, run->plan);
    latency_since(run, &sample);
    sample.connected = totals.connected;
    sample.connects = totals.connects;
    sample.delivered = totals.delivered;
    sample.sent = totals.sent;
    sample.cpu = probe.sum.cpu;
    sample.anon = probe.sum.anon;
    if (run->samples == RC_SAMPLES_MAX) {
        thin_out(run);
    }
    run->sample[run->samples++] = sample;
}

/* Deliveries a second between the last two samples. */
static double recent_rate(const struct rc_run *run)
{
    if (run->samples < 2) {
        return 0;
    }
    const struct rc_sample *a = &run->sample[run->samples - 2], *b = a + 1;
    return (double)(b->delivered - a->delivered) * SECOND / (double)(b->time - a->time);
}

void rc_run_progress(struct rc_run *run)
{
    struct rc_totals totals;
    uint64_t now = rc_bench_now();
    if (!run->plan->progress || now - run->printed < PROGRESS_EVERY) {
        return;
    }
    run->printed = now;
    rc_shared_totals(run->shared, &totals);
    unsigned long long wrong = totals.lost + totals.doubled + totals.reordered + totals.stray + totals.garbled +
                               totals.refused + totals.disconnects + totals.unconnected;
    const struct rc_sample *last = run->samples ? &run->sample[run->samples - 1] : NULL;
    fprintf(stderr,
            "\r\033[K%-10s %4.0f s  %llu/%u connected  %llu sent  %llu delivered (%.0f/s)  p99 %.1f ms  %llu wrong",
            run->doing, (double)(now - run->doing_since) / SECOND, (unsigned long long)totals.connected,
            rc_cast_clients(&run->plan->cast), (unsigned long long)totals.sent, (unsigned long long)totals.delivered,
            recent_rate(run), last ? (double)last->p99 / 1e6 : 0, wrong);
    fflush(stderr);
}

void rc_run_progress_end(const struct rc_run *run)
{
    if (run->plan->progress) {
        fprintf(stderr, "\r\033[K");
    }
}
