/*
 * What roomcast-bench is asked to do. Weakest first: the defaults of the options, those of the scenario, the scenario file,
 * the environment, the command line; all but the first in the words of the command line, so that one table judges them.
 */
#ifndef RC_BENCH_OPTIONS_H
#define RC_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/target.h"
#include "scenario/cast.h"
#include "secret.h"

#define RC_PIDS_MAX 128

/* What the oracle may find without making the run a failure. */
enum rc_finding {
    RC_FOUND_LOST = 1,
    RC_FOUND_DOUBLED = 2,
    RC_FOUND_REORDERED = 4,
    RC_FOUND_STRAY = 8,
    RC_FOUND_GARBLED = 16,
    RC_FOUND_REFUSED = 32,
    RC_FOUND_DISCONNECTS = 64,
    RC_FOUND_UNCONNECTED = 128,
};

struct rc_bench_options {
    char *scenario, *file;
    char *url, *path, *cluster, *pids, *secret_file;
    int64_t admins, users;
    int64_t size, rate, window, churn, waves;
    int64_t connect_rate, connect_pending, connect_warm;
    int64_t warmup, seconds, settle, patience;
    int64_t workers;
    char *output, *html, *progress, *allow;
};

/* A server's process. */
struct rc_pid {
    pid_t pid;
    char name[64]; /* of the node, or the command */
};

struct rc_plan {
    struct rc_bench_options options;
    const struct rc_scenario *scenario;
    struct rc_cast cast;
    struct rc_targets targets;
    struct rc_secret secret;
    struct rc_pid pid[RC_PIDS_MAX];
    size_t pid_count;
    unsigned allowed; /* enum rc_finding */
    bool progress;
};

/* Fills plan from the command line. Returns RC_OPTIONS_RUN, or the exit code after what is wrong, or what was asked for, was
 * printed. rc_plan_fini in either case. */
int rc_plan_make(struct rc_plan *plan, int argc, char **argv);
void rc_plan_fini(struct rc_plan *plan);

/* The names of findings, for --allow and reports. NULL beyond the last. */
const char *rc_finding_name(unsigned number);

/* Reads url, pids and the secret's file from a cluster.json where the plan does not have them. False: a sentence in why. */
bool rc_plan_take_cluster(struct rc_plan *plan, char *why, size_t why_size);

/* Reads comma separated pids. False: a sentence in why. */
bool rc_plan_take_pids(struct rc_plan *plan, const char *text, char *why, size_t why_size);

/* Puts what a scenario file says into words of the command line: --NAME=VALUE, each by malloc. Returns how many, or -1 with a
 * sentence in why. */
int rc_scenario_file(const char *path, char **words, int max, char *why, size_t why_size);

#endif
