/*
 * The storing half of protocol.md 7: takes records of every broker in order, finds gaps and asks again,
 * groups commits, and says STORED after the commit only. Rows that other persisters have and this one has not
 * go along behind the new ones (cluster/follow.h). Pure code; the store itself is behind `commit` and
 * `position`.
 */
#ifndef RC_CLUSTER_PERSISTER_H
#define RC_CLUSTER_PERSISTER_H

#include "cluster/follow.h"

struct rc_persister;

struct rc_position { /* all records of this broker incarnation up to number are in the store */
    char broker[RC_ID_MAX + 1];
    uint64_t inc;
    uint64_t number;
};
/* One transaction: records, positions and cursors together. Owned by the core until rc_persister_committed. */
struct rc_commit {
    size_t n, cap;
    struct rc_record *record;
    size_t pulled; /* so many of them, the last ones, come from other persisters */
    size_t bytes;
    size_t positions;
    struct rc_position position[RC_BROKERS_MAX];
    size_t cursors;
    struct rc_cursor cursor[RC_PERSISTERS_MAX]; /* may go back; put as they are */
};

struct rc_persister_events {
    /* Begin this commit; answer with rc_persister_committed, later or at once. Only one is under way at a
     * time. */
    void (*commit)(void *host, const struct rc_commit *commit);
    /* The number committed for this broker incarnation, 0 for none. */
    uint64_t (*position)(void *host, const char *broker, uint64_t inc);
    struct rc_follow_events follow; /* may be zeros when no session with another persister is brought up */
};

struct rc_persister_config {
    char id[RC_ID_MAX + 1];
    uint64_t inc;
    struct rc_times times;
    size_t commit_records; /* most records of one commit (8192) */
    size_t commit_bytes;   /* most bytes of one commit (8 MiB), one record at least */
    rc_time commit_wait;   /* how long the first record of a commit that is not full waits for company (0) */
    size_t intake_bound;   /* most bytes waiting for the next commits (16 MiB); beyond it records are dropped
                              and asked again */
    struct rc_follow_config follow;
};

struct rc_persister_stats {
    size_t brokers;   /* with a session */
    uint64_t records; /* of brokers, committed */
    uint64_t commits, resends, gaps, holes, failed;
    size_t waiting, waiting_bytes;
    struct rc_broken broken;
    uint64_t lag; /* records that brokers announced and we have not committed */
};

struct rc_persister *rc_persister_new(const struct rc_persister_config *config, const struct rc_world *world,
                                      const struct rc_persister_events *events);
void rc_persister_free(struct rc_persister *p);
void rc_persister_tick(struct rc_persister *p);
/* Whose log is read (T4): sessions with other persisters go there. */
struct rc_follow *rc_persister_follow(struct rc_persister *p);
/* rc_follow_page, and its rows into the next commit. */
bool rc_persister_page(struct rc_persister *p, const struct rc_session *s, struct rc_log_page *page);

/* When rc_persister_wake has a commit to begin, RC_NEVER: not before something else happens. */
rc_time rc_persister_due(const struct rc_persister *p);
void rc_persister_wake(struct rc_persister *p);
/* Sessions from now on say this incarnation (S1: a broker knew a higher one). Open ones keep theirs. */
void rc_persister_set_inc(struct rc_persister *p, uint64_t inc);

/* This broker is configured no more (section 8): its session ends (RC_END_REMOVED). What it sent and is not yet committed
 * will be. */
void rc_persister_forget(struct rc_persister *p, const char *broker);

struct rc_session *rc_persister_up(struct rc_persister *p, const struct rc_peer *broker, uint64_t session);
void rc_persister_down(struct rc_persister *p, struct rc_session *s);
void rc_persister_take(struct rc_persister *p, struct rc_session *s, size_t max_bytes, struct rc_batch *batch);
bool rc_persister_receive(struct rc_persister *p, struct rc_session *s, const struct rc_batch *batch);

/* A RECORD that came by the topic from this broker incarnation. Ignored without a session with it. */
void rc_persister_topic(struct rc_persister *p, const char *broker, uint64_t inc, const struct rc_op *record);

/* The commit under way ended. Not ok: nothing of it is in the store; it is tried again at the next tick. */
void rc_persister_committed(struct rc_persister *p, bool ok);

void rc_persister_stats(const struct rc_persister *p, struct rc_persister_stats *out);

#endif
