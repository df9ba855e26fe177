/* Sessions on long-polling. */
#include "polling_world.h"

/* Packets out */

static void test_open(void **state)
{
    char wanted[256];
    snprintf(
        wanted, sizeof wanted,
        "0{\"sid\":\"%s\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":%d}",
        sid, BODY_MAX);
    answered(*state, 200, wanted);
    assert_int_equal(values[GM_POLLING], 1);
    assert_int_equal(rc_eio_server_count(server), 1);
}

static void test_poll_waits(void **state)
{
    get(*state);
    waits(*state);
    user_says("a");
    answered(*state, 200, "4a");
    get(*state);
    waits(*state);
    user_says("b");
    answered(*state, 200, "4b");
}

static void test_queue_goes_at_once(void **state)
{
    struct rc_buf *bytes = rc_buf_copy("xyz", 3);
    user_says("a");
    send_payload(rc_payload_event("/", "[0,{\"_placeholder\":true,\"num\":0}]", 33, &bytes, 1));
    rc_buf_rele(bytes);
    user_says("b");
    get(*state);
    answered(*state, 200, "4a" S "451-[0,{\"_placeholder\":true,\"num\":0}]" S "beHl6" S "4b");
    get(*state);
    waits(*state);
}

static void test_heartbeat(void **state)
{
    get(*state);
    pass(25010);
    answered(*state, 200, "2");
    struct fake_stream *poster = connection();
    post(poster, "3");
    answered(poster, 200, "ok");
    get(*state);
    pass(24900);
    waits(*state);
    pass(110);
    answered(*state, 200, "2");
}

/* Without a poll that waits, the ping waits for one; the client's time runs. */
static void test_ping_timeout(void **state)
{
    pass(25010);
    user_says("a");
    get(*state);
    answered(*state, 200, "2" S "4a");
    pass(19900);
    assert_int_equal(ends, 0);
    pass(100);
    gone(RC_CLOSE_PING_TIMEOUT);
}

static void test_ping_timeout_with_a_poll(void **state)
{
    pass(25010);
    get(*state);
    get(*state);
    waits(*state);
    pass(20010);
    answered(*state, 200, "1");
    gone(RC_CLOSE_PING_TIMEOUT);
}

/* A request that comes when the time is over finds nothing, though the wheel has not fired yet. */
static void test_overdue(void **state)
{
    pass(25010);
    get(*state);
    late = 20000 * RC_MS;
    get(*state);
    answered(*state, 400, "{\"code\":1,\"message\":\"Session ID unknown\"}");
    late = 0;
    gone(RC_CLOSE_PING_TIMEOUT);
}

static void test_slow(void **state)
{
    char text[QUEUE_MAX / 4];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (int i = 0; i < 3; i++)
        user_says(text);
    assert_int_equal(rc_eio_server_count(server), 1);
    user_says(text);
    assert_int_equal(rc_eio_server_count(server), 0);
    user_says(text); /* nothing is queued any more */
    (void)state;
    gone(RC_CLOSE_SLOW);
}

/* One message above the bound may be queued alone. */
static void test_large_message(void **state)
{
    char text[2 * QUEUE_MAX + 1], wanted[sizeof text + 1] = "4";
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    user_says(text);
    get(*state);
    answered(*state, 200, strcat(wanted, text));
}

/* Packets in */

static void test_post(void **state)
{
    struct fake_stream *poster = connection();
    get(*state);
    post(poster, "4a" S "bQUJD" S "3" S "4say b" S "4say c");
    assert_string_equal(got, "a|<ABC>|say b|say c|");
    answered(poster, 200, "ok");
    assert_non_null(strstr(poster->out, "\r\nContent-Type: text/html\r\n"));
    answered(*state, 200, "4b" S "4c"); /* all that the body caused */
}

static void test_pieces(void **state)
{
    struct fake_stream *poster = connection();
    (void)state;
    post_part(poster, 7, "4h");
    waits(poster);
    fake_feed(poster, "ell", 3);
    assert_string_equal(got, "");
    fake_feed(poster, "o" S, 2);
    answered(poster, 200, "ok");
    assert_string_equal(got, "hello|");
    gone(RC_CLOSE_EIO_PACKET); /* an empty packet behind the separator */
}

static void test_limit(void **state)
{
    struct fake_stream *poster = connection();
    char body[BODY_MAX + 1] = "4say ";
    memset(body + 5, 'x', BODY_MAX - 5);
    post(poster, body);
    answered(poster, 200, "ok");
    post_part(poster, BODY_MAX + 1, body);
    answered(poster, 413, "");
    assert_int_equal(poster->why, RC_CLOSE_HTTP_LIMIT);
    get(*state); /* the session lives */
    assert_memory_equal(strstr(((struct fake_stream *)*state)->out, "\r\n\r\n"), "\r\n\r\n4xxx", 8);
}

static void bad_body(const char *body, const char *heard, enum rc_close reason)
{
    void *state;
    setup(&state);
    struct fake_stream *poster = connection();
    get(state);
    post(poster, body);
    answered(poster, 200, "ok");
    answered(state, 200, reason == RC_CLOSE_PEER ? "6" : "1");
    assert_string_equal(got, heard);
    assert_false(poster->stream.closing);
    gone(reason);
    teardown(&state);
}

static void test_bad_bodies(void **state)
{
    (void)state;
    bad_body("", "", RC_CLOSE_EIO_PACKET);
    bad_body("2", "", RC_CLOSE_EIO_PACKET);
    bad_body("x", "", RC_CLOSE_EIO_PACKET);
    bad_body("4a" S "7" S "4b", "a|", RC_CLOSE_EIO_PACKET); /* what stood before it was heard */
    bad_body("4a" S "bA" S "4b", "a|", RC_CLOSE_EIO_PACKET);
    bad_body("4\xff", "", RC_CLOSE_EIO_PACKET);
    bad_body("1", "", RC_CLOSE_PEER);
    bad_body("4a" S "1" S "4b", "a|", RC_CLOSE_PEER);
    bad_body("4close" S "4b", "close|", RC_CLOSE_SIO_PACKET);
}

static void test_last_words(void **state)
{
    struct fake_stream *poster = connection();
    get(*state);
    post(poster, "4say a" S "4close");
    answered(*state, 200, "4a" S "1");
    answered(poster, 200, "ok");
    gone(RC_CLOSE_SIO_PACKET);
}

/* The noop lets a poll go that has nothing else. */
static void test_last_words_of_the_client(void **state)
{
    struct fake_stream *poster = connection();
    get(*state);
    post(poster, "4say a" S "1");
    answered(*state, 200, "4a");
    answered(poster, 200, "ok");
    gone(RC_CLOSE_PEER);
}

static void test_octets(void **state)
{
    get(*state);
    struct fake_stream *poster = connection();
    ask(poster, "POST", "polling", "Content-Length: 2\r\nContent-Type: application/octet-stream\r\n", "4a");
    answered(poster, 400, "");
    answered(*state, 200, "1");
    assert_string_equal(got, "");
    gone(RC_CLOSE_EIO_REQUEST);
}

static void test_second_get(void **state)
{
    struct fake_stream *second = connection();
    get(*state);
    get(second);
    answered(second, 400, "");
    answered(*state, 200, "1");
    gone(RC_CLOSE_EIO_REQUEST);
}

static void test_second_post(void **state)
{
    struct fake_stream *first = connection(), *second = connection();
    get(*state);
    post_part(first, 10, "4a");
    post(second, "4b");
    answered(second, 400, "");
    answered(first, 400, "");
    assert_true(first->stream.closing); /* with the rest of its body */
    answered(*state, 200, "1");
    fake_feed(first, "4567890", 7);
    assert_string_equal(got, "");
    gone(RC_CLOSE_EIO_REQUEST);
}

static void test_other_methods(void **state)
{
    static const char *const methods[] = {"PUT", "DELETE", "OPTIONS", "PATCH"};
    for (size_t i = 0; i < 4; i++) {
        ask(*state, methods[i], "polling", "", "");
        answered(*state, 500, "");
    }
    assert_int_equal(rc_eio_server_count(server), 1);
}

/* Backpressure: the POST is answered when the user goes on. */

static void test_pause(void **state)
{
    struct fake_stream *poster = connection();
    get(*state);
    post(poster, "4pause" S "4say a");
    answered(*state, 200, "4a");
    waits(poster);
    rc_eio_pause(session, false);
    answered(poster, 200, "ok");
    post(poster, "4pause" S "4go on"); /* over before the body is */
    answered(poster, 200, "ok");
}

/* Ends in every state */

static struct fake_stream *poll_conn, *post_conn, *ws_conn;

static void idle(void)
{
}

static void polled(void)
{
    get(poll_conn);
}

static void half_posted(void)
{
    get(poll_conn);
    post_part(post_conn, 10, "4a");
}

static void paused(void)
{
    get(poll_conn);
    post(post_conn, "4pause");
}

static void upgrading(void)
{
    ws_conn = candidate();
}

static void probed(void)
{
    get(poll_conn);
    ws_conn = candidate();
    frame(ws_conn, 1, "2probe");
    assert_string_equal(frames(ws_conn), "3probe|");
    answered(poll_conn, 200, "6");
}

static void queued(void)
{
    user_says("never taken");
}

static void (*const states[])(void) = {idle, polled, half_posted, paused, upgrading, probed, queued};

static void enter(void (*reach)(void), void **state)
{
    setup(state);
    poll_conn = *state;
    post_conn = connection();
    ws_conn = NULL;
    reach();
}

static void test_server_closes(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        void *state;
        enter(states[i], &state);
        rc_eio_server_close_polling(server, RC_CLOSE_FENCED);
        rc_eio_server_close_polling(server, RC_CLOSE_SHUTDOWN); /* the first reason counts */
        assert_int_equal(ends, 0);                              /* not from within the code that ends it */
        gone(RC_CLOSE_FENCED);
        assert_int_equal(values[GM_CLOSED + RC_CLOSE_FENCED], 1);
        if (states[i] == polled || states[i] == half_posted)
            answered(poll_conn, 200, "1");
        if (states[i] == half_posted)
            answered(post_conn, 400, "");
        if (states[i] == paused)
            answered(post_conn, 200, "ok");
        if (ws_conn) {
            assert_string_equal(frames(ws_conn), "X|");
            assert_int_equal(ws_conn->why, RC_CLOSE_FENCED);
        }
        teardown(&state);
    }
}

/* No grace time for a pending request whose client goes; other connections mean nothing. */
static void test_client_goes(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        void *state;
        enter(states[i], &state);
        bool waiting = states[i] == polled || states[i] == half_posted || states[i] == paused;
        leave(poll_conn);
        if (waiting)
            gone(RC_CLOSE_PEER);
        else
            assert_int_equal(rc_eio_server_count(server), 1);
        teardown(&state);
        enter(states[i], &state);
        waiting = states[i] == half_posted || states[i] == paused;
        leave(post_conn);
        if (waiting)
            gone(RC_CLOSE_PEER);
        else
            assert_int_equal(rc_eio_server_count(server), 1);
        teardown(&state);
    }
}

/* A client whose end is known takes no packet with it, and the session ends once: whatever comes first at the end of the
 * pass, the timer or the connection's end. */
static void test_message_for_the_gone(void **state)
{
    struct fake_stream *fake = *state;
    get(fake);
    rc_stream_close(&fake->stream, RC_CLOSE_PEER);
    user_says("a");
    leave(fake);
    gone(RC_CLOSE_PEER);
}

static void test_close_of_the_gone(void **state)
{
    struct fake_stream *fake = *state;
    get(fake);
    rc_stream_close(&fake->stream, RC_CLOSE_PEER);
    rc_eio_close(session, RC_CLOSE_FENCED);
    gone(RC_CLOSE_FENCED);
    leave(fake);
    assert_int_equal(ends, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open),
        TEST(test_poll_waits),
        TEST(test_queue_goes_at_once),
        TEST(test_heartbeat),
        TEST(test_ping_timeout),
        TEST(test_ping_timeout_with_a_poll),
        TEST(test_overdue),
        TEST(test_slow),
        TEST(test_large_message),
        TEST(test_post),
        TEST(test_pieces),
        TEST(test_limit),
        cmocka_unit_test(test_bad_bodies),
        TEST(test_last_words),
        TEST(test_last_words_of_the_client),
        TEST(test_octets),
        TEST(test_second_get),
        TEST(test_second_post),
        TEST(test_other_methods),
        TEST(test_pause),
        cmocka_unit_test(test_server_closes),
        cmocka_unit_test(test_client_goes),
        TEST(test_message_for_the_gone),
        TEST(test_close_of_the_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
