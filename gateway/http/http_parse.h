/*
 * The head of an HTTP request: where it ends, and what it says. llhttp does the grammar; what its defaults let
 * through and RFC 9112 does not (bare LF or CR, obs-fold, space before the colon, loose request lines, a missing,
 * second or malformed Host) is refused here. Pure.
 */
#ifndef RC_GATEWAY_HTTP_PARSE_H
#define RC_GATEWAY_HTTP_PARSE_H

#include "gateway/http/http.h"

#define RC_HTTP_FIELDS_MAX 100

/* Looks for the end of a head as bytes come. Zeroed: at the start of a request. */
struct rc_http_scan {
    uint8_t last;    /* byte before */
    bool begun;      /* past the empty lines that may precede a request */
    bool line_begun; /* the current line has a byte */
};
enum rc_http_scanned { RC_HTTP_MORE, RC_HTTP_END, RC_HTTP_MALFORMED };

/* Goes on with more bytes; *used says how many belong to the head (all of them with MORE). */
enum rc_http_scanned rc_http_scan(struct rc_http_scan *scan, const uint8_t *data, size_t len, size_t *used);

struct rc_http_head {
    struct rc_http_request request; /* slices of the bytes parsed */
    struct rc_http_field field[RC_HTTP_FIELDS_MAX];
    bool keep;         /* the connection goes on after it */
    bool expects;      /* Expect: 100-continue */
    const char *wrong; /* with a status: a static phrase for the log */
};

/* Reads a whole head, as rc_http_scan found it; writes terminators into it. 0: fine; else the status to refuse it with
 * (400, 411, 417, 431, 501, 505) and head->wrong. */
int rc_http_parse(char *bytes, size_t len, struct rc_http_head *head);

#endif
