/*
 * When the writer's thread deletes old messages: in turns of RC_RETENTION_ROWS at most, between two commits.
 *
 * After a turn the thread rests from it at least as long as it took, so that under load commits have half of the disk's
 * time, and a commit waits for one turn at most. Without anything to delete it looks again every second.
 */
#ifndef RC_PERSISTER_RETENTION_H
#define RC_PERSISTER_RETENTION_H

#include "broker/persister/store.h"

#include <stdatomic.h>

#define RC_RETENTION_ROWS  256            /* messages of a turn */
#define RC_RETENTION_PAUSE (1000 * RC_MS) /* after a turn that found nothing more, or failed */

struct rc_retention {
    struct rc_store *store; /* caller's */
    struct rc_store_keep keep;
    _Atomic uint64_t deleted; /* messages, since the start; any thread */
    /* The writer's thread: */
    rc_time next;    /* when a turn is due; before any moment: at once */
    bool failed;     /* the last turn */
    uint64_t told;   /* of deleted, in the log */
    rc_time told_at; /* when */
};

void rc_retention_init(struct rc_retention *r, struct rc_store *store, const struct rc_store_keep *keep);
/* Whether there is anything to keep to. Any thread. */
bool rc_retention_on(const struct rc_retention *r);
/* A turn if one is due; blocks for the disk. The thread that commits. */
void rc_retention_turn(struct rc_retention *r);

#endif
