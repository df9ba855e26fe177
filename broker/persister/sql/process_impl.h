/* Inside of the process: what process.c runs, reader.c follows and report.c shows. */
#ifndef RC_SQL_PROCESS_IMPL_H
#define RC_SQL_PROCESS_IMPL_H

#include "admin.h"
#include "aside.h"
#include "broker/persister/options.h"
#include "broker/persister/sql/metrics.h"
#include "broker/persister/sql/scribe.h"
#include "daemon.h"
#include "link/host.h"
#include "link/link_metrics.h"
#include "roster.h"
#include "status.h"

struct rc_sql_process {
    struct rc_persister_options *options;
    struct rc_daemon daemon;
    struct rc_peer self;
    struct rc_host *host;
    struct rc_aside *aside; /* sessions with persisters */
    struct rc_roster roster;
    struct rc_admin *admin;
    struct rc_scribe *scribe;

    /* reader.c: whose log, and how far it is in the table */
    struct rc_follow *follow;      /* NULL: no connection to the server */
    struct rc_session *read;       /* whose log is read; NULL: nobody's */
    char reader_of[RC_ID_MAX + 1]; /* the persister last read, in this life or as the cursors tell; "": none */
    rc_time alone;                 /* since when nobody is read */
    unsigned asked;                /* questions of `follow` under way on that session: answers come in order */
    unsigned stale;                /* those before them that are not follow's, or of one that is gone */
    uint64_t store, last;          /* what the last answer to one of these said */
    rc_time probed;                /* when the last of them was sent */
    struct rc_scribe_job *next;    /* empty, for what comes next; may be NULL */
    struct rc_sql_cursors cursors; /* as the database has them */
    struct rc_follow_stats before; /* sums of what was followed in earlier connections */
    bool writing;                  /* the scribe has a job */
    rc_time since;                 /* when it got it */

    uint64_t life;       /* of the connection, 0: none */
    bool refused;        /* the last attempt: the server said no */
    char why[RC_PG_WHY]; /* why there is no connection; "": none was tried, or there is one */
    bool stopping;
    bool twin;
    struct rc_rate in, out;
    _Atomic uint64_t values[SM_COUNT];
    _Atomic uint64_t *copies[1];
    struct rc_link_metrics link_values;
    struct rc_metrics metrics[2];
};

/* ---- reader.c ---------------------------------------------------------------------------------------------------- */

/* The server is there, with these cursors: reading begins from them. */
void rc_sql_reader_open(struct rc_sql_process *p, const struct rc_sql_cursors *cursors);
/* It is not: what was read and not written is dropped. */
void rc_sql_reader_close(struct rc_sql_process *p);
/* A session ended, before it is freed. */
void rc_sql_reader_down(struct rc_sql_process *p, const struct rc_session *s);
/* A Side came on the session that is read. False: no answer to what was asked. */
bool rc_sql_reader_side(struct rc_sql_process *p, struct rc_buf *bytes);
/* This job is in the table. */
void rc_sql_reader_done(struct rc_sql_process *p, const struct rc_scribe_job *job);
/* Chooses whom to read, asks, hands the next job out. After each of the above, and each tick. */
void rc_sql_reader_turn(struct rc_sql_process *p);
/* Rows of the log that are not in the table, and the sums of pulls. */
void rc_sql_reader_stats(const struct rc_sql_process *p, struct rc_follow_stats *out);

/* ---- report.c ---------------------------------------------------------------------------------------------------- */

enum rc_exit rc_sql_report_open(struct rc_sql_process *p, char why[RC_ADMIN_WHY]);
/* NULL when rows are being written, else why not; may be made in buf. */
const char *rc_sql_unready(const struct rc_sql_process *p);
void rc_sql_sample(struct rc_sql_process *p);

/* ---- process.c --------------------------------------------------------------------------------------------------- */

bool rc_sql_process_reload(struct rc_sql_process *p, FILE *report);

#endif
