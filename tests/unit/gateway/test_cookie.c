/* Cookies and the door behind them: which cookie counts, and the words of each refusal. */
#include "gateway/app/auth.h"
#include "gateway/app/cookie.h"
#include "tokens.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The value of `token` in a header, "-" when there is none. */
static const char *value_in(const char *header)
{
    static char copy[128];
    const char *value;
    size_t len;
    if (!rc_cookie_find(header, strlen(header), "token", &value, &len)) {
        return "-";
    }
    memcpy(copy, value, len);
    copy[len] = '\0';
    return copy;
}

static void finds_the_exact_name(void **state)
{
    (void)state;
    assert_string_equal(value_in("token=a.b.c"), "a.b.c");
    assert_string_equal(value_in("x=1; token=a; y=2"), "a");
    assert_string_equal(value_in("csrftoken=zz; token=a"), "a");
    assert_string_equal(value_in("x=1;token=a"), "a");
    assert_string_equal(value_in(" x=1 ;\t token = a b \t; y=2"), "a b");
    assert_string_equal(value_in("xtoken=a"), "-");
    assert_string_equal(value_in("tokenx=a"), "-");
    assert_string_equal(value_in("Token=a"), "-");
    assert_string_equal(value_in("x=token=a"), "-");
    assert_string_equal(value_in("x=\"; token=a\""), "a\""); /* quotes do not hide a semicolon (RFC 6265 4.2.1) */
}

static void first_match_wins(void **state)
{
    (void)state;
    assert_string_equal(value_in("token=a; token=b"), "a");
    assert_string_equal(value_in("token=; token=b"), "");
}

static void keeps_the_value_as_it_is(void **state)
{
    (void)state;
    assert_string_equal(value_in("token=\"a\""), "\"a\"");
    assert_string_equal(value_in("token=a=b=="), "a=b==");
    assert_string_equal(value_in("token==a"), "=a");
    assert_string_equal(value_in("token=a%20b"), "a%20b");
}

static void finds_nothing_in_nonsense(void **state)
{
    (void)state;
    assert_string_equal(value_in(""), "-");
    assert_string_equal(value_in(";"), "-");
    assert_string_equal(value_in(";;;=;"), "-");
    assert_string_equal(value_in("token"), "-");
    assert_string_equal(value_in("token; =a"), "-");
    assert_string_equal(value_in("token;=token=a"), "-");
}

/* ---- the door ---- */

static struct rc_jwt *jwt;
static struct rc_auth *auth;

static int open_door(void **state)
{
    (void)state;
    char error[256];
    jwt = rc_jwt_new("HS256", SECRET, strlen(SECRET), 0, error, sizeof error);
    auth = rc_auth_new(jwt);
    return auth ? 0 : -1;
}

static int close_door(void **state)
{
    (void)state;
    rc_auth_free(auth);
    rc_jwt_free(jwt);
    return 0;
}

static enum rc_auth_result ask_at(const char *cookie, int64_t now, struct rc_claims *claims)
{
    return rc_auth_check(auth, cookie, cookie ? strlen(cookie) : 0, now, claims);
}

static enum rc_auth_result ask(const char *cookie)
{
    struct rc_claims claims;
    return ask_at(cookie, NOW, &claims);
}

static void cookie_with(char *out, size_t size, const char *format, const char *payload)
{
    char *text = token(payload);
    snprintf(out, size, format, text);
    free(text);
}

static void says_why_nobody_enters(void **state)
{
    (void)state;
    char cookie[512];
    assert_int_equal(ask(NULL), RC_AUTH_NO_COOKIE);
    assert_int_equal(ask(""), RC_AUTH_NO_TOKEN);
    assert_int_equal(ask("a=b"), RC_AUTH_NO_TOKEN);
    assert_int_equal(ask("token="), RC_AUTH_NO_TOKEN);
    assert_int_equal(ask("token=a.b.c"), RC_AUTH_BAD_TOKEN);
    cookie_with(cookie, sizeof cookie, "xtoken=%s", "{\"user\":\"ana\"}");
    assert_int_equal(ask(cookie), RC_AUTH_NO_TOKEN);
    cookie_with(cookie, sizeof cookie, "token=\"%s\"", "{\"user\":\"ana\"}");
    assert_int_equal(ask(cookie), RC_AUTH_BAD_TOKEN);
    cookie_with(cookie, sizeof cookie, "token=%s=", "{\"user\":\"ana\"}");
    assert_int_equal(ask(cookie), RC_AUTH_BAD_TOKEN);
    cookie_with(cookie, sizeof cookie, "token=; token=%s", "{\"user\":\"ana\"}");
    assert_int_equal(ask(cookie), RC_AUTH_NO_TOKEN);
    assert_string_equal(rc_auth_text(RC_AUTH_NO_COOKIE), "No autenticado");
    assert_string_equal(rc_auth_text(RC_AUTH_NO_TOKEN), "Token no proporcionado");
    assert_string_equal(rc_auth_text(RC_AUTH_BAD_TOKEN), "Token inválido");
}

static void oversized_token_is_refused(void **state)
{
    (void)state;
    char cookie[RC_JWT_TOKEN_MAX + 64] = "token=";
    memset(cookie + strlen("token="), 'a', RC_JWT_TOKEN_MAX + 1);
    assert_int_equal(ask(cookie), RC_AUTH_BAD_TOKEN);
}

static void lets_in_who_has_a_token(void **state)
{
    (void)state;
    char cookie[512];
    struct rc_claims claims;
    cookie_with(cookie, sizeof cookie, "a=b; token=%s; c=d", "{\"user\":\"ana\",\"rol\":\"admin\"}");
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        memset(&claims, 0, sizeof claims);
        assert_int_equal(ask_at(cookie, NOW, &claims), RC_AUTH_OK);
        assert_string_equal(claims.user, "ana");
        assert_string_equal(claims.rol, "admin");
    }
}

static void known_tokens_expire_too(void **state)
{
    (void)state;
    char cookie[512];
    struct rc_claims claims;
    cookie_with(cookie, sizeof cookie, "token=%s", "{\"user\":\"ana\",\"exp\":1700000010,\"nbf\":1700000000}");
    assert_int_equal(ask_at(cookie, NOW, &claims), RC_AUTH_OK);
    assert_int_equal(ask_at(cookie, NOW + 9, &claims), RC_AUTH_OK);
    assert_int_equal(ask_at(cookie, NOW + 10, &claims), RC_AUTH_BAD_TOKEN);
    assert_int_equal(ask_at(cookie, NOW, &claims), RC_AUTH_OK);
    assert_int_equal(ask_at(cookie, NOW - 1, &claims), RC_AUTH_BAD_TOKEN); /* the clock was set back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_exact_name),
        cmocka_unit_test(first_match_wins),
        cmocka_unit_test(keeps_the_value_as_it_is),
        cmocka_unit_test(finds_nothing_in_nonsense),
        cmocka_unit_test_setup_teardown(says_why_nobody_enters, open_door, close_door),
        cmocka_unit_test_setup_teardown(oversized_token_is_refused, open_door, close_door),
        cmocka_unit_test_setup_teardown(lets_in_who_has_a_token, open_door, close_door),
        cmocka_unit_test_setup_teardown(known_tokens_expire_too, open_door, close_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
