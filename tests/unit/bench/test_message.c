/* The text of a message: read back as written, and any change noticed. */
#include "oracle/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RUN  0x12ab
#define SIZE 64

static const struct rc_message sent = {RUN, 0x00c0de, 77, 0x0123456789abcdef};

/* The JSON in which a server passes it on; returns its length. */
static size_t pass_on(char *out, size_t size, const char *format)
{
    char text[SIZE + 1] = "", name[RC_NAME_LEN + 1];
    rc_message_write(text, SIZE, &sent);
    rc_message_name(name, RUN, sent.sender);
    return (size_t)snprintf(out, size, format, name, text);
}

#define USUAL "[\"mensaje_recibido\",{\"de\":\"%s\",\"mensaje\":\"%s\"}]"

static void test_round_trip(void **state)
{
    char json[256];
    struct rc_message read = {0};
    (void)state;
    size_t len = pass_on(json, sizeof json, USUAL);
    assert_int_equal(rc_message_read(&read, json, len, RUN, SIZE), RC_READ_OK);
    assert_int_equal(read.sender, sent.sender);
    assert_int_equal(read.seq, sent.seq);
    assert_int_equal(read.time, sent.time);
}

/* Whatever byte changes, it is not taken for what was sent: only the time may be any other. */
static void test_changed(void **state)
{
    char json[256];
    struct rc_message read;
    (void)state;
    size_t len = pass_on(json, sizeof json, USUAL);
    for (size_t i = (size_t)(strchr(json, '{') - json) + 1; i < len; i++) {
        char right = json[i];
        json[i] = right == '7' ? '8' : '7';
        enum rc_reading reading = rc_message_read(&read, json, len, RUN, SIZE);
        if (reading == RC_READ_OK) {
            assert_true(read.seq != sent.seq || read.time != sent.time || strchr("{,}", right));
        }
        json[i] = right;
    }
}

static void test_cut(void **state)
{
    char json[256];
    struct rc_message read;
    (void)state;
    size_t len = pass_on(json, sizeof json, USUAL);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_not_equal(rc_message_read(&read, json, cut, RUN, SIZE), RC_READ_OK);
    }
}

static void test_foreign(void **state)
{
    char json[256];
    struct rc_message read;
    (void)state;
    size_t len = pass_on(json, sizeof json, USUAL);
    assert_int_equal(rc_message_read(&read, json, len, RUN + 1, SIZE), RC_READ_FOREIGN);
    len = (size_t)sprintf(json, "[\"mensaje_recibido\",{\"de\":\"ana\",\"mensaje\":\"hola\"}]");
    assert_int_equal(rc_message_read(&read, json, len, RUN, SIZE), RC_READ_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_changed),
                                       cmocka_unit_test(test_cut), cmocka_unit_test(test_foreign)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
