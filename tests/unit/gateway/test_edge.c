/* An edge between a client in memory and a link loop that records. */
#include "gateway/relay/edge.h"

#include "http_client.h"

#define WORKER 3
#define TARGET "/socket.io/?EIO=4&transport=polling"

static struct rc_edge *edge;
static struct rc_relay posted[64]; /* without data */
static unsigned posts;
static char bytes[1 << 20]; /* of all OPENs and DATA, one behind the other */
static size_t bytes_len;
static uint64_t credit; /* in all of them */
static bool full;
static struct rc_sid sid = {.gateway = 42, .worker = 7, .slot = 1};

static bool post(void *host, struct rc_up *up)
{
    (void)host;
    assert_int_equal(up->kind, RC_UP_RELAY);
    if (full && up->relay.kind == RC_RELAY_OPEN)
        return false;
    assert_true(posts < 64);
    posted[posts++] = up->relay;
    credit += up->relay.credit;
    if (up->relay.data) {
        assert_true(bytes_len + up->relay.data->len < sizeof bytes);
        memcpy(bytes + bytes_len, up->relay.data->data, up->relay.data->len);
        bytes_len += up->relay.data->len;
        bytes[bytes_len] = '\0';
    }
    rc_buf_rele(up->relay.data);
    return true;
}

static void forget_posts(void)
{
    posts = 0;
    bytes_len = 0;
    credit = 0;
    bytes[0] = '\0';
}

static void on_request(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self;
    rc_edge_request(edge, &sid, request, response);
}

static int setup(void **state)
{
    (void)state;
    server_opens();
    memset(server_values, 0, sizeof server_values);
    edge = rc_edge_new(WORKER, &(struct rc_uplink){NULL, post}, server_values);
    rc_http_route_body(server, "/socket.io/*", on_request, NULL);
    client_connects();
    full = false;
    forget_posts();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    client_leaves();
    rc_edge_free(edge);
    server_closes();
    assert_int_equal(rc_metric_get(&server_values[GM_RELAYED]), 0);
    return 0;
}

/* The client */

static void ask(const char *method, const char *fields)
{
    client_asks(method, TARGET, "1.1", "x", fields);
}

static void upgrade(void)
{
    ask("GET", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
}

static void say(size_t len)
{
    char *text = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 23);
    fake_feed(client, text, len);
    free(text);
}

/* The home */

static uint64_t stream(void)
{
    return (uint64_t)WORKER << 48 | rc_metric_get(&server_values[GM_RELAYED_TOTAL]);
}

static void home_sends(const void *data, size_t len, uint32_t more)
{
    struct rc_relay relay = {.kind = RC_RELAY_DATA, .stream = stream(), .credit = more};
    relay.data = len ? rc_buf_copy(data, len) : NULL;
    rc_edge_down(edge, &relay);
    rc_buf_rele(relay.data);
}
#define HOME_SENDS(text) home_sends(text, sizeof(text) - 1, 0)

static void home_sends_many(size_t len)
{
    char *text = calloc(1, len);
    home_sends(text, len, 0);
    free(text);
}

static void home_closes(enum rc_close why)
{
    rc_edge_down(edge, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .stream = stream(), .why = why});
}

static void assert_only_post(enum rc_relay_kind kind, enum rc_close why)
{
    assert_int_equal(posts, 1);
    assert_int_equal(posted[0].kind, kind);
    assert_int_equal(posted[0].stream, stream());
    assert_int_equal(posted[0].why, why);
}

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void test_requests_on_one_connection(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 2; i++) {
        ask("GET", "X-Number: 1\r\n");
        assert_int_equal(posts, 1);
        assert_int_equal(posted[0].kind, RC_RELAY_OPEN);
        assert_int_equal(posted[0].stream, (uint64_t)WORKER << 48 | i);
        assert_int_equal(posted[0].sid.gateway, sid.gateway);
        assert_int_equal(posted[0].sid.worker, sid.worker);
        assert_string_equal(bytes, "GET " TARGET " HTTP/1.1\r\nhost: x\r\nx-number: 1\r\n\r\n");
        assert_true(client->stream.paused);
        HOME_SENDS(ANSWER);
        home_closes(RC_CLOSE_ANSWERED);
        assert_string_equal(client->out, ANSWER);
        assert_false(client->stream.closing);
        assert_false(client->stream.paused);
        forget_posts();
    }
}

/* What the home closes for another reason, or in the middle, does not go on here. */
static void test_connection_ends_with_the_answer(void **state)
{
    (void)state;
    ask("GET", "");
    HOME_SENDS(ANSWER);
    home_closes(RC_CLOSE_HTTP_DONE);
    assert_true(client->stream.closing);
    assert_int_equal(client->why, RC_CLOSE_HTTP_DONE);
}

static void test_home_ends_without_an_answer(void **state)
{
    (void)state;
    ask("GET", "");
    home_closes(RC_CLOSE_ANSWERED); /* a lie */
    assert_true(client->stream.closing);
    assert_int_equal(client->out_len, 0);
}

static void test_body(void **state)
{
    (void)state;
    ask("POST", "Content-Length: 8\r\nExpect: 100-continue\r\n");
    assert_null(strstr(bytes, "expect"));
    assert_non_null(strstr(client->out, "100 Continue"));
    forget_posts();
    fake_feed(client, "abc", 3);
    fake_feed(client, "defghGET / HTTP/1.1\r\n", 21); /* the rest is of the next request */
    assert_string_equal(bytes, "abcdefgh");
    assert_true(client->stream.paused);
}

/* Never a byte above the window; what was read already is kept, and goes first. */
static void test_body_and_window(void **state)
{
    (void)state;
    ask("POST", "Content-Length: 80000\r\n");
    forget_posts();
    say(30000);
    say(40000);
    assert_int_equal(bytes_len, RC_RELAY_WINDOW);
    assert_true(client->stream.paused);
    home_sends(NULL, 0, 4000);
    assert_int_equal(bytes_len, RC_RELAY_WINDOW + 4000);
    assert_true(client->stream.paused);
    home_sends(NULL, 0, 20000);
    assert_int_equal(bytes_len, 70000);
    assert_false(client->stream.paused);
    say(10000);
    assert_int_equal(bytes_len, 80000);
    for (size_t i = 0; i < 40000; i++)
        assert_int_equal(bytes[30000 + i], 'a' + i % 23);
}

static void test_tunnel(void **state)
{
    (void)state;
    upgrade();
    forget_posts();
    HOME_SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    HOME_SENDS("down");
    assert_string_equal(client->out, "HTTP/1.1 101 Switching Protocols\r\n\r\ndown");
    fake_feed(client, "up", 2);
    assert_only_post(RC_RELAY_DATA, 0);
    assert_string_equal(bytes, "up");
}

static void test_tunnel_and_window(void **state)
{
    (void)state;
    upgrade();
    HOME_SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    forget_posts();
    say(60000);
    say(60000);
    assert_int_equal(bytes_len, RC_RELAY_WINDOW);
    assert_true(client->stream.paused);
    home_sends(NULL, 0, RC_RELAY_WINDOW);
    assert_false(client->stream.paused);
    fake_feed(client, "", 0);
    assert_int_equal(bytes_len, 120000);
    for (size_t i = 0; i < 60000; i++)
        assert_int_equal(bytes[60000 + i], 'a' + i % 23);
}

/* The body's rest comes before what the tunnel reads, if there is such a request. */
static void test_upgrade_with_a_body(void **state)
{
    (void)state;
    ask("GET", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 70000\r\n");
    forget_posts();
    say(60000);
    say(10000);
    HOME_SENDS("HTTP/1.1 400 Bad Request\r\n\r\n");
    fake_feed(client, "behind", 6);
    assert_int_equal(bytes_len, RC_RELAY_WINDOW);
    home_sends(NULL, 0, RC_RELAY_WINDOW);
    fake_feed(client, "", 0);
    assert_string_equal(bytes + 70000, "behind");
}

/* Its poll's death ends a session: the home hears it at once. */
static void test_client_leaves_while_it_waits(void **state)
{
    (void)state;
    ask("GET", "");
    assert_true(client->stream.watched);
    forget_posts();
    client_leaves();
    assert_only_post(RC_RELAY_CLOSE, RC_CLOSE_PEER);
    HOME_SENDS(ANSWER);
    home_closes(RC_CLOSE_ANSWERED);
    assert_int_equal(posts, 1);
    client_connects();
}

static void test_client_leaves_a_tunnel(void **state)
{
    (void)state;
    upgrade();
    HOME_SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    forget_posts();
    client_leaves();
    assert_only_post(RC_RELAY_CLOSE, RC_CLOSE_PEER);
    client_connects();
}

/* The client closed, and `closed` has not come yet. */
static void test_closing_client(void **state)
{
    (void)state;
    upgrade();
    forget_posts();
    rc_stream_close(&client->stream, RC_CLOSE_SHUTDOWN);
    HOME_SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    assert_only_post(RC_RELAY_CLOSE, RC_CLOSE_PEER);
    client_leaves();
    client_connects();

    ask("GET", "");
    rc_stream_close(&client->stream, RC_CLOSE_SHUTDOWN);
    HOME_SENDS(ANSWER);
    home_closes(RC_CLOSE_ANSWERED);
    client_leaves();
    client_connects();

    upgrade();
    HOME_SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    forget_posts();
    rc_stream_close(&client->stream, RC_CLOSE_SHUTDOWN);
    home_closes(RC_CLOSE_PING_TIMEOUT);
    client_leaves();
    client_connects();
    assert_int_equal(posts, 0);
}

static void test_home_closes_a_tunnel(void **state)
{
    (void)state;
    upgrade();
    HOME_SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    forget_posts();
    home_closes(RC_CLOSE_SLOW);
    assert_true(client->stream.closing);
    assert_int_equal(client->why, RC_CLOSE_SLOW);
    client_leaves();
    assert_int_equal(posts, 0);
    client_connects();
}

/* A session whose gateway is not there is unknown, as it would be there. */
static void test_way_lost(void **state)
{
    (void)state;
    ask("GET", "");
    home_closes(RC_CLOSE_RELAY);
    assert_memory_equal(client->out, "HTTP/1.1 400 ", 13);
    assert_non_null(strstr(client->out, "Session ID unknown"));
    assert_int_equal(rc_metric_get(&server_values[GM_RELAYS_LOST]), 1);
    ask("GET", "");
    HOME_SENDS("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    home_closes(RC_CLOSE_RELAY);
    assert_true(client->stream.closing);
    assert_int_equal(client->why, RC_CLOSE_RELAY);
}

static void test_uplink_full(void **state)
{
    (void)state;
    full = true;
    ask("GET", "");
    assert_memory_equal(client->out, "HTTP/1.1 503 ", 13);
    assert_true(client->stream.closing);
    assert_int_equal(client->why, RC_CLOSE_BUSY);
}

/* No more than a window waits here for a client that does not read. */
static void test_credit_for_what_the_client_took(void **state)
{
    (void)state;
    upgrade();
    HOME_SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    forget_posts();
    home_sends_many(40000);
    client_stalls();
    rc_edge_turn(edge);
    fake_feed(client, "up", 2);
    assert_int_equal(credit, 0);
    client->stream.queued -= 20000;
    rc_edge_turn(edge);
    assert_int_equal(credit, 20000 + 0);
    client->stream.queued -= 1000;
    rc_edge_turn(edge); /* not worth a message */
    assert_int_equal(credit, 20000);
    client->stream.queued = 0;
    rc_edge_turn(edge);
    assert_int_equal(credit, 40000 + 36); /* with the head of 101 */
    rc_edge_turn(edge);
    assert_int_equal(posts, 3);
}

/* Small things are credited with what the client says next, or when they are many. */
static void test_small_credit(void **state)
{
    (void)state;
    ask("POST", "Content-Length: 5\r\n");
    forget_posts();
    HOME_SENDS("HTTP/1.1 200 OK\r\n");
    rc_edge_turn(edge);
    assert_int_equal(posts, 0);
    fake_feed(client, "body!", 5);
    assert_int_equal(posts, 1);
    assert_int_equal(credit, 17);
}

static void test_of_no_stream(void **state)
{
    (void)state;
    HOME_SENDS("nobody");
    home_closes(RC_CLOSE_RELAY);
    assert_int_equal(client->out_len + posts, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_requests_on_one_connection),
        TEST(test_connection_ends_with_the_answer),
        TEST(test_home_ends_without_an_answer),
        TEST(test_body),
        TEST(test_body_and_window),
        TEST(test_tunnel),
        TEST(test_tunnel_and_window),
        TEST(test_upgrade_with_a_body),
        TEST(test_client_leaves_while_it_waits),
        TEST(test_client_leaves_a_tunnel),
        TEST(test_closing_client),
        TEST(test_home_closes_a_tunnel),
        TEST(test_way_lost),
        TEST(test_uplink_full),
        TEST(test_credit_for_what_the_client_took),
        TEST(test_small_credit),
        TEST(test_of_no_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
