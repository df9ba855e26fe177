/* Socket.IO packets and the JSON in them. */
#include "gateway/sio/sio_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rc_sio_packet p;

static bool good(const char *text)
{
    /* a heap copy without terminator: reading past its end is found by the sanitizer */
    size_t len = strlen(text);
    static char *copy;
    free(copy);
    copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    bool answer = rc_sio_packet_parse(copy, len, &p) == NULL;
    if (!len) {
        free(copy);
        copy = NULL;
    }
    return answer;
}

static void test_connect(void **state)
{
    (void)state;
    assert_true(good("0"));
    assert_int_equal(p.type, RC_SIO_CONNECT);
    assert_memory_equal(p.nsp, "/", p.nsp_len);
    assert_null(p.json);
    assert_true(good("0/,"));
    assert_true(good("0{\"token\":\"x\"}"));
    assert_int_equal(p.json_len, 13);
    assert_true(good("0/admin?a=b,{}"));
    assert_int_equal(p.nsp_len, 6);
    assert_memory_equal(p.nsp, "/admin", 6);
    assert_true(good("0/admin"));
    assert_int_equal(p.nsp_len, 6);
    assert_false(good("0[1]"));
    assert_false(good("0\"x\""));
    assert_false(good("0null"));
    assert_false(good("0{"));
}

static void test_event(void **state)
{
    (void)state;
    assert_true(good("2[\"a\",1]"));
    assert_false(p.has_id);
    assert_true(good("2/x,12[\"a\"]"));
    assert_true(p.has_id);
    assert_int_equal(p.id, 12);
    assert_true(good("20[\"a\"]"));
    assert_true(p.has_id && p.id == 0);
    assert_true(good("29223372036854775807[\"a\"]"));
    assert_false(good("29223372036854775808[\"a\"]"));
    assert_true(good("2")); /* ignored by the reference */
    assert_true(good("2[1]"));
    assert_int_equal(p.shape.first_kind, 'n');
    assert_true(good("2 [ \"a\" , {\"b\" : [ ] } ] "));
    static const char *const bad[] = {
        "2{}",
        "2[]",
        "2[null]",
        "2[{}]",
        "2[[\"a\"]]",
        "2[\"a\"]x",
        "2[\"a\"",
        "2[\"a\",]",
        "2[\"a\" \"b\"]",
        "2x",
        "2[\"connect\"]",
        "2[\"connect_error\"]",
        "2[\"disconnect\"]",
        "2[\"disconnecting\"]",
        "2[\"newListener\"]",
        "2[\"removeListener\"]",
        "2[\"conn\\u0065ct\"]",
        "",
        "7",
        "9[\"a\"]",
        "x",
        "4{}",
        "1{}",
        "1[]",
        "3{}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(good(bad[i]));
    assert_true(good("2[\"connected\"]"));
    assert_true(good("1"));
    assert_true(good("1/x,"));
    assert_true(good("31[]"));
    assert_int_equal(p.type, RC_SIO_ACK);
}

static void test_binary(void **state)
{
    (void)state;
    assert_true(good("51-[\"a\",{\"_placeholder\":true,\"num\":0}]"));
    assert_int_equal(p.attachments, 1);
    assert_true(good("510-/x,3[\"a\",{\"num\":9,\"_placeholder\":true}]"));
    assert_int_equal(p.attachments, 10);
    assert_true(good("61-1[{\"_placeholder\":true,\"num\":0}]"));
    assert_true(good("51-[\"a\"]")); /* nobody names it */
    static const char *const bad[] = {
        "50-[\"a\"]",
        "511-[\"a\"]",
        "5[\"a\"]",
        "5-[\"a\"]",
        "51[\"a\"]",
        "51",
        "5x-[\"a\"]",
        "599999999999999999999-[]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":1}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":-1}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]",
        "51-[\"a\",{\"_placeholder\":true}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":0.5}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":null}]",
        "51-[\"a\",{\"x\":{\"_place\\u0068older\":true,\"num\":5}}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":0,\"num\":{}}]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(good(bad[i]));
    assert_true(good("51-[\"a\",{\"_placeholder\":true,\"num\":7,\"num\":0}]")); /* the last counts */
    assert_true(good("51-[\"a\",{\"_placeholder\":false,\"num\":7}]"));
    assert_true(good("2[\"a\",{\"_placeholder\":true,\"num\":7}]")); /* no attachments: plain data */
}

static bool json(const char *text)
{
    struct rc_sio_json out;
    return rc_sio_json_scan(text, strlen(text), 0, false, &out);
}

static void test_json(void **state)
{
    (void)state;
    static const char *const right[] = {
        "0",
        "-0",
        "1.5e+10",
        "-0.1E-2",
        "true",
        "false",
        "null",
        "\"\"",
        "\"\\u00e9\\n\\/\\ud800\"",
        "[]",
        "{}",
        " [ 1 , 2 ] ",
        "{\"a\":{\"b\":[{},[],\"\"]}}",
        "[[[]],{}]",
        "\"\x7f\"",
    };
    static const char *const wrong[] = {
        "",      " ",     "01",   "-",       "1.",        ".5",          "1e",       "+1",         "0x1",
        "tru",   "nulll", "\"",   "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"",   "[",          "]",
        "[1",    "[1,",   "[,1]", "[1,]",    "{",         "{\"a\"}",     "{\"a\":}", "{\"a\":1,}", "{a:1}",
        "{1:1}", "[}",    "{]",   "[1]]",    "1 2",       "'a'",         "NaN",      "\"a\\",
    };
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
        assert_true(json(right[i]));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(json(wrong[i]));
}

static void test_deep(void **state)
{
    (void)state;
    const size_t depth = 400000;
    struct rc_sio_json out;
    char *text = malloc(2 * depth);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    assert_true(rc_sio_json_scan(text, 2 * depth, 0, false, &out));
    assert_false(rc_sio_json_scan(text, 2 * depth - 1, 0, false, &out));
    free(text);
}

static void test_equals(void **state)
{
    (void)state;
    assert_true(rc_sio_json_equals("\"a\\u0062c\"", 10, "abc"));
    assert_true(rc_sio_json_equals("\"\\\"\\n\"", 6, "\"\n"));
    assert_false(rc_sio_json_equals("\"ab\"", 4, "abc"));
    assert_false(rc_sio_json_equals("\"abcd\"", 6, "abc"));
    assert_false(rc_sio_json_equals("\"\\u0161\"", 8, "a"));
}

static void test_answers(void **state)
{
    (void)state;
    struct rc_buf *payload = rc_sio_connect_error("/x", 2, "Invalid namespace");
    static const char wanted[] = "4/x,{\"message\":\"Invalid namespace\"}";
    assert_int_equal(payload->len, 5 + sizeof(wanted) - 1);
    assert_memory_equal(payload->data + 5, wanted, sizeof(wanted) - 1);
    rc_buf_rele(payload);
    payload = rc_sio_connected("/", "abc");
    assert_memory_equal(payload->data + 5, "0{\"sid\":\"abc\"}", 14);
    rc_buf_rele(payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect), cmocka_unit_test(test_event), cmocka_unit_test(test_binary),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_deep),  cmocka_unit_test(test_equals),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
