/*
 * One nng aio whose end is told to a loop: nng's thread puts the task into a mailbox and does nothing else, the loop's
 * owner runs `done`. Everything here but that hop belongs to the owner's thread. Included by the files that include
 * nng.h.
 */
#ifndef RC_LINK_TASK_H
#define RC_LINK_TASK_H

#include "cluster/types.h"
#include "mailbox.h"

#include <nng/nng.h>

struct rc_tasks { /* of one loop */
    struct rc_mailbox *mailbox;
    size_t busy; /* tasks that nng has, or that wait in the mailbox */
};

struct rc_task {
    struct rc_mail mail; /* first: this is what the mailbox gives back */
    struct rc_tasks *tasks;
    nng_aio *aio;                        /* NULL: not initialised */
    bool busy;                           /* nng has it, or it waits in the mailbox: neither begin nor fini it */
    void (*done)(void *arg, int result); /* result: 0 or an nng error */
    void *arg;
};

/* False: no memory or descriptors. */
bool rc_tasks_init(struct rc_tasks *tasks);
void rc_tasks_fini(struct rc_tasks *tasks); /* when none is busy */
/* Runs what has ended. When the mailbox's fd is readable. */
void rc_tasks_run(struct rc_tasks *tasks);
/* Runs until none is busy (true), but not longer than this. */
bool rc_tasks_settle(struct rc_tasks *tasks, rc_time grace);

/* 0 or an nng error. */
int rc_task_init(struct rc_task *task, struct rc_tasks *tasks, void (*done)(void *arg, int result), void *arg);
void rc_task_fini(struct rc_task *task); /* not busy; also after a failed init, or when zeroed */
/* Marks it busy; the caller gives the aio to exactly one nng operation. */
nng_aio *rc_task_begin(struct rc_task *task);

#endif
