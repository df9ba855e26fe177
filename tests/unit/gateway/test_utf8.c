/* UTF-8 piece by piece. */
#include "gateway/ws/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(text, expected) assert_int_equal(rc_utf8_valid(text, sizeof(text) - 1), expected)

static void test_valid(void **state)
{
    (void)state;
    CHECK("", true);
    CHECK("plain ascii that is longer than a word", true);
    CHECK("\x00\x7f", true);
    CHECK("\xc2\x80 \xdf\xbf", true);
    CHECK("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf", true);
    CHECK("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf", true);
}

static void test_invalid(void **state)
{
    (void)state;
    CHECK("\x80", false);     /* continuation alone */
    CHECK("\xc0\xaf", false); /* overlong */
    CHECK("\xc1\xbf", false);
    CHECK("\xe0\x9f\xbf", false);
    CHECK("\xf0\x8f\xbf\xbf", false);
    CHECK("\xed\xa0\x80", false);     /* surrogate */
    CHECK("\xf4\x90\x80\x80", false); /* above U+10FFFF */
    CHECK("\xf5\x80\x80\x80", false);
    CHECK("\xfe", false);
    CHECK("\xe2\x82", false); /* cut */
    CHECK("12345678\xe2\x82", false);
    CHECK("\xe2\x82 ", false);
}

static void test_every_split(void **state)
{
    (void)state;
    static const char text[] = "aé€😀 12345678 ñ";
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        struct rc_utf8 u = {0};
        assert_true(rc_utf8_feed(&u, (const uint8_t *)text, cut));
        assert_true(rc_utf8_feed(&u, (const uint8_t *)text + cut, sizeof(text) - 1 - cut));
        assert_true(rc_utf8_complete(&u));
    }
}

/* A bad byte is refused when it comes, not at the end of the text. */
static void test_early(void **state)
{
    (void)state;
    struct rc_utf8 u = {0};
    assert_true(rc_utf8_feed(&u, (const uint8_t *)"\xf4", 1));
    assert_false(rc_utf8_complete(&u));
    assert_false(rc_utf8_feed(&u, (const uint8_t *)"\x90", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
