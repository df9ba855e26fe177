/* Engine.IO sessions without a transport, on a clock of the test's own. */
#include "gateway/eio/eio_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rc_wheel wheel;
static struct rc_eio *session;
static char sent[1024], got[1024];
static enum rc_close closed_by, user_why;
static unsigned closes;
static bool paused;

static void packet(void *transport, const char *text)
{
    (void)transport;
    strcat(strcat(sent, text), "|");
}

static void message(void *transport, struct rc_outgoing *out)
{
    (void)transport;
    struct rc_buf *frames = rc_outgoing_frames(out);
    strncat(sent, (const char *)frames->data + 2, frames->len - 2);
    strcat(sent, "|");
    rc_buf_rele(frames);
}

static void pause_input(void *transport, bool stop)
{
    (void)transport;
    paused = stop;
}

static void close_transport(void *transport, enum rc_close why)
{
    (void)transport;
    closed_by = why;
    closes++;
}

static const struct rc_eio_transport transport = {false, packet, message, pause_input, close_transport};

static void *user_open(void *host, struct rc_eio *eio, const char *cookie)
{
    assert_ptr_equal(host, &wheel);
    assert_string_equal(cookie, "token=x");
    (void)eio;
    return got;
}

static void user_text(void *self, const char *data, size_t len)
{
    strcat(strncat(self, data, len), "|");
}

static void user_binary(void *self, const uint8_t *data, size_t len)
{
    (void)data;
    snprintf((char *)self + strlen(self), 16, "<%zu>|", len);
}

static void user_closed(void *self, enum rc_close why)
{
    (void)self;
    user_why = why;
}

static const struct rc_eio_user user = {user_open, user_text, user_binary, user_closed};

static rc_gateway_values values;
static rc_time now(void)
{
    return wheel.now;
}

static const struct rc_eio_config config = {.ping_interval = 25000 * RC_MS,
                                            .ping_timeout = 20000 * RC_MS,
                                            .max_payload = 1000000,
                                            .gateway = 0xabcdef012345,
                                            .worker = 7,
                                            .wheel = &wheel,
                                            .now = now,
                                            .values = values,
                                            .user = &user,
                                            .host = &wheel};
static struct rc_eio_server *server;

static int setup(void **state)
{
    (void)state;
    rc_wheel_init(&wheel, 0);
    sent[0] = got[0] = 0;
    closes = 0;
    server = rc_eio_server_new(&config);
    session = rc_eio_open(server, &transport, NULL, "token=x");
    return session ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rc_eio_gone(session, RC_CLOSE_PEER);
    assert_int_equal(user_why, RC_CLOSE_PEER);
    assert_int_equal(rc_eio_server_count(server), 0);
    rc_eio_server_free(server);
    return 0;
}

static void pass(int64_t ms)
{
    rc_wheel_advance(&wheel, wheel.now + ms * RC_MS);
}

static void say(const char *text)
{
    rc_eio_text(session, text, strlen(text));
}

static void test_open(void **state)
{
    (void)state;
    char wanted[256], text[RC_SID_LEN + 1];
    struct rc_sid sid;
    rc_eio_sid(session, text);
    assert_int_equal(strlen(text), RC_SID_LEN);
    snprintf(wanted, sizeof(wanted),
             "0{\"sid\":\"%s\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}|",
             text);
    assert_string_equal(sent, wanted);
    assert_true(rc_sid_read(text, RC_SID_LEN, &sid));
    assert_true(sid.gateway == config.gateway);
    assert_int_equal(sid.worker, config.worker);
}

static void test_many_sessions(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static struct rc_eio *many[MANY];
    char text[RC_SID_LEN + 1], other[RC_SID_LEN + 1];
    struct rc_sid sid;
    for (int i = 0; i < MANY; i++) {
        sent[0] = 0;
        many[i] = rc_eio_open(server, &transport, NULL, "token=x");
    }
    for (int i = 0; i < MANY; i++) {
        rc_eio_sid(many[i], text);
        assert_true(rc_sid_read(text, RC_SID_LEN, &sid));
        assert_ptr_equal(rc_eio_find(server, &sid), many[i]);
        sid.random[RC_SID_RANDOM - 1] ^= 1;
        assert_null(rc_eio_find(server, &sid));
        rc_sid_write(&sid, other);
        assert_string_not_equal(text, other);
        sid.slot = RC_SID_SLOTS - 1;
        assert_null(rc_eio_find(server, &sid));
        rc_eio_sid(many[i], text);
        rc_eio_gone(many[i], RC_CLOSE_PEER);
        assert_true(rc_sid_read(text, RC_SID_LEN, &sid));
        assert_null(rc_eio_find(server, &sid)); /* its place is free */
    }
}

static void test_heartbeat(void **state)
{
    (void)state;
    sent[0] = 0;
    pass(24900);
    assert_string_equal(sent, "");
    pass(200);
    assert_string_equal(sent, "2|");
    pass(15000);
    say("3");
    pass(24900); /* an interval from the pong */
    assert_string_equal(sent, "2|");
    pass(200);
    assert_string_equal(sent, "2|2|");
    assert_int_equal(closes, 0);
}

static void test_ping_timeout(void **state)
{
    (void)state;
    pass(25100);
    for (int i = 0; i < 20; i++) { /* traffic instead of the pong prolongs it once, by the first packet */
        pass(1000);
        say("4x");
        got[0] = 0;
    }
    assert_int_equal(closes, 0);
    pass(1200);
    assert_int_equal(closes, 1);
    assert_int_equal(closed_by, RC_CLOSE_PING_TIMEOUT);
}

static void test_messages(void **state)
{
    (void)state;
    say("4hello");
    say("4");
    rc_eio_binary(session, (const uint8_t *)"abc", 3);
    assert_string_equal(got, "hello||<3>|");
    sent[0] = 0;
    struct rc_buf *payload = rc_payload_text("2[\"x\"]", 6);
    struct rc_outgoing out = {payload, NULL};
    rc_eio_send(session, &out);
    rc_outgoing_fini(&out);
    rc_buf_rele(payload);
    assert_string_equal(sent, "42[\"x\"]|");
    rc_eio_pause(session, true);
    assert_true(paused);
}

static void test_ignored(void **state)
{
    (void)state;
    say("0");
    say("1");
    say("3");
    say("5");
    say("6");
    assert_int_equal(closes, 0);
    assert_string_equal(got, "");
}

static void closes_at(const char *text)
{
    setup(NULL);
    say(text);
    assert_int_equal(closes, 1);
    assert_int_equal(closed_by, RC_CLOSE_EIO_PACKET);
    say("4late"); /* nothing is heard after that */
    rc_eio_binary(session, (const uint8_t *)"x", 1);
    assert_string_equal(got, "");
    pass(100000);
    assert_int_equal(closes, 1);
    teardown(NULL);
}

static void test_bad_packets(void **state)
{
    (void)state;
    closes_at("");
    closes_at("2");
    closes_at("7");
    closes_at("x");
    closes_at("{}");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open),
        TEST(test_heartbeat),
        TEST(test_ping_timeout),
        TEST(test_messages),
        TEST(test_ignored),
        TEST(test_many_sessions),
        cmocka_unit_test(test_bad_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
