/* A home with an HTTP server on its streams, and a link loop that records. */
#include "gateway/relay/home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define QUEUE_MAX 200000
#define GUEST     (RC_RELAY_GUEST | 1)
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct rc_wheel wheel;
static rc_gateway_values values;
static struct rc_http_server *http;
static struct rc_home *home;

/* What it posted, of one stream after the other */
static char out[1 << 20];
static size_t out_len;
static uint64_t credit;
static unsigned closes;
static enum rc_close why;
static size_t largest; /* DATA */

static bool post(void *host, struct rc_up *up)
{
    const struct rc_relay *relay = &up->relay;
    (void)host;
    assert_int_equal(up->kind, RC_UP_RELAY);
    assert_int_equal(closes, 0); /* nothing comes behind it */
    credit += relay->credit;
    if (relay->data) {
        assert_true(out_len + relay->data->len < sizeof out);
        memcpy(out + out_len, relay->data->data, relay->data->len);
        out_len += relay->data->len;
        out[out_len] = '\0';
        largest = relay->data->len > largest ? relay->data->len : largest;
    }
    if (relay->kind == RC_RELAY_CLOSE) {
        closes++;
        why = relay->why;
    }
    rc_buf_rele(relay->data);
    return true;
}

static void forget_posts(void)
{
    out_len = 0;
    out[0] = '\0';
    credit = 0;
    closes = 0;
}

/* Requests */

static void on_hello(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self, (void)request;
    rc_response_full(response, 200, "text/plain", NULL, "hello", 5);
}

static void on_big(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    char *body = calloc(1, QUEUE_MAX - 1000);
    (void)self, (void)request;
    rc_response_full(response, 200, "text/plain", NULL, body, QUEUE_MAX - 1000);
    free(body);
}

static struct rc_response *kept;
static unsigned gone, drained;

static void on_gone(void *self)
{
    (void)self;
    gone++;
    rc_response_end(kept);
    kept = NULL;
}

static void on_drained(void *self)
{
    (void)self;
    drained++;
}

static void on_later(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    static const struct rc_response_watch watch = {on_drained, on_gone};
    (void)self, (void)request;
    kept = response;
    rc_response_watch(response, &watch, NULL);
}

/* A protocol that keeps what it gets and closes at a '!' */

static struct rc_stream *tunnel;
static char in[1 << 17];
static size_t in_len;
static unsigned ends;
static enum rc_close ended;

static size_t on_input(void *self, struct rc_stream *stream, uint8_t *data, size_t len)
{
    (void)self;
    memcpy(in + in_len, data, len);
    in_len += len;
    in[in_len] = '\0';
    if (data[0] == '!') {
        rc_stream_send(stream, rc_buf_copy("bye", 3));
        rc_stream_close(stream, RC_CLOSE_WS_CLOSED);
        rc_stream_close(stream, RC_CLOSE_ERROR);
        rc_stream_send(stream, rc_buf_copy("too late", 8));
    }
    return len;
}

static void on_closed(void *self, enum rc_close reason)
{
    (void)self;
    ends++;
    ended = reason;
    rc_stream_send(tunnel, rc_buf_copy("too late", 8));
    rc_stream_close(tunnel, RC_CLOSE_ERROR);
    rc_stream_pause(tunnel, true);
    tunnel = NULL;
}

static const struct rc_stream_user user = {on_input, NULL, on_closed};

static void on_upgrade(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self, (void)request;
    tunnel = rc_response_upgrade(response, rc_buf_copy("101", 3));
    tunnel->user = &user;
    tunnel->self = in;
}

/* The edge */

static void take(enum rc_relay_kind kind, const void *data, size_t len, uint32_t more, enum rc_close reason)
{
    struct rc_relay relay = {.kind = kind, .stream = GUEST, .credit = more, .why = reason};
    relay.data = data ? rc_buf_copy(data, len) : NULL;
    rc_home_down(home, &relay);
    rc_buf_rele(relay.data);
}

static void edge_opens(const char *request)
{
    take(RC_RELAY_OPEN, request, strlen(request), 0, 0);
}

static void edge_sends(const void *data, size_t len)
{
    take(RC_RELAY_DATA, data, len, 0, 0);
}

static void edge_credits(uint32_t more)
{
    take(RC_RELAY_DATA, NULL, 0, more, 0);
}

static void edge_closes(enum rc_close reason)
{
    take(RC_RELAY_CLOSE, NULL, 0, 0, reason);
}

static void turn(void)
{
    rc_home_turn(home);
}

static void open_tunnel(void)
{
    edge_opens(GET("/tunnel"));
    turn();
    assert_string_equal(out, "101");
    forget_posts();
}

static void send_many(size_t len)
{
    struct rc_buf *buf = rc_buf_new(len);
    for (size_t i = 0; i < len; i++)
        buf->data[i] = (uint8_t)('a' + i % 23);
    rc_stream_send(tunnel, buf);
}

static void wait_for(int64_t ms)
{
    rc_wheel_advance(&wheel, wheel.now + ms * RC_MS);
}

static int setup(void **state)
{
    (void)state;
    rc_wheel_init(&wheel, 0);
    memset(values, 0, sizeof values);
    http = rc_http_server_new(&wheel, values);
    rc_http_route(http, "GET", "/hello", on_hello, NULL);
    rc_http_route(http, "GET", "/big", on_big, NULL);
    rc_http_route(http, "GET", "/later", on_later, NULL);
    rc_http_route(http, "GET", "/tunnel", on_upgrade, NULL);
    home = rc_home_new(&(struct rc_home_config){
        .http = http, .wheel = &wheel, .uplink = {NULL, post}, .values = values, .queue_max = QUEUE_MAX});
    forget_posts();
    in_len = largest = 0;
    gone = drained = ends = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rc_home_free(home);
    rc_http_server_free(http);
    assert_int_equal(rc_metric_get(&values[GM_GUESTS]), 0);
    return 0;
}

static void test_answered(void **state)
{
    (void)state;
    edge_opens(GET("/hello"));
    assert_int_equal(rc_home_count(home), 1);
    turn();
    assert_memory_equal(out, "HTTP/1.1 200 OK\r\n", 17);
    assert_string_equal(out + out_len - 5, "hello");
    assert_int_equal(closes, 1);
    assert_int_equal(why, RC_CLOSE_ANSWERED);
    assert_int_equal(rc_home_count(home), 0);
    assert_false(rc_home_waits(home));
}

static void test_answered_and_closed(void **state)
{
    (void)state;
    edge_opens("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    turn();
    assert_int_equal(why, RC_CLOSE_HTTP_DONE);
}

static void test_malformed(void **state)
{
    (void)state;
    edge_opens("GET /hello HTTP/1.1\r\nno field\r\n\r\n");
    turn();
    assert_memory_equal(out, "HTTP/1.1 400 ", 13);
    assert_int_equal(why, RC_CLOSE_HTTP_BAD);
}

/* A pending poll hears of its client's end in the same pass, and the edge, which told us, hears nothing. */
static void test_edge_closes_while_answering(void **state)
{
    (void)state;
    edge_opens(GET("/later"));
    turn();
    edge_closes(RC_CLOSE_PEER);
    assert_true(rc_home_waits(home));
    turn();
    assert_int_equal(gone, 1);
    assert_int_equal(closes, 0);
    assert_int_equal(rc_home_count(home), 0);
}

static void test_way_lost(void **state)
{
    (void)state;
    open_tunnel();
    edge_closes(RC_CLOSE_RELAY);
    assert_int_equal(ends, 0); /* never from within */
    turn();
    assert_int_equal(ends, 1);
    assert_int_equal(ended, RC_CLOSE_RELAY);
    assert_int_equal(rc_metric_get(&values[GM_RELAYS_LOST]), 1);
    edge_sends("late", 4);
    edge_closes(RC_CLOSE_PEER);
    turn();
    assert_int_equal(closes + out_len, 0);
}

static void test_tunnel(void **state)
{
    (void)state;
    open_tunnel();
    edge_sends("up", 2);
    assert_string_equal(in, "up");
    rc_stream_send(tunnel, rc_buf_copy("do", 2));
    rc_stream_send(tunnel, rc_buf_copy("wn", 2));
    assert_true(rc_home_waits(home));
    turn();
    assert_string_equal(out, "down");
    assert_int_equal(largest, 4); /* in one message */
}

static void test_close_from_within(void **state)
{
    (void)state;
    open_tunnel();
    edge_sends("!", 1);
    edge_sends("more", 4);
    assert_int_equal(ends, 0);
    turn();
    assert_int_equal(ends, 1);
    assert_int_equal(ended, RC_CLOSE_WS_CLOSED);
    assert_string_equal(out, "bye");
    assert_int_equal(why, RC_CLOSE_WS_CLOSED);
    assert_string_equal(in, "!");
    assert_int_equal(rc_home_count(home), 0);
}

static void test_window(void **state)
{
    (void)state;
    open_tunnel();
    send_many(100000);
    turn();
    turn();
    assert_int_equal(out_len, RC_RELAY_WINDOW - 3);
    assert_false(rc_home_waits(home)); /* it waits for the edge, not for the loop */
    edge_credits(1000);
    turn();
    assert_int_equal(out_len, RC_RELAY_WINDOW - 3 + 1000);
    edge_credits(RC_RELAY_WINDOW);
    turn();
    assert_int_equal(out_len, 100000);
    for (size_t i = 0; i < out_len; i++)
        assert_int_equal(out[i], 'a' + i % 23);
    assert_int_equal(rc_metric_get(&values[GM_RELAY_BYTES]), 100000 + 3);
}

static void test_credit_for_what_was_used(void **state)
{
    static const char many[RC_RELAY_WINDOW];
    (void)state;
    open_tunnel();
    edge_sends(many, 100);
    assert_int_equal(credit, 0); /* not worth a message */
    rc_stream_send(tunnel, rc_buf_copy("x", 1));
    turn();
    assert_int_equal(credit, 100); /* but with one */
    edge_sends(many, RC_RELAY_WINDOW / 4);
    assert_int_equal(credit, 100 + RC_RELAY_WINDOW / 4);
}

static void test_paused(void **state)
{
    static char many[RC_RELAY_WINDOW];
    (void)state;
    open_tunnel();
    rc_stream_pause(tunnel, true);
    memset(many, 'm', sizeof many);
    edge_sends(many, 40000);
    edge_sends("tail", 4);
    turn();
    assert_int_equal(in_len + credit, 0);
    rc_stream_pause(tunnel, false);
    assert_int_equal(in_len, 0); /* never from within */
    turn();
    assert_int_equal(in_len, 40004);
    assert_string_equal(in + 40000, "tail");
    assert_int_equal(credit, 40004);
}

/* The client does not read: what is beyond its window waits here, and the bound ends it at once. */
static void test_slow(void **state)
{
    (void)state;
    open_tunnel();
    for (unsigned i = 0; i < 9 && !tunnel->closing; i++)
        send_many(50000);
    assert_true(tunnel->closing);
    turn();
    assert_int_equal(ended, RC_CLOSE_SLOW);
    assert_int_equal(closes, 1);
    assert_int_equal(why, RC_CLOSE_SLOW);
    assert_int_equal(out_len, RC_RELAY_WINDOW - 3);
    assert_int_equal(rc_home_count(home), 0);
}

/* What is much in one pass, but within window and bound, is not slow. */
static void test_much_in_one_pass(void **state)
{
    (void)state;
    open_tunnel();
    send_many(QUEUE_MAX);
    send_many(1000); /* above the bound, if nothing had gone out */
    assert_false(tunnel->closing);
}

/* The rest of an answer waits for the edge as long as that takes some of it. */
static void test_long_answer(void **state)
{
    (void)state;
    edge_opens(GET("/big"));
    turn();
    assert_int_equal(out_len, RC_RELAY_WINDOW);
    while (out_len < QUEUE_MAX - 20000) {
        size_t before = out_len;
        wait_for(RC_HTTP_STALL_MS - 1000);
        edge_credits(16384);
        turn();
        assert_int_equal(out_len, before + 16384);
        assert_int_equal(closes, 0);
    }
    edge_credits(RC_RELAY_WINDOW);
    turn();
    assert_int_equal(closes, 1);
    assert_int_equal(why, RC_CLOSE_ANSWERED);
}

/* Half of it must not pass for the whole: the client would wait for the rest in the next answer. */
static void test_answer_that_nobody_takes(void **state)
{
    (void)state;
    edge_opens(GET("/big"));
    turn();
    wait_for(2 * RC_HTTP_STALL_MS + 1000);
    wait_for(RC_HTTP_STALL_MS + 1000);
    assert_int_equal(closes, 1);
    assert_int_equal(why, RC_CLOSE_SLOW);
    assert_int_equal(rc_home_count(home), 0);
}

static void test_answer_cut_by_the_end(void **state)
{
    (void)state;
    edge_opens(GET("/big"));
    turn();
    rc_home_free(home);
    assert_int_equal(closes, 1);
    assert_int_equal(why, RC_CLOSE_SLOW);
    home = NULL;
}

/* Last words are tried for a moment. */
static void test_lingers(void **state)
{
    (void)state;
    open_tunnel();
    send_many(100000);
    rc_stream_close(tunnel, RC_CLOSE_WS_CLOSED);
    turn();
    assert_int_equal(ends, 1);
    assert_int_equal(closes, 0);
    wait_for(2010);
    assert_int_equal(closes, 1);
    assert_int_equal(why, RC_CLOSE_WS_CLOSED);
    assert_int_equal(rc_home_count(home), 0);
}

static void test_edge_closes_while_lingering(void **state)
{
    (void)state;
    open_tunnel();
    send_many(100000);
    rc_stream_close(tunnel, RC_CLOSE_WS_CLOSED);
    turn();
    edge_closes(RC_CLOSE_PEER);
    turn();
    assert_int_equal(closes, 0);
    assert_int_equal(rc_home_count(home), 0);
}

/* As on a connection: told when the queue ran empty after it had waited. */
static void test_drained(void **state)
{
    char *body = calloc(1, 100000);
    (void)state;
    edge_opens(GET("/later"));
    rc_response_begin(kept, 200, "text/plain", NULL, -1);
    turn();
    assert_int_equal(drained, 0); /* it never waited */
    rc_response_write(kept, body, 100000);
    turn();
    assert_int_equal(drained, 0);
    edge_credits(100000);
    turn();
    assert_int_equal(drained, 1);
    free(body);
    rc_response_end(kept);
    turn();
    assert_int_equal(why, RC_CLOSE_ANSWERED);
}

static void test_close_all(void **state)
{
    (void)state;
    open_tunnel();
    rc_home_close_all(home, RC_CLOSE_SHUTDOWN);
    assert_int_equal(ends, 0);
    turn();
    assert_int_equal(ended, RC_CLOSE_SHUTDOWN);
    assert_int_equal(why, RC_CLOSE_SHUTDOWN);
    assert_int_equal(rc_home_count(home), 0);
}

static void test_freed_while_open(void **state)
{
    (void)state;
    open_tunnel();
    rc_stream_pause(tunnel, true);
    edge_sends("kept", 4);
    send_many(100000);
    rc_home_free(home);
    home = NULL;
    assert_int_equal(ends, 1);
    assert_int_equal(closes, 1);
    assert_int_equal(why, RC_CLOSE_SHUTDOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answered),
        TEST(test_answered_and_closed),
        TEST(test_malformed),
        TEST(test_edge_closes_while_answering),
        TEST(test_way_lost),
        TEST(test_tunnel),
        TEST(test_close_from_within),
        TEST(test_window),
        TEST(test_credit_for_what_was_used),
        TEST(test_paused),
        TEST(test_slow),
        TEST(test_much_in_one_pass),
        TEST(test_long_answer),
        TEST(test_answer_that_nobody_takes),
        TEST(test_answer_cut_by_the_end),
        TEST(test_lingers),
        TEST(test_edge_closes_while_lingering),
        TEST(test_drained),
        TEST(test_close_all),
        TEST(test_freed_while_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
