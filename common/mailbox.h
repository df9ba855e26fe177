/*
 * A bounded queue from any number of threads to one loop, with an eventfd to wake that loop. Nobody waits for anybody: no lock.
 *
 * Producers call rc_mailbox_post. The owner watches rc_mailbox_fd (level triggered) and calls
 * rc_mailbox_take_all when it is readable. Mail of one producer arrives in the order posted. One write(2)
 * wakes the owner when the queue was empty; mail posted before the owner looks costs none.
 *
 * At the bound: post answers false, takes nothing, and the caller must make that visible (refuse, push back,
 * close). The bound counts bytes that are posted and not yet taken; what the owner took is the owner's to
 * bound. Mail that alone exceeds the bound is let into an empty queue, so nothing is refused for ever.
 */
#ifndef RC_MAILBOX_H
#define RC_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

struct rc_mailbox;

/* First member of whatever is posted; the poster allocates it, the taker (or the drop function) frees it. */
struct rc_mail {
    struct rc_mail *next; /* set by the mailbox; in a taken list the next one, NULL at the end */
    size_t bytes;         /* set by post: what this counted towards the bound */
};

/* NULL with errno set when memory or descriptors are out. bound in bytes, above 0. */
struct rc_mailbox *rc_mailbox_new(size_t bound);

/* Any thread. */
void rc_mailbox_set_bound(struct rc_mailbox *mb, size_t bound);

/* Readable while mail waits. Belongs to the mailbox; do not read it. */
int rc_mailbox_fd(const struct rc_mailbox *mb);

/* Any thread; never blocks. bytes: what the mail holds in memory, counted towards the bound. force:
 * also above the bound, for mail that must not be refused and that something else bounds. False: at the
 * bound, mail stays the caller's. */
bool rc_mailbox_post(struct rc_mailbox *mb, struct rc_mail *mail, size_t bytes, bool force);

/* The owner only. Takes everything that waits, oldest first, and clears the eventfd. NULL: nothing (a wake-up
 * may be empty). */
struct rc_mail *rc_mailbox_take_all(struct rc_mailbox *mb);

/* After the last post: calls drop on each mail left (drop may be NULL when none can be), closes and frees.
 * NULL is allowed. */
void rc_mailbox_free(struct rc_mailbox *mb, void (*drop)(struct rc_mail *mail));

#endif
