/* Bodies of long-polling, in and out. */
#include "gateway/eio/eio_body.h"
#include "gateway/sio/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S "\x1e"

/* What a body reads as: texts in <>, binary as hexadecimal digits in [], and ! for what is wrong. */
static const struct {
    const char *body;
    const char *packets;
} table[] = {
    {"", "<>"},
    {"4a", "<4a>"},
    {"4a" S "3" S "4", "<4a><3><4>"},
    {S, "<><>"},
    {S S "4a", "<><><4a>"},
    {"4a" S, "<4a><>"},
    {"4a" S S "4b", "<4a><><4b>"},
    {"b", "[]"},
    {"b" S "4a", "[]<4a>"},
    {"bAAEC", "[000102]"},
    {"bAAE=", "[0001]"},
    {"bAA==", "[00]"},
    {"bAB==", "[00]"}, /* bits that stand for nothing, as every decoder takes them */
    {"b+/+/", "[fbffbf]"},
    {"bAAECAwQFBgcICQ==" S "4a", "[00010203040506070809]<4a>"},
    {"4a" S "bAAE=" S "bAAEC", "<4a>[0001][000102]"},
    {"bA", "!"}, /* cut short */
    {"bAA", "!"},
    {"bAAE", "!"},
    {"bAAECA", "!"},
    {"bA===", "!"},
    {"b====", "!"},
    {"b=AAA", "!"},
    {"bAA==AAEC", "!"}, /* the end of two */
    {"bAAE=AAE=", "!"},
    {"bAA=A", "!"},
    {"bAA-_", "!"}, /* base64url */
    {"bAA AA", "!"},
    {"b AAE", "!"}, /* white space, which OpenSSL would skip */
    {"bAAE\n", "!"},
    {"bAAEC\r\n", "!"},
    {"b\t\t\t\t", "!"},
    {"bAA\xc3\xb1", "!"},
    {"bAAE" S "4a", "!<4a>"}, /* the next packet begins where it should */
    {"4a" S "bA" S "4b", "<4a>!<4b>"},
    {"4\xc3\xb1\xe2\x82\xac\xf0\x9f\x98\x80", "<4\xc3\xb1\xe2\x82\xac\xf0\x9f\x98\x80>"},
    {"4\xc3", "!"},
    {"4\xc3" S "\xb1", "!!"}, /* a separator inside a character */
    {"4\xed\xa0\x80", "!"},   /* a surrogate */
    {"4\xff", "!"},
    {"\xf0\x9f\x98\x80", "<\xf0\x9f\x98\x80>"}, /* no packet type, but that is not for here */
};

static char *describe(const char *body)
{
    size_t len = strlen(body), at = 0;
    uint8_t *bytes = malloc(len ? len : 1); /* exact, for the sanitizer to see what is read behind it */
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct rc_eio_packet packet;
    memcpy(bytes, body, len);
    for (enum rc_eio_next next; (next = rc_eio_body_next(bytes, len, &at, &packet)) != RC_EIO_END;) {
        if (next == RC_EIO_WRONG)
            fputc('!', out);
        else if (packet.binary) {
            fputc('[', out);
            for (size_t i = 0; i < packet.len; i++)
                fprintf(out, "%02x", packet.data[i]);
            fputc(']', out);
        } else {
            fprintf(out, "<%.*s>", (int)packet.len, (const char *)packet.data);
        }
    }
    assert_int_equal(fclose(out), 0);
    free(bytes);
    return text;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *read = describe(table[i].body);
        if (strcmp(read, table[i].packets) != 0)
            print_error("body %zu, '%s':\n", i, table[i].body);
        assert_string_equal(read, table[i].packets);
        free(read);
    }
}

/* NUL is a byte like others. */
static void test_nul(void **state)
{
    (void)state;
    uint8_t body[] = {'4', 0, 'x', 0x1e, 'b', 'A', 'A', 'A', 0};
    struct rc_eio_packet packet;
    size_t at = 0;
    assert_int_equal(rc_eio_body_next(body, sizeof body, &at, &packet), RC_EIO_PACKET);
    assert_int_equal(packet.len, 3);
    assert_int_equal(rc_eio_body_next(body, sizeof body, &at, &packet), RC_EIO_WRONG);
    assert_int_equal(rc_eio_body_next(body, sizeof body, &at, &packet), RC_EIO_END);
}

static struct rc_buf *payload_with(struct rc_buf *const *attachment, unsigned n)
{
    char json[256] = "[\"\xc3\xb1\"";
    for (unsigned i = 0; i < n; i++)
        snprintf(json + strlen(json), sizeof json - strlen(json), ",{\"_placeholder\":true,\"num\":%u}", i);
    strcat(json, "]");
    struct rc_buf *payload = rc_payload_event("/", json, strlen(json), attachment, n);
    assert_non_null(payload);
    return payload;
}

static uint8_t *write_body(const struct rc_buf *payload, size_t *size)
{
    *size = rc_eio_body_size(payload);
    uint8_t *body = malloc(*size); /* exact */
    assert_ptr_equal(rc_eio_body_put(body, payload), body + *size);
    return body;
}

static void test_text_out(void **state)
{
    (void)state;
    struct rc_buf *payload = payload_with(NULL, 0);
    size_t size;
    uint8_t *body = write_body(payload, &size);
    assert_int_equal(size, strlen("42[\"\xc3\xb1\"]"));
    assert_memory_equal(body, "42[\"\xc3\xb1\"]", size);
    free(body);
    rc_buf_rele(payload);
}

static void test_binary_out(void **state)
{
    (void)state;
    struct rc_buf *attachment[] = {rc_buf_copy("", 0), rc_buf_copy("\0", 1), rc_buf_copy("\0\1", 2),
                                   rc_buf_copy("\0\1\2", 3), rc_buf_copy("\0\1\2\xff", 4)};
    static const char parts[] = S "b" S "bAA==" S "bAAE=" S "bAAEC" S "bAAEC/w==";
    struct rc_buf *payload = payload_with(attachment, 5);
    size_t size;
    uint8_t *body = write_body(payload, &size);
    assert_memory_equal(body + size - (sizeof parts - 1), parts, sizeof parts - 1);
    free(body);
    rc_buf_rele(payload);
    for (size_t i = 0; i < 5; i++)
        rc_buf_rele(attachment[i]);
}

/* Every length near the edges of base64's blocks, out and in again. */
static void test_there_and_back(void **state)
{
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        struct rc_buf *bytes = rc_buf_new(len);
        for (size_t i = 0; i < len; i++)
            bytes->data[i] = (uint8_t)(i * 37 + len);
        struct rc_buf *payload = payload_with(&bytes, 1);
        size_t size, at = 0;
        uint8_t *body = write_body(payload, &size);
        struct rc_eio_packet packet;
        assert_int_equal(rc_eio_body_next(body, size, &at, &packet), RC_EIO_PACKET);
        assert_false(packet.binary);
        assert_int_equal(rc_eio_body_next(body, size, &at, &packet), RC_EIO_PACKET);
        assert_true(packet.binary);
        assert_int_equal(packet.len, len);
        assert_memory_equal(packet.data, bytes->data, len);
        assert_int_equal(rc_eio_body_next(body, size, &at, &packet), RC_EIO_END);
        free(body);
        rc_buf_rele(payload);
        rc_buf_rele(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),          cmocka_unit_test(test_nul),
        cmocka_unit_test(test_text_out),       cmocka_unit_test(test_binary_out),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
