/*
 * The thread that reads history, so that the loop never waits for the disk.
 *
 *   loop: rc_history_ask, rc_history_read -> thread: rc_answer_new, rc_answer_page -> eventfd -> loop: rc_history_take
 *
 * One thread; a query that waits and an answer that was not taken count towards RC_HISTORY_PENDING, and beyond that
 * queries are answered as busy at once.
 */
#ifndef RC_PERSISTER_HISTORY_H
#define RC_PERSISTER_HISTORY_H

#include "broker/persister/answer.h"

#define RC_HISTORY_PENDING 64 /* queries under way */

struct rc_history;

/* Starts the thread; the store outlives it. NULL with errno when a thread or a descriptor is not to be had. */
struct rc_history *rc_history_new(struct rc_store *store);
/* Finishes the page under way and drops what waits. Accepts NULL. */
void rc_history_free(struct rc_history *history);

/* All of these: the owner's thread. */

/* Asks for an answer to `query` (a reference is taken); NULL. At the bound nothing is asked, and the answer "busy" is
 * returned, which the caller sends and frees like any other. */
struct rc_answer *rc_history_ask(struct rc_history *history, uint64_t asker, struct rc_buf *query);
/* Asks for a page of an operator. False: at the bound. */
bool rc_history_read(struct rc_history *history, uint64_t asker, const struct rc_reading *reading);
/* Readable when answers wait. */
int rc_history_fd(const struct rc_history *history);
/* The next answer, the caller's; NULL: none for now. Call until NULL. */
struct rc_answer *rc_history_take(struct rc_history *history);
/* Queries under way. */
size_t rc_history_pending(const struct rc_history *history);

#endif
