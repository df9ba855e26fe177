/* Messages as lines: what is written comes back byte for byte, and what is wrong is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "broker/persister/line.h"
#include "fixture.h"

static char line[4096];

static const char *write_line(struct rc_slice de, struct rc_slice mensaje, bool admin)
{
    struct rc_store_row row = {.key = {.fecha = 1, .origin = "g-1", .origin_inc = UINT64_MAX, .seq = 3},
                               .row = {.de = de, .para = text("para"), .mensaje = mensaje, .de_admin = admin}};
    FILE *out = fmemopen(line, sizeof line, "w");
    assert_true(rc_line_write(out, &row));
    assert_int_equal(fclose(out), 0);
    return line;
}

/* The line's message must be this one. */
static void comes_back(struct rc_slice de, struct rc_slice mensaje, bool admin)
{
    char why[RC_LINE_WHY] = "";
    struct rc_record record;
    struct rc_buf *want = make_row(de, text("para"), mensaje, admin);
    write_line(de, mensaje, admin);
    size_t len = strlen(line);
    assert_int_equal(line[len - 1], '\n');
    assert_ptr_equal(memchr(line, '\n', len), line + len - 1);
    if (!rc_line_read(line, len - 1, &record, why))
        fail_msg("%s: %s", line, why);
    assert_true(rc_buf_equal(record.row, want));
    assert_int_equal(record.key.fecha, 1);
    assert_string_equal(record.key.origin, "g-1");
    assert_true(record.key.origin_inc == UINT64_MAX && record.key.seq == 3);
    rc_buf_rele(record.row);
    rc_buf_rele(want);
}

static void a_line_is_the_same_message(void **state)
{
    (void)state;
    const char *const texts[] = {"\"hola\"",
                                 "1.50",
                                 "1e999",
                                 "123456789012345678901234567890",
                                 "{\"a\":1,\"a\":2}",
                                 "[1,\n\t2]",
                                 "\"\xc3\xb1\"",
                                 "\"\\u0000\\ud800\"",
                                 "null",
                                 "{ }"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        comes_back(text("ana"), text(texts[i]), i % 2);
    comes_back((struct rc_slice){(const uint8_t *)"a\0b", 3}, text("1"), false);
    comes_back(text("\xff\xfe"), text("\"x\""), true);
    assert_non_null(strstr(line, "\"de_hex\":\"fffe\""));
    assert_string_equal(write_line(text("ana"), text("\"hola\""), true),
                        "{\"key\":\"1/g-1/18446744073709551615/3\",\"de\":\"ana\",\"para\":\"para\",\"de_admin\":true,"
                        "\"mensaje\":\"\\\"hola\\\"\"}\n");
}

static void keys_are_text(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "1",
                                        "1/g/1",
                                        "1/g/1/",
                                        "/g/1/1",
                                        "1//1/1",
                                        "-1/g/1/1",
                                        "1/g/1/1/1",
                                        "1/g/1/x",
                                        "1/g/18446744073709551616/1",
                                        "9223372036854775808/g/1/1",
                                        "1/g/1/1 "};
    struct rc_key key;
    char out[RC_KEY_TEXT];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (rc_key_parse(wrong[i], &key))
            fail_msg("%s was taken", wrong[i]);
    const char *longest = "9223372036854775807/ggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg/"
                          "18446744073709551615/18446744073709551615";
    assert_true(rc_key_parse(longest, &key));
    assert_string_equal(rc_key_text(&key, out), longest);
}

static void wrong_lines_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } wrong[] = {
        {"", "no JSON"},
        {"[]", "no JSON object"},
        {"{}", "\"key\""},
        {"{\"key\":7}", "\"key\""},
        {"{\"key\":\"1/g/1/1\"}", "\"de\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"\"}", "\"de\""},
        {"{\"key\":\"1/g/1/1\",\"de_hex\":\"f\"}", "\"de\""},
        {"{\"key\":\"1/g/1/1\",\"de_hex\":\"FF\"}", "\"de\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"a\"}", "\"para\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"a\",\"para\":\"b\"}", "\"de_admin\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"a\",\"para\":\"b\",\"de_admin\":1}", "\"de_admin\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"a\",\"para\":\"b\",\"de_admin\":false}", "\"mensaje\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"a\",\"para\":\"b\",\"de_admin\":false,\"mensaje\":{}}", "\"mensaje\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"a\",\"para\":\"b\",\"de_admin\":false,\"mensaje\":\"hola\"}", "\"mensaje\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"a\",\"para\":\"b\",\"de_admin\":false,\"mensaje\":\"\"}", "\"mensaje\""},
        {"{\"key\":\"1/g/1/1\",\"de\":\"a\",\"de\":\"b\"}", "duplicate"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct rc_record record;
        char why[RC_LINE_WHY] = "nothing";
        bool taken = rc_line_read(wrong[i].line, strlen(wrong[i].line), &record, why);
        if (taken || !strstr(why, wrong[i].why))
            fail_msg("%s: %s", wrong[i].line, taken ? "was taken" : why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_the_same_message),
        cmocka_unit_test(keys_are_text),
        cmocka_unit_test(wrong_lines_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
