/* Session ids as text. */
#include "gateway/eio/sid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Pinned: gateways of different versions read each other's. */
static void test_known(void **state)
{
    (void)state;
    struct rc_sid sid = {.gateway = 0x0123456789ab, .worker = 0xcd, .slot = 0xef0011};
    char text[RC_SID_LEN + 1];
    for (uint8_t i = 0; i < RC_SID_RANDOM; i++)
        sid.random[i] = (uint8_t)(0xf0 + i);
    rc_sid_write(&sid, text);
    assert_string_equal(text, "ASNFZ4mrze8AEfDx8vP09fb3-Pn6-_z9");
    struct rc_sid back;
    assert_true(rc_sid_read(text, RC_SID_LEN, &back));
    assert_true(back.gateway == sid.gateway);
    assert_int_equal(back.worker, sid.worker);
    assert_int_equal(back.slot, sid.slot);
    assert_memory_equal(back.random, sid.random, RC_SID_RANDOM);
}

static void test_edges(void **state)
{
    (void)state;
    struct rc_sid least = {0}, most = {.gateway = 0xffffffffffff, .worker = 255, .slot = RC_SID_SLOTS - 1}, back;
    char text[RC_SID_LEN + 1];
    rc_sid_write(&least, text);
    assert_string_equal(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    memset(most.random, 255, RC_SID_RANDOM);
    rc_sid_write(&most, text);
    assert_string_equal(text, "________________________________");
    assert_true(rc_sid_read(text, RC_SID_LEN, &back));
    assert_true(back.gateway == most.gateway);
    assert_int_equal(back.worker, 255);
    assert_int_equal(back.slot, RC_SID_SLOTS - 1);
}

static void test_not_ours(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "abc",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* short */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* long */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",  /* other alphabets */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+",
        "/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAA AAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAA\303\261AAAAAAAAAAAAAA",
    };
    struct rc_sid sid;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(rc_sid_read(wrong[i], strlen(wrong[i]), &sid));
    char nul[RC_SID_LEN] = {0}; /* of the right length: the alphabet's terminator is no letter of it */
    assert_false(rc_sid_read(nul, RC_SID_LEN, &sid));
}

static void test_gateway(void **state)
{
    (void)state;
    assert_true(rc_sid_gateway("gateway-1") < (uint64_t)1 << 48);
    assert_true(rc_sid_gateway("gateway-1") != rc_sid_gateway("gateway-2"));
    assert_true(rc_sid_gateway("gateway-1") == 0xcdd3737e880d); /* pinned */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
