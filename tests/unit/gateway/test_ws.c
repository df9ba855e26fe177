/* WebSocket frames, byte by byte (RFC 6455 5 and 7). */
#include "gateway/ws/ws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bytes {
    uint8_t data[300000];
    size_t len;
};
static struct bytes in;
static char log_text[4096]; /* what came out: "T(hello)" "B(3)" "P(x)" ... */
static size_t messages, last_len;

static void note(const char *kind, const uint8_t *data, size_t len)
{
    size_t at = strlen(log_text);
    if (len < 64)
        snprintf(log_text + at, sizeof(log_text) - at, "%s(%.*s)", kind, (int)len, data ? (const char *)data : "");
    else
        snprintf(log_text + at, sizeof(log_text) - at, "%s#%zu", kind, len);
}

static void on_message(void *self, bool text, uint8_t *data, size_t len)
{
    (void)self;
    messages++;
    last_len = len;
    note(text ? "T" : "B", data, len);
}

static void on_control(void *self, enum rc_ws_opcode opcode, const uint8_t *data, size_t len)
{
    (void)self;
    if (opcode == RC_WS_CLOSE)
        note("C", len > 2 ? data + 2 : data, len > 2 ? len - 2 : 0);
    else
        note(opcode == RC_WS_PING ? "P" : "O", data, len);
}

static const struct rc_ws_events events = {on_message, on_control};

/* Appends a frame: first is its first byte, masked as a client must. */
static void frame(uint8_t first, const void *data, size_t len)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t *out = in.data + in.len;
    size_t head = rc_ws_head(out, RC_WS_TEXT, len);
    out[0] = first;
    out[1] |= 0x80;
    memcpy(out + head, mask, 4);
    for (size_t i = 0; i < len; i++)
        out[head + 4 + i] = ((const uint8_t *)data)[i] ^ mask[i & 3];
    in.len += head + 4 + len;
}

static void text_frame(uint8_t first, const char *text)
{
    frame(first, text, strlen(text));
}

/* Feeds `in` in pieces of `step`, keeping what is not used like a stream does. */
static enum rc_ws_code run(size_t step, uint32_t max)
{
    static uint8_t buffer[300000];
    struct rc_ws ws;
    size_t kept = 0;
    rc_ws_init(&ws, max);
    log_text[0] = 0;
    messages = 0;
    for (size_t at = 0; at < in.len && !ws.error; at += step) {
        size_t n = in.len - at < step ? in.len - at : step;
        memcpy(buffer + kept, in.data + at, n);
        size_t used = rc_ws_feed(&ws, buffer, kept + n, &events, NULL);
        kept = kept + n - used;
        if (!ws.error)
            assert_true(kept < RC_WS_KEEP);
        memmove(buffer, buffer + used, kept);
    }
    enum rc_ws_code code = ws.error;
    rc_ws_fini(&ws);
    return code;
}

/* The same result however the bytes are cut. */
static void expect(enum rc_ws_code code, const char *text)
{
    static const size_t steps[] = {300000, 1, 2, 3, 5, 7, 11, 13};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        assert_int_equal(run(steps[i], 100000), code);
        assert_string_equal(log_text, text);
    }
    in.len = 0;
}

static void test_messages(void **state)
{
    (void)state;
    text_frame(0x81, "hello");
    text_frame(0x82, "bin");
    text_frame(0x81, "");
    text_frame(0x82, "");
    expect(RC_WS_NONE, "T(hello)B(bin)T()B()");
}

static void test_lengths(void **state)
{
    (void)state;
    static char long_text[70000];
    static const size_t lengths[] = {125, 126, 127, 128, 65535, 65536, 70000};
    memset(long_text, 'x', sizeof(long_text));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        char wanted[32];
        frame(0x81, long_text, lengths[i]);
        snprintf(wanted, sizeof(wanted), "T#%zu", lengths[i]);
        expect(RC_WS_NONE, wanted);
    }
}

static void test_fragments_and_control(void **state)
{
    (void)state;
    text_frame(0x01, "fra");
    text_frame(0x89, "ping");
    text_frame(0x00, "");
    text_frame(0x8A, "");
    text_frame(0x00, "gm");
    text_frame(0x80, "ent");
    text_frame(0x81, "next");
    expect(RC_WS_NONE, "P(ping)O()T(fragment)T(next)");
    text_frame(0x02, "");
    text_frame(0x80, "");
    expect(RC_WS_NONE, "B()");
    text_frame(0x01, "a\xe2\x82"); /* a character over two fragments */
    text_frame(0x80, "\xac");
    expect(RC_WS_NONE, "T(a\xe2\x82\xac)");
}

static void test_many_fragments(void **state)
{
    (void)state;
    text_frame(0x02, "x");
    for (int i = 0; i < 30000; i++)
        text_frame(0x00, "x");
    text_frame(0x80, "x");
    assert_int_equal(run(4096, 100000), RC_WS_NONE);
    assert_int_equal(messages, 1);
    assert_int_equal(last_len, 30002);
    in.len = 0;
}

static void test_protocol_errors(void **state)
{
    (void)state;
    static const uint8_t bad_first[] = {0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F, 0x03, 0x0B}; /* reserved */
    for (size_t i = 0; i < sizeof(bad_first); i++) {
        text_frame(0x81, "ok");
        text_frame(bad_first[i], "x");
        expect(RC_WS_PROTOCOL, "T(ok)");
    }
    text_frame(0x80, "continuation of nothing");
    expect(RC_WS_PROTOCOL, "");
    text_frame(0x01, "begun");
    text_frame(0x81, "again");
    expect(RC_WS_PROTOCOL, "");
    text_frame(0x09, "fragmented ping");
    expect(RC_WS_PROTOCOL, "");
    static char big[126];
    frame(0x89, big, sizeof(big)); /* control frame above 125 bytes */
    expect(RC_WS_PROTOCOL, "");
    text_frame(0x81, "unmasked");
    in.data[1] &= 0x7F;
    expect(RC_WS_PROTOCOL, "");
}

/* A wrong frame is refused by its first two bytes, without waiting for the rest. */
static void test_refused_at_once(void **state)
{
    (void)state;
    memcpy(in.data, "\x81\x05", in.len = 2);
    expect(RC_WS_PROTOCOL, "");
}

static void test_close(void **state)
{
    (void)state;
    static const unsigned good[] = {1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4999};
    static const unsigned bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535};
    uint8_t payload[5] = {0, 0, 'b', 'y', 'e'};
    text_frame(0x88, "");
    expect(RC_WS_NONE, "C()");
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        payload[0] = (uint8_t)(good[i] >> 8), payload[1] = (uint8_t)good[i];
        frame(0x88, payload, 5);
        expect(RC_WS_NONE, "C(bye)");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        payload[0] = (uint8_t)(bad[i] >> 8), payload[1] = (uint8_t)bad[i];
        frame(0x88, payload, 2);
        expect(RC_WS_PROTOCOL, "");
    }
    frame(0x88, payload, 1);
    expect(RC_WS_PROTOCOL, "");
    frame(0x88, "\x03\xe8\xff", 3);
    expect(RC_WS_NOT_UTF8, "");
}

static void test_utf8(void **state)
{
    (void)state;
    text_frame(0x81, "\xce\xba\xe1\xbd\xb9\xed\xa0\x80");
    expect(RC_WS_NOT_UTF8, "");
    text_frame(0x81, "cut \xe2\x82");
    expect(RC_WS_NOT_UTF8, "");
    text_frame(0x82, "\xff\xfe");
    expect(RC_WS_NONE, "B(\xff\xfe)");
    /* early: the message is not complete, its first fragment neither */
    text_frame(0x01, "\xf4\x90........");
    in.len -= 8;
    expect(RC_WS_NOT_UTF8, "");
}

static void test_limit(void **state)
{
    (void)state;
    text_frame(0x81, "12345");
    assert_int_equal(run(1, 5), RC_WS_NONE);
    assert_int_equal(run(1, 4), RC_WS_TOO_BIG);
    in.len = 0;
    text_frame(0x01, "123");
    text_frame(0x80, "45");
    assert_int_equal(run(1, 5), RC_WS_NONE);
    assert_int_equal(run(1, 4), RC_WS_TOO_BIG);
    /* refused by its head, long before 2^62 bytes come */
    memcpy(in.data, "\x82\xff\x40\0\0\0\0\0\0\0abcd", in.len = 14);
    assert_int_equal(run(1, 100000), RC_WS_TOO_BIG);
    memcpy(in.data, "\x82\xff\x80\0\0\0\0\0\0\0abcd", in.len = 14);
    assert_int_equal(run(1, 100000), RC_WS_PROTOCOL); /* the highest bit must be 0 */
    in.len = 0;
}

/* Memory follows what came, not what a head or the limit promises. */
static void test_memory(void **state)
{
    (void)state;
    struct rc_ws ws;
    uint8_t byte = 0;
    memcpy(in.data, "\x82\xff\0\0\0\0\x40\0\0\0abcd", 14);
    rc_ws_init(&ws, (size_t)1 << 30);
    assert_int_equal(rc_ws_feed(&ws, in.data, 14, &events, NULL), 14);
    assert_int_equal(ws.room, 0);
    for (size_t came = 1; came <= 5000; came++) {
        assert_int_equal(rc_ws_feed(&ws, &byte, 1, &events, NULL), 1);
        assert_in_range(ws.room, came, 2 * came);
    }
    rc_ws_fini(&ws);
}

/* A length in more bytes than it needs (RFC 6455 5.2). */
static void test_long_lengths(void **state)
{
    (void)state;
    memcpy(in.data, "\x81\xfe\x00\x05\0\0\0\0hello", in.len = 13);
    expect(RC_WS_PROTOCOL, "");
    memcpy(in.data, "\x81\xfe\x00\x7d\0\0\0\0", in.len = 8);
    expect(RC_WS_PROTOCOL, "");
    memcpy(in.data, "\x81\xff\0\0\0\0\0\0\0\x05\0\0\0\0hello", in.len = 19);
    expect(RC_WS_PROTOCOL, "");
    memcpy(in.data, "\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", in.len = 14);
    expect(RC_WS_PROTOCOL, "");
}

static void stop_after(void *self, bool text, uint8_t *data, size_t len)
{
    on_message(NULL, text, data, len);
    ((struct rc_ws *)self)->stop = true;
}

static void test_stop(void **state)
{
    (void)state;
    const struct rc_ws_events stopping = {stop_after, on_control};
    struct rc_ws ws;
    text_frame(0x81, "one");
    size_t first = in.len;
    text_frame(0x81, "two");
    rc_ws_init(&ws, 100);
    log_text[0] = 0;
    assert_int_equal(rc_ws_feed(&ws, in.data, in.len, &stopping, &ws), first);
    assert_string_equal(log_text, "T(one)");
    ws.stop = false;
    assert_int_equal(rc_ws_feed(&ws, in.data + first, in.len - first, &stopping, &ws), in.len - first);
    assert_string_equal(log_text, "T(one)T(two)");
    rc_ws_fini(&ws);
    in.len = 0;
}

static void test_frames_out(void **state)
{
    (void)state;
    struct rc_buf *frame_out = rc_ws_frame(RC_WS_TEXT, "hello", 5);
    assert_memory_equal(frame_out->data, "\x81\x05hello", frame_out->len);
    rc_buf_rele(frame_out);
    frame_out = rc_ws_close_frame(RC_WS_TOO_BIG);
    assert_int_equal(frame_out->len, 4);
    assert_memory_equal(frame_out->data, "\x88\x02\x03\xf1", 4);
    rc_buf_rele(frame_out);
    frame_out = rc_ws_close_frame(RC_WS_NONE);
    assert_int_equal(frame_out->len, 2);
    assert_memory_equal(frame_out->data, "\x88\x00", 2);
    rc_buf_rele(frame_out);
    uint8_t head[10];
    assert_int_equal(rc_ws_head(head, RC_WS_BINARY, 126), 4);
    assert_memory_equal(head, "\x82\x7e\x00\x7e", 4);
    assert_int_equal(rc_ws_head(head, RC_WS_BINARY, 65536), 10);
    assert_memory_equal(head, "\x82\x7f\0\0\0\0\0\x01\0\0", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_fragments_and_control),
        cmocka_unit_test(test_many_fragments),
        cmocka_unit_test(test_protocol_errors),
        cmocka_unit_test(test_refused_at_once),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_long_lengths),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_frames_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
