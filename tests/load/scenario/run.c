/* The director: takes the workers through the phases of a scenario and marks what is to be compared. */
#include "scenario/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exit.h"
#include "oracle/message.h"

#define MS     ((uint64_t)1000000)
#define SECOND 1000000000u

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupts = interrupts + 1;
}

static void do_phase(struct rc_run *run, const char *doing)
{
    run->doing = doing;
    run->doing_since = rc_bench_now();
    run->printed = 0;
}

/* A little of waiting. False: the scenario is over before its time. */
static bool tick(struct rc_run *run)
{
    const struct timespec pause = {0, 5 * MS};
    nanosleep(&pause, NULL);
    rc_run_sample(run);
    rc_run_progress(run);
    run->broken = !rc_fleet_whole(run->shared) || run->broken;
    run->interrupted = interrupts > 0;
    return !run->interrupted && !run->broken;
}

static bool wait_for(struct rc_run *run, uint64_t ns)
{
    uint64_t until = rc_bench_now() + ns;
    while (rc_bench_now() < until) {
        if (!tick(run)) {
            return false;
        }
    }
    return !run->interrupted && !run->broken;
}

static bool waves_done(const struct rc_run *run)
{
    for (uint32_t i = 0; i < run->shared->workers; i++) {
        if (atomic_load(&run->shared->share[i].wave) != atomic_load(&run->shared->wave)) {
            return false;
        }
    }
    return true;
}

/* Waits until so many clients are connected or given up; no longer than `patience` and any Retry-After without progress. */
static bool wait_ready(struct rc_run *run, uint32_t clients)
{
    struct rc_totals totals;
    uint64_t best = 0, progress = rc_bench_now();
    uint64_t patience = (uint64_t)run->plan->options.patience * MS + 30ull * SECOND;
    for (;;) {
        rc_shared_totals(run->shared, &totals);
        if (waves_done(run) && totals.ready >= clients) {
            return true;
        }
        uint64_t seen = totals.ready + totals.turned_away;
        if (seen != best) {
            best = seen;
            progress = rc_bench_now();
        } else if (rc_bench_now() - progress > patience) {
            fprintf(stderr, "roomcast-bench: %llu of %u clients connected, and for %llu s no more\n",
                    (unsigned long long)totals.connected, clients, (unsigned long long)(patience / SECOND));
            return true;
        }
        if (!tick(run)) {
            return false;
        }
    }
}

static bool admit(struct rc_run *run, uint32_t clients)
{
    atomic_store(&run->shared->connect_from, rc_bench_now());
    atomic_store(&run->shared->admitted, clients);
    return wait_ready(run, clients);
}

/* The first clients bring the servers' buffers and caches to their size, which is not the price of a connection. */
static bool connect_all(struct rc_run *run)
{
    uint32_t clients = rc_cast_clients(&run->plan->cast), warm = (uint32_t)run->plan->options.connect_warm;
    uint64_t settle = (uint64_t)run->plan->options.settle * MS;
    warm = warm < clients ? warm : 0;
    do_phase(run, "connecting");
    if (warm > 0 && (!admit(run, warm) || !wait_for(run, settle))) {
        return false;
    }
    run->base_clients = warm;
    rc_run_mark(run, &run->base);
    if (!admit(run, clients)) {
        return false;
    }
    rc_run_mark(run, &run->joined);
    do_phase(run, "settling");
    if (run->joined.totals.connected == 0 || !wait_for(run, settle)) {
        return false;
    }
    rc_run_mark(run, &run->settled);
    return true;
}

static bool make_waves(struct rc_run *run)
{
    struct rc_probe before, after;
    for (int64_t i = 0; i < run->plan->options.waves; i++) {
        do_phase(run, "wave");
        rc_probe_take(&before, run->plan);
        uint64_t from = rc_bench_now();
        atomic_store(&run->shared->connect_from, from);
        atomic_fetch_add(&run->shared->wave, 1);
        if (!wait_ready(run, rc_cast_clients(&run->plan->cast))) {
            return false;
        }
        uint64_t took = rc_bench_now() - from;
        rc_probe_take(&after, run->plan);
        uint64_t cpu = after.sum.cpu - before.sum.cpu;
        if (!wait_for(run, (uint64_t)run->plan->options.settle * MS)) {
            return false;
        }
        rc_probe_take(&after, run->plan);
        run->wave[run->waves++] = (struct rc_wave){took, cpu, after.sum.anon};
    }
    return true;
}

static bool measure(struct rc_run *run)
{
    const struct rc_bench_options *o = &run->plan->options;
    bool traffic = rc_cast_senders(&run->plan->cast) > 0;
    if (traffic) {
        do_phase(run, "warming up");
        atomic_store(&run->shared->traffic_from, rc_bench_now() + 50 * MS);
        atomic_store(&run->shared->phase, RC_PHASE_TRAFFIC);
        if (!wait_for(run, (uint64_t)o->warmup * MS)) {
            return false;
        }
    }
    if (o->seconds == 0) {
        return true;
    }
    do_phase(run, traffic ? "measuring" : "holding");
    rc_run_mark(run, &run->from);
    atomic_store(&run->shared->measure_from, run->from.time);
    bool good = wait_for(run, (uint64_t)o->seconds * SECOND);
    rc_run_mark(run, &run->to);
    return good;
}

/* Waits until all that was written has come and was answered, or nothing moves any more. */
static void drain(struct rc_run *run)
{
    struct rc_totals totals;
    uint64_t seen = 0, progress = rc_bench_now();
    do_phase(run, "draining");
    atomic_store(&run->shared->phase, RC_PHASE_DRAIN);
    (void)tick(run); /* until the workers have seen it */
    (void)tick(run);
    (void)tick(run);
    (void)tick(run);
    while (interrupts < 2 && !run->broken) {
        rc_shared_totals(run->shared, &totals);
        uint64_t moved = totals.delivered + totals.acked + totals.refused;
        if (totals.behind == 0 && totals.unacked == 0) {
            return;
        }
        if (moved != seen) {
            seen = moved;
            progress = rc_bench_now();
        } else if (rc_bench_now() - progress > (uint64_t)run->plan->options.patience * MS) {
            return;
        }
        (void)tick(run);
    }
}

static void judge(struct rc_run *run)
{
    const struct rc_totals *t = &run->end.totals;
    do_phase(run, "judging");
    atomic_store(&run->shared->phase, RC_PHASE_JUDGE);
    run->broken = !rc_fleet_end(run->shared) || run->broken;
    rc_run_mark(run, &run->end);
    for (uint32_t i = 0; i < run->shared->workers; i++) {
        const struct rc_share *share = &run->shared->share[i];
        rc_histogram_merge(&run->latency, &share->latency);
        rc_histogram_merge(&run->span, &share->span);
        rc_histogram_merge(&run->ack, &share->ack);
        rc_histogram_merge(&run->connect, &share->connect);
        rc_histogram_merge(&run->lateness, &share->lateness);
    }
    const uint64_t wrong[] = {t->lost,    t->doubled, t->reordered,   t->stray,
                              t->garbled, t->refused, t->disconnects, t->unconnected};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        run->found |= wrong[i] ? 1u << i : 0;
    }
}

static struct rc_shared *make_shared(const struct rc_plan *plan)
{
    char why[256];
    uint32_t workers = rc_fleet_size(plan, why, sizeof why), senders = rc_cast_senders(&plan->cast), places = 0;
    if (workers == 0) {
        fprintf(stderr, "roomcast-bench: %s\n", why);
        return NULL;
    }
    if (senders > 0 && plan->options.rate == 0) {
        places = (uint32_t)((plan->options.window + senders - 1) / senders);
    }
    struct rc_shared *shared = rc_shared_new(workers, rc_cast_clients(&plan->cast), senders, places);
    if (!shared) {
        fprintf(stderr, "roomcast-bench: out of memory\n");
        return NULL;
    }
    shared->run = (uint16_t)(rc_bench_now() / 1000 % RC_MESSAGE_RUNS);
    return shared;
}

bool rc_run_do(struct rc_run *run, const struct rc_plan *plan)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    run->plan = plan;
    run->shared = make_shared(plan);
    if (!run->shared) {
        return false;
    }
    run->begin = run->sample_last = rc_bench_now();
    run->sample_every = 250 * MS;
    bool started = rc_fleet_start(plan, run->shared);
    if (started && connect_all(run) && make_waves(run)) {
        (void)measure(run);
    }
    drain(run);
    judge(run);
    rc_run_progress_end(run);
    return started;
}

void rc_run_fini(struct rc_run *run)
{
    rc_shared_free(run->shared);
}
