/* The list of brokers and the addresses in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "brokers.h"

static struct rc_brokers brokers;
static char why[512];

static bool parse(const char *text)
{
    return rc_brokers_parse(text, &brokers, why, sizeof why);
}

static void reads_a_list(void **state)
{
    (void)state;
    assert_true(parse("broker-1=127.0.0.1:7410, b_2.x=[::1]:7411*0 ,B3=host.example:1*100"));
    assert_int_equal(brokers.count, 3);
    assert_string_equal(brokers.entry[0].id, "broker-1");
    assert_string_equal(brokers.entry[0].address, "127.0.0.1:7410");
    assert_int_equal(brokers.entry[0].weight, 1);
    assert_string_equal(brokers.entry[1].address, "[::1]:7411");
    assert_int_equal(brokers.entry[1].weight, 0);
    assert_int_equal(brokers.entry[2].weight, 100);
    assert_ptr_equal(rc_brokers_find(&brokers, "B3"), &brokers.entry[2]);
    assert_null(rc_brokers_find(&brokers, "b3"));
    assert_null(rc_brokers_find(&brokers, ""));
}

static void names_the_bad_element(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "no broker is named"},
        {"a=h:1,", "\"\" is not of the form"},
        {"a=h:1,,b=h:2", "\"\" is not of the form"},
        {"a=h:1,nonsense", "\"nonsense\" is not of the form id=host:port"},
        {"=h:1", "\"=h:1\" has an id"},
        {"a b=h:1", "\"a b=h:1\" has an id"},
        {"a/b=h:1", "has an id"},
        {"\xc3\xa9=h:1", "has an id"},
        {"a=h:1,a=h:2", "\"a=h:2\" has the id of an earlier one"},
        {"a=h:1,b=h:1", "\"b=h:1\" has the address of an earlier one"},
        {"a=h", "has no port"},
        {"a=h:0", "port 0"},
        {"a=h:65536", "no port from 0 to 65535"},
        {"a=:1", "has no host"},
        {"a=h:1*", "weight"},
        {"a=h:1*101", "weight that is not a whole number from 0 to 100"},
        {"a=h:1*-1", "weight"},
        {"a=h:1*1x", "weight"},
        {"a=h:1*0,b=h:2*0", "every broker has weight 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(parse(bad[i][0]));
        if (!strstr(why, bad[i][1])) {
            fail_msg("%s: \"%s\" is not in \"%s\"", bad[i][0], bad[i][1], why);
        }
    }
}

static void limits_ids_and_their_number(void **state)
{
    (void)state;
    char text[4096] = "", id[RC_ID_MAX + 2];
    memset(id, 'x', sizeof id - 1);
    id[RC_ID_MAX + 1] = '\0';
    snprintf(text, sizeof text, "%s=h:1", id);
    assert_false(parse(text));
    assert_true(parse(text + 1));
    assert_int_equal(strlen(brokers.entry[0].id), RC_ID_MAX);
    assert_false(rc_id_valid(""));
    size_t len = 0;
    for (int i = 1; i <= 64; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%sb%d=h:%d", i > 1 ? "," : "", i, i);
    }
    assert_true(parse(text));
    assert_int_equal(brokers.count, 64);
    snprintf(text + len, sizeof text - len, ",b65=h:65");
    assert_false(parse(text));
    assert_non_null(strstr(why, "\"b65=h:65\" is one more than the 64"));
}

static void limits_lengths(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'h', sizeof text);
    memcpy(text, "a=", 2);
    strcpy(text + 2 + RC_ADDR_MAX - 2, ":1");
    assert_true(parse(text));
    assert_int_equal(strlen(brokers.entry[0].address), RC_ADDR_MAX);
    strcpy(text + 2 + RC_ADDR_MAX - 1, ":1");
    text[2 + RC_ADDR_MAX - 2] = 'h';
    assert_false(parse(text));
    assert_non_null(strstr(why, "longer than 127 bytes"));
    memset(text, 'h', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(parse(text));
    assert_true(strlen(why) < sizeof why - 1);
}

static void splits_addresses(void **state)
{
    (void)state;
    struct rc_addr addr;
    assert_null(rc_addr_parse("[fe80::1]:80", &addr));
    assert_string_equal(addr.host, "fe80::1");
    assert_true(addr.v6);
    assert_int_equal(addr.port, 80);
    assert_false(rc_addr_loopback(&addr));
    assert_null(rc_addr_parse("my_host-1.example:0", &addr));
    assert_string_equal(addr.host, "my_host-1.example");
    assert_int_equal(addr.port, 0);
    static const char *const bad[] = {"",     "h",    ":",      "h:",     "h:1:2",  "h: 1",     "h:+1",       "h:1 ",
                                      "[]:1", "[:1]", "[::1]1", "::1:80", "h/x:80", "h:000001", "[1.2.3.4]:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(rc_addr_parse(bad[i], &addr));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_list),
        cmocka_unit_test(names_the_bad_element),
        cmocka_unit_test(limits_ids_and_their_number),
        cmocka_unit_test(limits_lengths),
        cmocka_unit_test(splits_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
