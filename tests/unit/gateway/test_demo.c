/* The demo's tokens: who gets one, for which paths; and its files. */
#include "gateway/app/auth.h"
#include "gateway/demo/demo.h"
#include "http_client.h"
#include "tokens.h"

#include <time.h>

#define MINE "; Path=/socket.io/w1; Max-Age=3600; HttpOnly; SameSite=Strict\r\n"
#define API  "; Path=/api; Max-Age=3600; HttpOnly; SameSite=Strict\r\n"

static struct rc_jwt *jwt;
static struct rc_script *script;
static struct rc_demo *demo;

static int set_up(void **state)
{
    char error[256] = "";
    (void)state;
    server_opens();
    jwt = rc_jwt_new("HS256", SECRET, strlen(SECRET), 0, error, sizeof error);
    script = rc_script_new("", "/socket.io/", error, sizeof error);
    demo = rc_demo_new(jwt, "gateway-\"1\"", "/socket.io/", script);
    assert_non_null(demo);
    rc_demo_routes(demo, server);
    client_connects();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_leaves();
    server_closes();
    rc_demo_free(demo);
    rc_script_free(script);
    rc_jwt_free(jwt);
    return 0;
}

static void post(const char *target, const char *host)
{
    client_asks("POST", target, "1.1", host, "Content-Length: 0\r\n");
}

static void assert_status(const char *status)
{
    assert_memory_equal(client->out, "HTTP/1.1 ", 9);
    assert_memory_equal(client->out + 9, status, strlen(status));
}

static void gives_tokens_for_two_paths(void **state)
{
    (void)state;
    char cookie[1024] = "";
    struct rc_claims claims;
    struct rc_auth *auth = rc_auth_new(jwt);
    post("/demo/token?user=a%C3%B1a%22&rol=admin&window=w1", "localhost:8080");
    assert_status("200");
    assert_non_null(strstr(client->out,
                           "\r\n\r\n{\"user\":\"aña\\\"\",\"rol\":\"admin\",\"node\":\"gateway-\\\"1\\\"\","
                           "\"path\":\"/socket.io/w1\"}"));
    const char *first = strstr(client->out, "Set-Cookie: token=");
    const char *second = strstr(first + 1, "Set-Cookie: token=");
    const char *rest = strchr(first, ';');
    assert_memory_equal(rest, MINE, strlen(MINE));
    assert_memory_equal(strchr(second, ';'), API, strlen(API));
    first += strlen("Set-Cookie: ");
    memcpy(cookie, first, (size_t)(rest - first));
    int64_t now = time(NULL);
    assert_int_equal(rc_auth_check(auth, cookie, strlen(cookie), now, &claims), RC_AUTH_OK);
    assert_string_equal(claims.user, "aña\"");
    assert_string_equal(claims.rol, "admin");
    assert_in_range(claims.exp, now + 3590, now + 3600);
    rc_auth_free(auth);
}

static void only_on_loopback_names(void **state)
{
    (void)state;
    static const char *const ours[] = {"localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:80"};
    static const char *const others[] = {"example.org", "localhost.example.org", "127.0.0.1.example.org",
                                         "10.0.0.1",    "xlocalhost:80",         "[::2]"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        post("/demo/token?user=ana&rol=user&window=w", ours[i]);
        assert_status("200");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        post("/demo/token?user=ana&rol=user&window=w", others[i]);
        assert_status("403");
        assert_null(strstr(client->out, "Set-Cookie"));
    }
}

static void refuses_bad_people(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "",
        "user=&rol=user&window=w",
        "user=%FF&rol=user&window=w",
        "user=ana&rol=root&window=w",
        "user=ana&window=w",
        "user=ana&rol=user",
        "user=ana&rol=user&window=",
        "user=ana&rol=user&window=../x",
        "user=ana&rol=user&window=a%3B%20Path%3D%2F",
        "user=ana&rol=user&window=a%0D%0Ab",
        "user=ana&rol=user&window=abcdefghijklmnopqrstuvwxyz0123456",
    };
    char target[512];
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        snprintf(target, sizeof target, "/demo/token?%s", queries[i]);
        post(target, "localhost");
        assert_status("400");
        assert_null(strstr(client->out, "Set-Cookie"));
    }
    snprintf(target, sizeof target, "/demo/token?user=%0*d&rol=user&window=w", RC_USER_MAX + 1, 0);
    post(target, "localhost");
    assert_status("400");
    client_asks("GET", "/demo/token?user=ana&rol=user&window=w", "1.1", "localhost", "");
    assert_status("405");
}

static void serves_its_files(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        {"/demo", "text/html"}, {"/demo/app.js", "text/javascript"}, {"/demo/style.css", "text/css"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        client_asks("GET", files[i][0], "1.1", "localhost", "");
        assert_status("200");
        assert_non_null(strstr(client->out, files[i][1]));
        assert_non_null(strstr(client->out, "Content-Security-Policy: default-src 'none'"));
    }
    client_asks("DELETE", "/demo/socket.io.js", "1.1", "localhost", ""); /* npm's script, installed or not */
    assert_status("405");
    assert_non_null(strstr(client->out, "Allow: GET, HEAD"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_tokens_for_two_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_on_loopback_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_people, set_up, tear_down),
        cmocka_unit_test_setup_teardown(serves_its_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
