/*
 * What a running persister does for the keepers of its store, on its admin listener:
 *
 *   GET /history?user=U&after=KEY|before=KEY&since=MS&until=MS&limit=N   a page of lines, see reading.h; 400 and what is wrong
 *   POST /backup?name=NAME   202: begun; 409 and why not
 *   GET /backup/status       the last backup since the start, as JSON: state (none, running, done, failed), path, bytes, of,
 *                            ms, and error of a failed one
 */
#ifndef RC_PERSISTER_KEEPER_H
#define RC_PERSISTER_KEEPER_H

#include "broker/persister/process_impl.h"

#define RC_KEEPER_ROUTES 3
extern const struct rc_admin_route rc_keeper_routes[RC_KEEPER_ROUTES]; /* argument: the process */

/* Sends an answer to the operator who asked for it, and frees it. */
void rc_keeper_page(struct rc_persister_process *p, struct rc_answer *answer);

#endif
