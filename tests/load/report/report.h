/* What a run showed: as a table, as JSON, as a page of HTML. */
#ifndef RC_REPORT_H
#define RC_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "scenario/run.h"

/* What the numbers mean; negative: does not apply, or nothing to divide by. */
struct rc_findings {
    double seconds;           /* measured */
    double sent, delivered;   /* a second */
    double cpu;               /* of the servers: seconds a second */
    double delivered_per_cpu; /* deliveries a second of CPU */
    double connect_seconds;   /* of the measured connects */
    double connects;          /* a second */
    double connect_cpu;       /* us each */
    double connection_anon;   /* bytes each */
    double connection_rss;    /* bytes each */
    double idle_cpu;          /* us a second and connection, without traffic */
    double drift_anon;        /* bytes a minute while measuring */
    double drift_p50;         /* p50 of the last quarter of measuring over that of the first */
};

void rc_findings_make(struct rc_findings *findings, const struct rc_run *run);

/* Writes what the options ask for. False: a file could not be written, as stderr says. */
bool rc_report(const struct rc_run *run);

void rc_report_table(FILE *out, const struct rc_run *run, const struct rc_findings *findings);
bool rc_report_json(FILE *out, const struct rc_run *run, const struct rc_findings *findings);
void rc_report_html(FILE *out, const struct rc_run *run, const struct rc_findings *findings);

/* The reasons of all workers, the same ones added up, most frequent first. Returns how many, up to max. */
size_t rc_report_reasons(const struct rc_run *run, struct rc_reason *reasons, size_t max);

/* The percentiles that every report shows. */
struct rc_percentile {
    const char *name; /* "p99.9" */
    double share;
};
extern const struct rc_percentile rc_percentiles[];
extern const size_t rc_percentile_count;

#endif
