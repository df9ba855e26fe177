/* The edge of relays: clients connected to this worker whose session another gateway has. One thread, the worker's. */
#ifndef RC_GATEWAY_EDGE_H
#define RC_GATEWAY_EDGE_H

#include "gateway/http/http.h"
#include "gateway/metrics.h"
#include "gateway/uplink.h"

struct rc_edge;

/* Aborts when memory is short. */
struct rc_edge *rc_edge_new(unsigned worker, const struct rc_uplink *uplink, _Atomic uint64_t *values);
/* All clients must be gone. NULL is allowed. */
void rc_edge_free(struct rc_edge *edge);

/* Passes a request on to the gateway of its session; takes the response. */
void rc_edge_request(struct rc_edge *edge, const struct rc_sid *sid, const struct rc_http_request *request,
                     struct rc_response *response);

/* What the home sent, or RC_CLOSE_RELAY of the link loop. Of a stream that is not known any more: ignored. */
void rc_edge_down(struct rc_edge *edge, const struct rc_relay *relay);

#endif
