/*
 * History over HTTP: who may ask what, and the answer as JSON, page by page.
 *
 *   GET /api/mensajes?con=U              admins: every message from or to U
 *   GET /api/mensajes/mios               anybody: every message from or to oneself
 *   GET /api/usuarios-conversaciones     admins: the users in a conversation
 *                                        (docs/decisions/0005-conversations.md)
 *
 * The answer is a JSON array, oldest first: [{"de_usuario", "para_usuario", "mensaje", "fecha"}, ...], or
 * ["user", ...]. The first two page:
 *
 *   limit=N              at most N messages (1 to RC_HISTORY_LIMIT), the newest
 *   before=C [limit=N]   the ones before them; C is X-Next-Before of an answer, which has it while there are older ones
 *   after=C [limit=N]    the oldest after C; C is X-Next-After of an answer, or 0 for the beginning; an empty answer says
 *                        that there is nothing more now, and its X-Next-After asks for what is stored later
 *
 * Pages go in the order in which the persister stored the messages, so none that comes late is passed over; inside a
 * page they are oldest first. Without these parameters everything is sent, in chunks: the next page is asked for when
 * the client has taken the last one, so memory is bounded by two pages.
 *
 * OPTIONS is answered too, and pages of other sites only as the guard allows (gateway/http/origin.h).
 *
 * Errors are {"error": text}: 403 a page of another site, 401 not authenticated, 403 bad token or not an admin, 400 bad parameter, 503 no
 * persister answered. When a later page fails the connection is cut without the last chunk: a broken answer
 * is never a complete one.
 */
#ifndef RC_GATEWAY_HISTORY_H
#define RC_GATEWAY_HISTORY_H

#include "gateway/app/auth.h"
#include "gateway/app/history_query.h"
#include "gateway/http/http.h"
#include "gateway/http/origin.h"
#include "gateway/worker.h"

struct rc_history; /* one per worker, on its thread */

/* Where rows come from: rc_worker_query of the worker, or a test's. The same contract. */
struct rc_history_source {
    void *host;
    void (*query)(void *host, struct rc_buf *side, rc_rows_cb rows, void *self);
};

/* Registers the routes. values: the worker's (GM_HISTORY_REQUESTS); guard: the worker's, or NULL. auth, server, values
 * and guard stay the caller's; free it after the server, when every query was answered. NULL: no memory. */
struct rc_history *rc_history_new(struct rc_http_server *server, struct rc_auth *auth,
                                  const struct rc_history_source *source, _Atomic uint64_t *values,
                                  struct rc_origin_guard *guard);
/* The same on a worker, before its start. */
struct rc_history *rc_history_on(struct rc_worker *worker, struct rc_auth *auth, struct rc_origin_guard *guard);
void rc_history_free(struct rc_history *history);

#endif
