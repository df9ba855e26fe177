/* Heads of HTTP requests, case by case (RFC 9110, RFC 9112). */
#include "gateway/http/http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char bytes[RC_HTTP_HEADER_MAX];
static struct rc_http_head head;

/* The status of a head, 400 also when it is refused before its end. */
static int parse(const char *text, size_t len)
{
    struct rc_http_scan scan = {0};
    size_t used;
    assert_true(len <= sizeof(bytes));
    memcpy(bytes, text, len);
    enum rc_http_scanned scanned = rc_http_scan(&scan, (const uint8_t *)bytes, len, &used);
    assert_int_not_equal(scanned, RC_HTTP_MORE);
    return scanned == RC_HTTP_MALFORMED ? 400 : rc_http_parse(bytes, used, &head);
}

#define PARSE(literal) parse(literal, sizeof(literal) - 1)

/* A request with one Host and these further lines. */
static int parse_with(const char *method, const char *target, const char *version, const char *fields)
{
    char text[1024];
    int n = snprintf(text, sizeof(text), "%s %s %s\r\nHost: x\r\n%s\r\n", method, target, version, fields);
    return parse(text, (size_t)n);
}

static int parse_fields(const char *fields)
{
    return parse_with("POST", "/", "HTTP/1.1", fields);
}

static void test_request_line(void **state)
{
    (void)state;
    assert_int_equal(parse_with("GET", "/", "HTTP/1.1", ""), 0);
    assert_int_equal(parse_with("GET", "/", "HTTP/1.0", ""), 0);
    assert_true(head.request.http10);
    assert_int_equal(parse_with("\r\n\r\nM-SEARCH", "/", "HTTP/1.1", ""), 0);
    assert_string_equal(head.request.method, "M-SEARCH");
    static const char *const bad[] = {"GET  /", "GET\t/", "GET / ", "GET /\t",   "GET /\tx",  "GET ",     "GET",
                                      " GET /", "G@T /",  "get /",  "GET /\x01", "GET /\x7f", "GET /a#b", "GET /?a#b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char text[128];
        int n = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: x\r\n\r\n", bad[i]);
        assert_int_equal(parse(text, (size_t)n), 400);
    }
    assert_int_equal(PARSE("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(parse_with("BREW", "/", "HTTP/1.1", ""), 501); /* RFC 9110 9.1 */
    assert_int_equal(parse_with("GEt", "/", "HTTP/1.1", ""), 501);  /* methods have letter case */
    assert_int_equal(parse_with("CONNECT", "x:443", "HTTP/1.1", ""), 501);
    assert_int_equal(parse_with("CONNECT", "/", "HTTP/1.1", ""), 501);
}

static void test_version(void **state)
{
    (void)state;
    static const char *const bad[] = {"http/1.1", "HTTP/1",   "HTTP/1.", "HTTP/1.10", "HTTP/01.1", "HTTP/1,1",
                                      "HTTP/x.1", "RTSP/1.0", "ICE/1.0", "HTTPS/1.1", "HTTP/1.1 ", "HTTP/1.1x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(parse_with("OPTIONS", "/", bad[i], ""), 400);
    assert_int_equal(parse_with("SOURCE", "/", "ICE/1.0", ""), 400);
    assert_int_equal(parse_with("DESCRIBE", "/", "RTSP/1.0", ""), 400);
    static const char *const other[] = {"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0"};
    for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
        assert_int_equal(parse_with("GET", "/", other[i], ""), 505);
    assert_int_equal(PARSE("PRI * HTTP/2.0\r\n\r\n"), 505); /* how HTTP/2 begins */
    assert_int_equal(PARSE("GET /\r\n\r\n"), 400);          /* HTTP/0.9 */
}

static void target(const char *text, const char *path, const char *query)
{
    assert_int_equal(parse_with("GET", text, "HTTP/1.1", ""), 0);
    assert_string_equal(head.request.path, path);
    assert_string_equal(head.request.query, query);
}

static void test_target(void **state)
{
    (void)state;
    target("/a/b?c=d?e", "/a/b", "c=d?e");
    target("/?", "/", "");
    target("//x/y", "//x/y", ""); /* origin form, whatever it looks like */
    target("/http://x/", "/http://x/", "");
    target("http://x/a?b", "/a", "b");
    target("HTTPS://x:80/a", "/a", "");
    target("http://x", "/", "");
    target("http://x?a=/b", "/", "a=/b");
    target("http://[::1]:80/a", "/a", "");
    static const char *const bad[] = {"*",          "a",         "x:443",      "http:/x",       "http://",
                                      "http:///a",  "http://?a", "ftp://x/a",  "http://u:p@x/", "x?a=http://x/b",
                                      "http:x/://", "?a",        "http://x\"/"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(parse_with("GET", bad[i], "HTTP/1.1", ""), 400);
    assert_int_equal(parse_with("OPTIONS", "*", "HTTP/1.1", ""), 0);
    assert_string_equal(head.request.path, "*");
    assert_int_equal(parse_with("OPTIONS", "*?a", "HTTP/1.1", ""), 400);
}

static int parse_host(const char *line)
{
    char text[256];
    int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", line);
    return parse(text, (size_t)n);
}

static void test_host(void **state)
{
    (void)state;
    static const char *const good[] = {"Host: a.b-c_d:80\r\n", "HOST:x\r\n", "Host: [fe80::1%25en0]:1\r\n",
                                       "Host:\r\n"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_int_equal(parse_host(good[i]), 0);
    static const char *const bad[] = {"",
                                      "Host: x\r\nHost: x\r\n",
                                      "Host: x\r\nhOST: y\r\n",
                                      "Host : x\r\n",
                                      "Host: x y\r\n",
                                      "Host: x/y\r\n",
                                      "Host: u@x\r\n",
                                      "Host: x, y\r\n",
                                      "Host: x?\r\n",
                                      "Host: \"x\"\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(parse_host(bad[i]), 400);
    assert_int_equal(PARSE("GET / HTTP/1.0\r\n\r\n"), 0);
    assert_int_equal(PARSE("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"), 400);
}

static void test_fields(void **state)
{
    (void)state;
    assert_int_equal(parse_fields("A:  \t b c\t \r\nB:\r\nC: \xff\tx\r\nA: d\r\n"), 0);
    assert_string_equal(rc_http_header(&head.request, "a"), "b c");
    assert_string_equal(rc_http_header(&head.request, "b"), "");
    assert_string_equal(rc_http_header(&head.request, "c"), "\xff\tx");
    static const char *const bad[] = {"A : b\r\n",    "A\t: b\r\n",   ": b\r\n",        "A\r\n",
                                      "A b: c\r\n",   "A(: b\r\n",    "\xc3: b\r\n",    "A: b\x01\r\n",
                                      "A: b\x7f\r\n", "A: b\x0b\r\n", "A: b\r\n c\r\n", "A: b\r\n\tc\r\n",
                                      " A: b\r\n",    "A: b\rc\r\n",  "A: b\nB: c\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(parse_fields(bad[i]), 400);
    assert_int_equal(PARSE("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"), 400);
    assert_int_equal(PARSE("GET / HTTP/1.1\r\nHost: x\r\nA\0b: c\r\n\r\n"), 400);
    assert_int_equal(PARSE("GET / HTTP/1.1\r\n: b\r\nHost: x\r\n\r\n"), 400);
}

static void test_field_count(void **state)
{
    (void)state;
    char text[8192] = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 1; i < RC_HTTP_FIELDS_MAX; i++)
        strcat(text, "a: b\r\n");
    size_t len = strlen(text);
    memcpy(text + len, "\r\n", 3);
    assert_int_equal(parse(text, len + 2), 0);
    assert_int_equal(head.request.headers, RC_HTTP_FIELDS_MAX);
    memcpy(text + len, "a: b\r\n\r\n", 9);
    assert_int_equal(parse(text, len + 8), 431);
}

static void test_content_length(void **state)
{
    (void)state;
    static const char *const good[] = {" 5", "5", "\t5 ", " 00005"};
    char line[64];
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        snprintf(line, sizeof(line), "Content-Length:%s\r\n", good[i]);
        assert_int_equal(parse_fields(line), 0);
        assert_int_equal(head.request.body, 5);
    }
    static const char *const bad[] = {"",    " ",    "+5",    "-5",    "0x10", "1e3",  "5 5",
                                      "5,5", "5, 5", "\"5\"", "5;a=b", "5.0",  "five", "18446744073709551616"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        snprintf(line, sizeof(line), "Content-Length: %s\r\n", bad[i]);
        assert_int_equal(parse_fields(line), 400);
    }
    assert_int_equal(parse_fields("Content-Length: 18446744073709551615\r\n"), 0);
    assert_true(head.request.body == UINT64_MAX); /* too large is said elsewhere */
    assert_int_equal(parse_fields("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
    assert_int_equal(parse_fields("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
    assert_int_equal(parse_fields("Content-Length: 5\r\nContent-Length:\r\n"), 400);
}

static void test_transfer_encoding(void **state)
{
    (void)state;
    assert_int_equal(parse_fields("Transfer-Encoding: chunked\r\n"), 411);
    assert_int_equal(parse_fields("Transfer-Encoding: gzip, Chunked\r\n"), 411);
    assert_int_equal(parse_fields("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 411);
    static const char *const bad[] = {"chunked, gzip", "gzip",        "identity",         "xchunked", "chunkedx", "",
                                      "chunked;a=b",   "\"chunked\"", "chunked, chunked", "chunked,"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char line[64];
        snprintf(line, sizeof(line), "Transfer-Encoding: %s\r\n", bad[i]);
        assert_int_equal(parse_fields(line), 400);
    }
    assert_int_equal(parse_fields("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400);
    assert_int_equal(parse_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400);
    assert_int_equal(parse_fields("Content-Length: 3\r\nTransfer-Encoding: identity\r\n"), 400);
    assert_int_equal(parse_with("POST", "/", "HTTP/1.0", "Transfer-Encoding: chunked\r\n"), 400);
}

static void test_expect(void **state)
{
    (void)state;
    assert_int_equal(parse_fields("Expect: 100-Continue\r\n"), 0);
    assert_true(head.expects);
    assert_int_equal(parse_fields(""), 0);
    assert_false(head.expects);
    assert_int_equal(parse_fields("Expect:\r\n"), 417);
    assert_int_equal(parse_fields("Expect: magic\r\n"), 417);
    assert_int_equal(parse_fields("Expect: 100-continue, magic\r\n"), 417);
    assert_int_equal(parse_fields("Expect: 100-continue\r\nExpect: magic\r\n"), 417);
    assert_int_equal(parse_with("POST", "/", "HTTP/1.0", "Expect: 100-continue\r\n"), 0);
    assert_false(head.expects); /* RFC 9110 10.1.1: HTTP/1.0 knows it not */
    assert_int_equal(parse_with("POST", "/", "HTTP/1.0", "Expect: magic\r\n"), 0);
}

static void connection(const char *version, const char *fields, bool keep, bool upgrade)
{
    assert_int_equal(parse_with("GET", "/", version, fields), 0);
    assert_int_equal(head.keep, keep);
    assert_int_equal(head.request.upgrade, upgrade);
}

static void test_connection(void **state)
{
    (void)state;
    connection("HTTP/1.1", "", true, false);
    connection("HTTP/1.1", "Connection: close\r\n", false, false);
    connection("HTTP/1.1", "Connection: keep-alive\r\nConnection: CLOSE\r\n", false, false);
    connection("HTTP/1.1", "Connection: ,\t a ,close ,\r\n", false, false);
    connection("HTTP/1.1", "Connection: not close\r\n", true, false); /* no token, but not that one either */
    connection("HTTP/1.1", "Connection: closed, \"close\"\r\n", true, false);
    connection("HTTP/1.0", "", false, false);
    connection("HTTP/1.0", "Connection: Keep-Alive\r\n", true, false);
    connection("HTTP/1.0", "Connection: keep-alive, close\r\n", false, false);
    connection("HTTP/1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", true, true);
    connection("HTTP/1.1", "Connection: upgrade\r\n", true, false);
    connection("HTTP/1.1", "Upgrade: websocket\r\n", true, false);
    connection("HTTP/1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false, false); /* RFC 9110 7.8 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_line),   cmocka_unit_test(test_version),
        cmocka_unit_test(test_target),         cmocka_unit_test(test_host),
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_field_count),
        cmocka_unit_test(test_content_length), cmocka_unit_test(test_transfer_encoding),
        cmocka_unit_test(test_expect),         cmocka_unit_test(test_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
