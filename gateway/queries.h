/*
 * History queries on their way: from a worker to some persister, and the answer back. Belongs to the link loop.
 *
 * Every query is answered once: with the persister's rows, or with NULL when there is no persister, its session ends,
 * it does not answer in time, or too many are under way.
 */
#ifndef RC_GATEWAY_QUERIES_H
#define RC_GATEWAY_QUERIES_H

#include "cluster/session.h"

#define RC_QUERIES_MAX     4096            /* under way */
#define RC_QUERIES_TIMEOUT (10000 * RC_MS) /* a persister's answer */

struct rc_queries;

/* answer: query is the worker's number; side (a packed Side{Rows}, or NULL) stays ours. */
typedef void (*rc_query_answer)(void *host, uint64_t query, struct rc_buf *side);

struct rc_queries *rc_queries_new(rc_query_answer answer, void *host);
/* What is under way is not answered any more. */
void rc_queries_free(struct rc_queries *q);

/* The user whose messages the Side{Query} asks for, in user[size] without a terminator; its length, 0 for none. */
size_t rc_queries_user(const struct rc_buf *side, uint8_t *user, size_t size);

/* Notes the query and returns what to send on session s: the same Side{Query} with its id set to `query`. NULL: it was
 * answered with NULL (s is NULL, side is no query, or the bound is reached). side stays the caller's. */
struct rc_buf *rc_queries_ask(struct rc_queries *q, uint64_t query, const struct rc_buf *side,
                              const struct rc_session *s, rc_time now);
/* Takes a Side that came on s. False: it is no Rows. */
bool rc_queries_rows(struct rc_queries *q, const struct rc_session *s, struct rc_buf *side);
/* The session ended: what it was asked is answered with NULL. */
void rc_queries_lost(struct rc_queries *q, const struct rc_session *s);
/* Now and then. */
void rc_queries_expire(struct rc_queries *q, rc_time now);

#endif
