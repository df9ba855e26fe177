/* Rows and cursors as PostgreSQL reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "broker/persister/sql/page.h"
#include "fixture.h"

static struct load load;

static struct rc_sql_page page_of(void)
{
    struct rc_sql_page page;
    assert_true(rc_sql_page_init(&page, &load.commit));
    clear(&load);
    return page;
}

static void empty_page_has_empty_arrays(void **state)
{
    (void)state;
    struct rc_sql_page page = page_of();
    for (int i = 0; i < RC_SQL_ARRAYS; i++)
        assert_string_equal(page.array[i], "{}");
    rc_sql_page_fini(&page);
}

static void columns_are_arrays(void **state)
{
    (void)state;
    add(&load, 1700000000123, "gateway-1", 7, "ana", "luis");
    add(&load, 5, "g_2.x", 8, "a\"b\\c", "{,}");
    struct rc_cursor cursor = {.peer = "persister-1", .store = 0xfedcba9876543210, .number = 42};
    load.commit.cursor[load.commit.cursors++] = cursor;
    struct rc_sql_page page = page_of();
    assert_int_equal(page.rows, 2);
    assert_string_equal(page.array[RC_SQL_CLAVE], "{\"1700000000123:gateway-1:1:7\",\"5:g_2.x:1:8\"}");
    assert_string_equal(page.array[RC_SQL_DE], "{\"ana\",\"a\\\"b\\\\c\"}");
    assert_string_equal(page.array[RC_SQL_PARA], "{\"luis\",\"{,}\"}");
    assert_string_equal(page.array[RC_SQL_MENSAJE], "{\"\\\"gateway-1 7\\\"\",\"\\\"g_2.x 8\\\"\"}");
    assert_string_equal(page.array[RC_SQL_FECHA], "{\"2023-11-14 22:13:20.123+00\",\"1970-01-01 00:00:00.005+00\"}");
    assert_string_equal(page.array[RC_SQL_PERSISTER], "{\"persister-1\"}");
    assert_string_equal(page.array[RC_SQL_STORE], "{\"fedcba9876543210\"}");
    assert_string_equal(page.array[RC_SQL_NUMBER], "{42}");
    rc_sql_page_fini(&page);
}

/* The name, as it stands in the column. */
static void becomes(const char *name, size_t len, const char *wanted)
{
    struct rc_slice de = {(const uint8_t *)name, len};
    add_raw(&load, 1, "g", 1, 1, make_row(de, text("x"), text("1"), false));
    struct rc_sql_page page = page_of();
    assert_int_equal(page.rows, 1);
    assert_string_equal(page.array[RC_SQL_DE], wanted);
    rc_sql_page_fini(&page);
}

static void what_a_text_cannot_hold_is_replaced(void **state)
{
#define R "\xef\xbf\xbd"
    (void)state;
    becomes("\xc3\xb1\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", 13,
            "{\"\xc3\xb1\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"}");
    becomes("a\0b", 3, "{\"a" R "b\"}");
    becomes("\x80", 1, "{\"" R "\"}");
    becomes("\xc0\xaf", 2, "{\"" R R "\"}");             /* overlong */
    becomes("\xe0\x9f\xbf", 3, "{\"" R R R "\"}");       /* overlong */
    becomes("\xed\xa0\x80", 3, "{\"" R R R "\"}");       /* a surrogate */
    becomes("\xf4\x90\x80\x80", 4, "{\"" R R R R "\"}"); /* above the last character */
    becomes("\xe2\x82", 2, "{\"" R R "\"}");             /* cut off */
    becomes("\xc3\"", 2, "{\"" R "\\\"\"}");
}

static void time_beyond_the_calendar_is_its_end(void **state)
{
    (void)state;
    add(&load, INT64_MAX, "g", 1, "a", "b");
    struct rc_sql_page page = page_of();
    assert_string_equal(page.array[RC_SQL_FECHA], "{\"9999-12-31 23:59:59.999+00\"}");
    rc_sql_page_fini(&page);
}

static void what_is_no_message_is_left_out(void **state)
{
    (void)state;
    add_raw(&load, 1, "g", 1, 1, rc_buf_copy("\xff", 1));
    add(&load, 2, "g", 2, "a", "b");
    add(&load, -1, "g", 3, "a", "b");
    add_raw(&load, 1, "g", 1, 4, NULL);
    struct rc_sql_page page = page_of();
    assert_int_equal(page.rows, 1);
    assert_int_equal(page.malformed, 3);
    assert_string_equal(page.array[RC_SQL_CLAVE], "{\"2:g:1:2\"}");
    rc_sql_page_fini(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_page_has_empty_arrays),         cmocka_unit_test(columns_are_arrays),
        cmocka_unit_test(what_a_text_cannot_hold_is_replaced), cmocka_unit_test(time_beyond_the_calendar_is_its_end),
        cmocka_unit_test(what_is_no_message_is_left_out),
    };
    return cmocka_run_group_tests_name("sql page", tests, NULL, NULL);
}
