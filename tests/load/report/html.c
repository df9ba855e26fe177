/* The report as one page of HTML that needs nothing else. */
#include <math.h>
#include <time.h>

#include "report/plot.h"
#include "report/report.h"

#define NINES_STEPS 200 /* points of the distribution */

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>roomcast-bench</title>\n<style>\n"
    ":root{--back:#fff;--text:#1b2230;--soft:#5c6678;--rule:#dde2ea;--one:#2563c9;--two:#c2570c;--three:#0d7a5f;--bad:#"
    "b3261e;"
    "--good:#0d7a5f;color-scheme:light dark}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#12161d;--text:#e6eaf1;--soft:#98a3b5;--rule:#2b3340;--one:#6ea3ff;"
    "--two:#f2994a;--three:#4fc3a1;--bad:#ff8a80;--good:#4fc3a1}}\n"
    "body{margin:0 auto;padding:24px 20px 48px;max-width:1180px;background:var(--back);color:var(--text);"
    "font:15px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:24px;margin:0 0 4px}h2{font-size:17px;margin:32px 0 8px}p{margin:0;color:var(--soft)}\n"
    ".verdict{display:inline-block;margin:14px 0 0;font-weight:600}.good{color:var(--good)}.bad{color:var(--bad)}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:18px;margin:22px 0;padding:16px "
    "0;"
    "border-block:1px solid var(--rule)}\n"
    ".tiles b{display:block;font-size:22px;font-variant-numeric:tabular-nums}.tiles "
    "span{color:var(--soft);font-size:13px}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(480px,100%),1fr));gap:20px 28px}\n"
    "figure{margin:0}figcaption{font-size:14px;margin-bottom:4px}svg{width:100%;height:auto;overflow:visible}\n"
    "svg "
    "text{fill:var(--soft);font-size:12px}.grid{stroke:var(--rule)}path{fill:none;stroke-width:2;stroke-linejoin:round}"
    "\n"
    ".line1{stroke:var(--one)}.line2{stroke:var(--two)}.line3{stroke:var(--three)}\n"
    "circle{fill:transparent}.mark1:hover{fill:var(--one)}.mark2:hover{fill:var(--two)}.mark3:hover{fill:var(--three)}"
    "\n"
    ".key{display:inline-block;width:16px;height:3px;margin:0 5px 3px 12px}.key1{background:var(--one)}"
    ".key2{background:var(--two)}.key3{background:var(--three)}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:5px 16px 5px 0;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}\n"
    "th{font-weight:500;color:var(--soft)}th:first-child,td:first-child{text-align:left}\n"
    "</style></head><body>\n";

/* Text of servers may hold anything. */
static void escape(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
        }
    }
}

static void tile(FILE *out, const char *name, double value, const char *unit, int digits)
{
    if (value >= 0) {
        fprintf(out, "<div><b>");
        if (value < 1000) {
            fprintf(out, "%.*f", digits, value);
        } else if (value < 1e6) {
            fprintf(out, "%d,%03d", (int)value / 1000, (int)value % 1000);
        } else {
            fprintf(out, "%.2f M", value / 1e6);
        }
        fprintf(out, " %s</b><span>%s</span></div>\n", unit, name);
    }
}

static void tiles(FILE *out, const struct rc_run *run, const struct rc_findings *f)
{
    bool traffic = rc_cast_senders(&run->plan->cast) > 0;
    fprintf(out, "<div class=\"tiles\">\n");
    if (traffic) {
        tile(out, "deliveries a second", f->delivered, "", 0);
        tile(out, "deliveries per second of CPU", f->delivered_per_cpu, "", 0);
        tile(out, "median latency", (double)rc_histogram_at(&run->latency, 0.5) / 1e6, "ms", 2);
        tile(out, "99th percentile", (double)rc_histogram_at(&run->latency, 0.99) / 1e6, "ms", 2);
    } else {
        tile(out, "connects a second", f->connects, "", 0);
        tile(out, "CPU of a connection at rest", f->idle_cpu, "us/s", 2);
    }
    tile(out, "CPU per connect", f->connect_cpu, "us", 0);
    tile(out, "memory per connection", f->connection_anon, "bytes", 0);
    fprintf(out, "</div>\n");
}

static void verdict(FILE *out, const struct rc_run *run)
{
    const struct rc_totals *t = &run->end.totals;
    fprintf(out, "<p class=\"verdict %s\">", run->found ? "bad" : "good");
    if (!run->found) {
        fprintf(out, "Nothing lost, doubled, reordered or refused in %llu deliveries and %llu acks.",
                (unsigned long long)t->delivered, (unsigned long long)t->acked);
    } else {
        fprintf(
            out,
            "Found: %llu lost, %llu doubled, %llu reordered, %llu stray, %llu garbled deliveries; %llu refused acks;"
            " %llu disconnects; %llu clients never connected.",
            (unsigned long long)t->lost, (unsigned long long)t->doubled, (unsigned long long)t->reordered,
            (unsigned long long)t->stray, (unsigned long long)t->garbled, (unsigned long long)t->refused,
            (unsigned long long)t->disconnects, (unsigned long long)t->unconnected);
    }
    fprintf(out, "</p>\n");
}

/* The x axis counts nines: 1 is 90 %, 2 is 99 %. */
static void plot_distribution(FILE *out, const struct rc_run *run)
{
    static const char *const names[] = {"0 %", "90 %", "99 %", "99.9 %", "99.99 %"};
    static const double ticks[] = {0, 1, 2, 3, 4};
    double x[NINES_STEPS], delivery[NINES_STEPS], ack[NINES_STEPS];
    if (atomic_load(&run->latency.count) == 0) {
        return;
    }
    for (size_t i = 0; i < NINES_STEPS; i++) {
        x[i] = (double)i * 4 / (NINES_STEPS - 1);
        double share = 1 - pow(10, -x[i]);
        delivery[i] = (double)rc_histogram_at(&run->latency, share) / 1e6;
        ack[i] = (double)rc_histogram_at(&run->ack, share) / 1e6;
    }
    const struct rc_plot plot = {.title = "Latency distribution",
                                 .x_unit = "share that was faster",
                                 .y_unit = "ms",
                                 .x = x,
                                 .count = NINES_STEPS,
                                 .line = {{"delivery", delivery}, {"ack", ack}},
                                 .y_log = true,
                                 .x_names = names,
                                 .x_ticks = ticks,
                                 .x_tick_count = 5};
    rc_plot_write(out, &plot);
}

/* Series over time; a rate at a sample is over the time since the one before. */
struct series {
    double x[RC_SAMPLES_MAX], delivered[RC_SAMPLES_MAX], connects[RC_SAMPLES_MAX], cpu[RC_SAMPLES_MAX],
        anon[RC_SAMPLES_MAX], p50[RC_SAMPLES_MAX], p99[RC_SAMPLES_MAX], connected[RC_SAMPLES_MAX];
};

static size_t fill_series(struct series *s, const struct rc_run *run)
{
    size_t count = 0;
    for (size_t i = 1; i < run->samples; i++, count++) {
        const struct rc_sample *a = &run->sample[i - 1], *b = a + 1;
        double seconds = (double)(b->time - a->time) / 1e9;
        s->x[count] = (double)b->time / 1e9;
        s->delivered[count] = (double)(b->delivered - a->delivered) / seconds;
        s->connects[count] = (double)(b->connects - a->connects) / seconds;
        s->cpu[count] = b->cpu >= a->cpu ? (double)(b->cpu - a->cpu) / 1e7 / seconds : NAN;
        s->anon[count] = (double)b->anon / 1048576;
        s->connected[count] = (double)b->connected;
        s->p50[count] = b->p50 ? (double)b->p50 / 1e6 : NAN;
        s->p99[count] = b->p99 ? (double)b->p99 / 1e6 : NAN;
    }
    return count;
}

static void plot_times(FILE *out, const struct rc_run *run)
{
    static struct series s;
    size_t count = fill_series(&s, run);
    bool traffic = run->end.totals.delivered > 0, probed = run->plan->pid_count > 0;
    const struct {
        bool wanted;
        struct rc_plot plot;
    } plots[] = {
        {traffic,
         {.title = "Latency over time", .y_unit = "ms", .line = {{"p50", s.p50}, {"p99", s.p99}}, .y_log = true}},
        {traffic, {.title = "Throughput", .y_unit = "deliveries a second", .line = {{"deliveries", s.delivered}}}},
        {!traffic, {.title = "Connects", .y_unit = "a second", .line = {{"connects", s.connects}}}},
        {!traffic, {.title = "Connections", .y_unit = "clients", .line = {{"connected", s.connected}}}},
        {probed, {.title = "Memory of the servers", .y_unit = "MiB anonymous", .line = {{"memory", s.anon}}}},
        {probed, {.title = "CPU of the servers", .y_unit = "% of one core", .line = {{"CPU", s.cpu}}}},
    };
    for (size_t i = 0; i < sizeof plots / sizeof plots[0]; i++) {
        struct rc_plot plot = plots[i].plot;
        plot.x = s.x;
        plot.count = count;
        plot.x_unit = "seconds";
        if (plots[i].wanted) {
            rc_plot_write(out, &plot);
        }
    }
}

static void latency_row(FILE *out, const char *name, const struct rc_histogram *h)
{
    if (atomic_load(&h->count) == 0) {
        return;
    }
    fprintf(out, "<tr><td>%s</td>", name);
    for (size_t i = 0; i < rc_percentile_count; i++) {
        fprintf(out, "<td>%.3f</td>", (double)rc_histogram_at(h, rc_percentiles[i].share) / 1e6);
    }
    fprintf(out, "<td>%llu</td></tr>\n", (unsigned long long)atomic_load(&h->count));
}

static void latency_table(FILE *out, const struct rc_run *run)
{
    fprintf(out, "<h2>Durations, ms</h2><div class=\"wide\"><table><tr><th></th>");
    for (size_t i = 0; i < rc_percentile_count; i++) {
        fprintf(out, "<th>%s</th>", rc_percentiles[i].name);
    }
    fprintf(out, "<th>count</th></tr>\n");
    latency_row(out, "delivery", &run->latency);
    latency_row(out, "first to last copy", &run->span);
    latency_row(out, "ack", &run->ack);
    latency_row(out, "connect", &run->connect);
    latency_row(out, "generator late", &run->lateness);
    fprintf(out, "</table></div>\n");
}

static void counter_table(FILE *out, const struct rc_run *run)
{
    const struct rc_totals *t = &run->end.totals;
    struct rc_reason reasons[RC_REASONS * 2];
    fprintf(out, "<h2>Counted</h2><div class=\"wide\"><table>\n");
#define X(name, help)                                                                                                  \
    if (t->name && &t->name != &t->ready) {                                                                            \
        fprintf(out, "<tr><td>" help "</td><td>%llu</td></tr>\n", (unsigned long long)t->name);                        \
    }
    RC_COUNTERS(X)
#undef X
    size_t count = rc_report_reasons(run, reasons, sizeof reasons / sizeof reasons[0]);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "<tr><td>reason: ");
        escape(out, reasons[i].text);
        fprintf(out, "</td><td>%llu</td></tr>\n", (unsigned long long)atomic_load(&reasons[i].count));
    }
    fprintf(out, "</table></div>\n");
}

void rc_report_html(FILE *out, const struct rc_run *run, const struct rc_findings *findings)
{
    char when[64];
    time_t now = time(NULL);
    const struct rc_bench_options *o = &run->plan->options;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", gmtime(&now));
    fputs(head, out);
    fprintf(out, "<h1>roomcast-bench %s</h1><p>%lld admins, %lld users, %lld-byte messages, ", o->scenario,
            (long long)o->admins, (long long)o->users, (long long)o->size);
    if (rc_cast_senders(&run->plan->cast) > 0) {
        fprintf(out, o->rate ? "%lld messages a second, " : "%lld messages under way, ",
                (long long)(o->rate ? o->rate : o->window));
    }
    escape(out, o->url);
    fprintf(out, ", %s%s</p>\n", when, run->interrupted ? ", interrupted" : "");
    verdict(out, run);
    tiles(out, run, findings);
    fprintf(out, "<div class=\"plots\">\n");
    plot_distribution(out, run);
    plot_times(out, run);
    fprintf(out, "</div>\n");
    latency_table(out, run);
    counter_table(out, run);
    fprintf(out, "</body></html>\n");
}
