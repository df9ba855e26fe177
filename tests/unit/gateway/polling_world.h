/* A session on long-polling with its user and connections without a kernel, on a clock of the test's own. One to a program. */
#ifndef RC_TESTS_POLLING_WORLD_H
#define RC_TESTS_POLLING_WORLD_H

#include "fake_stream.h"
#include "gateway/eio/eio_http.h"
#include "gateway/eio/eio_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S         "\x1e"
#define QUEUE_MAX 1000
#define BODY_MAX  1000

static struct rc_wheel wheel;
static rc_gateway_values values;
static struct rc_http_server *http;
static struct rc_eio_server *server;
static struct rc_eio *session;   /* the last that opened; NULL: it ended */
static char sid[RC_SID_LEN + 1]; /* its */
static char got[4096];           /* what the user heard */
static unsigned ends;
static enum rc_close why;
static struct fake_stream *conn[8]; /* those that are open; NULL: a free place */

/* The user: hears, and does what it is told. */

static inline void send_payload(struct rc_buf *payload)
{
    struct rc_outgoing out = {payload, NULL};
    rc_eio_send(session, &out);
    rc_outgoing_fini(&out);
    rc_buf_rele(payload);
}

static inline void user_says(const char *text)
{
    send_payload(rc_payload_text(text, strlen(text)));
}

static void *user_open(void *host, struct rc_eio *eio, const char *cookie)
{
    (void)host, (void)cookie;
    session = eio;
    return got;
}

static void user_text(void *self, const char *data, size_t len)
{
    char text[BODY_MAX + 1];
    (void)self;
    snprintf(text, sizeof text, "%.*s", (int)len, data);
    strcat(strcat(got, text), "|");
    if (strncmp(text, "say ", 4) == 0)
        user_says(text + 4);
    else if (strcmp(text, "close") == 0)
        rc_eio_close(session, RC_CLOSE_SIO_PACKET);
    else if (strcmp(text, "pause") == 0)
        rc_eio_pause(session, true);
    else if (strcmp(text, "go on") == 0)
        rc_eio_pause(session, false);
    assert_memory_equal(got + strlen(got) - len - 1, data, len); /* it is ours until we return */
}

static void user_binary(void *self, const uint8_t *data, size_t len)
{
    (void)self;
    snprintf(got + strlen(got), 64, "<%.*s>|", (int)len, (const char *)data);
}

static void user_closed(void *self, enum rc_close reason)
{
    assert_ptr_equal(self, got);
    ends++;
    why = reason;
    session = NULL;
}

static const struct rc_eio_user user = {user_open, user_text, user_binary, user_closed};

static rc_time late; /* the clock is so far ahead of the wheel */
static rc_time now(void)
{
    return wheel.now + late;
}

/* Connections */

static inline struct fake_stream *connection(void)
{
    struct fake_stream *fake = fake_new();
    size_t i = 0;
    while (conn[i])
        assert_true(++i < sizeof conn / sizeof *conn);
    assert_true(rc_http_open(http, &fake->stream));
    return conn[i] = fake;
}

/* The client goes, or the loop comes round to a connection that the server closed. */
static inline void leave(struct fake_stream *fake)
{
    for (size_t i = 0; i < sizeof conn / sizeof *conn; i++) {
        if (conn[i] == fake)
            conn[i] = NULL;
    }
    fake_free(fake);
}

/* head: further header lines; body: so much of it as comes now. */
static inline void ask(struct fake_stream *fake, const char *method, const char *transport, const char *head,
                       const char *body)
{
    char text[4096];
    fake->out_len = 0;
    fake->out[0] = 0;
    int n = snprintf(text, sizeof text, "%s /engine.io/?EIO=4&transport=%s&sid=%s HTTP/1.1\r\nHost: x\r\n%s\r\n%s",
                     method, transport, sid, head, body);
    assert_true(n > 0 && (size_t)n < sizeof text);
    fake_feed(fake, text, (size_t)n);
}

static inline void get(struct fake_stream *fake)
{
    ask(fake, "GET", "polling", "", "");
}

/* A POST that announces `length` and brings body. */
static inline void post_part(struct fake_stream *fake, size_t length, const char *body)
{
    char head[64];
    snprintf(head, sizeof head, "Content-Length: %zu\r\n", length);
    ask(fake, "POST", "polling", head, body);
}

static inline void post(struct fake_stream *fake, const char *body)
{
    post_part(fake, strlen(body), body);
}

static inline void answered(const struct fake_stream *fake, int status, const char *body)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    const char *end = strstr(fake->out, "\r\n\r\n");
    if (!end || strncmp(fake->out, line, strlen(line)) != 0)
        print_error("wanted %d, got '%s'\n", status, fake->out);
    assert_non_null(end);
    assert_memory_equal(fake->out, line, strlen(line));
    assert_string_equal(end + 4, body);
}

static inline void waits(const struct fake_stream *fake)
{
    assert_int_equal(fake->out_len, 0);
}

static inline void pass(int64_t ms)
{
    rc_wheel_advance(&wheel, wheel.now + ms * RC_MS);
}

/* A WebSocket with the session's id; its head is forgotten. */
static inline struct fake_stream *candidate(void)
{
    struct fake_stream *fake = connection();
    ask(fake, "GET", "websocket",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "");
    assert_memory_equal(fake->out, "HTTP/1.1 101 ", 13);
    char *frames = strstr(fake->out, "\r\n\r\n") + 4;
    fake->out_len -= (size_t)(frames - fake->out);
    memmove(fake->out, frames, fake->out_len);
    return fake;
}

static inline void frame(struct fake_stream *fake, uint8_t opcode, const char *text)
{
    uint8_t bytes[6 + 125] = {(uint8_t)(0x80 | opcode), (uint8_t)(0x80 | strlen(text))}; /* masked with zeros */
    memcpy(bytes + 6, text, strlen(text));
    fake_feed(fake, bytes, 6 + strlen(text));
}

/* The text frames that came, joined by bars, and an X for the close frame without a code. */
static inline const char *frames(struct fake_stream *fake)
{
    static char text[4096];
    size_t n = 0;
    for (size_t at = 0; at < fake->out_len;) {
        const uint8_t *head = (const uint8_t *)fake->out + at;
        assert_true(head[1] < 126);
        n += (size_t)(head[0] == 0x88 ? sprintf(text + n, "X|")
                                      : sprintf(text + n, "%.*s|", head[1], (const char *)head + 2));
        at += 2u + head[1];
    }
    text[n] = 0;
    fake->out_len = 0;
    return text;
}

static inline int setup(void **state)
{
    rc_wheel_init(&wheel, 0);
    memset(values, 0, sizeof values);
    http = rc_http_server_new(&wheel, values);
    server = rc_eio_server_new(&(struct rc_eio_config){.ping_interval = 25000 * RC_MS,
                                                       .ping_timeout = 20000 * RC_MS,
                                                       .max_payload = BODY_MAX,
                                                       .queue_max = QUEUE_MAX,
                                                       .wheel = &wheel,
                                                       .now = now,
                                                       .values = values,
                                                       .user = &user});
    rc_http_route_body(http, "/engine.io/*", rc_eio_request, server);
    got[0] = sid[0] = 0;
    ends = 0;
    late = 0;
    struct fake_stream *fake = connection();
    *state = fake; /* the connection that opened it; most tests poll on it */
    get(fake);
    rc_eio_sid(session, sid);
    return 0;
}

/* The session is gone for this reason, and nothing of it is left. */
static inline void gone(enum rc_close reason)
{
    pass(20);
    assert_int_equal(ends, 1);
    assert_int_equal(why, reason);
    assert_null(session);
    assert_int_equal(rc_eio_server_count(server), 0);
    assert_int_equal(values[GM_POLLING], 0);
    struct fake_stream *fake = connection();
    get(fake);
    answered(fake, 400, "{\"code\":1,\"message\":\"Session ID unknown\"}");
    leave(fake);
}

static inline int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conn / sizeof *conn; i++) {
        if (conn[i])
            leave(conn[i]);
    }
    rc_eio_server_free(server); /* with a session that is left, or whose end waits for the wheel */
    assert_int_equal(ends, 1);
    assert_int_equal(values[GM_POLLING], 0);
    rc_http_server_free(http);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
