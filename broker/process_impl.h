/* Inside of the broker process: what process.c runs and report.c shows. */
#ifndef RC_BROKER_PROCESS_IMPL_H
#define RC_BROKER_PROCESS_IMPL_H

#include "admin.h"
#include "broker/options.h"
#include "broker/relay.h"
#include "cluster/broker.h"
#include "daemon.h"
#include "ebb.h"
#include "link/host.h"
#include "link/link_metrics.h"
#include "link/topic.h"
#include "roster.h"
#include "status.h"
#include "suspend.h"

struct rc_broker_process {
    struct rc_broker_options *options;
    struct rc_daemon daemon;
    struct rc_peer self;
    struct rc_broker *core;
    struct rc_host *host;
    struct rc_topic_pub *topic;
    struct rc_admin *admin;
    struct rc_roster roster;
    rc_time map_next; /* no map to all before this */
    struct rc_discovery discovery;
    struct rc_broker_sessions sessions; /* open ones, for the map and for relays */
    struct rc_relays relays;
    struct rc_suspend suspend;
    rc_time leaving;   /* when the end was asked for; 0: it was not */
    rc_time leave_by;  /* the latest end */
    uint64_t next_inc; /* we are refused as too old: begin again with this one; 0: no */
    bool twin;         /* another process has our id: the loop ended for that */
    struct rc_rate in, out;
    struct rc_ebb ebb;    /* of rooms */
    uint64_t broken_seen; /* invariants, as last logged */
    _Atomic uint64_t values[BM_COUNT];
    _Atomic uint64_t *copies[1];
    struct rc_link_metrics link_values;
    struct rc_metrics metrics[2]; /* the role's, the links' */
};

/* process.c */
/* By command. False: it drains already. */
bool rc_broker_process_drain(struct rc_broker_process *b);
bool rc_broker_process_drain_stay(struct rc_broker_process *b); /* does not end before it is told to */
bool rc_broker_process_reload(struct rc_broker_process *b, FILE *report);

/* report.c */
const char *rc_broker_state_text(enum rc_broker_state state); /* static string */
/* Opens the admin listener and fills self.admin; the code to exit with, and why. */
enum rc_exit rc_broker_report_open(struct rc_broker_process *b, char why[RC_ADMIN_WHY]);

#endif
