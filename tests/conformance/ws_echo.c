/* WebSocket echo on the gateway's codec. */
#include "ws_echo.h"

#include "gateway/ws/ws_conn.h"

#include <stdlib.h>

struct echo {
    struct rc_ws_conn *ws;
};

static void on_message(void *self, bool text, uint8_t *data, size_t len)
{
    struct echo *echo = self;
    rc_ws_send(echo->ws, rc_ws_frame(text ? RC_WS_TEXT : RC_WS_BINARY, data, len));
}

static void on_closed(void *self, enum rc_close why)
{
    (void)why;
    free(self);
}

static const struct rc_ws_user user = {on_message, on_closed};

void rc_ws_echo(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self;
    const char *wrong;
    int status = rc_ws_handshake_check(request, &wrong);
    if (status) {
        rc_ws_refuse(response, status, wrong);
        return;
    }
    struct echo *echo = calloc(1, sizeof(*echo));
    if (!echo)
        abort();
    echo->ws = rc_ws_open(request, response, RC_WS_ECHO_MAX, &user, echo);
    if (!echo->ws)
        free(echo);
}
