/* Engine.IO's requests: checks them in the order of the reference, opens sessions and finds those that are open. */
#ifndef RC_GATEWAY_EIO_HTTP_H
#define RC_GATEWAY_EIO_HTTP_H

#include "gateway/eio/eio.h"

/* Handler (rc_http_handler, with rc_http_route_body) of the Engine.IO path; self is the struct rc_eio_server. Refusals: 400, or 403
 * for a foreign origin, with {"code":N,"message":"..."}; for upgrade requests the message as text and the end of the connection. */
void rc_eio_request(void *self, const struct rc_http_request *request, struct rc_response *response);

/* Answers a request whose session is not there (code 1). */
void rc_eio_refuse_unknown(struct rc_response *response, bool upgrade);

#endif
