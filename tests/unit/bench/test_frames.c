/* Frames: read whole and in pieces of every size, and what a server must not send refused. */
#include "client/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What came, as text: a letter for the kind and the bytes, each in brackets. */
struct heard {
    char text[4096];
    size_t len;
    int stop_after; /* messages; 0: never */
};

static bool hear(void *arg, enum rc_frame_kind kind, const uint8_t *data, size_t len)
{
    struct heard *heard = arg;
    heard->len += (size_t)snprintf(heard->text + heard->len, sizeof heard->text - heard->len, "%c[%.*s]", "TBPOC"[kind],
                                   (int)len, (const char *)data);
    return heard->stop_after == 0 || --heard->stop_after > 0;
}

static struct rc_frame_pool *pool;

static int setup(void **state)
{
    (void)state;
    pool = rc_frame_pool_new();
    return pool ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rc_frame_pool_free(pool);
    return 0;
}

/* A text of 200 bytes, an empty one, a ping, a short text, a close with code. */
static size_t make_stream(uint8_t *out)
{
    size_t len = 0;
    memcpy(out, "\x81\x7e\x00\xc8", 4);
    memset(out + 4, 'x', 200);
    len = 204;
    memcpy(out + len,
           "\x81\x00\x89\x02hi\x81\x03"
           "abc\x88\x03\x03\xe8!",
           16);
    return len + 16;
}

static void test_any_pieces(void **state)
{
    uint8_t stream[256];
    size_t len = make_stream(stream);
    struct heard whole = {0};
    (void)state;
    struct rc_frames frames = {0};
    assert_null(rc_frames_read(pool, &frames, stream, len, hear, &whole));
    assert_null(frames.lens); /* lent back */
    assert_string_equal(whole.text + 202, "]T[]P[hi]T[abc]C[\x03\xe8!]");
    for (size_t piece = 1; piece < len; piece++) {
        struct heard heard = {0};
        for (size_t at = 0; at < len; at += piece) {
            size_t n = len - at < piece ? len - at : piece;
            assert_null(rc_frames_read(pool, &frames, stream + at, n, hear, &heard));
        }
        assert_string_equal(heard.text, whole.text);
        assert_null(frames.lens);
        assert_int_equal(frames.partial.len, 0);
    }
}

/* Two connections whose frames are cut at the same time do not mix. */
static void test_two_at_once(void **state)
{
    struct rc_frames one = {0}, two = {0};
    struct heard first = {0}, second = {0};
    (void)state;
    assert_null(rc_frames_read(pool, &one, (const uint8_t *)"\x81\x04on", 4, hear, &first));
    assert_null(rc_frames_read(pool, &two, (const uint8_t *)"\x81\x04tw", 4, hear, &second));
    assert_null(rc_frames_read(pool, &one, (const uint8_t *)"es", 2, hear, &first));
    assert_null(rc_frames_read(pool, &two, (const uint8_t *)"os", 2, hear, &second));
    assert_string_equal(first.text, "T[ones]");
    assert_string_equal(second.text, "T[twos]");
}

static void test_stopped(void **state)
{
    struct rc_frames frames = {0};
    struct heard heard = {.stop_after = 1};
    (void)state;
    assert_null(rc_frames_read(pool, &frames,
                               (const uint8_t *)"\x81\x01"
                                                "a\x81\x01"
                                                "b",
                               6, hear, &heard));
    assert_string_equal(heard.text, "T[a]");
    rc_frames_fini(pool, &frames);
}

static void refuse(const char *bytes, size_t len, const char *why)
{
    struct rc_frames frames = {0};
    struct heard heard = {0};
    assert_string_equal(rc_frames_read(pool, &frames, (const uint8_t *)bytes, len, hear, &heard), why);
    rc_frames_fini(pool, &frames);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("\x81\x81"
           "abcd?",
           7, "a masked frame");
    refuse("\x01\x01"
           "a",
           3, "a fragmented message");
    refuse("\x81\x7f\x00\x00\x00\x00\x10\x00\x00\x00x", 11, "a message above 1 MiB");
    refuse("\x89\x7e\x00\x80", 4, "a frame that breaks RFC 6455");
}

/* What is written is masked, and a server that takes the mask off finds it. */
static void test_written(void **state)
{
    struct rc_bytes out = {0};
    (void)state;
    assert_true(rc_frames_write(pool, &out, 1000, RC_FRAME_TEXT, "hello", 5));
    assert_int_equal(out.len, 11);
    assert_int_equal(out.data[0], 0x81);
    assert_int_equal(out.data[1], 0x85);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(out.data[6 + i] ^ out.data[2 + i % 4], "hello"[i]);
    }
    assert_false(rc_frames_write(pool, &out, 20, RC_FRAME_TEXT, "hello", 5));
    assert_int_equal(out.len, 11);
    rc_bytes_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_pieces), cmocka_unit_test(test_two_at_once),
                                       cmocka_unit_test(test_stopped), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_written)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
