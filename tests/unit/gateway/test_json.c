/* JSON: where values lie, what is no JSON, how text is written, and binary placeholders. */
#include "gateway/app/binary.h"
#include "gateway/app/json.h"
#include "gateway/app/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- walking ---- */

/* One line per value: type, depth, index, key, text. */
static bool note(void *ctx, const struct rc_json_value *value)
{
    char head[64];
    snprintf(head, sizeof head, "%d %u %zu %d ", (int)value->type, value->depth, value->index, value->key);
    rc_text_puts(ctx, head);
    rc_text_add(ctx, value->text, value->len);
    rc_text_puts(ctx, "\n");
    return true;
}

static bool walk(const char *json, struct rc_text *out)
{
    static const char *const keys[] = {"para", "mensaje"};
    return rc_json_walk(json, strlen(json), keys, 2, note, out);
}

static void expect(const char *json, const char *lines)
{
    struct rc_text out;
    rc_text_init(&out, 1 << 20);
    assert_true(walk(json, &out));
    rc_text_add(&out, "", 1);
    assert_string_equal(out.at, lines);
    rc_text_fini(&out);
}

static bool is_json(const char *json, size_t len)
{
    struct rc_text out;
    rc_text_init(&out, 1 << 20);
    bool ok = rc_json_walk(json, len, NULL, 0, note, &out);
    rc_text_fini(&out);
    return ok;
}

static void finds_every_value(void **state)
{
    (void)state;
    expect("12", "3 0 0 -1 12\n");
    expect(" \t\r\nnull ", "0 0 0 -1 null\n");
    expect("[]", "5 0 0 -1 []\n");
    expect("[1 ,\"a\\\"]\" , true,false]",
           "3 1 0 -1 1\n4 1 1 -1 \"a\\\"]\"\n2 1 2 -1 true\n1 1 3 -1 false\n5 0 0 -1 [1 ,\"a\\\"]\" , true,false]\n");
    expect("{ \"mensaje\" : [ {} ] , \"x\" : 1 }",
           "6 2 0 -1 {}\n5 1 0 1 [ {} ]\n3 1 1 -1 1\n6 0 0 -1 { \"mensaje\" : [ {} ] , \"x\" : 1 }\n");
}

static void knows_keys_however_they_are_written(void **state)
{
    (void)state;
    expect("{\"p\\u0061ra\":1,\"par\\u0061\\u0000\":2,\"Para\":3,\"__proto__\":4,\"para\":5}",
           "3 1 0 0 1\n3 1 1 -1 2\n3 1 2 -1 3\n3 1 3 -1 4\n3 1 4 0 5\n"
           "6 0 0 -1 {\"p\\u0061ra\":1,\"par\\u0061\\u0000\":2,\"Para\":3,\"__proto__\":4,\"para\":5}\n");
}

static void converts_nothing(void **state)
{
    (void)state;
    expect("[123456789012345678901234567890,-0.0,1E400,\"\\ud800\\u0000\\/\",\"\xc3\xb1\"]",
           "3 1 0 -1 123456789012345678901234567890\n3 1 1 -1 -0.0\n3 1 2 -1 1E400\n"
           "4 1 3 -1 \"\\ud800\\u0000\\/\"\n4 1 4 -1 \"\xc3\xb1\"\n"
           "5 0 0 -1 [123456789012345678901234567890,-0.0,1E400,\"\\ud800\\u0000\\/\",\"\xc3\xb1\"]\n");
}

static void refuses_what_is_no_json(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",          " ",         "[1,]",          "[1 2]",   "[01]",        "[1.]",     "[.5]",     "[+1]",
        "[-]",       "[1e]",      "[1]x",          "[1][2]",  "[",           "]",        "[1",       "{\"a\":1,}",
        "{\"a\" 1}", "{a:1}",     "{\"a\":}",      "{1:1}",   "[truefalse]", "[nul]",    "[NaN]",    "['a']",
        "[\"a]",     "[\"\\x\"]", "[\"\\u12g4\"]", "[1,\v2]", "[1,\f2]",     "[\"\t\"]", "[\"\n\"]", "[1//\n]",
        "[1/**/]",   "[1\x1e]",   "\xef\xbb\xbf[]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (is_json(texts[i], strlen(texts[i]))) {
            fail_msg("taken for JSON: %s", texts[i]);
        }
    }
    assert_false(is_json("[1]\0", 4));
    assert_false(is_json("[\"\0\"]", 5));
}

static void bounds_the_depth(void **state)
{
    (void)state;
    char text[(size_t)2 * RC_JSON_DEPTH + 2];
    memset(text, '[', RC_JSON_DEPTH);
    memset(text + RC_JSON_DEPTH, ']', RC_JSON_DEPTH);
    assert_true(is_json(text, (size_t)2 * RC_JSON_DEPTH));
    memset(text, '[', RC_JSON_DEPTH + 1);
    memset(text + RC_JSON_DEPTH + 1, ']', RC_JSON_DEPTH + 1);
    assert_false(is_json(text, (size_t)2 * RC_JSON_DEPTH + 2));
}

static void reads_strings(void **state)
{
    (void)state;
    char out[9];
    size_t len = 0;
    assert_true(rc_json_string("\"a\\u00f1\\n\\/\"", 13, out, sizeof out, &len));
    assert_string_equal(out, "a\xc3\xb1\n/");
    assert_int_equal(len, 5);
    assert_true(rc_json_string("\"12345678\"", 10, out, sizeof out, &len));
    assert_false(rc_json_string("\"123456789\"", 11, out, sizeof out, &len));
    assert_false(rc_json_string("\"\\u0000\"", 8, out, sizeof out, &len));
    assert_false(rc_json_string("\"\\ud800\"", 8, out, sizeof out, &len));
    assert_false(rc_json_string("\"\xff\"", 3, out, sizeof out, &len));
    assert_true(rc_json_string("\"\"", 2, out, sizeof out, &len));
    assert_int_equal(len, 0);
    assert_string_equal(out, "");
    assert_false(rc_json_string("\"", 1, out, sizeof out, &len));
    assert_false(rc_json_string("\"a\"b\"", 5, out, sizeof out, &len));
    assert_false(rc_json_string("\"\x1f\"", 3, out, sizeof out, &len));
    assert_false(rc_json_string("\"a", 2, out, sizeof out, &len));
    assert_false(rc_json_string("12", 2, out, sizeof out, &len));
    assert_false(rc_json_string("[\"a\"]", 5, out, sizeof out, &len));
}

/* ---- writing ---- */

static void writes_strings_as_stringify_does(void **state)
{
    (void)state;
    struct rc_text out;
    rc_text_init(&out, 1000);
    rc_text_json(&out, "a\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xb1\0", 15);
    rc_text_add(&out, "", 1);
    assert_string_equal(out.at, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xb1\\u0000\"");
    assert_false(out.failed);
    rc_text_fini(&out);
}

static void text_is_bounded(void **state)
{
    (void)state;
    struct rc_text out;
    rc_text_init(&out, 1000);
    for (int i = 0; i < 500; i++) {
        rc_text_puts(&out, "ab");
    }
    assert_false(out.failed);
    assert_int_equal(out.len, 1000);
    rc_text_puts(&out, "c");
    assert_true(out.failed);
    rc_text_puts(&out, ""); /* sticky */
    assert_true(out.failed);
    assert_int_equal(out.len, 1000);
    rc_text_fini(&out);
}

static void base64_is_one_piece(void **state)
{
    (void)state;
    static uint8_t bytes[10000];
    struct rc_text out;
    rc_text_init(&out, 1 << 20);
    rc_text_base64(&out, "\xff\xfe", 2);
    rc_text_base64(&out, "", 0);
    rc_text_add(&out, "", 1);
    assert_string_equal(out.at, "//4=");
    rc_text_fini(&out);
    rc_text_init(&out, 1 << 20);
    rc_text_base64(&out, bytes, sizeof bytes);
    assert_int_equal(out.len, (sizeof bytes + 2) / 3 * 4);
    assert_null(memchr(out.at, '=', out.len - 2)); /* padding only at the end */
    rc_text_fini(&out);
}

/* ---- placeholders ---- */

static int find(const char *json, struct rc_placeholder *found)
{
    return rc_binary_find(json, strlen(json), 3, found, 4);
}

static void finds_placeholders(void **state)
{
    (void)state;
    struct rc_placeholder found[4];
    assert_int_equal(find("{\"_placeholder\":true,\"num\":2}", found), 1);
    assert_int_equal(found[0].num, 2);
    assert_int_equal(find("[1,{\"num\":0,\"_placeholder\":true},{\"a\":{\"num\":1,\"_placeholder\":true}}]", found), 2);
    assert_int_equal(found[0].at, 3);
    assert_int_equal(found[0].len, strlen("{\"num\":0,\"_placeholder\":true}"));
    assert_int_equal(found[1].num, 1);
    assert_int_equal(find("[{\"_placeholder\":1,\"num\":0},{},{\"num\":7},{\"_placeholder\":false}]", found), 0);
    assert_int_equal(find("[{\"_placeholder\":true,\"_placeholder\":false,\"num\":0}]", found), 0);
    assert_int_equal(find("[{\"_placeholder\":true,\"num\":0},{}]", found), 1);
    assert_int_equal(find("[[true],{\"x\":{\"_placeholder\":true,\"num\":0},\"num\":9}]", found), 1);
}

static void outer_placeholder_counts(void **state)
{
    (void)state;
    struct rc_placeholder found[4];
    const char *json = "[{\"_placeholder\":true,\"num\":0,\"x\":[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":"
                       "true,\"num\":2}]}]";
    assert_int_equal(find(json, found), 1);
    assert_int_equal(found[0].num, 0);
    assert_int_equal(found[0].at, 1);
}

static void refuses_bad_placeholders(void **state)
{
    (void)state;
    struct rc_placeholder found[4];
    static const char *const nums[] = {"3", "-1", "0.0", "1e0", "\"0\"", "null", "[0]", "100", "18446744073709551616"};
    char json[128];
    for (size_t i = 0; i < sizeof nums / sizeof *nums; i++) {
        snprintf(json, sizeof json, "{\"_placeholder\":true,\"num\":%s}", nums[i]);
        assert_int_equal(find(json, found), -1);
    }
    assert_int_equal(find("{\"_placeholder\":true}", found), -1);
    assert_int_equal(find("nonsense", found), -1);
#define P "{\"_placeholder\":true,\"num\":0}"
    assert_int_equal(find("[" P "," P "," P "," P "]", found), 4);
    assert_int_equal(find("[" P "," P "," P "," P "," P "]", found), -1);
}

static void renumbers_and_inlines(void **state)
{
    (void)state;
    const char *json = "[ {\"num\":2,\"_placeholder\":true} ,{\"a\" : " P "}]";
    struct rc_buf *attachment[3] = {rc_buf_copy("A", 1), rc_buf_copy("", 0), rc_buf_copy("CCC", 3)};
    struct rc_placeholder found[4];
    struct rc_text out;
    int n = find(json, found);
    assert_int_equal(n, 2);
    rc_text_init(&out, 1000);
    rc_binary_renumber(&out, json, strlen(json), found, n);
    rc_text_add(&out, "", 1);
    assert_string_equal(out.at, "[ " P " ,{\"a\" : {\"_placeholder\":true,\"num\":1}}]");
    rc_text_fini(&out);
    rc_text_init(&out, 1000);
    rc_binary_inline(&out, json, strlen(json), found, n, attachment);
    rc_text_add(&out, "", 1);
    assert_string_equal(out.at, "[ {\"base64\":\"Q0ND\"} ,{\"a\" : {\"base64\":\"QQ==\"}}]");
    rc_text_fini(&out);
    for (int i = 0; i < 3; i++) {
        rc_buf_rele(attachment[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_value),
        cmocka_unit_test(knows_keys_however_they_are_written),
        cmocka_unit_test(converts_nothing),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(reads_strings),
        cmocka_unit_test(writes_strings_as_stringify_does),
        cmocka_unit_test(text_is_bounded),
        cmocka_unit_test(base64_is_one_piece),
        cmocka_unit_test(finds_placeholders),
        cmocka_unit_test(outer_placeholder_counts),
        cmocka_unit_test(refuses_bad_placeholders),
        cmocka_unit_test(renumbers_and_inlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
