/*
 * Which pages may use this gateway: the Origin header judged, and what CORS says about it (the Fetch standard).
 *
 *   no Origin header                        not a page of another site: allowed
 *   Origin names the host of the request    same origin: allowed
 *   Origin is in cors.origins               allowed, and the answer tells the browser so
 *   everything else, garbage included       refused, counted, logged
 *
 * Why, and what "*" means: docs/decisions/0006-origins.md. How a handler uses it:
 *
 *   if (OPTIONS)                            rc_origin_preflight, which answers
 *   else if (!rc_origin_admit)              rc_origin_refuse, or the handler's own 403
 *   else                                    rc_origin_fields into each answer, errors included
 */
#ifndef RC_GATEWAY_ORIGIN_H
#define RC_GATEWAY_ORIGIN_H

#include "gateway/http/http.h"

#define RC_ORIGINS_MAX   64                    /* in cors.origins */
#define RC_ORIGIN_MAX    300                   /* bytes of an origin; a longer one is refused */
#define RC_ORIGIN_FIELDS 400                   /* room for the header lines of rc_origin_fields, terminated */
#define RC_ORIGIN_WORDS  "Origen no permitido" /* to whom JSON is answered */

/* cors.origins, parsed. Constant after new: any thread may read it. */
struct rc_origins;

/* list: comma separated, without blanks: "*", "null", and scheme://host[:port] in any letter case, with or without the
 * scheme's default port; "" means same origin only. NULL: why (in size bytes) says which element is wrong and what would
 * be right. */
struct rc_origins *rc_origins_new(const char *list, char *why, size_t size);
void rc_origins_free(struct rc_origins *origins);

/* Warns of "*" and "null", which let pages of any site in. */
void rc_origins_log(const struct rc_origins *origins);

enum rc_origin_verdict {
    RC_ORIGIN_ABSENT, /* no Origin header */
    RC_ORIGIN_SAME,   /* the gateway's own page */
    RC_ORIGIN_LISTED, /* by its name: trusted with the cookie */
    RC_ORIGIN_OPEN,   /* by "*" or "null": answered without credentials */
    RC_ORIGIN_REFUSED,
};

/* Of two Origin headers none counts: refused. A Host of another scheme is as good, since TLS may end at a proxy. */
enum rc_origin_verdict rc_origin_judge(const struct rc_origins *origins, const struct rc_http_request *request);

/* A worker's own, on its thread; zeroed but for the first two. Where a function takes a guard, NULL allows everything
 * and adds nothing to answers. */
struct rc_origin_guard {
    const struct rc_origins *origins; /* must outlive it */
    _Atomic uint64_t *values;         /* the worker's, for GM_ORIGINS_REFUSED */
    rc_time logged;                   /* when a refusal was logged last; 0: never */
    uint64_t unshown;                 /* refusals that were not logged since then */
};

/* False: refused, which was counted, and logged unless another one was within the last second. */
bool rc_origin_admit(struct rc_origin_guard *guard, const struct rc_http_request *request);

/* Answers a refused request and ends the response: 403 {"error": RC_ORIGIN_WORDS}. */
void rc_origin_refuse(struct rc_response *response);

/* Writes the header lines that every answer to an admitted request needs, each with its CRLF; "" when there are none.
 * Returns out. */
const char *rc_origin_fields(const struct rc_origin_guard *guard, const struct rc_http_request *request,
                             char out[RC_ORIGIN_FIELDS]);

/* Answers an OPTIONS request and ends the response: 204, to a preflight (Access-Control-Request-Method) of a foreign
 * origin with what it may send; 403 when the origin is refused. methods: those of the path, "GET, HEAD". */
void rc_origin_preflight(struct rc_origin_guard *guard, const struct rc_http_request *request, const char *methods,
                         struct rc_response *response);

#endif
