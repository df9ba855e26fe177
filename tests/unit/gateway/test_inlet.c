/* Input that is kept between two readings. */
#include "fake_stream.h"
#include "gateway/net/inlet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct fake_stream *fake;
static struct rc_inlet inlet;
static char got[256]; /* by whom, and what it was shown */
static size_t use;    /* of what it is shown, at most */
static const char *then;

static const struct rc_stream_user other;

/* Uses what it may, once; then it does what it is told. */
static size_t on_input(void *self, struct rc_stream *stream, uint8_t *data, size_t len)
{
    size_t used = len < use ? len : use;
    strcat(strncat(strcat(got, self), (const char *)data, len), "|");
    use = 0;
    if (strcmp(then, "pause") == 0)
        rc_stream_pause(stream, true);
    else if (strcmp(then, "close") == 0)
        rc_stream_close(stream, RC_CLOSE_HTTP_BAD);
    else if (strcmp(then, "move") == 0)
        stream->closing = stream->moving = true;
    else if (strcmp(then, "switch") == 0) {
        stream->user = &other;
        stream->self = "B:";
    }
    then = "";
    return used;
}

static size_t on_other_input(void *self, struct rc_stream *stream, uint8_t *data, size_t len)
{
    (void)stream;
    strcat(strncat(strcat(got, self), (const char *)data, len), "|");
    return len;
}

static const struct rc_stream_user user = {on_input, NULL, NULL}, other = {on_other_input, NULL, NULL};

static int setup(void **state)
{
    (void)state;
    fake = fake_new();
    fake->stream.user = &user;
    fake->stream.self = "A:";
    got[0] = 0;
    use = 0;
    then = "";
    inlet = (struct rc_inlet){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rc_inlet_clear(&inlet);
    assert_null(inlet.kept);
    free(fake);
    return 0;
}

static size_t feed(const char *text)
{
    return rc_inlet_feed(&inlet, &fake->stream, (uint8_t *)(uintptr_t)text, strlen(text));
}

static void holds(const char *text)
{
    assert_int_equal(inlet.len, strlen(text));
    if (inlet.len)
        assert_memory_equal(inlet.kept, text, inlet.len);
    else
        assert_null(inlet.kept);
}

static void test_all_used(void **state)
{
    (void)state;
    use = 100;
    assert_int_equal(feed("abc"), 3);
    holds("");
}

static void test_rest_is_kept(void **state)
{
    (void)state;
    use = 1;
    assert_int_equal(feed("abc"), 1);
    assert_string_equal(got, "A:abc|A:bc|"); /* shown again until it takes none */
    holds("bc");
    use = 2;
    rc_inlet_again(&inlet, &fake->stream);
    assert_string_equal(got, "A:abc|A:bc|A:bc|");
    holds("");
}

static void test_pause(void **state)
{
    (void)state;
    use = 1;
    then = "pause";
    assert_int_equal(feed("abc"), 1);
    holds("bc");
    rc_inlet_again(&inlet, &fake->stream); /* still paused */
    assert_string_equal(got, "A:abc|");
    holds("bc");
    assert_true(rc_inlet_unread(&inlet, "xyz", 3));
    holds("xyzbc");
    fake->stream.paused = false;
    use = 5;
    rc_inlet_again(&inlet, &fake->stream);
    assert_string_equal(got, "A:abc|A:xyzbc|");
    holds("");
}

/* A user that takes over in the middle is shown the rest, even if the first one used none. */
static void test_switch(void **state)
{
    (void)state;
    use = 2;
    then = "switch";
    assert_int_equal(feed("abcd"), 4);
    assert_string_equal(got, "A:abcd|B:cd|");
    fake->stream.user = &user;
    fake->stream.self = "A:";
    then = "switch";
    assert_int_equal(feed("ef"), 2);
    assert_string_equal(got, "A:abcd|B:cd|A:ef|B:ef|");
    holds("");
}

static void test_close_drops(void **state)
{
    (void)state;
    use = 1;
    then = "close";
    assert_int_equal(feed("abc"), 1);
    assert_string_equal(got, "A:abc|");
    holds("");
}

static void test_moving_keeps(void **state)
{
    (void)state;
    use = 1;
    then = "move";
    feed("abc");
    assert_string_equal(got, "A:abc|");
    holds("bc");
}

static void test_unread_of_nothing(void **state)
{
    (void)state;
    assert_true(rc_inlet_unread(&inlet, "ab", 2));
    holds("ab");
    assert_true(rc_inlet_unread(&inlet, "", 0));
    holds("ab");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_used),
        TEST(test_rest_is_kept),
        TEST(test_pause),
        TEST(test_switch),
        TEST(test_close_drops),
        TEST(test_moving_keeps),
        TEST(test_unread_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
