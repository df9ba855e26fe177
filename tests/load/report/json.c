/* The report for programs. Durations are in milliseconds unless the name says otherwise; what does not apply is absent. */
#include <jansson.h>

#include "report/report.h"

static void number(json_t *to, const char *key, double value)
{
    if (value >= 0) {
        json_object_set_new(to, key, json_real(value));
    }
}

static json_t *histogram(const struct rc_histogram *h)
{
    json_t *to = json_object();
    json_object_set_new(to, "count", json_integer((json_int_t)atomic_load(&h->count)));
    number(to, "mean", rc_histogram_mean(h) / 1e6);
    for (size_t i = 0; i < rc_percentile_count; i++) {
        number(to, rc_percentiles[i].name, (double)rc_histogram_at(h, rc_percentiles[i].share) / 1e6);
    }
    return to;
}

static json_t *counters(const struct rc_totals *totals)
{
    json_t *to = json_object();
#define X(name, help) json_object_set_new(to, #name, json_integer((json_int_t)totals->name));
    RC_COUNTERS(X)
#undef X
    json_object_del(to, "ready");
    json_object_del(to, "behind");
    return to;
}

static json_t *oracle(const struct rc_run *run)
{
    json_t *to = json_object(), *found = json_array(), *why = json_array();
    struct rc_reason reasons[RC_REASONS * 2];
    size_t count = rc_report_reasons(run, reasons, sizeof reasons / sizeof reasons[0]);
    for (unsigned i = 0; rc_finding_name(i); i++) {
        if (run->found & 1u << i) {
            json_array_append_new(found, json_string(rc_finding_name(i)));
        }
    }
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(why, json_pack("{s:s, s:I}", "reason", reasons[i].text, "count",
                                             (json_int_t)atomic_load(&reasons[i].count)));
    }
    json_object_set_new(to, "found", found);
    json_object_set_new(to, "reasons", why);
    return to;
}

static json_t *samples(const struct rc_run *run)
{
    json_t *to = json_array();
    for (size_t i = 0; i < run->samples; i++) {
        const struct rc_sample *s = &run->sample[i];
        json_array_append_new(to,
                              json_pack("{s:f, s:I, s:I, s:I, s:f, s:I, s:f, s:f}", "seconds", (double)s->time / 1e9,
                                        "connected", (json_int_t)s->connected, "sent", (json_int_t)s->sent, "delivered",
                                        (json_int_t)s->delivered, "cpu_seconds", (double)s->cpu / 1e9, "anonymous",
                                        (json_int_t)s->anon, "p50", (double)s->p50 / 1e6, "p99", (double)s->p99 / 1e6));
    }
    return to;
}

static json_t *findings_json(const struct rc_findings *f)
{
    json_t *to = json_object();
    number(to, "seconds", f->seconds);
    number(to, "sent_per_second", f->sent);
    number(to, "delivered_per_second", f->delivered);
    number(to, "server_cpu", f->cpu);
    number(to, "delivered_per_cpu_second", f->delivered_per_cpu);
    number(to, "connect_seconds", f->connect_seconds);
    number(to, "connects_per_second", f->connects);
    number(to, "connect_cpu_us", f->connect_cpu);
    number(to, "connection_anonymous_bytes", f->connection_anon);
    number(to, "connection_resident_bytes", f->connection_rss);
    number(to, "connection_cpu_us_per_second", f->idle_cpu);
    if (f->drift_p50 >= 0) {
        number(to, "drift_p50", f->drift_p50);
        json_object_set_new(to, "drift_anonymous_bytes_per_minute", json_real(f->drift_anon));
    }
    return to;
}

/* What each process of the servers spent while it was measured. */
static json_t *servers(const struct rc_run *run)
{
    json_t *to = json_array();
    for (size_t i = 0; run->to.time != 0 && i < run->plan->pid_count; i++) {
        const struct rc_usage *a = &run->from.probe.of[i], *b = &run->to.probe.of[i];
        json_array_append_new(to, json_pack("{s:s, s:f, s:f}", "name", run->plan->pid[i].name, "cpu_seconds",
                                            ((double)b->cpu - (double)a->cpu) / 1e9, "system_seconds",
                                            ((double)b->system - (double)a->system) / 1e9));
    }
    return to;
}

static json_t *waves(const struct rc_run *run)
{
    json_t *to = json_array();
    for (size_t i = 0; i < run->waves; i++) {
        json_array_append_new(to,
                              json_pack("{s:f, s:f, s:I}", "seconds", (double)run->wave[i].took / 1e9, "cpu_seconds",
                                        (double)run->wave[i].cpu / 1e9, "anonymous", (json_int_t)run->wave[i].anon));
    }
    return to;
}

bool rc_report_json(FILE *out, const struct rc_run *run, const struct rc_findings *findings)
{
    const struct rc_bench_options *o = &run->plan->options;
    json_t *to = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "scenario", o->scenario, "admins",
                           (json_int_t)o->admins, "users", (json_int_t)o->users, "size", (json_int_t)o->size, "rate",
                           (json_int_t)o->rate, "window", (json_int_t)(o->rate ? 0 : o->window), "interrupted",
                           run->interrupted, "workers", (json_int_t)run->shared->workers);
    json_object_set_new(to, "measured", findings_json(findings));
    json_object_set_new(to, "delivery", histogram(&run->latency));
    json_object_set_new(to, "first_to_last", histogram(&run->span));
    json_object_set_new(to, "ack", histogram(&run->ack));
    json_object_set_new(to, "connect", histogram(&run->connect));
    json_object_set_new(to, "generator_late", histogram(&run->lateness));
    json_object_set_new(to, "counters", counters(&run->end.totals));
    json_object_set_new(to, "oracle", oracle(run));
    json_object_set_new(to, "servers", servers(run));
    json_object_set_new(to, "waves", waves(run));
    json_object_set_new(to, "samples", samples(run));
    bool good = to && json_dumpf(to, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0;
    fputc('\n', out);
    json_decref(to);
    return good;
}
