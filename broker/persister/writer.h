/*
 * The commit thread: the loop hands it one commit at a time and goes on; it blocks for the disk and reports back.
 *
 *   loop: rc_writer_commit -> thread: rc_store_commit -> eventfd -> loop: rc_writer_result -> rc_persister_committed
 *
 * Between commits the thread deletes what retention has grown out of.
 *
 * It also keeps the state of the store for the operator: degraded from the first commit that fails until one succeeds.
 * Nobody repairs anything: the core hands the same commit out again at each tick, and that goes well when the cause is
 * gone.
 */
#ifndef RC_PERSISTER_WRITER_H
#define RC_PERSISTER_WRITER_H

#include "broker/persister/retention.h"

struct rc_writer;

struct rc_writer_health {
    bool degraded;               /* the last commit failed */
    enum rc_store_result result; /* of the last commit */
    char why[256];               /* its cause, empty when it went well */
    int64_t since;               /* wall clock, ms: the first failure of this row; 0 when not degraded */
    uint64_t failures;           /* in this row */
};

/* Starts the thread; the store outlives it. NULL when a thread or a descriptor is not to be had (errno). */
struct rc_writer *rc_writer_new(struct rc_store *store);
/* Begins to keep to this; once. Owner's thread. */
void rc_writer_keep(struct rc_writer *writer, const struct rc_store_keep *keep);
/* Messages deleted by it. Any thread. */
uint64_t rc_writer_deleted(const struct rc_writer *writer);
/* Waits for the commit under way, which ends in the store or not at all, and drops its result. Accepts NULL. */
void rc_writer_free(struct rc_writer *writer);

/* Begins a commit, which must not change before its result was taken. None may be under way. Owner's thread. */
void rc_writer_commit(struct rc_writer *writer, const struct rc_commit *commit);
/* Readable when a result waits. */
int rc_writer_fd(const struct rc_writer *writer);
/* Takes the result of the commit under way, logs what an operator must know and changes the health. False: not ended
 * yet. Owner's thread. */
bool rc_writer_result(struct rc_writer *writer, struct rc_store_outcome *out);

/* Owner's thread; valid as long as the writer. */
const struct rc_writer_health *rc_writer_health(const struct rc_writer *writer);

#endif
