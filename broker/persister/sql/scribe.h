/*
 * The thread that writes into PostgreSQL, so that the loop never waits for it:
 *
 *   connect, tables, cursors --> note OPEN --> loop: job --> one statement --> note DONE --> loop: next job
 *          ^                                                    |
 *          +---- back-off <---- note DOWN <---- refused or lost +
 *
 * Each connection that was opened is a `life`. A job belongs to one; those of an earlier life are dropped, since the cursors
 * are read again and the loop begins anew from them. At most one job is under way, so all that waits here is one page.
 */
#ifndef RC_SQL_SCRIBE_H
#define RC_SQL_SCRIBE_H

#include "broker/persister/sql/table.h"
#include "mailbox.h"

struct rc_scribe;

struct rc_scribe_config {
    const char *url;
    const char *password; /* NULL: none of our own */
    const char *name;     /* node.id */
};

struct rc_scribe_job { /* a page of rows with its cursors */
    struct rc_mail mail;
    uint64_t life;
    struct rc_commit commit; /* its records are the job's */
    struct rc_sql_written written;
};
/* commit.record has room for `rows`. */
struct rc_scribe_job *rc_scribe_job_new(size_t rows);
void rc_scribe_job_free(struct rc_scribe_job *job); /* accepts NULL */

enum rc_scribe_kind {
    RC_SCRIBE_OPEN, /* place, made and cursors are set */
    RC_SCRIBE_DOWN, /* refused and why are set; a job that was under way is gone */
    RC_SCRIBE_DONE, /* job is set: it is in the table */
};

struct rc_scribe_note {
    struct rc_mail mail;
    enum rc_scribe_kind kind;
    uint64_t life;
    char place[256]; /* "host:port/database" */
    bool made;       /* table mensajes was missing */
    struct rc_sql_cursors cursors;
    bool refused; /* the server answered, and said no */
    char why[RC_PG_WHY];
    struct rc_scribe_job *job; /* owned */
};
void rc_scribe_note_free(struct rc_scribe_note *note);

/* Starts the thread; the texts of config must outlive it. NULL with errno. */
struct rc_scribe *rc_scribe_new(const struct rc_scribe_config *config);
/* Gives up what is under way, which is in the table or not at all. Accepts NULL. */
void rc_scribe_free(struct rc_scribe *scribe);

/* All of these: the owner's thread. */

/* Takes the job over. None may be under way in this life. */
void rc_scribe_put(struct rc_scribe *scribe, struct rc_scribe_job *job);
/* Readable when notes wait. */
int rc_scribe_fd(const struct rc_scribe *scribe);
/* All notes that wait, oldest first, linked by mail.next; the caller's. */
struct rc_scribe_note *rc_scribe_take(struct rc_scribe *scribe);

#endif
