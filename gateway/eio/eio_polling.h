/*
 * Engine.IO's long-polling transport: what goes out waits for a GET, what comes in is the body of a POST.
 *
 *   open -- "5" on an upgraded WebSocket --> freed, the session goes on there      (eio_upgrade.c)
 *     |
 *     +-- closed by either side, broken request, client of a pending request gone --> ended, freed at the next tick
 *
 * One GET and one POST at a time; a second one ends the session, as with the reference. One thread, the worker's.
 */
#ifndef RC_GATEWAY_EIO_POLLING_H
#define RC_GATEWAY_EIO_POLLING_H

#include "gateway/eio/eio_impl.h"

extern const struct rc_eio_transport rc_polling_transport; /* below is a struct rc_polling */
struct rc_polling;

/* Frees those whose sessions are closing, and with them the sessions. Not from within a callback of one. */
void rc_polling_sweep(struct rc_eio_server *server);

/* Opens a session; the response is its first answer. */
void rc_polling_open(struct rc_eio_server *server, const struct rc_http_request *request, struct rc_response *response);
void rc_polling_get(struct rc_polling *p, struct rc_response *response);
void rc_polling_post(struct rc_polling *p, const struct rc_http_request *request, struct rc_response *response);
/* A WebSocket handshake (already checked) with the session's id. */
void rc_polling_upgrade(struct rc_polling *p, const struct rc_http_request *request, struct rc_response *response);

#endif
