/* roomcast-bench: plan, run, report. */
#include <stdio.h>
#include <stdlib.h>

#include "exit.h"
#include "option.h"
#include "options/options.h"
#include "report/report.h"
#include "scenario/run.h"

#define EXIT_FOUND 1 /* the oracle found what was not allowed */

static int judge(const struct rc_run *run)
{
    if (run->broken) {
        fprintf(stderr, "roomcast-bench: a worker process failed\n");
        return RC_EXIT_INTERNAL;
    }
    if (run->end.totals.connects == 0) {
        fprintf(stderr, "roomcast-bench: no client could connect to %s\n", run->plan->options.url);
        return run->interrupted ? RC_EXIT_OK : RC_EXIT_UNAVAILABLE;
    }
    return run->found & ~run->plan->allowed ? EXIT_FOUND : RC_EXIT_OK;
}

int main(int argc, char **argv)
{
    static struct rc_plan plan;
    static struct rc_run run;
    int code = rc_plan_make(&plan, argc, argv);
    if (code == RC_OPTIONS_RUN) {
        code = RC_EXIT_INTERNAL;
        if (rc_run_do(&run, &plan)) {
            code = rc_report(&run) ? judge(&run) : RC_EXIT_UNAVAILABLE;
        }
        rc_run_fini(&run);
    }
    rc_plan_fini(&plan);
    return code;
}
