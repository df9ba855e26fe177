/*
 * What a request says of the representations it would take: Accept-Encoding (RFC 9110 12.5.3) and If-None-Match
 * (13.1.2). Pure; a field that comes more than once is one list.
 */
#ifndef RC_GATEWAY_NEGOTIATION_H
#define RC_GATEWAY_NEGOTIATION_H

#include "gateway/http/http.h"

/* Weights in thousandths; 0: must not be sent. The larger is wanted more, and of equals the smaller body. Without the
 * field everything is acceptable, and identity wanted. A weight that is malformed counts as 0. */
struct rc_codings {
    unsigned gzip;
    unsigned identity; /* 1 when it is not named: acceptable when nothing better is */
};
struct rc_codings rc_codings_read(const struct rc_http_request *request);

/* Whether If-None-Match lists this strong tag (with its quotes), also as a weak one, or is `*`. */
bool rc_etag_listed(const struct rc_http_request *request, const char *etag);

#endif
