/* Bodies of requests, on a stream without a kernel. */
#include "fake_stream.h"
#include "gateway/http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rc_wheel wheel;
static rc_gateway_values values;
static struct rc_http_server *server;
static struct rc_response *response; /* of the last request; NULL: it ended */
static char got[4096];               /* pieces and bars, and '.' for the end */
static unsigned gone;
static const char *in_data; /* what to do at the next piece: "hold", "answer", "refuse" */

static void answer(int status)
{
    struct rc_response *r = response;
    response = NULL;
    rc_response_full(r, status, NULL, NULL, "x", 1);
}

static void on_data(void *self, const uint8_t *data, size_t len)
{
    const char *what = in_data;
    assert_ptr_equal(self, got);
    strcat(strncat(got, (const char *)data, len), "|");
    in_data = "";
    if (strcmp(what, "hold") == 0)
        rc_response_hold(response, true);
    else if (strcmp(what, "refuse") == 0)
        rc_response_close(response, RC_CLOSE_HTTP_BAD);
    if (strcmp(what, "refuse") == 0 || strcmp(what, "answer") == 0)
        answer(200);
}

static void on_end(void *self)
{
    assert_ptr_equal(self, got);
    strcat(got, ".");
}

static void on_gone(void *self)
{
    (void)self;
    gone++;
}

static const struct rc_body_sink sink = {on_data, on_end};
static const struct rc_response_watch watch = {NULL, on_gone};

static void on_take(void *self, const struct rc_http_request *request, struct rc_response *r)
{
    (void)self, (void)request;
    response = r;
    rc_response_watch(r, &watch, NULL);
    rc_response_body(r, &sink, got);
}

static void on_leave(void *self, const struct rc_http_request *request, struct rc_response *r)
{
    (void)self, (void)request;
    response = r;
    answer(200);
}

static int setup(void **state)
{
    rc_wheel_init(&wheel, 0);
    server = rc_http_server_new(&wheel, values);
    rc_http_route_body(server, "/take", on_take, NULL);
    rc_http_route_body(server, "/leave", on_leave, NULL);
    struct fake_stream *fake = fake_new();
    rc_http_open(server, &fake->stream);
    *state = fake;
    got[0] = 0;
    gone = 0;
    response = NULL;
    in_data = "";
    return 0;
}

static int teardown(void **state)
{
    if (*state)
        fake_free(*state);
    if (response)
        rc_response_end(response);
    rc_http_server_free(server);
    return 0;
}

static void feed(struct fake_stream *fake, const char *text)
{
    fake_feed(fake, text, strlen(text));
}

static void pass(int64_t ms)
{
    rc_wheel_advance(&wheel, wheel.now + ms * RC_MS);
}

static unsigned answers(const struct fake_stream *fake)
{
    unsigned n = 0;
    for (const char *at = fake->out; (at = strstr(at, "HTTP/1.1 200 OK")); at++)
        n++;
    return n;
}

#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " length "\r\n\r\n"

static void test_pieces(void **state)
{
    feed(*state, POST("/take", "6") "ab");
    feed(*state, "cd");
    assert_string_equal(got, "ab|cd|");
    feed(*state, "ef" POST("/take", "1") "g"); /* what follows is the next request */
    assert_string_equal(got, "ab|cd|ef|.");
    assert_true(((struct fake_stream *)*state)->stream.paused);
    answer(200);
    feed(*state, "");
    assert_string_equal(got, "ab|cd|ef|.g|.");
    answer(200);
    assert_int_equal(answers(*state), 2);
    assert_int_equal(gone, 0);
}

static void test_every_cut(void **state)
{
    static const char text[] = POST("/take", "5") "hello";
    (void)state;
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        struct fake_stream *fake = fake_new();
        rc_http_open(server, &fake->stream);
        got[0] = 0;
        fake_feed(fake, text, cut);
        fake_feed(fake, text + cut, sizeof text - 1 - cut);
        size_t body = sizeof text - 1 - 5;
        char wanted[16] = "hello|.";
        if (cut > body)
            snprintf(wanted, sizeof wanted, "%.*s|%s|.", (int)(cut - body), "hello", &"hello"[cut - body]);
        assert_string_equal(got, wanted);
        answer(200);
        fake_free(fake);
    }
}

static void test_none(void **state)
{
    feed(*state, POST("/take", "0"));
    assert_string_equal(got, ".");
    answer(200);
    feed(*state, "GET /take HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_string_equal(got, "..");
}

/* A route that asks for bodies sees to their length itself. */
static void test_large(void **state)
{
    feed(*state, POST("/take", "1000000000000"));
    assert_false(((struct fake_stream *)*state)->stream.closing);
    feed(*state, "a");
    assert_string_equal(got, "a|");
}

static void test_hold(void **state)
{
    struct fake_stream *fake = *state;
    in_data = "hold";
    feed(fake, POST("/take", "4") "a");
    assert_true(fake->stream.paused);
    feed(fake, "b");
    assert_string_equal(got, "a|");
    rc_response_hold(response, false);
    assert_false(fake->stream.paused);
    feed(fake, "c");
    assert_string_equal(got, "a|bc|");
    rc_response_hold(response, true);
    rc_response_hold(response, true);
    answer(200); /* an answer ends that */
    assert_false(fake->stream.paused);
    feed(fake, "d" POST("/leave", "0"));
    assert_int_equal(answers(fake), 2);
}

static void test_continue(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, "POST /take HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_string_equal(fake->out, "HTTP/1.1 100 Continue\r\n\r\n");
    feed(fake, "a");
    answer(200);
    assert_false(fake->stream.closing);
    fake->out_len = 0;
    feed(fake, "POST /take HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(fake->out_len, 0); /* nothing to go on with */
    answer(200);
    fake->out_len = 0;
    feed(fake, "POST /take HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_int_equal(fake->out_len, 0); /* HTTP/1.0 knows no such answer */
}

static void test_gone(void **state)
{
    feed(*state, POST("/take", "4") "a");
    fake_free(*state);
    *state = NULL;
    assert_int_equal(gone, 1);
    assert_string_equal(got, "a|");
    rc_response_hold(response, true);
    rc_response_hold(response, false);
    answer(200);
}

/* Paused behind its body, it still learns of the client's end. */
static void test_watched_behind_the_body(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, POST("/take", "1") "a");
    assert_true(fake->stream.paused);
    assert_true(fake->stream.watched);
}

static void test_early_answer(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, POST("/leave", "6") "ab");
    assert_int_equal(answers(fake), 1);
    feed(fake, "cd");
    feed(fake, "ef" POST("/leave", "0"));
    assert_int_equal(answers(fake), 2);
    in_data = "answer";
    feed(fake, POST("/take", "6") "ab");
    assert_int_equal(answers(fake), 3);
    feed(fake, "cdef" POST("/leave", "0"));
    assert_string_equal(got, "ab|"); /* the rest was nobody's */
    assert_int_equal(answers(fake), 4);
    assert_int_equal(gone, 0);
}

static void test_early_refusal(void **state)
{
    struct fake_stream *fake = *state;
    in_data = "refuse";
    feed(fake, POST("/take", "6") "ab");
    assert_int_equal(fake->why, RC_CLOSE_HTTP_BAD);
    feed(fake, "cdef" POST("/take", "0"));
    assert_string_equal(got, "ab|");
}

static void test_slow(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, POST("/take", "100"));
    for (int64_t ms = 0; ms < RC_HTTP_BODY_MS - 1000; ms += 1000) {
        feed(fake, "a"); /* a byte now and then does not help */
        pass(1000);
    }
    assert_false(fake->stream.closing);
    pass(1100);
    assert_int_equal(fake->why, RC_CLOSE_HTTP_SLOW);
}

static void test_time_held(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, POST("/take", "3") "a");
    pass(RC_HTTP_BODY_MS - 1000);
    rc_response_hold(response, true);
    pass(1100);
    pass(RC_HTTP_STALL_MS - 1000); /* the next look at it is near */
    rc_response_hold(response, false);
    pass(RC_HTTP_BODY_MS - 1000);
    assert_false(fake->stream.closing);
    feed(fake, "bc");
    pass((int64_t)10 * RC_HTTP_BODY_MS); /* now it is the handler who takes its time */
    assert_false(fake->stream.closing);
    answer(200);
}

/* The request was answered: another status would be taken for the next one's. */
static void test_slow_rest(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, POST("/leave", "6") "ab");
    size_t sent = fake->out_len;
    pass(RC_HTTP_SLOW_MS - 100);
    feed(fake, "c");
    assert_false(fake->stream.closing);
    pass(200);
    assert_int_equal(fake->why, RC_CLOSE_HTTP_SLOW);
    assert_int_equal(fake->out_len, sent);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pieces),        TEST(test_every_cut),    TEST(test_none),
        TEST(test_large),         TEST(test_hold),         TEST(test_continue),
        TEST(test_gone),          TEST(test_early_answer), TEST(test_watched_behind_the_body),
        TEST(test_early_refusal), TEST(test_slow),         TEST(test_time_held),
        TEST(test_slow_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
