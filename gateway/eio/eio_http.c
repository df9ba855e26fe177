/* Opening of Engine.IO sessions, and their WebSocket transport. */
#include "gateway/eio/eio_http.h"

#include "gateway/ws/ws_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum code { UNKNOWN_TRANSPORT, UNKNOWN_SID, BAD_METHOD, BAD_REQUEST, FORBIDDEN, UNSUPPORTED_VERSION, GOOD };

static const char *const messages[] = {
    "Transport unknown", "Session ID unknown", "Bad handshake method",
    "Bad request",       "Forbidden",          "Unsupported protocol version",
};

/* A session on a WebSocket: freed when the connection is gone. */
struct link {
    struct rc_ws_conn *ws;
    struct rc_eio *eio; /* NULL: it did not open */
};

static void link_packet(void *transport, const char *text)
{
    rc_ws_send(((struct link *)transport)->ws, rc_ws_frame(RC_WS_TEXT, text, strlen(text)));
}

static void link_message(void *transport, struct rc_outgoing *out)
{
    rc_ws_send(((struct link *)transport)->ws, rc_outgoing_frames(out));
}

static void link_pause(void *transport, bool stop)
{
    rc_ws_pause(((struct link *)transport)->ws, stop);
}

/* The reference closes with an empty close frame, whatever the reason; a fenced gateway's clients must take it for a
 * broken transport, which they do, since no Socket.IO DISCONNECT came before it. */
static void link_close(void *transport, enum rc_close why)
{
    rc_ws_close(((struct link *)transport)->ws, RC_WS_NONE, why);
}

static const struct rc_eio_transport link_transport = {link_packet, link_message, link_pause, link_close};

static void link_on_message(void *self, bool text, uint8_t *data, size_t len)
{
    struct link *link = self;
    if (text)
        rc_eio_text(link->eio, (const char *)data, len);
    else
        rc_eio_binary(link->eio, data, len);
}

static void link_on_closed(void *self, enum rc_close why)
{
    struct link *link = self;
    if (link->eio)
        rc_eio_gone(link->eio, why);
    free(link);
}

static const struct rc_ws_user link_user = {link_on_message, link_on_closed};

static void open_link(const struct rc_eio_config *config, const struct rc_http_request *request,
                      struct rc_response *response)
{
    struct link *link = calloc(1, sizeof(*link));
    if (!link) {
        rc_ws_refuse(response, 503, "Out of memory");
        return;
    }
    const char *cookie = rc_http_header(request, "cookie");
    link->ws = rc_ws_open(request, response, config->max_payload, &link_user, link);
    if (!link->ws) {
        free(link);
        return;
    }
    link->eio = rc_eio_open(config, &link_transport, link, cookie);
    if (!link->eio)
        rc_ws_close(link->ws, RC_WS_INTERNAL, RC_CLOSE_MEMORY);
}

static bool param_is(const char *query, const char *name, const char *value)
{
    char *given = rc_http_param(query, name);
    bool same = given && strcmp(given, value) == 0;
    free(given);
    return same;
}

/* Only the websocket transport exists, so every sid names a session that cannot be continued. */
static enum code check(const struct rc_http_request *request)
{
    char *sid = rc_http_param(request->query, "sid");
    bool has_sid = sid && *sid;
    free(sid);
    if (!param_is(request->query, "transport", "websocket"))
        return UNKNOWN_TRANSPORT;
    if (has_sid)
        return UNKNOWN_SID;
    if (strcmp(request->method, "GET") != 0)
        return BAD_METHOD;
    if (!request->upgrade)
        return BAD_REQUEST;
    return param_is(request->query, "EIO", "4") ? GOOD : UNSUPPORTED_VERSION;
}

void rc_eio_request(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    enum code code = check(request);
    const char *wrong;
    if (code != GOOD && request->upgrade) {
        rc_ws_refuse(response, 400, messages[code]);
        return;
    }
    if (code != GOOD) {
        char body[96];
        int n = snprintf(body, sizeof(body), "{\"code\":%d,\"message\":\"%s\"}", code, messages[code]);
        rc_response_full(response, 400, "application/json", "Cache-Control: no-store\r\n", body, (size_t)n);
        return;
    }
    int status = rc_ws_handshake_check(request, &wrong);
    if (status)
        rc_ws_refuse(response, status, wrong);
    else
        open_link(self, request, response);
}
