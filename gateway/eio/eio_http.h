/* Engine.IO's requests: checks them in the order of the reference and opens sessions. */
#ifndef RC_GATEWAY_EIO_HTTP_H
#define RC_GATEWAY_EIO_HTTP_H

#include "gateway/eio/eio.h"
#include "gateway/http/http.h"

/* Handler (rc_http_handler) of the Engine.IO path; self is the struct rc_eio_config. Refusals: 400 with
 * {"code":N,"message":"..."}, or for upgrade requests the message as text and the end of the connection. */
void rc_eio_request(void *self, const struct rc_http_request *request, struct rc_response *response);

#endif
