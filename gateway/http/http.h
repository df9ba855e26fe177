/*
 * HTTP/1.1 on a client stream: requests by llhttp (strict), routes, responses that may come later and in
 * pieces. RFC 9110 and 9112.
 *
 * One server per worker; everything here belongs to that worker's thread. Requests of one connection are
 * answered one after the other: the next is parsed when the response before it has ended.
 *
 * A handler is called when the head of its request is there; the body follows if it asks for it (rc_response_body).
 *
 * Refused with a status and `Connection: close`: header block above 16 KiB (431), body that nobody asks for above the limit (413),
 * whatever llhttp or RFC 9112 calls malformed (400): bare LF, space before the colon, obs-fold, two framings,
 * no or two Host. A slow head is refused after RC_HTTP_SLOW_MS (408), a slow body cut after RC_HTTP_BODY_MS. A connection
 * without a request is closed RC_HTTP_IDLE_MS after its client took the last answer.
 */
#ifndef RC_GATEWAY_HTTP_H
#define RC_GATEWAY_HTTP_H

#include "gateway/metrics.h"
#include "gateway/net/stream.h"
#include "gateway/net/wheel.h"

#define RC_HTTP_HEADER_MAX ((size_t)16 << 10) /* bytes of request line and headers */
#define RC_HTTP_BODY_MAX   ((size_t)64 << 10) /* bytes of a body that no route asked for; such bodies are dropped */
#define RC_HTTP_SLOW_MS                                                                                                \
    15000 /* from the first byte of a request to the end of its head; for the rest of a dropped body */
#define RC_HTTP_BODY_MS  60000 /* of a body that a handler asked for */
#define RC_HTTP_STALL_MS 60000 /* the client takes none of what is queued (seen once in this time) */
#define RC_HTTP_IDLE_MS  65000 /* without a request, and nothing queued */

/* A request; valid only while its handler runs. Text is as it came, NUL-terminated and free of NUL. */
struct rc_http_request {
    const char *method; /* "GET" */
    const char *path;   /* target before '?', not decoded: "/api/mensajes" */
    const char *query;  /* target after '?', not decoded; "" when there is none */
    bool http10;        /* HTTP/1.0 */
    bool upgrade;       /* asks for an upgrade of the connection */
    uint64_t body;      /* bytes of its body */
    unsigned headers;
    const struct rc_http_field *header;
};
struct rc_http_field {
    const char *name;  /* in lower case */
    const char *value; /* without white space around it; "" when empty */
};

/* The head as text again, CRLFs included: for whoever reads the request in our place. Without fields of the name skip (NULL: with
 * all). NULL: memory is short. */
struct rc_buf *rc_http_request_text(const struct rc_http_request *request, const char *skip);

/* Value of the first field of this (lower-case) name, NULL when there is none. */
const char *rc_http_header(const struct rc_http_request *request, const char *name);

/* Whether a comma-separated list field contains token, letter case ignored. */
bool rc_http_has_token(const struct rc_http_request *request, const char *name, const char *token);

/* The last parameter of this name in a query string, percent-decoded ('+' is a space), as heap text with its
 * terminator; the caller frees it. NULL: absent, or contains %00 or a broken escape. */
char *rc_http_param(const char *query, const char *name);

/*
 * A response in the making. It is the handler's from the handler's call until rc_response_end, whatever
 * becomes of the client; so it may be kept and finished later, on the same thread. When the client is gone,
 * writes do nothing and `gone` is called once, unless it ended before.
 */
struct rc_response;
struct rc_response_watch {
    void (*drained)(void *self); /* the client took what was written so far; write more. May be NULL */
    void (*gone)(void *self);    /* the client went away; still call rc_response_end. May be NULL */
};

/* status such as 200; type: Content-Type; fields: further header lines, each ending in CRLF, or NULL; length
 * of the body in bytes, -1 when it is not known (sent in chunks; to HTTP/1.0 until the end of the
 * connection). */
void rc_response_begin(struct rc_response *response, int status, const char *type, const char *fields, int64_t length);
/* Before begin: header lines, each ending in CRLF, that its head gets in any case. Copied; at most once. */
void rc_response_add(struct rc_response *response, const char *fields);
/* Copies. For HEAD nothing is sent. */
void rc_response_write(struct rc_response *response, const void *data, size_t len);
/* The same without a copy, for a length that was announced: takes over the reference. */
void rc_response_share(struct rc_response *response, struct rc_buf *body);
/* Ends and frees it. A body that is shorter than announced closes the connection. */
void rc_response_end(struct rc_response *response);
/* Ends and frees it in the middle of the body: the connection is closed (RC_CLOSE_ERROR) without the last chunk or the
 * rest of the announced length, so that the client sees that the answer is not whole. After begin only. */
void rc_response_abort(struct rc_response *response);
/* All three in one, with `length` right. */
void rc_response_full(struct rc_response *response, int status, const char *type, const char *fields, const void *body,
                      size_t len);

/* Asks for the body of the request; only while its handler runs. The pieces come as they arrive, `end` behind the last one (at
 * once when there is no body). A client that goes away before that is told by the watch. What has not come when the response
 * ends is dropped. A client that waits for `100 Continue` gets it. */
struct rc_body_sink {
    void (*data)(void *self, const uint8_t *data, size_t len);
    void (*end)(void *self);
};
void rc_response_body(struct rc_response *response, const struct rc_body_sink *sink, void *self);
/* Stops or goes on with the pieces. */
void rc_response_hold(struct rc_response *response, bool stop);

/* Bytes written that the client has not taken yet: above some limit wait for `drained` (it comes when this
 * falls to 0 after it was above 0 at the end of a loop pass). */
size_t rc_response_pending(const struct rc_response *response);
bool rc_response_gone(const struct rc_response *response);
/* At most one watch; watch stays valid until the end. `gone` comes at once, also when nothing is being written, if it is set
 * before the handler returns. */
void rc_response_watch(struct rc_response *response, const struct rc_response_watch *watch, void *self);

/* Ends the response with these raw bytes (a 101 head; takes the reference) and ends HTTP on the connection:
 * returns the stream, whose user the caller sets before it returns. NULL: the client is gone (nothing to do).
 */
struct rc_stream *rc_response_upgrade(struct rc_response *response, struct rc_buf *head);
/* The same without a head: the caller answers in some other way. */
struct rc_stream *rc_response_leave(struct rc_response *response);
/* In place of begin and write: bytes of a response that somebody else made, head included (takes the reference)... */
void rc_response_pass(struct rc_response *response, struct rc_buf *bytes);
/* ... and its end; keep: the connection may go on, else it closes for this reason. */
void rc_response_passed(struct rc_response *response, bool keep, enum rc_close why);
/* Before begin: the connection closes after this response, for this reason. */
void rc_response_close(struct rc_response *response, enum rc_close why);

/* Called for a complete request; must end the response, now or later. */
typedef void (*rc_http_handler)(void *self, const struct rc_http_request *request, struct rc_response *response);

struct rc_http_server;
struct rc_http_server *rc_http_server_new(struct rc_wheel *wheel, _Atomic uint64_t *values);
/* From now on each connection closes after its next response (RC_CLOSE_HTTP_DONE). */
void rc_http_server_drain(struct rc_http_server *server);
void rc_http_server_free(struct rc_http_server *server);

/* Requests for path (ending in '*': every path that begins so) go to handler. method NULL: any; a route for
 * GET serves HEAD too. Unknown path: 404; known path, other method: 405. Longest match first, later routes
 * win over equal ones. path and method must outlive the server. */
void rc_http_route(struct rc_http_server *server, const char *method, const char *path, rc_http_handler handler,
                   void *self);

/* The same for handlers that ask for bodies, of any length. */
void rc_http_route_body(struct rc_http_server *server, const char *path, rc_http_handler handler, void *self);

/* Speaks HTTP on a fresh stream. False: memory is short. */
bool rc_http_open(struct rc_http_server *server, struct rc_stream *stream);
/* The same for one request only, which somebody else passed on: after a response that would keep the connection the stream is
 * closed as RC_CLOSE_ANSWERED. */
bool rc_http_open_once(struct rc_http_server *server, struct rc_stream *stream);

#endif
