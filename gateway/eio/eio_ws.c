/* Engine.IO on a WebSocket: a packet is a message, text with its type in front, binary without. */
#include "gateway/eio/eio_impl.h"

#include <string.h>

static void ws_packet(void *ws, const char *text)
{
    rc_ws_send(ws, rc_ws_frame(RC_WS_TEXT, text, strlen(text)));
}

static void ws_message(void *ws, struct rc_outgoing *out)
{
    rc_ws_send(ws, rc_outgoing_frames(out));
}

static void ws_pause(void *ws, bool stop)
{
    rc_ws_pause(ws, stop);
}

/* The reference closes with an empty close frame, whatever the reason; a fenced gateway's clients must take it for a
 * broken transport, which they do, since no Socket.IO DISCONNECT came before it. */
static void ws_close(void *ws, enum rc_close why)
{
    rc_ws_close(ws, RC_WS_NONE, why);
}

const struct rc_eio_transport rc_eio_ws_transport = {false, ws_packet, ws_message, ws_pause, ws_close};

static void on_message(void *eio, bool text, uint8_t *data, size_t len)
{
    if (text)
        rc_eio_text(eio, (const char *)data, len);
    else
        rc_eio_binary(eio, data, len);
}

static void on_closed(void *eio, enum rc_close why)
{
    rc_eio_gone(eio, why);
}

const struct rc_ws_user rc_eio_ws_user = {on_message, on_closed};

/* A connection that has no session, and closes. */
static void on_nothing(void *self, bool text, uint8_t *data, size_t len)
{
    (void)self, (void)text, (void)data, (void)len;
}

static void on_end_of_nothing(void *self, enum rc_close why)
{
    (void)self, (void)why;
}

static const struct rc_ws_user nobody = {on_nothing, on_end_of_nothing};

void rc_eio_ws_open(struct rc_eio_server *server, const struct rc_http_request *request, struct rc_response *response)
{
    const char *cookie = rc_http_header(request, "cookie");
    struct rc_ws_conn *ws = rc_ws_open(request, response, server->config.max_payload, &nobody, NULL);
    if (!ws)
        return;
    struct rc_eio *eio = rc_eio_open(server, &rc_eio_ws_transport, ws, cookie);
    if (eio)
        rc_ws_adopt(ws, &rc_eio_ws_user, eio);
    else
        rc_ws_close(ws, RC_WS_INTERNAL, RC_CLOSE_MEMORY);
}

void rc_eio_ws_turn_away(const struct rc_http_request *request, struct rc_response *response)
{
    struct rc_ws_conn *ws = rc_ws_open(request, response, 0, &nobody, NULL);
    if (ws)
        rc_ws_close(ws, RC_WS_NONE, RC_CLOSE_UPGRADE);
}
