/* The opening handshake of WebSocket (RFC 6455 4.2). */
#include "gateway/http/http_parse.h"
#include "gateway/ws/ws_conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"

/* What a request with these fields gets: 0, or a status with a text. */
static int check(const char *line, const char *fields)
{
    static struct rc_http_head head;
    static char bytes[1024];
    const char *wrong;
    int n = snprintf(bytes, sizeof(bytes), "%s\r\nHost: x\r\n%s\r\n", line, fields);
    assert_int_equal(rc_http_parse(bytes, (size_t)n, &head), 0);
    int status = rc_ws_handshake_check(&head.request, &wrong);
    assert_int_equal(status != 0, wrong != NULL);
    return status;
}

static void test_handshake(void **state)
{
    (void)state;
    assert_int_equal(check("GET / HTTP/1.1", UPGRADE VERSION KEY), 0);
    assert_int_equal(check("GET / HTTP/1.1", UPGRADE VERSION KEY "Content-Length: 0\r\n"), 0);
    assert_int_equal(check("GET / HTTP/1.1", "Connection: a, UPGRADE\r\nUpgrade: h2c, WebSocket\r\n" VERSION KEY), 0);
    assert_int_equal(check("GET / HTTP/1.1", UPGRADE KEY "Sec-WebSocket-Version: 8\r\n"), 426);
    assert_int_equal(check("GET / HTTP/1.1", UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n"), 426);
    static const char *const bad[] = {
        UPGRADE VERSION,
        UPGRADE KEY,
        UPGRADE VERSION KEY KEY,
        UPGRADE VERSION VERSION KEY,
        UPGRADE KEY "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n",
        UPGRADE VERSION "Sec-WebSocket-Key: \r\n",
        UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n",
        UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==x\r\n",
        UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ= \r\n",
        UPGRADE VERSION KEY "Content-Length: 6\r\n", /* its body would be read as frames */
        "Connection: Upgrade\r\nUpgrade: h2c\r\n" VERSION KEY,
        "Upgrade: websocket\r\n" VERSION KEY,
        "Connection: Upgrade\r\n" VERSION KEY,
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(check("GET / HTTP/1.1", bad[i]), 400);
    assert_int_equal(check("POST / HTTP/1.1", UPGRADE VERSION KEY), 400);
    assert_int_equal(check("GET / HTTP/1.0", UPGRADE VERSION KEY), 400);
}

static void test_accept_key(void **state)
{
    (void)state;
    char accept[29];
    rc_ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455 1.3 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_accept_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
