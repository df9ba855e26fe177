/* Inside of the persister process: what process.c runs, sessions.c carries and report.c shows. */
#ifndef RC_PERSISTER_PROCESS_IMPL_H
#define RC_PERSISTER_PROCESS_IMPL_H

#include "admin.h"
#include "aside.h"
#include "broker/persister/backup.h"
#include "broker/persister/exchange.h"
#include "broker/persister/history.h"
#include "broker/persister/metrics.h"
#include "broker/persister/options.h"
#include "broker/persister/peers.h"
#include "broker/persister/writer.h"
#include "cluster/persister.h"
#include "daemon.h"
#include "link/host.h"
#include "link/link_metrics.h"
#include "link/topic.h"
#include "roster.h"
#include "status.h"

struct rc_persister_process {
    struct rc_persister_options *options;
    struct rc_daemon daemon;
    struct rc_peer self;
    struct rc_store *store;
    struct rc_writer *writer;
    struct rc_history *history;
    struct rc_exchange *exchange;
    struct rc_backup *backup;
    struct rc_persister *core;
    struct rc_aside *aside;
    struct rc_host *host;
    struct rc_topic_sub *topic;
    struct rc_admin *admin;
    struct rc_roster roster;
    struct rc_discovery discovery;
    struct rc_watch *wait; /* until a commit is due; NULL: nobody waits */
    bool committing;       /* the writer has a commit of the core */
    bool stopping;         /* the loop ends when that is told */
    bool twin;             /* another process has our id: the loop ends, and so does the program, with an error */
    unsigned followers;    /* sessions with such */
    unsigned filling;      /* seconds since we are; 0: we are not */
    uint64_t broken_seen;  /* invariants, as last logged */
    bool warned;           /* that the store comes near its map size */
    struct rc_rate in, out;
    _Atomic uint64_t values[PM_COUNT];
    _Atomic uint64_t *copies[1];
    struct rc_link_metrics link_values;
    struct rc_metrics metrics[2]; /* the role's, the links' */
};

/* sessions.c: the core's world, the host's node and the topic's subscriber; host argument: the process. */
struct rc_world rc_persister_world(struct rc_persister_process *p);
extern const struct rc_host_node rc_persister_node;
void rc_persister_record(void *arg, const char *broker, uint64_t inc, const struct rc_op *record);
/* A broker that is configured no more: neither its session nor its topic is listened to. */
void rc_persister_forget_broker(struct rc_persister_process *p, const char *id);
/* Sends an answer to its asker, if he still has a session, and frees it. */
void rc_persister_reply(struct rc_persister_process *p, struct rc_answer *answer);

/* process.c */
bool rc_persister_process_reload(struct rc_persister_process *p, FILE *report);

/* report.c */
/* Opens the admin listener and fills self.admin; the code to exit with, and why. */
enum rc_exit rc_persister_report_open(struct rc_persister_process *p, char why[RC_ADMIN_WHY]);
/* NULL when the node can do its work, else why not. */
const char *rc_persister_unready(const struct rc_persister_process *p);
/* Brings the metrics up to date, once a second. */
void rc_persister_sample(struct rc_persister_process *p);

#endif
