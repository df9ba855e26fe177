/* Requests to the admin listener that are answered later. */
#include "admin_impl.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

struct rc_admin_query {
    struct evkeyvalq pairs; /* of the query string, decoded */
};

/* HEAD tells the length only. One request per connection: nothing idles between two. */
void rc_admin_send(struct evhttp_request *request, unsigned code, const char *type, const char *body, size_t len)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    char length[24];
    snprintf(length, sizeof length, "%zu", len);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Content-Length", length);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "Connection", "close");
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
        evbuffer_add(evhttp_request_get_output_buffer(request), body, len);
    }
    evhttp_send_reply(request, (int)code, NULL, NULL);
}

const char *rc_admin_parameter(const struct rc_admin_query *query, const char *name)
{
    return evhttp_find_header(&query->pairs, name);
}

static struct rc_admin_call *open_call(struct rc_admin_calls *calls, struct evhttp_request *request)
{
    struct rc_admin_call *call = calls->count < RC_ADMIN_CALLS ? calloc(1, sizeof *call) : NULL;
    if (call) {
        call->id = ++calls->last;
        call->request = request;
        LIST_INSERT_HEAD(&calls->open, call, link);
        calls->count++;
    }
    return call;
}

static void close_call(struct rc_admin_calls *calls, struct rc_admin_call *call)
{
    LIST_REMOVE(call, link);
    calls->count--;
    free(call);
}

static void send_text(struct evhttp_request *request, unsigned code, const char *text)
{
    rc_admin_send(request, code, "text/plain", text, strlen(text));
}

void rc_admin_calls_begin(struct rc_admin_calls *calls, const struct rc_admin_route *route, void *arg,
                          struct evhttp_request *request)
{
    struct rc_admin_query query;
    const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    TAILQ_INIT(&query.pairs);
    if (text && evhttp_parse_query_str(text, &query.pairs) != 0) {
        send_text(request, HTTP_BADREQUEST, "the query string is not NAME=VALUE&...\n");
        return;
    }
    struct rc_admin_call *call = open_call(calls, request);
    if (call) {
        route->ask(arg, call->id, &query);
    } else {
        send_text(request, HTTP_SERVUNAVAIL, "busy: too many requests wait for their answers\n");
    }
    evhttp_clear_headers(&query.pairs);
}

void rc_admin_calls_end(struct rc_admin_calls *calls, uint64_t id, unsigned code, const char *type, const char *body,
                        size_t len)
{
    struct rc_admin_call *call;
    LIST_FOREACH (call, &calls->open, link) {
        if (call->id == id) {
            break;
        }
    }
    if (call) {
        rc_admin_send(call->request, code, type, body, len);
        close_call(calls, call);
    }
}

void rc_admin_calls_fini(struct rc_admin_calls *calls)
{
    while (!LIST_EMPTY(&calls->open)) {
        close_call(calls, LIST_FIRST(&calls->open));
    }
}
