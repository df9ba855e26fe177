/* Reports for people. */
#include "report.h"

#include "command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_BEFORE 60 /* of the timeline, in front of the first violation */
#define LINES_MOST   400

/* ---- the story of a failing seed */

/* A line of the timeline that belongs to the story wherever it stands: a fault, or the way of the watched message. */
static bool belongs(const char *line)
{
    const char *who = line + SIM_TRACE_MARK;
    return strlen(line) > SIM_TRACE_MARK && (*who == SIM_MARK_FAULT || *who == SIM_MARK_WATCHED);
}

static size_t split(char *text, char ***lines)
{
    size_t n = 0, cap = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line;) {
        *lines = sim_grow(*lines, n, &cap, sizeof(**lines));
        (*lines)[n++] = line;
    }
    return n;
}

static size_t first_violation(char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(lines[i], "VIOLATION"))
            return i;
    return n;
}

static void print_excerpt(char *const *lines, size_t n, FILE *out)
{
    size_t bad = first_violation(lines, n), from = bad > LINES_BEFORE ? bad - LINES_BEFORE : 0, printed = 0;
    bool gap = false;
    for (size_t i = 0; i < n && i < bad + 4; i++) {
        if (i && i < from && (printed > LINES_MOST || !belongs(lines[i]))) {
            gap = true;
            continue;
        }
        if (gap)
            fprintf(out, "  |        ...\n");
        fprintf(out, "  | %s\n", lines[i]);
        gap = false;
        printed++;
    }
}

static void tell_story(const struct sim_world *w, FILE *out)
{
    struct sim_world again;
    struct sim_options o = w->options;
    char *text = NULL, **lines = NULL;
    size_t size;
    o.trace = open_memstream(&text, &size);
    if (!o.trace)
        return;
    if (!o.watch)
        o.watch = w->suspect;
    sim_world_run(&again, w->seed, &o);
    sim_world_fini(&again);
    (void)fclose(o.trace); /* what there is of it */
    size_t n = split(text, &lines);
    print_excerpt(lines, n, out);
    free(lines);
    free(text);
}

void sim_report_failure(const struct sim_world *w, bool story, FILE *out)
{
    fprintf(out, "seed %" PRIu64 " FAILED  ", w->seed);
    sim_world_describe(w, out);
    fputc('\n', out);
    for (unsigned i = 0; i < w->violations && i < 3; i++)
        fprintf(out, "  %s\n", w->violation[i]);
    if (w->violations > 3)
        fprintf(out, "  and %u more%s\n", w->violations - 3, w->violations == SIM_VIOLATIONS_MAX ? " at least" : "");
    fprintf(out, "  replay: roomcast-sim ");
    sim_command_print(&w->options, w->seed, out);
    fprintf(out, " --trace");
    if (w->suspect)
        fprintf(out, " --watch %" PRIu64, w->suspect);
    fputc('\n', out);
    if (story && !w->options.trace)
        tell_story(w, out);
}

void sim_report_line(const struct sim_world *w, FILE *out)
{
    fprintf(out, "seed %" PRIu64 " %s  ", w->seed, w->violations ? "failed" : "ok");
    sim_world_describe(w, out);
    fprintf(out, " messages %" PRIu64 " delay %.0f settle %.0f ms events %" PRIu64 " hash %016" PRIx64 "\n",
            w->totals.messages, (double)w->totals.delay_max / 1000, (double)w->totals.settle / 1000, w->totals.events,
            w->sim.hash);
}

/* ---- sums */

static void max_time(rc_time *a, rc_time b)
{
    *a = b > *a ? b : *a;
}

void sim_totals_add(struct sim_totals *sum, const struct sim_totals *t)
{
    const uint64_t *from = (const uint64_t *)t;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < offsetof(struct sim_totals, delay_max) / sizeof(*to); i++)
        to[i] += from[i];
    max_time(&sum->delay_max, t->delay_max);
    max_time(&sum->ack_max, t->ack_max);
    max_time(&sum->settle, t->settle);
}

void sim_totals_print(const struct sim_totals *t, double seconds)
{
    printf("messages %" PRIu64 " acknowledged %" PRIu64 " failed %" PRIu64 " receipts %" PRIu64 " sockets %" PRIu64
           " sessions %" PRIu64 " batches %" PRIu64 " operations %" PRIu64 "\n",
           t->messages, t->acked, t->failed, t->receipts, t->sockets, t->sessions, t->batches, t->ops);
    printf("resends %" PRIu64 " refusals %" PRIu64 " duplicates %" PRIu64 " fences %" PRIu64 " views %" PRIu64
           " gone %" PRIu64 " records: lost %" PRIu64 " gaps %" PRIu64 " resent %" PRIu64 " holes %" PRIu64
           " pulled %" PRIu64 "\n",
           t->resends, t->refusals, t->duplicates, t->fences, t->views, t->gone, t->lost_records, t->gaps,
           t->record_resends, t->holes, t->pulled);
    printf("longest delivery %.0f ms, acknowledgement %.0f ms, settling %.0f ms; %" PRIu64 " events in %.1f s\n",
           (double)t->delay_max / 1000, (double)t->ack_max / 1000, (double)t->settle / 1000, t->events, seconds);
}
