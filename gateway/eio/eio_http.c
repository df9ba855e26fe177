/* Requests of Engine.IO. */
#include "gateway/eio/eio_http.h"

#include "clock.h"
#include "gateway/eio/eio_polling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum code { UNKNOWN_TRANSPORT, UNKNOWN_SID, BAD_METHOD, BAD_REQUEST, FORBIDDEN, UNSUPPORTED_VERSION, GOOD, ELSEWHERE };

static const char *const messages[] = {
    "Transport unknown", "Session ID unknown", "Bad handshake method",
    "Bad request",       "Forbidden",          "Unsupported protocol version",
};

/* What the request says in its query. */
struct query {
    bool polling, websocket; /* the transport it names; neither: another one, or none */
    bool upgrade;            /* asks for a WebSocket */
    bool version4;           /* EIO=4 */
    bool has_sid, ours;      /* it has a session id; it is one of ours */
    struct rc_sid sid;
};

static bool param_is(const char *query, const char *name, const char *value)
{
    char *given = rc_http_param(query, name);
    bool same = given && strcmp(given, value) == 0;
    free(given);
    return same;
}

static struct query read_query(const struct rc_http_request *request)
{
    char *sid = rc_http_param(request->query, "sid");
    struct query q = {
        .polling = param_is(request->query, "transport", "polling"),
        .websocket = param_is(request->query, "transport", "websocket"),
        .upgrade = request->upgrade && rc_http_has_token(request, "upgrade", "websocket"),
        .version4 = param_is(request->query, "EIO", "4"),
        .has_sid = sid && *sid,
    };
    q.ours = q.has_sid && rc_sid_read(sid, strlen(sid), &q.sid);
    free(sid);
    return q;
}

static enum code check_session(const struct rc_eio_server *server, const struct query *q, struct rc_eio **eio)
{
    const struct rc_eio_config *config = &server->config;
    if (!q->ours)
        return UNKNOWN_SID;
    if (q->sid.gateway != config->gateway || q->sid.worker != config->worker)
        return config->elsewhere ? ELSEWHERE : UNKNOWN_SID;
    *eio = rc_eio_find(server, &q->sid);
    if (!*eio)
        return UNKNOWN_SID;
    bool fits = q->upgrade ? q->websocket : q->polling && (*eio)->transport == &rc_polling_transport;
    return fits && q->version4 ? GOOD : BAD_REQUEST;
}

/* In the order of the reference. */
static enum code check(const struct rc_eio_server *server, const struct rc_http_request *request, const struct query *q,
                       struct rc_eio **eio)
{
    if (!q->polling && !q->websocket)
        return UNKNOWN_TRANSPORT;
    if (q->has_sid)
        return check_session(server, q, eio);
    if (strcmp(request->method, "GET") != 0)
        return BAD_METHOD;
    if (q->websocket != q->upgrade)
        return BAD_REQUEST;
    return q->version4 ? GOOD : UNSUPPORTED_VERSION;
}

static void refuse(struct rc_response *response, enum code code, bool upgrade)
{
    char body[96];
    int status = code == FORBIDDEN ? 403 : 400;
    if (upgrade) {
        rc_ws_refuse(response, status, messages[code]);
        return;
    }
    int n = snprintf(body, sizeof(body), "{\"code\":%d,\"message\":\"%s\"}", code, messages[code]);
    rc_response_full(response, status, "application/json", "Cache-Control: no-store\r\n", body, (size_t)n);
}

void rc_eio_refuse_unknown(struct rc_response *response, bool upgrade)
{
    refuse(response, UNKNOWN_SID, upgrade);
}

/* A session on long-polling, which eio is. */
static void serve_session(struct rc_eio *eio, const struct rc_http_request *request, struct rc_response *response)
{
    if (strcmp(request->method, "GET") == 0)
        rc_polling_get(eio->below, response);
    else if (strcmp(request->method, "POST") == 0)
        rc_polling_post(eio->below, request, response);
    else
        rc_response_full(response, 500, NULL, NULL, "", 0);
}

static void serve_upgrade(struct rc_eio_server *server, struct rc_eio *eio, const struct rc_http_request *request,
                          struct rc_response *response)
{
    const char *wrong;
    int status = rc_ws_handshake_check(request, &wrong);
    if (status)
        rc_ws_refuse(response, status, wrong);
    else if (eio && eio->transport == &rc_polling_transport)
        rc_polling_upgrade(eio->below, request, response);
    else if (eio)
        rc_eio_ws_turn_away(request, response);
    else
        rc_eio_ws_open(server, request, response);
}

/* 503 to a client that wants a session. It is told to come back at a time of its own: those who were refused together would else
 * come back together. */
static void send_away(struct rc_response *response, const char *text)
{
    char fields[96];
    snprintf(fields, sizeof(fields), "Retry-After: %u\r\nCache-Control: no-store\r\n",
             1 + (unsigned)(rc_random64() % RC_EIO_RETRY_S));
    rc_response_full(response, 503, "text/plain", fields, text, strlen(text));
}

/* False: this worker takes no session now, and the client was told so. Nothing was spent on it but the parsing. */
static bool admit(struct rc_eio_server *server, struct rc_response *response)
{
    const struct rc_eio_config *config = &server->config;
    if (server->draining) {
        rc_response_close(response, RC_CLOSE_SHUTDOWN);
        send_away(response, "This server is being stopped; connect again");
        return false;
    }
    bool many = config->handshakes_max && rc_metric_get(&config->values[GM_HANDSHAKES]) >= config->handshakes_max;
    if (!many && !server->full)
        return true;
    rc_metric_add(&config->values[GM_HANDSHAKES_REFUSED], 1);
    rc_metric_add(&config->values[GM_HANDSHAKES_FULL], server->full);
    rc_response_close(response, RC_CLOSE_BUSY);
    send_away(response,
              server->full ? "This server is full; connect again" : "Too many clients are connecting; connect again");
    return false;
}

static void serve(struct rc_eio_server *server, const struct rc_http_request *request, struct rc_response *response)
{
    struct rc_eio *eio = NULL;
    struct query q = read_query(request);
    enum code code = check(server, request, &q, &eio);
    if (code == ELSEWHERE)
        server->config.elsewhere(server->config.desk, &q.sid, request, response);
    else if (code != GOOD)
        refuse(response, code, q.upgrade);
    else if (!eio && !admit(server, response))
        return;
    else if (q.upgrade)
        serve_upgrade(server, eio, request, response);
    else if (eio)
        serve_session(eio, request, response);
    else
        rc_polling_open(server, request, response);
}

static bool is_preflight(const struct rc_http_request *request)
{
    return strcmp(request->method, "OPTIONS") == 0 && rc_http_header(request, "access-control-request-method");
}

void rc_eio_request(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    struct rc_eio_server *server = self;
    struct rc_origin_guard *guard = server->config.guard;
    char fields[RC_ORIGIN_FIELDS];
    if (guard && is_preflight(request)) {
        rc_origin_preflight(guard, request, "GET, POST", response);
    } else if (!rc_origin_admit(guard, request)) {
        refuse(response, FORBIDDEN, request->upgrade);
    } else {
        rc_response_add(response, rc_origin_fields(guard, request, fields));
        serve(server, request, response);
    }
}
