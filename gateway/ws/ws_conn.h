/*
 * A WebSocket connection: the opening handshake on an HTTP request, then messages both ways over its stream.
 * Pings are answered and closes echoed here. One thread, the worker's.
 */
#ifndef RC_GATEWAY_WS_CONN_H
#define RC_GATEWAY_WS_CONN_H

#include "gateway/http/http.h"
#include "gateway/ws/ws.h"

struct rc_ws_conn;

struct rc_ws_user {
    /* A whole message; data may be changed and is valid during the call. */
    void (*message)(void *self, bool text, uint8_t *data, size_t len);
    /* The connection is gone; free yourself. Last call. */
    void (*closed)(void *self, enum rc_close why);
};

/* What is wrong with an upgrade request (RFC 6455 4.2.1): 0 nothing, 400, or 426 for another version. */
int rc_ws_handshake_check(const struct rc_http_request *request, const char **wrong);

/* Sec-WebSocket-Accept of a key, NUL-terminated. */
void rc_ws_accept_key(const char *key, char accept[29]);

/* Answers a request that rc_ws_handshake_check passed with 101 and speaks WebSocket from then on. Ends the response.
 * NULL: the client is gone, or memory is short; user is not called. max: bytes of one message. */
struct rc_ws_conn *rc_ws_open(const struct rc_http_request *request, struct rc_response *response, uint32_t max,
                              const struct rc_ws_user *user, void *self);

/* Another user from here on; also from within a callback of the old one. */
void rc_ws_adopt(struct rc_ws_conn *ws, const struct rc_ws_user *user, void *self);

/* Refuses an upgrade request: status with text as body, then the connection closes (RC_CLOSE_HANDSHAKE). */
void rc_ws_refuse(struct rc_response *response, int status, const char *text);

/* Sends whole frames that somebody else encoded (ws.h); takes over the reference. */
void rc_ws_send(struct rc_ws_conn *ws, struct rc_buf *frames);
/* Stops or goes on with messages in. */
void rc_ws_pause(struct rc_ws_conn *ws, bool stop);
/* Sends a close frame and closes the stream; later calls change nothing. */
void rc_ws_close(struct rc_ws_conn *ws, enum rc_ws_code code, enum rc_close why);

#endif
