/*
 * The thread that works for other persisters and on what they send (protocol.md T4), so that the loop never waits for the disk:
 *
 *   Side{LogPull} --> a page of our log --> Side{LogRows}, to be sent
 *   Side{LogRows} --> the rows of it that our store lacks --> a page for the core
 *
 * Both come as they arrived; the thread unpacks them. A peer has at most one of each under way, so the mailboxes are bounded by
 * the number of peers. History has a thread of its own and does not wait for this one.
 */
#ifndef RC_PERSISTER_EXCHANGE_H
#define RC_PERSISTER_EXCHANGE_H

#include "broker/persister/store.h"
#include "mailbox.h"

#define RC_FOLLOWERS_MAX    16                                         /* sessions with such */
#define RC_EXCHANGE_PENDING (2 * RC_PERSISTERS_MAX + RC_FOLLOWERS_MAX) /* messages under way */

struct rc_exchange;

struct rc_exchanged { /* what one message led to */
    struct rc_mail mail;
    uint64_t session;    /* on which it came */
    struct rc_buf *side; /* the answer to a pull; NULL: none */
    bool has_page;
    struct rc_log_page page; /* of the answer to our pull */
    /* neither of both: the message was none of these, or broke a limit */
};

/* Starts the thread; the store outlives it. NULL with errno when a thread or a descriptor is not to be had. */
struct rc_exchange *rc_exchange_new(struct rc_store *store);
/* Finishes the page under way and drops what waits. Accepts NULL. */
void rc_exchange_free(struct rc_exchange *exchange);

/* All of these: the owner's thread. */

/* A Side came on this session; a reference is taken. False: too many are under way, which no peer that keeps the rules reaches. */
bool rc_exchange_side(struct rc_exchange *exchange, uint64_t session, struct rc_buf *side);
/* Readable when results wait. */
int rc_exchange_fd(const struct rc_exchange *exchange);
/* The next result, the caller's; NULL: none for now. Call until NULL. */
struct rc_exchanged *rc_exchange_take(struct rc_exchange *exchange);
void rc_exchanged_free(struct rc_exchanged *result);

#endif
