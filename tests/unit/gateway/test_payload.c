/* Payloads: encoding, walking, refusal of malformed ones, frames for clients. */
#include "gateway/net/outgoing.h"
#include "gateway/sio/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define EXPECT(buf, text)                                                                                              \
    do {                                                                                                               \
        struct rc_buf *got = (buf);                                                                                    \
        assert_non_null(got);                                                                                          \
        assert_int_equal(got->len, sizeof(text) - 1);                                                                  \
        assert_memory_equal(got->data, text, sizeof(text) - 1);                                                        \
        assert_true(rc_payload_valid(got));                                                                            \
        rc_buf_rele(got);                                                                                              \
    } while (0)

static void test_encode(void **state)
{
    (void)state;
    struct rc_buf *bytes[2] = {rc_buf_copy("\x01\x02", 2), rc_buf_copy("", 0)};
    EXPECT(rc_payload_event("/", "[\"a\"]", 5, NULL, 0), "T\0\0\0\x06"
                                                         "2[\"a\"]");
    EXPECT(rc_payload_event("/x", "[\"a\"]", 5, NULL, 0), "T\0\0\0\x09"
                                                          "2/x,[\"a\"]");
    EXPECT(rc_payload_event("/x", "[\"a\"]", 5, bytes, 2), "T\0\0\0\x0b"
                                                           "52-/x,[\"a\"]"
                                                           "B\0\0\0\x02\x01\x02"
                                                           "B\0\0\0\0");
    EXPECT(rc_payload_ack("/", 7, "[1]", 3, NULL, 0), "T\0\0\0\x05"
                                                      "37[1]");
    EXPECT(rc_payload_ack("/x", 7, "[1]", 3, bytes, 1), "T\0\0\0\x0a"
                                                        "61-/x,7[1]"
                                                        "B\0\0\0\x02\x01\x02");
    EXPECT(rc_payload_text("1", 1), "T\0\0\0\x01"
                                    "1");
    struct rc_buf *eleven[11];
    for (int i = 0; i < 11; i++)
        eleven[i] = bytes[0];
    assert_null(rc_payload_event("/", "[]", 2, eleven, 11));
    rc_buf_rele(bytes[0]);
    rc_buf_rele(bytes[1]);
}

static bool valid(const char *data, size_t len)
{
    struct rc_buf *payload = rc_buf_copy(data, len);
    bool answer = rc_payload_valid(payload);
    rc_buf_rele(payload);
    return answer;
}
#define VALID(text) valid(text, sizeof(text) - 1)

static void test_malformed(void **state)
{
    (void)state;
    assert_false(VALID(""));
    assert_false(VALID("T\0\0\0\0")); /* no text */
    assert_false(VALID("X\0\0\0\x01"
                       "1")); /* unknown kind */
    assert_false(VALID("B\0\0\0\x01"
                       "1")); /* begins with an attachment */
    assert_false(VALID("T\0\0\0\x02"
                       "1")); /* too short */
    assert_false(VALID("T\0\0\0\x01"
                       "1x")); /* trailing bytes */
    assert_false(VALID("T\xff\xff\xff\xff"
                       "1"));
    assert_false(VALID("T\0\0\0\x01"
                       "1"
                       "T\0\0\0\x01"
                       "1")); /* two texts */
    assert_false(VALID("T\0\0\0\x05"
                       "51-[]")); /* attachment missing */
    assert_false(VALID("T\0\0\0\x03"
                       "2[]"
                       "B\0\0\0\0")); /* attachment not announced */
    assert_false(VALID("T\0\0\0\x15"
                       "599999999999999999-[]"));
    assert_true(VALID("T\0\0\0\x05"
                      "51-[]"
                      "B\0\0\0\x01x"));
}

/* Every cut of a valid payload is refused. */
static void test_every_cut(void **state)
{
    (void)state;
    static const char whole[] = "T\0\0\0\x05"
                                "51-[]"
                                "B\0\0\0\x01x";
    for (size_t len = 0; len < sizeof(whole) - 1; len++)
        assert_false(valid(whole, len));
}

static void test_frames(void **state)
{
    (void)state;
    struct rc_buf *bytes = rc_buf_copy("\x01\x02", 2);
    struct rc_buf *payload = rc_payload_event("/", "[\"a\"]", 5, &bytes, 1);
    struct rc_outgoing out = {payload, NULL};
    struct rc_buf *frames = rc_outgoing_frames(&out), *again = rc_outgoing_frames(&out);
    static const char wanted[] = "\x81\x09"
                                 "451-[\"a\"]"
                                 "\x82\x02\x01\x02";
    assert_ptr_equal(frames, again); /* encoded once */
    assert_int_equal(frames->len, sizeof(wanted) - 1);
    assert_memory_equal(frames->data, wanted, sizeof(wanted) - 1);
    rc_outgoing_fini(&out);
    rc_buf_rele(frames);
    rc_buf_rele(again);
    rc_buf_rele(payload);
    rc_buf_rele(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
