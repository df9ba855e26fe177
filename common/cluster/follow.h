/*
 * The reading half of protocol.md T4: a persister follows the commit log of every other one, so that each ends with the whole
 * history, whatever the quorum is and whichever broker died with its buffer.
 *
 *   session --> pull (who are you?) --> page (store, newest number) --> cursor of that store --> pull --> page of rows
 *       --> commits, behind the new records, the cursor in the same transaction as its rows --> pull --> ...
 *
 * What comes from a peer is put with NOOVERWRITE like everything else: a row that is there already gets no number in our log,
 * so nothing goes round. A row that is new gets one, so those who follow us get it too.
 *
 * Numbers of a log mean something within one store only. A store has an identity, a random number that is made with it; the
 * cursor belongs to the pair of peer and identity. A peer that comes back with another store is read from the beginning, and so
 * is one whose log ends before our cursor, since it was put back from a copy.
 *
 * One pull a peer is under way until its rows are committed: that is the credit. All peers together get `rate` bytes a second.
 * Pure code, part of the core of cluster/persister.h, whose thread it shares.
 */
#ifndef RC_CLUSTER_FOLLOW_H
#define RC_CLUSTER_FOLLOW_H

#include "cluster/node.h"

struct rc_follow;
struct rc_commit;

struct rc_record { /* one message to put with NOOVERWRITE */
    struct rc_key key;
    struct rc_buf *row;
};

struct rc_cursor { /* all that this store's log has up to number is in ours */
    char peer[RC_ID_MAX + 1];
    uint64_t store;
    uint64_t number;
};

struct rc_pull {    /* the wish for a page of a log */
    uint64_t store; /* whose numbers these are; 0: only tell me your store and your newest number */
    uint64_t from;  /* first number wanted */
    uint32_t rows;  /* most rows looked at */
    uint32_t bytes; /* most bytes of rows, one row at least */
};

struct rc_log_row {
    uint64_t number; /* in the log that was read */
    struct rc_record record;
};

struct rc_log_page { /* the answer to a pull */
    bool failed;     /* the store could not be read; nothing below is set */
    uint64_t store;  /* identity of the store that was read; another one than asked for: no rows */
    uint64_t from;   /* as asked */
    uint64_t upto;   /* looked at up to this number; from - 1: there was nothing */
    uint64_t last;   /* newest number of the log, 0 for none */
    size_t bytes;    /* that it took on its way */
    size_t n;        /* rows; those that we have already may be left out */
    struct rc_log_row *row;
};
/* Releases the rows; the struct stays the caller's. */
void rc_log_page_fini(struct rc_log_page *page);

struct rc_follow_config {
    uint32_t rows;  /* most rows of a page, and of all pages together in one commit (512) */
    uint32_t bytes; /* most bytes of a page (256 KiB), one row at least; less when the rate is low */
    uint64_t rate;  /* bytes a second, from all peers together */
    rc_time pause;  /* between pulls when there is nothing new, or the peer could not read its store */
    rc_time save;   /* a cursor that moved over rows that we have waits so long for a commit to go along with */
};

struct rc_follow_events {
    /* Send this to the peer; its answer goes to rc_follow_page. */
    void (*pull)(void *host, struct rc_session *s, const struct rc_pull *pull);
    /* The number committed for this store of this peer, 0 for none. */
    uint64_t (*cursor)(void *host, const char *peer, uint64_t store);
};

struct rc_follow_stats {
    size_t peers;        /* with a session */
    bool filling;        /* something that a peer had when its session began is still missing, or not looked at */
    uint64_t behind, of; /* of the peer that we are furthest behind: rows to look at, rows in its log */
    uint64_t pulls, pages, bytes;
    uint64_t rows;    /* committed that came from peers */
    uint64_t strange; /* stores read from the beginning, although this peer was followed before in this life */
};

struct rc_follow *rc_follow_new(const struct rc_follow_config *config, const struct rc_world *world,
                                const struct rc_follow_events *events);
void rc_follow_free(struct rc_follow *f);

/* A session with another persister; s stays the caller's. False: more than RC_PERSISTERS_MAX. */
bool rc_follow_up(struct rc_follow *f, struct rc_session *s);
void rc_follow_down(struct rc_follow *f, const struct rc_session *s);
/* Takes the rows over, in any case. False: no answer to what was asked, the session is to be ended. A page of a session that is
 * over is dropped. */
bool rc_follow_page(struct rc_follow *f, const struct rc_session *s, struct rc_log_page *page);
void rc_follow_tick(struct rc_follow *f);

/* Adds rows and cursors to a commit that holds its new records already. max_bytes: of the whole commit, one record at least. */
void rc_follow_fill(struct rc_follow *f, struct rc_commit *commit, size_t max_bytes);
/* The commit is in the store. */
void rc_follow_committed(struct rc_follow *f, const struct rc_commit *commit);

void rc_follow_stats(const struct rc_follow *f, struct rc_follow_stats *out);

#endif
