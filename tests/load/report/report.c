/* Writes the reports that were asked for. */
#include "report/report.h"

#include <errno.h>
#include <string.h>

static bool write_html(const struct rc_run *run, const struct rc_findings *findings, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file) {
        rc_report_html(file, run, findings);
        if (!ferror(file) && fclose(file) == 0) {
            return true;
        }
    }
    fprintf(stderr, "roomcast-bench: html: %s: %s\n", path, strerror(errno));
    return false;
}

bool rc_report(const struct rc_run *run)
{
    struct rc_findings findings;
    const struct rc_bench_options *o = &run->plan->options;
    bool good = true;
    rc_findings_make(&findings, run);
    if (strcmp(o->output, "json") == 0) {
        good = rc_report_json(stdout, run, &findings);
    } else {
        rc_report_table(stdout, run, &findings);
    }
    good = fflush(stdout) == 0 && good;
    return (*o->html == '\0' || write_html(run, &findings, o->html)) && good;
}
