/* Inside of the gateway process: what process.c runs and report.c shows. */
#ifndef RC_GATEWAY_PROCESS_IMPL_H
#define RC_GATEWAY_PROCESS_IMPL_H

#include "admin.h"
#include "daemon.h"
#include "ebb.h"
#include "gateway/app/auth.h"
#include "gateway/app/history.h"
#include "gateway/demo/demo.h"
#include "gateway/drain.h"
#include "gateway/options.h"
#include "gateway/router.h"
#include "gateway/script/script.h"
#include "link/link_metrics.h"
#include "status.h"

struct rc_gateway_process {
    struct rc_gateway_options *options;
    struct rc_daemon daemon;
    struct rc_peer self;
    char url[RC_ADDR_MAX + 16]; /* where clients connect, "http://host:port" */
    struct rc_auth *auth;
    struct rc_app *app;
    struct rc_script *script;
    struct rc_demo *demo; /* NULL without the option */
    struct rc_router *router;
    struct rc_admin *admin;
    struct rc_drain drain;
    bool leaving;            /* drains, or does more: takes no more clients */
    struct rc_watch *pacing; /* closes clients; NULL: not yet, or no more */
    bool twin;               /* another process has our id: the loop ended for that */
    unsigned workers;
    struct rc_worker *worker[RC_WORKERS_MAX];
    struct rc_history *history[RC_WORKERS_MAX];
    struct rc_origin_guard guard[RC_WORKERS_MAX]; /* each for its worker's thread */
    struct rc_rate in, out;
    struct rc_ebb ebb;        /* of connections */
    uint64_t not_stored;      /* messages that the alarm has told of */
    uint64_t turned_away;     /* handshakes, the same */
    uint64_t broken_seen;     /* invariants, the same */
    rc_gateway_values values; /* of the link loop */
    _Atomic uint64_t *copies[RC_WORKERS_MAX + 1];
    struct rc_link_metrics link_values;
    struct rc_metrics metrics[2]; /* the role's, the links' */
};

/* process.c */
bool rc_gateway_process_drain(struct rc_gateway_process *g); /* by command; false: it drains already */
bool rc_gateway_process_reload(struct rc_gateway_process *g, FILE *report);

/* report.c */
/* Opens the admin listener and fills self.admin; the code to exit with, and why. */
enum rc_exit rc_gateway_report_open(struct rc_gateway_process *g, char why[RC_ADMIN_WHY]);
void rc_gateway_report_sample(struct rc_gateway_process *g); /* once a second */

#endif
