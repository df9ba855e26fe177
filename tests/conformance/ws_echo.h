/* The `ws-echo` profile: every data message comes back with its type. */
#ifndef RC_CONFORMANCE_WS_ECHO_H
#define RC_CONFORMANCE_WS_ECHO_H

#include "gateway/http/http.h"

#define RC_WS_ECHO_MAX ((size_t)16 << 20) /* bytes of a message */

/* Handler (rc_http_handler) for any path. */
void rc_ws_echo(void *self, const struct rc_http_request *request, struct rc_response *response);

#endif
