/* HTTP requests and responses on a stream without a kernel. */
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
static struct rc_response *later; /* of /later */
static unsigned gone, drained;

static void on_hello(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    char body[256];
    char *name = rc_http_param(request->query, "name");
    const char *cookie = rc_http_header(request, "cookie");
    int n = snprintf(body, sizeof(body), "%s %s name=%s cookie=%s", request->method, request->path, name ? name : "-",
                     cookie ? cookie : "-");
    (void)self;
    free(name);
    rc_response_full(response, 200, "text/plain", "X-A: b\r\n", body, (size_t)n);
}

static void on_gone(void *self)
{
    (void)self;
    gone++;
}

static void on_drained(void *self)
{
    (void)self;
    drained++;
}

static void on_later(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    static const struct rc_response_watch watch = {on_drained, on_gone};
    (void)self;
    (void)request;
    later = response;
    rc_response_watch(response, &watch, NULL);
}

static size_t upgraded_input(void *self, struct rc_stream *stream, uint8_t *data, size_t len)
{
    (void)self;
    rc_stream_send(stream, rc_buf_copy(data, len)); /* echo */
    return len;
}

static void upgraded_closed(void *self, enum rc_close why)
{
    (void)self;
    (void)why;
}

static const struct rc_stream_user upgraded = {upgraded_input, NULL, upgraded_closed};

static void on_upgrade(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self;
    assert_true(request->upgrade);
    struct rc_stream *stream = rc_response_upgrade(response, rc_buf_copy("101\r\n\r\n", 7));
    assert_non_null(stream);
    stream->user = &upgraded;
    stream->self = &wheel; /* any */
}

static int setup(void **state)
{
    rc_wheel_init(&wheel, 0);
    server = rc_http_server_new(&wheel, values);
    rc_http_route(server, "GET", "/hello", on_hello, NULL);
    rc_http_route(server, "GET", "/later", on_later, NULL);
    rc_http_route(server, NULL, "/up/*", on_upgrade, NULL);
    struct fake_stream *fake = fake_new();
    rc_http_open(server, &fake->stream);
    *state = fake;
    gone = drained = 0;
    later = NULL;
    return 0;
}

static int teardown(void **state)
{
    fake_free(*state);
    rc_http_server_free(server);
    return 0;
}

static void feed(struct fake_stream *fake, const char *text)
{
    fake_feed(fake, text, strlen(text));
}

static bool said(struct fake_stream *fake, const char *text)
{
    return strstr(fake->out, text) != NULL;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void test_get(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, "GET /hello?name=a%20b+c&x=1 HTTP/1.1\r\nHOST:  x \r\nCookie: token=1; b=2 \r\nEmpty:\r\n\r\n");
    assert_true(said(fake, "HTTP/1.1 200 OK\r\n"));
    assert_true(said(fake, "\r\nX-A: b\r\n"));
    assert_true(said(fake, "\r\n\r\nGET /hello name=a b c cookie=token=1; b=2"));
    assert_false(said(fake, "Connection: close"));
    assert_false(fake->stream.closing);
}

static void test_every_cut(void **state)
{
    static const char request[] = "\r\nGET /hello?name=z HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
    (void)state;
    for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
        struct fake_stream *fake = fake_new();
        rc_http_open(server, &fake->stream);
        fake_feed(fake, request, cut);
        assert_int_equal(fake->out_len, 0);
        fake_feed(fake, request + cut, sizeof(request) - 1 - cut);
        assert_true(said(fake, "name=z"));
        fake_free(fake);
    }
}

/* Other bytes would not be the ones that were shared. */
static void test_shared_body(void **state)
{
    struct fake_stream *fake = *state;
    struct rc_buf *body = rc_buf_copy("shared", 6);
    static const char *const requests[] = {GET("/later"), "HEAD /later HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        feed(fake, requests[i]);
        rc_response_begin(later, 200, NULL, NULL, 6);
        rc_response_share(later, rc_buf_hold(body));
        rc_response_end(later);
    }
    assert_true(said(fake, "Content-Length: 6\r\n\r\nsharedHTTP/1.1 200 OK\r\n"));
    assert_string_equal(fake->out + fake->out_len - 4, "\r\n\r\n"); /* HEAD: length, no body */
    assert_int_equal(body->refs, 1);
    assert_false(fake->stream.closing);
    rc_buf_rele(body);
}

/* RFC 9110 15.4.5: no body, and no length, which would have to be that of the 200. */
static void test_not_modified(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, GET("/later"));
    rc_response_full(later, 304, NULL, "ETag: \"1\"\r\n", "", 0);
    assert_true(said(fake, "HTTP/1.1 304 Not Modified\r\n"));
    assert_true(said(fake, "\r\nETag: \"1\"\r\n\r\n"));
    assert_false(said(fake, "Content-Length"));
    assert_false(said(fake, "Transfer-Encoding"));
    feed(fake, GET("/hello?name=next"));
    assert_true(said(fake, "name=next"));
}

static void test_pipeline(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, GET("/hello?name=1") "HEAD /hello?name=2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" GET(
                   "/none") GET("/hello?name=3"));
    char *one = strstr(fake->out, "name=1"), *none = strstr(fake->out, "404 Not Found"),
         *three = strstr(fake->out, "name=3");
    assert_true(one && none && three && one < none && none < three);
    assert_null(strstr(fake->out, "name=2")); /* HEAD: length, no body */
    assert_true(said(fake, "Content-Length: 27\r\n"));
}

static void test_later(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, GET("/later") GET("/hello"));
    assert_int_equal(fake->out_len, 0);
    assert_true(fake->stream.paused);
    rc_response_begin(later, 200, "text/plain", NULL, -1);
    rc_response_write(later, "hello", 5);
    rc_response_write(later, "", 0);
    rc_response_write(later, "0123456789abcdefg", 17);
    fake->stream.user->drained(fake->stream.self, &fake->stream);
    assert_int_equal(drained, 1);
    rc_response_end(later);
    assert_true(said(fake, "Transfer-Encoding: chunked\r\n"));
    assert_true(said(fake, "\r\n\r\n5\r\nhello\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n"));
    assert_false(fake->stream.paused);
    fake_feed(fake, "", 0); /* the pipelined one goes on */
    assert_true(said(fake, "GET /hello"));
    assert_int_equal(gone, 0);
}

static void test_gone(void **state)
{
    (void)state;
    struct fake_stream *fake = fake_new();
    rc_http_open(server, &fake->stream);
    feed(fake, GET("/later"));
    fake_free(fake);
    assert_int_equal(gone, 1);
    assert_true(rc_response_gone(later));
    rc_response_begin(later, 200, "text/plain", NULL, 3);
    rc_response_write(later, "abc", 3);
    rc_response_end(later);
}

static void test_short_body_closes(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, GET("/later"));
    rc_response_begin(later, 200, "text/plain", NULL, 10);
    rc_response_write(later, "abc", 3);
    rc_response_end(later);
    assert_true(fake->stream.closing);
}

static void test_http10(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, "GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    rc_response_begin(later, 200, "text/plain", NULL, -1);
    rc_response_write(later, "abc", 3);
    rc_response_end(later);
    assert_true(said(fake, "Connection: close\r\n"));
    assert_true(said(fake, "\r\n\r\nabc"));
    assert_false(said(fake, "chunked"));
    assert_true(fake->stream.closing);
    assert_int_equal(fake->why, RC_CLOSE_HTTP_DONE);
}

static void test_close_after(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: foo, CLOSE\r\n\r\n" GET("/hello?name=never"));
    assert_true(said(fake, "Connection: close\r\n"));
    assert_false(said(fake, "never"));
    assert_int_equal(fake->why, RC_CLOSE_HTTP_DONE);
}

static void test_upgrade(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, "GET /up/x HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
    assert_string_equal(fake->out, "101\r\n\r\nfirst"); /* what followed belongs to the new protocol */
}

static void refused(const char *text, int status)
{
    char line[32];
    struct fake_stream *fake = fake_new();
    rc_http_open(server, &fake->stream);
    feed(fake, text);
    snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    if (strncmp(fake->out, line, strlen(line)) != 0)
        print_error("%s\n--- answered ---\n%s\n", text, fake->out);
    assert_int_equal(strncmp(fake->out, line, strlen(line)), 0);
    assert_true(said(fake, "Connection: close\r\n"));
    assert_true(fake->stream.closing);
    assert_null(strstr(fake->out, "GET /hello"));
    fake_free(fake);
}

static void test_malformed(void **state)
{
    (void)state;
    refused("GET /hello HTTP/1.1\nHost: x\n\n", 400); /* bare LF */
    refused("GET /hello HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\rHost: x\r\n\r\n", 400); /* bare CR */
    refused("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost : x\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400); /* obs-fold */
    refused("GET /hello HTTP/1.1\r\n Host: x\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\n\r\n", 400); /* no Host */
    refused("GET /hello HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: x\r\nA b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400);
    refused("GET hello HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", 505);
    refused("FOO /hello HTTP/1.1\r\nHost: x\r\n\r\n", 501);
    refused("\x16\x03\x01", 400); /* TLS */
    refused("PUT /hello HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", 417);
    refused("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413);
    refused("POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/hello"), 411);
    /* smuggling shapes: two framings */
    refused("POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", 400);
    refused("POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n" GET("/hello"), 400);
    refused("POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n" GET("/hello"), 400);
}

static void test_header_limits(void **state)
{
    struct fake_stream *fake = *state;
    static const char start[] = "GET /hello?name=big HTTP/1.1\r\nHost: x\r\nA: ";
    static char request[RC_HTTP_HEADER_MAX + 2];
    memset(request, 'a', sizeof(request));
    memcpy(request, start, sizeof(start) - 1);
    request[RC_HTTP_HEADER_MAX + 1] = 0; /* one byte above the limit and still no end */
    refused(request, 431);
    memcpy(request + RC_HTTP_HEADER_MAX - 4, "\r\n\r\n", 5); /* exactly the limit */
    feed(fake, request);
    assert_true(said(fake, "name=big"));
}

static void test_many_fields(void **state)
{
    (void)state;
    static char request[16000] = "GET /hello HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 100; i++)
        strcat(request, "a: b\r\n");
    strcat(request, "\r\n");
    refused(request, 431);
}

static void test_methods_and_paths(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_true(said(fake, "405 Method Not Allowed\r\n"));
    assert_true(said(fake, "Allow: GET, HEAD\r\n"));
    feed(fake, "GET http://x/hello?name=abs HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(said(fake, "GET /hello name=abs"));
    feed(fake, GET("/hello/x"));
    assert_true(said(fake, "404 Not Found"));
}

/* A body that was announced with Expect is not asked for; the answer is final and the connection ends. */
static void test_expect(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_true(said(fake, "200 OK"));
    assert_false(said(fake, "100 Continue"));
    assert_true(fake->stream.closing);
}

static void test_timeouts(void **state)
{
    (void)state;
    struct fake_stream *slow = fake_new(), *idle = fake_new(), *stalled = fake_new();
    rc_http_open(server, &slow->stream);
    rc_http_open(server, &idle->stream);
    rc_http_open(server, &stalled->stream);
    feed(slow, "GET /hello HT");
    feed(idle, GET("/hello"));
    feed(stalled, GET("/later"));
    stalled->stream.queued = 10;
    rc_time t = wheel.now;
    rc_wheel_advance(&wheel, t + 14000 * RC_MS);
    feed(slow, "TP/1.1\r\n"); /* a byte now and then does not help */
    rc_wheel_advance(&wheel, t + 16000 * RC_MS);
    assert_true(said(slow, "408 Request Timeout"));
    assert_int_equal(slow->why, RC_CLOSE_HTTP_SLOW);
    assert_false(idle->stream.closing);
    rc_wheel_advance(&wheel, t + 66000 * RC_MS);
    assert_int_equal(idle->why, RC_CLOSE_HTTP_IDLE);
    assert_int_equal(stalled->why, RC_CLOSE_SLOW);
    fake_free(slow);
    fake_free(idle);
    fake_free(stalled);
    rc_response_end(later);
}

/* The client takes so many bytes of what is queued. */
static void takes(struct fake_stream *fake, size_t bytes)
{
    fake->stream.queued -= (uint32_t)bytes;
    fake->stream.written += bytes;
    if (!fake->stream.queued)
        fake->stream.user->drained(fake->stream.self, &fake->stream);
}

/* An answer that has ended is not over while its client takes some of it, however slowly; idleness begins behind it. */
static void test_slow_download(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, GET("/hello"));
    fake->stream.queued = 6;
    for (int i = 0; i < 6; i++) {
        rc_wheel_advance(&wheel, wheel.now + 50000 * RC_MS);
        assert_false(fake->stream.closing);
        takes(fake, 1);
    }
    rc_wheel_advance(&wheel, wheel.now + (RC_HTTP_IDLE_MS - 100) * RC_MS);
    assert_false(fake->stream.closing);
    rc_wheel_advance(&wheel, wheel.now + 200 * RC_MS);
    assert_int_equal(fake->why, RC_CLOSE_HTTP_IDLE);
}

static void test_stalled_download(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, GET("/hello"));
    fake->stream.queued = 6;
    rc_wheel_advance(&wheel, wheel.now + (RC_HTTP_IDLE_MS - 100) * RC_MS);
    takes(fake, 1);
    rc_wheel_advance(&wheel, wheel.now + RC_HTTP_STALL_MS * RC_MS);
    assert_false(fake->stream.closing);
    rc_wheel_advance(&wheel, wheel.now + RC_HTTP_STALL_MS * RC_MS);
    assert_int_equal(fake->why, RC_CLOSE_SLOW);
}

/* What drains in the middle of the next request does not make it idle. */
static void test_slow_head_behind_a_download(void **state)
{
    struct fake_stream *fake = *state;
    feed(fake, GET("/hello"));
    fake->stream.queued = 6;
    feed(fake, "GET /hello HT");
    rc_wheel_advance(&wheel, wheel.now + (RC_HTTP_SLOW_MS - 100) * RC_MS);
    takes(fake, 6);
    rc_wheel_advance(&wheel, wheel.now + 200 * RC_MS);
    assert_true(said(fake, "408 Request Timeout"));
}

static void param(const char *query, const char *name, const char *wanted)
{
    char *got = rc_http_param(query, name);
    if (wanted)
        assert_string_equal(got, wanted);
    else
        assert_null(got);
    free(got);
}

static void test_params(void **state)
{
    (void)state;
    param("a=1&b=2", "b", "2");
    param("a=1&a=3", "a", "3");
    param("ab=1", "a", NULL);
    param("a", "a", "");
    param("a=", "a", "");
    param("a=x%3Dy%C3%B1", "a", "x=y\xc3\xb1");
    param("a=%", "a", NULL);
    param("a=%4", "a", NULL);
    param("a=%zz", "a", NULL);
    param("a=%00", "a", NULL);
    param("&&a=1&", "a", "1");
    param("", "a", NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get),           TEST(test_every_cut),         TEST(test_pipeline),
        TEST(test_later),         TEST(test_shared_body),       TEST(test_not_modified),
        TEST(test_gone),          TEST(test_short_body_closes), TEST(test_http10),
        TEST(test_close_after),   TEST(test_upgrade),           TEST(test_malformed),
        TEST(test_header_limits), TEST(test_many_fields),       TEST(test_methods_and_paths),
        TEST(test_expect),        TEST(test_timeouts),          TEST(test_params),
        TEST(test_slow_download), TEST(test_stalled_download),  TEST(test_slow_head_behind_a_download),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
