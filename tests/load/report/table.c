/* The report for people at a terminal. */
#include "report/report.h"

static void row(FILE *out, const char *name, double value, const char *unit, int digits)
{
    if (value >= 0) {
        fprintf(out, "  %-34s %14.*f %s\n", name, digits, value, unit);
    }
}

static void latencies(FILE *out, const char *name, const struct rc_histogram *h)
{
    if (atomic_load(&h->count) == 0) {
        return;
    }
    fprintf(out, "  %-16s", name);
    for (size_t i = 0; i < rc_percentile_count; i++) {
        fprintf(out, " %12.3f", (double)rc_histogram_at(h, rc_percentiles[i].share) / 1e6);
    }
    fprintf(out, " %12llu\n", (unsigned long long)atomic_load(&h->count));
}

static void durations(FILE *out, const struct rc_run *run)
{
    fprintf(out, "\n%-18s", "ms");
    for (size_t i = 0; i < rc_percentile_count; i++) {
        fprintf(out, " %12s", rc_percentiles[i].name);
    }
    fprintf(out, " %12s\n", "count");
    latencies(out, "delivery", &run->latency);
    latencies(out, "first to last", &run->span);
    latencies(out, "ack", &run->ack);
    latencies(out, "connect", &run->connect);
    latencies(out, "generator late", &run->lateness);
}

static void oracle(FILE *out, const struct rc_run *run)
{
    const struct rc_totals *t = &run->end.totals;
    struct rc_reason reasons[RC_REASONS * 2];
    unsigned long long answered = t->acked + t->refused;
    fprintf(out,
            "\noracle: %llu lost, %llu doubled, %llu reordered, %llu stray, %llu garbled of %llu deliveries;"
            " %llu refused of %llu acks; %llu disconnects; %llu never connected\n",
            (unsigned long long)t->lost, (unsigned long long)t->doubled, (unsigned long long)t->reordered,
            (unsigned long long)t->stray, (unsigned long long)t->garbled, (unsigned long long)t->delivered,
            (unsigned long long)t->refused, answered, (unsigned long long)t->disconnects,
            (unsigned long long)t->unconnected);
    if (t->stalled || t->unsent || t->turned_away || t->foreign) {
        fprintf(out,
                "        %llu stalled in the window, %llu due but not sent, %llu connects turned away, %llu messages "
                "of others\n",
                (unsigned long long)t->stalled, (unsigned long long)t->unsent, (unsigned long long)t->turned_away,
                (unsigned long long)t->foreign);
    }
    size_t count = rc_report_reasons(run, reasons, sizeof reasons / sizeof reasons[0]);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %8llu  %s\n", (unsigned long long)atomic_load(&reasons[i].count), reasons[i].text);
    }
}

static void servers(FILE *out, const struct rc_run *run)
{
    const struct rc_mark *from = run->to.time ? &run->from : &run->base, *to = run->to.time ? &run->to : &run->end;
    if (run->plan->pid_count == 0 || from->time == 0) {
        return;
    }
    fprintf(out, "\n%-24s %10s %12s %12s\n", "server", "CPU", "anonymous", "resident");
    for (size_t i = 0; i < run->plan->pid_count; i++) {
        fprintf(out, "  %-22s %8.1f %% %8.1f MiB %8.1f MiB\n", run->plan->pid[i].name,
                ((double)to->probe.of[i].cpu - (double)from->probe.of[i].cpu) * 100 / (double)(to->time - from->time),
                (double)to->probe.of[i].anon / 1048576, (double)to->probe.of[i].rss / 1048576);
    }
}

void rc_report_table(FILE *out, const struct rc_run *run, const struct rc_findings *f)
{
    const struct rc_bench_options *o = &run->plan->options;
    bool traffic = rc_cast_senders(&run->plan->cast) > 0;
    fprintf(out, "%s: %lld admins, %lld users, %u workers, %s%s\n", o->scenario, (long long)o->admins,
            (long long)o->users, run->shared->workers, o->url, run->interrupted ? " (interrupted)" : "");
    row(out, "connects", f->connects, "/s", 0);
    row(out, "CPU of the servers per connect", f->connect_cpu, "us", 1);
    row(out, "memory per connection, anonymous", f->connection_anon, "bytes", 0);
    for (size_t i = 0; i < run->waves; i++) {
        fprintf(out, "  wave %-3zu all back after %18.3f s, %.1f us of CPU each, then %.1f MiB anonymous\n", i + 1,
                (double)run->wave[i].took / 1e9, (double)run->wave[i].cpu / 1e3 / rc_cast_clients(&run->plan->cast),
                (double)run->wave[i].anon / 1048576);
    }
    if (traffic) {
        row(out, "messages sent", f->sent, "/s", 1);
        row(out, "deliveries", f->delivered, "/s", 0);
        row(out, "deliveries per second of CPU", f->delivered_per_cpu, "", 0);
    } else {
        row(out, "CPU of a connection that is idle", f->idle_cpu, "us/s", 2);
    }
    row(out, "CPU of the servers", f->cpu < 0 ? -1 : f->cpu * 100, "%", 1);
    if (f->drift_p50 >= 0) {
        fprintf(out, "  drift: memory %+.1f KiB a minute, p50 at the end %.2f times that at the begin\n",
                f->drift_anon / 1024, f->drift_p50);
    }
    durations(out, run);
    servers(out, run);
    oracle(out, run);
}
