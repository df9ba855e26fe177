/* HTTP responses: heads, lengths, chunks and their end. */
#include "gateway/http/http_conn.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } table[] = {
        {200, "OK"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {417, "Expectation Failed"},
        {426, "Upgrade Required"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        if (table[i].status == status)
            return table[i].phrase;
    }
    return "Status";
}

static void http_date(char out[40])
{
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static const char *connection_field(const struct rc_response *r)
{
    if (!r->keep)
        return "Connection: close\r\n";
    return r->http10 ? "Connection: keep-alive\r\n" : "";
}

void rc_response_free(struct rc_response *r)
{
    free(r->fields);
    free(r);
}

void rc_response_add(struct rc_response *r, const char *fields)
{
    assert(!r->fields && !r->begun);
    r->fields = *fields ? strdup(fields) : NULL;
}

/* Everything up to the empty line, in one buffer with room for `extra` bytes. */
static struct rc_buf *make_head(const struct rc_response *r, int status, const char *type, const char *fields)
{
    char date[40], length[64] = "";
    http_date(date);
    if (r->chunked && !r->http10)
        snprintf(length, sizeof(length), "Transfer-Encoding: chunked\r\n");
    else if (!r->chunked && status != 204 && status != 304) /* RFC 9110 8.6: none, and that of the 200's */
        snprintf(length, sizeof(length), "Content-Length: %" PRId64 "\r\n", r->left);
    const char *name = type ? "Content-Type: " : "", *end = type ? "\r\n" : "";
    type = type ? type : "";
    fields = fields ? fields : "";
    char *text;
    int n = asprintf(&text, "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s%s%s%s%s%s\r\n", status, phrase(status), date, name,
                     type, end, length, connection_field(r), fields, r->fields ? r->fields : "");
    if (n < 0)
        return NULL;
    struct rc_buf *head = rc_buf_copy(text, (size_t)n);
    free(text);
    return head;
}

void rc_response_begin(struct rc_response *r, int status, const char *type, const char *fields, int64_t length)
{
    assert(!r->begun);
    r->begun = true;
    if (r->expects)
        rc_response_close(r, r->close); /* the body was not asked for; it may come or not */
    r->chunked = length < 0;
    r->left = length;
    if (r->chunked && r->http10 && r->keep) {
        r->keep = false; /* the end of the connection ends the body */
        r->close = RC_CLOSE_HTTP_DONE;
    }
    if (r->http)
        rc_stream_send(r->http->stream, make_head(r, status, type, fields));
}

/* RFC 9112 7.1; an empty chunk is the last one. */
static struct rc_buf *make_chunk(const void *data, size_t len)
{
    char size[24];
    int head = snprintf(size, sizeof(size), "%zx\r\n", len);
    struct rc_buf *chunk = rc_buf_new((size_t)head + len + 2);
    if (!chunk)
        return NULL;
    memcpy(chunk->data, size, (size_t)head);
    if (len)
        memcpy(chunk->data + head, data, len);
    memcpy(chunk->data + (size_t)head + len, "\r\n", 2);
    return chunk;
}

void rc_response_write(struct rc_response *r, const void *data, size_t len)
{
    assert(r->begun && (r->chunked || (int64_t)len <= r->left));
    r->left -= (int64_t)len;
    if (!r->http || r->head_only || !len)
        return;
    rc_stream_send(r->http->stream, r->chunked && !r->http10 ? make_chunk(data, len) : rc_buf_copy(data, len));
}

void rc_response_share(struct rc_response *r, struct rc_buf *body)
{
    assert(r->begun && !r->chunked && body->len <= r->left);
    r->left -= body->len;
    if (r->http && !r->head_only)
        rc_stream_send(r->http->stream, body);
    else
        rc_buf_rele(body);
}

void rc_response_end(struct rc_response *r)
{
    struct rc_http *http = r->http;
    if (http) {
        if (r->chunked && !r->http10 && !r->head_only)
            rc_stream_send(http->stream, make_chunk("", 0));
        if (!r->begun || (!r->chunked && r->left && !r->head_only)) {
            r->keep = false; /* the client waits for bytes that do not come */
            r->close = RC_CLOSE_HTTP_DONE;
        }
        rc_http_answered(http, r->keep, r->close);
    }
    rc_response_free(r);
}

void rc_response_abort(struct rc_response *r)
{
    if (r->http)
        rc_http_answered(r->http, false, RC_CLOSE_ERROR);
    rc_response_free(r);
}

void rc_response_full(struct rc_response *r, int status, const char *type, const char *fields, const void *body,
                      size_t len)
{
    rc_response_begin(r, status, type, fields, (int64_t)len);
    rc_response_write(r, body, len);
    rc_response_end(r);
}

size_t rc_response_pending(const struct rc_response *r)
{
    return r->http ? r->http->stream->queued : 0;
}

bool rc_response_gone(const struct rc_response *r)
{
    return !r->http || r->http->stream->closing;
}

void rc_response_watch(struct rc_response *r, const struct rc_response_watch *watch, void *self)
{
    r->watch = watch;
    r->self = self;
}

void rc_response_close(struct rc_response *r, enum rc_close why)
{
    r->keep = false;
    r->close = why;
}

void rc_response_body(struct rc_response *r, const struct rc_body_sink *sink, void *self)
{
    struct rc_http *http = r->http;
    if (!http)
        return; /* the watch tells */
    if (r->expects)
        rc_stream_send(http->stream, rc_buf_copy("HTTP/1.1 100 Continue\r\n\r\n", 25));
    r->expects = false;
    http->sink = sink;
    http->sink_self = self;
    rc_http_read_body(http);
}

void rc_response_hold(struct rc_response *r, bool stop)
{
    if (!r->http || r->http->held == stop)
        return;
    rc_http_hold(r->http, stop);
}

void rc_response_pass(struct rc_response *r, struct rc_buf *bytes)
{
    r->begun = true;
    if (r->http)
        rc_stream_send(r->http->stream, bytes);
    else
        rc_buf_rele(bytes);
}

void rc_response_passed(struct rc_response *r, bool keep, enum rc_close why)
{
    if (r->http)
        rc_http_answered(r->http, keep && r->begun, why);
    rc_response_free(r);
}

struct rc_stream *rc_response_leave(struct rc_response *r)
{
    struct rc_stream *stream = rc_response_gone(r) ? NULL : r->http->stream;
    if (stream) {
        rc_http_leave(r->http);
        rc_response_free(r);
    } else {
        rc_response_end(r);
    }
    return stream;
}

struct rc_stream *rc_response_upgrade(struct rc_response *r, struct rc_buf *head)
{
    struct rc_stream *stream = rc_response_leave(r);
    if (stream)
        rc_stream_send(stream, head);
    else
        rc_buf_rele(head);
    return stream;
}
