/* Requests for a session while too many handshakes are under way, or while the gateway drains. */
#include "polling_world.h"

#define MAX 3

static const char upgrade[] = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/* So many are under way, which is for the user to count. */
static void under_way(uint64_t handshakes)
{
    server->config.handshakes_max = MAX;
    rc_metric_set(&values[GM_HANDSHAKES], handshakes);
}

/* A request without a session id. */
static struct fake_stream *knock(const char *transport, const char *head)
{
    char known[sizeof sid];
    memcpy(known, sid, sizeof sid);
    sid[0] = 0;
    struct fake_stream *fake = connection();
    ask(fake, "GET", transport, head, "");
    memcpy(sid, known, sizeof sid);
    return fake;
}

static unsigned refused(struct fake_stream *fake, enum rc_close reason)
{
    unsigned seconds = 0;
    assert_memory_equal(fake->out, "HTTP/1.1 503 Service Unavailable\r\n", 34);
    assert_non_null(strstr(fake->out, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(fake->out, "\r\nCache-Control: no-store\r\n"));
    const char *retry = strstr(fake->out, "\r\nRetry-After: ");
    assert_non_null(retry);
    assert_int_equal(sscanf(retry, "\r\nRetry-After: %u\r\n", &seconds), 1);
    assert_in_range(seconds, 1, RC_EIO_RETRY_S);
    assert_true(fake->stream.closing);
    assert_int_equal(fake->why, reason);
    leave(fake);
    return seconds;
}

static void test_refused_at_the_bound(void **state)
{
    (void)state;
    under_way(MAX);
    refused(knock("polling", ""), RC_CLOSE_BUSY);
    refused(knock("websocket", upgrade), RC_CLOSE_BUSY);
    assert_int_equal(values[GM_HANDSHAKES_REFUSED], 2);
    assert_int_equal(rc_eio_server_count(server), 1); /* the one of before */
}

/* Those who were refused together do not come back together. */
static void test_times_to_come_back_differ(void **state)
{
    (void)state;
    unsigned seen = 0;
    under_way(MAX + 1);
    for (unsigned i = 0; i < 1000; i++)
        seen |= 1u << refused(knock("polling", ""), RC_CLOSE_BUSY);
    assert_int_equal(seen, ((1u << RC_EIO_RETRY_S) - 1) << 1); /* each of them, by chance in all but 1 of 10^96 runs */
}

static void test_sessions_go_on(void **state)
{
    struct fake_stream *fake = *state;
    under_way(MAX);
    get(fake);
    waits(fake);
    user_says("a");
    answered(fake, 200, "4a");
    post(fake, "4b");
    answered(fake, 200, "ok");
    struct fake_stream *ws = candidate();
    frame(ws, 1, "2probe");
    frame(ws, 1, "5");
    assert_int_equal(values[GM_UPGRADES], 1);
    assert_int_equal(values[GM_HANDSHAKES_REFUSED], 0);
    leave(ws);
}

static void test_below_the_bound(void **state)
{
    (void)state;
    struct rc_eio *first = session;
    under_way(MAX - 1);
    struct fake_stream *fake = knock("polling", "");
    assert_memory_equal(fake->out, "HTTP/1.1 200 ", 13);
    assert_int_equal(rc_eio_server_count(server), 2);
    rc_eio_close(session, RC_CLOSE_PEER);
    pass(20);
    assert_int_equal(ends, 1);
    ends = 0;
    session = first;
}

static void test_full(void **state)
{
    struct fake_stream *first = *state;
    rc_eio_server_full(server, true);
    refused(knock("polling", ""), RC_CLOSE_BUSY);
    refused(knock("websocket", upgrade), RC_CLOSE_BUSY);
    assert_int_equal(values[GM_HANDSHAKES_REFUSED], 2);
    assert_int_equal(values[GM_HANDSHAKES_FULL], 2);
    user_says("a");
    get(first);
    answered(first, 200, "4a");
    rc_eio_server_full(server, false);
    under_way(MAX);
    refused(knock("polling", ""), RC_CLOSE_BUSY);
    assert_int_equal(values[GM_HANDSHAKES_FULL], 2);
}

/* What is wrong with a request is told in any case. */
static void test_wrong_requests(void **state)
{
    (void)state;
    under_way(MAX);
    struct fake_stream *fake = knock("carrier-pigeon", "");
    answered(fake, 400, "{\"code\":0,\"message\":\"Transport unknown\"}");
    assert_int_equal(values[GM_HANDSHAKES_REFUSED], 0);
}

static void test_draining(void **state)
{
    (void)state;
    rc_eio_server_drain(server);
    refused(knock("polling", ""), RC_CLOSE_SHUTDOWN);
    refused(knock("websocket", upgrade), RC_CLOSE_SHUTDOWN);
    assert_int_equal(values[GM_HANDSHAKES_REFUSED], 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused_at_the_bound),
        TEST(test_times_to_come_back_differ),
        TEST(test_sessions_go_on),
        TEST(test_below_the_bound),
        TEST(test_wrong_requests),
        TEST(test_draining),
        TEST(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
