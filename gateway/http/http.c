/*
 * HTTP connections and routes.
 *
 *   idle -- first byte --> head -- complete --> answering -- response ended --> (body dropped) --> idle
 *     |                      |                     |
 *     idle timer             slow timer            body or stall timer          the client's end: closed()
 *
 * While a response is being made and its body is not being read the stream is paused, so pipelined requests wait in the kernel.
 */
#include "gateway/http/http_conn.h"

#include "cluster/mem.h"
#include "log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ROUTES_MAX 32

struct route {
    const char *method; /* NULL: any */
    const char *path;
    size_t len;  /* of path, without the star */
    bool prefix; /* path ended in a star */
    bool body;   /* handler may ask for the body */
    rc_http_handler handler;
    void *self;
};

struct rc_http_server {
    struct rc_wheel *wheel;
    _Atomic uint64_t *values;
    bool draining; /* no connection goes on after its response */
    unsigned routes;
    struct route route[ROUTES_MAX];
};

struct rc_http_server *rc_http_server_new(struct rc_wheel *wheel, _Atomic uint64_t *values)
{
    struct rc_http_server *server = rc_zalloc(sizeof(*server));
    server->wheel = wheel;
    server->values = values;
    return server;
}

void rc_http_server_drain(struct rc_http_server *server)
{
    server->draining = true;
}

void rc_http_server_free(struct rc_http_server *server)
{
    free(server);
}

void rc_http_route(struct rc_http_server *server, const char *method, const char *path, rc_http_handler handler,
                   void *self)
{
    assert(server->routes < ROUTES_MAX);
    size_t len = strlen(path);
    bool prefix = len && path[len - 1] == '*';
    server->route[server->routes++] = (struct route){method, path, len - prefix, prefix, false, handler, self};
}

void rc_http_route_body(struct rc_http_server *server, const char *path, rc_http_handler handler, void *self)
{
    rc_http_route(server, NULL, path, handler, self);
    server->route[server->routes - 1].body = true;
}

static bool path_matches(const struct route *route, const char *path)
{
    return route->prefix ? strncmp(path, route->path, route->len) == 0 : strcmp(path, route->path) == 0;
}

static bool method_matches(const struct route *route, const char *method)
{
    return !route->method || strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

/* The best route; *known: the path has one, for this or another method. */
static const struct route *find_route(const struct rc_http_server *server, const struct rc_http_request *request,
                                      bool *known)
{
    const struct route *best = NULL;
    *known = false;
    for (unsigned i = 0; i < server->routes; i++) {
        const struct route *route = &server->route[i];
        if (!path_matches(route, request->path))
            continue;
        *known = true;
        if (method_matches(route, request->method) &&
            (!best || route->len > best->len || (route->len == best->len && route->prefix <= best->prefix)))
            best = route;
    }
    return best;
}

/* RFC 9110 10.2.1: what the path is good for. */
static void refuse_method(const struct rc_http_server *server, const struct rc_http_request *request,
                          struct rc_response *r)
{
    char allow[128] = "Allow: ";
    size_t len = strlen(allow), begin = len;
    for (unsigned i = 0; i < server->routes && len < sizeof(allow); i++) {
        const struct route *route = &server->route[i];
        if (path_matches(route, request->path))
            len += (size_t)snprintf(allow + len, sizeof(allow) - len, "%s%s%s", len > begin ? ", " : "", route->method,
                                    strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
    }
    if (len < sizeof(allow))
        snprintf(allow + len, sizeof(allow) - len, "\r\n");
    rc_response_full(r, 405, "text/plain; charset=UTF-8", len + 2 < sizeof(allow) ? allow : NULL,
                     "Method Not Allowed\n", 19);
}

static void on_timer(struct rc_timer *timer);

static void set_timer(struct rc_http *http, int64_t ms)
{
    http->written = http->stream->written;
    rc_timer_set(http->server->wheel, &http->timer, ms * RC_MS, on_timer);
}

static struct rc_response *new_response(struct rc_http *http, const struct rc_http_head *head)
{
    struct rc_response *r = rc_zalloc(sizeof(*r));
    r->http = http;
    r->keep = head && head->keep && !http->server->draining;
    r->close = RC_CLOSE_HTTP_DONE;
    r->http10 = head && head->request.http10;
    r->head_only = head && strcmp(head->request.method, "HEAD") == 0;
    http->response = r;
    set_timer(http, RC_HTTP_STALL_MS);
    return r;
}

/* Answers with a status and ends the connection, since where the next request begins is not known. */
static void refuse(struct rc_http *http, int status, const char *wrong, enum rc_close why)
{
    char body[128];
    int n = snprintf(body, sizeof(body), "%s\n", wrong);
    if (rc_log_on(RC_DEBUG))
        rc_log(RC_DEBUG, "http-refused", "status=%d wrong=\"%s\"", status, wrong);
    struct rc_response *r = new_response(http, NULL);
    rc_response_close(r, why);
    rc_response_full(r, status, "text/plain; charset=UTF-8", NULL, body, (size_t)n);
}

static void route_request(struct rc_http *http, struct rc_http_head *head)
{
    bool known;
    const struct route *route = find_route(http->server, &head->request, &known);
    if (head->request.body > RC_HTTP_BODY_MAX && !(route && route->body)) {
        refuse(http, 413, "body is too large", RC_CLOSE_HTTP_LIMIT);
        return;
    }
    struct rc_response *r = new_response(http, head);
    http->body = head->request.body;
    r->expects = head->expects && http->body;
    if (route) {
        route->handler(route->self, &head->request, r);
    } else if (known) {
        refuse_method(http->server, &head->request, r);
    } else {
        rc_response_full(r, 404, "text/plain; charset=UTF-8", NULL, "Not Found\n", 10);
    }
}

static void serve(struct rc_http *http, char *bytes, size_t len)
{
    struct rc_http_head head;
    int status = rc_http_parse(bytes, len, &head);
    http->scan = (struct rc_http_scan){0};
    rc_metric_add(&http->server->values[GM_HTTP_REQUESTS], 1);
    if (status) {
        refuse(http, status, head.wrong, status == 431 ? RC_CLOSE_HTTP_LIMIT : RC_CLOSE_HTTP_BAD);
        return;
    }
    route_request(http, &head);
}

/* Keeps a piece of an unfinished head. False: memory is short, the stream closes. */
static bool append(struct rc_http *http, const uint8_t *data, size_t len)
{
    char *grown = realloc(http->head, http->head_len + len);
    if (!grown) {
        rc_stream_close(http->stream, RC_CLOSE_MEMORY);
        return false;
    }
    memcpy(grown + http->head_len, data, len);
    http->head = grown;
    http->head_len += len;
    return true;
}

static void drop_head(struct rc_http *http)
{
    free(http->head);
    http->head = NULL;
    http->head_len = 0;
}

/* The stream may belong to another protocol when this returns. */
static size_t take_head(struct rc_http *http, uint8_t *data, size_t len)
{
    size_t used;
    bool fresh = !http->scan.begun;
    enum rc_http_scanned scanned = rc_http_scan(&http->scan, data, len, &used);
    if (scanned == RC_HTTP_MALFORMED) {
        refuse(http, 400, "malformed request", RC_CLOSE_HTTP_BAD);
    } else if (http->head_len + used > RC_HTTP_HEADER_MAX) {
        refuse(http, 431, "header block is too large", RC_CLOSE_HTTP_LIMIT);
    } else if (scanned == RC_HTTP_MORE) {
        if (append(http, data, len) && fresh && http->scan.begun)
            set_timer(http, RC_HTTP_SLOW_MS);
    } else if (!http->head) {
        serve(http, (char *)data, used);
    } else if (append(http, data, used)) {
        char *head = http->head;
        size_t head_len = http->head_len;
        http->head = NULL;
        http->head_len = 0;
        serve(http, head, head_len);
        free(head);
    }
    return used;
}

static void end_body(struct rc_http *http)
{
    const struct rc_body_sink *sink = http->sink;
    http->sink = NULL;
    if (http->response)
        set_timer(http, RC_HTTP_STALL_MS);
    else
        set_timer(http, RC_HTTP_IDLE_MS);
    if (sink)
        sink->end(http->sink_self);
}

static size_t take_body(struct rc_http *http, const uint8_t *data, size_t len)
{
    size_t take = len < http->body ? len : (size_t)http->body;
    http->body -= take;
    if (http->sink)
        http->sink->data(http->sink_self, data, take);
    if (!http->body)
        end_body(http);
    return take;
}

void rc_http_read_body(struct rc_http *http)
{
    set_timer(http, RC_HTTP_BODY_MS);
    if (!http->body)
        end_body(http);
}

/* Whether the client's next bytes are for the request that is being answered. */
static bool reads_body(const struct rc_http *http)
{
    return http->body && http->sink && !http->held;
}

/* Reads on or pauses, as the request that is being answered wants it. */
static void settle(struct rc_http *http)
{
    struct rc_stream *stream = http->stream;
    const struct rc_response *r = http->response;
    if (http->in_input)
        return; /* it does so at its end */
    stream->watched = r && r->watch && r->watch->gone;
    rc_stream_pause(stream, r && !reads_body(http));
}

void rc_http_hold(struct rc_http *http, bool stop)
{
    http->held = stop;
    if (reads_body(http))
        set_timer(http, RC_HTTP_BODY_MS); /* the time it was held is not the client's */
    settle(http);
}

static void http_free(struct rc_http *http)
{
    rc_timer_stop(&http->timer);
    drop_head(http);
    free(http);
}

static size_t http_input(void *self, struct rc_stream *stream, uint8_t *data, size_t len)
{
    struct rc_http *http = self;
    size_t at = 0;
    http->in_input = true;
    while (at < len && stream->self == http && !stream->closing && (!http->response || reads_body(http)))
        at += http->body ? take_body(http, data + at, len - at) : take_head(http, data + at, len - at);
    http->in_input = false;
    if (stream->self != http)
        http_free(http);
    else
        settle(http);
    return at;
}

static void http_drained(void *self, struct rc_stream *stream)
{
    struct rc_http *http = self;
    struct rc_response *r = http->response;
    (void)stream;
    if (r && r->watch && r->watch->drained)
        r->watch->drained(r->self);
    else if (!r && !http->scan.begun && !http->body)
        set_timer(http, RC_HTTP_IDLE_MS); /* idle from here on, not from the answer's end */
}

static void http_closed(void *self, enum rc_close why)
{
    struct rc_http *http = self;
    struct rc_response *r = http->response;
    (void)why;
    http_free(http);
    if (!r)
        return;
    r->http = NULL;
    if (r->watch && r->watch->gone)
        r->watch->gone(r->self);
}

static const struct rc_stream_user http_user = {http_input, http_drained, http_closed};

bool rc_http_open_once(struct rc_http_server *server, struct rc_stream *stream)
{
    bool opened = rc_http_open(server, stream);
    if (opened)
        ((struct rc_http *)stream->self)->once = true;
    return opened;
}

bool rc_http_open(struct rc_http_server *server, struct rc_stream *stream)
{
    struct rc_http *http = calloc(1, sizeof(*http));
    if (!http)
        return false;
    http->server = server;
    http->stream = stream;
    stream->user = &http_user;
    stream->self = http;
    set_timer(http, RC_HTTP_SLOW_MS);
    return true;
}

void rc_http_answered(struct rc_http *http, bool keep, enum rc_close why)
{
    http->response = NULL;
    http->sink = NULL;
    http->held = false;
    if (!keep || http->once) {
        rc_stream_close(http->stream, keep ? RC_CLOSE_ANSWERED : why);
        return;
    }
    set_timer(http, http->body ? RC_HTTP_SLOW_MS : RC_HTTP_IDLE_MS);
    settle(http);
}

void rc_http_leave(struct rc_http *http)
{
    struct rc_stream *stream = http->stream;
    stream->self = NULL; /* until the caller sets the new user */
    http->response = NULL;
    rc_timer_stop(&http->timer);
    stream->watched = false;
    if (http->in_input)
        return; /* it frees */
    rc_stream_pause(stream, false);
    http_free(http);
}

static void on_timer(struct rc_timer *timer)
{
    struct rc_http *http = (struct rc_http *)((char *)timer - offsetof(struct rc_http, timer));
    struct rc_stream *stream = http->stream;
    if (http->response ? reads_body(http) : http->body > 0)
        rc_stream_close(stream, RC_CLOSE_HTTP_SLOW); /* in a body */
    else if (!http->response && http->scan.begun)
        refuse(http, 408, "request came too slowly", RC_CLOSE_HTTP_SLOW);
    else if (stream->queued && stream->written == http->written)
        rc_stream_close(stream, RC_CLOSE_SLOW);
    else if (stream->queued || http->response)
        set_timer(http, RC_HTTP_STALL_MS);
    else
        rc_stream_close(stream, RC_CLOSE_HTTP_IDLE);
}
