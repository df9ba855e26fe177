/* WebSocket connections on streams. */
#include "gateway/ws/ws_conn.h"

#include "digest.h"
#include "log.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rc_ws_conn {
    struct rc_stream *stream;
    const struct rc_ws_user *user;
    void *self;          /* user's */
    struct rc_ws *codec; /* while input is being read; heap between, while a message is incomplete; else NULL */
    uint32_t max;        /* bytes of one message */
};

/* 16 bytes in base64: 22 characters and "==". */
static bool key_valid(const char *key)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return strlen(key) == 24 && strspn(key, alphabet) == 22 && strcmp(key + 22, "==") == 0;
}

static bool repeated(const struct rc_http_request *request, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i < request->headers; i++)
        n += strcmp(request->header[i].name, name) == 0;
    return n > 1;
}

/* A body would be read as frames. */
static bool has_body(const struct rc_http_request *request)
{
    const char *length = rc_http_header(request, "content-length");
    return length && length[strspn(length, "0")];
}

int rc_ws_handshake_check(const struct rc_http_request *request, const char **wrong)
{
    const char *key = rc_http_header(request, "sec-websocket-key");
    const char *version = rc_http_header(request, "sec-websocket-version");
    *wrong = NULL;
    if (strcmp(request->method, "GET") != 0 || request->http10)
        *wrong = "WebSocket needs a GET request of HTTP/1.1";
    else if (!request->upgrade || !rc_http_has_token(request, "upgrade", "websocket"))
        *wrong = "Upgrade: websocket and Connection: Upgrade are needed";
    else if (has_body(request))
        *wrong = "A WebSocket handshake has no body";
    else if (repeated(request, "sec-websocket-key") || repeated(request, "sec-websocket-version"))
        *wrong = "Sec-WebSocket-Key and Sec-WebSocket-Version must not be repeated";
    else if (!key || !key_valid(key))
        *wrong = "Missing or invalid Sec-WebSocket-Key header";
    else if (!version)
        *wrong = "Missing Sec-WebSocket-Version header";
    if (*wrong)
        return 400;
    if (strcmp(version, "13") == 0)
        return 0;
    *wrong = "Sec-WebSocket-Version must be 13";
    return 426;
}

void rc_ws_accept_key(const char *key, char accept[29])
{
    char text[64 + 37];
    uint8_t digest[RC_SHA1];
    int n = snprintf(text, sizeof(text), "%.64s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    rc_sha1(text, (size_t)n, digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
}

void rc_ws_refuse(struct rc_response *response, int status, const char *text)
{
    rc_response_close(response, RC_CLOSE_HANDSHAKE);
    rc_response_full(response, status, "text/html", status == 426 ? "Sec-WebSocket-Version: 13\r\n" : NULL, text,
                     strlen(text));
}

static struct rc_buf *switching(const char *key)
{
    char accept[29], head[256];
    rc_ws_accept_key(key, accept);
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    return rc_buf_copy(head, (size_t)n);
}

static enum rc_close close_reason(enum rc_ws_code code)
{
    switch (code) {
    case RC_WS_NOT_UTF8:
        return RC_CLOSE_WS_UTF8;
    case RC_WS_TOO_BIG:
        return RC_CLOSE_WS_TOO_BIG;
    case RC_WS_INTERNAL:
        return RC_CLOSE_MEMORY;
    default:
        return RC_CLOSE_WS_PROTOCOL;
    }
}

static void on_message(void *self, bool text, uint8_t *data, size_t len)
{
    struct rc_ws_conn *ws = self;
    ws->user->message(ws->self, text, data, len);
    ws->codec->stop = ws->stream->closing || ws->stream->paused;
}

static void on_control(void *self, enum rc_ws_opcode opcode, const uint8_t *data, size_t len)
{
    struct rc_ws_conn *ws = self;
    if (opcode == RC_WS_PING) {
        rc_stream_send(ws->stream, rc_ws_frame(RC_WS_PONG, data, len));
    } else if (opcode == RC_WS_CLOSE) {
        rc_stream_send(ws->stream, rc_ws_frame(RC_WS_CLOSE, data, len < 2 ? 0 : 2));
        rc_stream_close(ws->stream, RC_CLOSE_WS_CLOSED);
    }
    ws->codec->stop = ws->stream->closing;
}

static const struct rc_ws_events events = {on_message, on_control};

static void drop_codec(struct rc_ws_conn *ws)
{
    if (ws->codec)
        rc_ws_fini(ws->codec);
    free(ws->codec);
    ws->codec = NULL;
}

/* A codec with an incomplete message goes to the heap; idle connections have none. */
static struct rc_ws *keep(struct rc_ws_conn *ws, struct rc_ws *fresh)
{
    struct rc_ws *kept = NULL;
    if (!rc_ws_idle(fresh) && !ws->stream->closing) {
        kept = malloc(sizeof(*kept));
        if (kept)
            *kept = *fresh;
        else
            rc_ws_close(ws, RC_WS_INTERNAL, RC_CLOSE_MEMORY);
    }
    if (!kept)
        rc_ws_fini(fresh);
    return kept;
}

static size_t ws_input(void *self, struct rc_stream *stream, uint8_t *data, size_t len)
{
    struct rc_ws_conn *ws = self;
    struct rc_ws fresh;
    (void)stream;
    rc_ws_init(&fresh, ws->max);
    struct rc_ws *codec = ws->codec ? ws->codec : &fresh;
    ws->codec = codec;
    codec->stop = false;
    size_t used = rc_ws_feed(codec, data, len, &events, ws);
    if (codec->error)
        rc_ws_close(ws, codec->error, close_reason(codec->error));
    ws->codec = codec == &fresh ? keep(ws, &fresh) : codec;
    if (ws->codec && rc_ws_idle(ws->codec))
        drop_codec(ws);
    return used;
}

static void ws_closed(void *self, enum rc_close why)
{
    struct rc_ws_conn *ws = self;
    ws->user->closed(ws->self, why);
    drop_codec(ws);
    free(ws);
}

static const struct rc_stream_user ws_user = {ws_input, NULL, ws_closed};

struct rc_ws_conn *rc_ws_open(const struct rc_http_request *request, struct rc_response *response, uint32_t max,
                              const struct rc_ws_user *user, void *self)
{
    struct rc_ws_conn *ws = calloc(1, sizeof(*ws));
    if (!ws) {
        rc_ws_refuse(response, 503, "Out of memory");
        return NULL;
    }
    ws->user = user;
    ws->self = self;
    ws->max = max;
    ws->stream = rc_response_upgrade(response, switching(rc_http_header(request, "sec-websocket-key")));
    if (!ws->stream) {
        free(ws);
        return NULL;
    }
    ws->stream->user = &ws_user;
    ws->stream->self = ws;
    return ws;
}

void rc_ws_adopt(struct rc_ws_conn *ws, const struct rc_ws_user *user, void *self)
{
    ws->user = user;
    ws->self = self;
}

void rc_ws_send(struct rc_ws_conn *ws, struct rc_buf *frames)
{
    rc_stream_send(ws->stream, frames);
}

void rc_ws_pause(struct rc_ws_conn *ws, bool stop)
{
    rc_stream_pause(ws->stream, stop);
}

void rc_ws_close(struct rc_ws_conn *ws, enum rc_ws_code code, enum rc_close why)
{
    if (ws->stream->closing)
        return;
    rc_stream_send(ws->stream, rc_ws_close_frame(code));
    rc_stream_close(ws->stream, why);
}
