/*
 * Clients of Engine.IO that do anything: requests, bodies, WebSockets and ends on a few connections, in pieces of any size, with
 * time that passes. Never crashes, never leaks, and each session ends once.
 *
 *   input = step*       step = operation (1 byte), bytes up to 0xff
 *
 * In the bytes '~' stands for the id of the session that opened last.
 */
#include "../unit/gateway/fake_stream.h"
#include "gateway/eio/eio_http.h"
#include "gateway/eio/eio_impl.h"

#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 4
#define INPUT_MAX   60000 /* bytes in all: less than a fake stream keeps */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct session {
    struct rc_eio *eio;
};

static struct rc_wheel wheel;
static rc_gateway_values values;
static struct rc_http_server *http;
static struct rc_eio_server *server;
static struct fake_stream *conn[CONNECTIONS];
static char sid[RC_SID_LEN + 1];
static size_t sessions; /* that are open */
static size_t fed;

static void check(bool right)
{
    if (!right)
        abort();
}

/* The user: says what it hears, and obeys. */

static void *user_open(void *host, struct rc_eio *eio, const char *cookie)
{
    struct session *session = malloc(sizeof(*session));
    (void)host, (void)cookie;
    if (!session)
        abort();
    session->eio = eio;
    rc_eio_sid(eio, sid);
    sessions++;
    return session;
}

static void echo(struct session *session, char kind, const void *data, size_t len)
{
    struct rc_buf *payload = rc_buf_new(5 + len);
    check(payload);
    payload->data[0] = (uint8_t)kind;
    for (size_t i = 0; i < 4; i++)
        payload->data[1 + i] = (uint8_t)(len >> (24 - 8 * i));
    if (len)
        memcpy(payload->data + 5, data, len);
    struct rc_outgoing out = {payload, NULL};
    rc_eio_send(session->eio, &out);
    rc_outgoing_fini(&out);
    rc_buf_rele(payload);
}

static void user_text(void *self, const char *data, size_t len)
{
    struct session *session = self;
    echo(session, 'T', data, len);
    if (len == 1 && *data == 'c')
        rc_eio_close(session->eio, RC_CLOSE_SIO_PACKET);
    if (len == 1 && (*data == 'p' || *data == 'g'))
        rc_eio_pause(session->eio, *data == 'p');
}

static void user_binary(void *self, const uint8_t *data, size_t len)
{
    echo(self, 'B', data, len);
}

static void user_closed(void *self, enum rc_close why)
{
    check(sessions > 0 && why < RC_CLOSE_COUNT);
    sessions--;
    free(self);
}

static const struct rc_eio_user user = {user_open, user_text, user_binary, user_closed};

static rc_time now(void)
{
    return wheel.now;
}

static void bury(size_t i)
{
    if (conn[i])
        fake_free(conn[i]);
    conn[i] = NULL;
}

/* In pieces; '~' is replaced. */
static void feed(size_t i, const uint8_t *data, size_t len, size_t piece)
{
    if (!conn[i]) {
        conn[i] = fake_new();
        check(rc_http_open(http, &conn[i]->stream));
    }
    uint8_t *text = malloc(len * RC_SID_LEN + 1);
    size_t n = 0;
    if (!text)
        abort();
    for (size_t k = 0; k < len; k++) {
        size_t put = data[k] == '~' ? strlen(sid) : 1;
        memcpy(text + n, data[k] == '~' ? (const void *)sid : data + k, put);
        n += put;
    }
    fed += n;
    for (size_t at = 0; at < n && fed < INPUT_MAX; at += piece) {
        conn[i]->out_len = 0;
        fake_feed(conn[i], text + at, n - at < piece ? n - at : piece);
    }
    free(text);
}

/* What a loop pass does after the events: input that was kept, ends. */
static void turn(void)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (conn[i])
            fake_feed(conn[i], "", 0);
        if (conn[i] && conn[i]->stream.closing)
            bury(i);
    }
}

static void step(uint8_t operation, const uint8_t *data, size_t len)
{
    size_t i = operation % CONNECTIONS;
    switch (operation / CONNECTIONS % 8) {
    case 0:
        bury(i);
        break;
    case 1:
        rc_wheel_advance(&wheel, wheel.now + (rc_time)(len + 1) * 1000 * RC_MS);
        break;
    case 2:
        if (conn[i])
            rc_stream_close(&conn[i]->stream, RC_CLOSE_ERROR);
        break;
    case 3:
        rc_eio_server_close_polling(server, RC_CLOSE_FENCED);
        break;
    case 4:
    case 5:
        feed(i, data, len, 1 + operation / 32);
        break;
    default:
        feed(i, data, len, INPUT_MAX);
    }
}

static void start(void)
{
    rc_wheel_init(&wheel, 0);
    http = rc_http_server_new(&wheel, values);
    server = rc_eio_server_new(&(struct rc_eio_config){.ping_interval = 25000 * RC_MS,
                                                       .ping_timeout = 20000 * RC_MS,
                                                       .max_payload = 2000,
                                                       .queue_max = 4000,
                                                       .wheel = &wheel,
                                                       .now = now,
                                                       .values = values,
                                                       .user = &user});
    rc_http_route_body(http, "/*", rc_eio_request, server);
    memset(sid, 0, sizeof(sid));
    fed = 0;
}

static void stop(void)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        bury(i);
    rc_eio_server_close_polling(server, RC_CLOSE_SHUTDOWN);
    rc_wheel_advance(&wheel, wheel.now + 2 * RC_WHEEL_TICK);
    check(sessions == 0 && rc_eio_server_count(server) == 0 && values[GM_POLLING] == 0);
    rc_eio_server_free(server);
    rc_http_server_free(http);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start();
    for (size_t at = 0; at < size;) {
        const uint8_t *bytes = data + at + 1, *end = memchr(bytes, 0xff, size - at - 1);
        size_t len = end ? (size_t)(end - bytes) : size - at - 1;
        step(data[at], bytes, len);
        turn();
        at += 1 + len + (end != NULL);
    }
    stop();
    return 0;
}
