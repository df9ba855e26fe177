/* The ledger: what it calls lost, doubled and reordered. */
#include "oracle/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool none(void *arg, uint32_t source, uint32_t seq)
{
    (void)arg;
    (void)source;
    (void)seq;
    return false;
}

static bool four_of_one(void *arg, uint32_t source, uint32_t seq)
{
    (void)arg;
    return source == 1 && seq == 4;
}

static int setup(void **state)
{
    static struct rc_ledger ledger;
    assert_true(rc_ledger_init(&ledger, 2));
    rc_ledger_open(&ledger, 0, 0);
    rc_ledger_open(&ledger, 1, 0);
    *state = &ledger;
    return 0;
}

static int teardown(void **state)
{
    rc_ledger_fini(*state);
    return 0;
}

static void test_in_order(void **state)
{
    struct rc_ledger *ledger = *state;
    for (uint32_t seq = 1; seq < 100; seq++) {
        assert_int_equal(rc_ledger_take(ledger, 0, seq), RC_IN_ORDER);
        assert_int_equal(rc_ledger_take(ledger, 1, seq), RC_IN_ORDER);
    }
    assert_int_equal(rc_ledger_tail(ledger, 0, 99, none, NULL), 0);
    assert_int_equal(rc_ledger_settle(ledger, none, NULL), 0);
}

static void test_lost(void **state)
{
    struct rc_ledger *ledger = *state;
    assert_int_equal(rc_ledger_take(ledger, 1, 2), RC_IN_ORDER); /* 1 is missing */
    assert_int_equal(rc_ledger_take(ledger, 1, 6), RC_IN_ORDER); /* 3, 4, 5 too */
    assert_int_equal(rc_ledger_behind(ledger, 1, 8), 2);
    assert_int_equal(rc_ledger_tail(ledger, 1, 8, none, NULL), 2); /* and 7, 8 */
    assert_int_equal(rc_ledger_settle(ledger, four_of_one, NULL), 3);
    assert_int_equal(rc_ledger_settle(ledger, none, NULL), 0);
}

static void test_doubled(void **state)
{
    struct rc_ledger *ledger = *state;
    assert_int_equal(rc_ledger_take(ledger, 0, 1), RC_IN_ORDER);
    assert_int_equal(rc_ledger_take(ledger, 0, 1), RC_DOUBLED);
    assert_int_equal(rc_ledger_take(ledger, 1, 1), RC_IN_ORDER); /* of another source */
    assert_int_equal(rc_ledger_take(ledger, 0, 2), RC_IN_ORDER);
    assert_int_equal(rc_ledger_take(ledger, 0, 1), RC_DOUBLED);
}

/* The begin, the middle and the end of a gap come late; then they are there, and once more is too much. */
static void test_reordered(void **state)
{
    struct rc_ledger *ledger = *state;
    const uint32_t late[] = {3, 1, 5, 2, 4};
    assert_int_equal(rc_ledger_take(ledger, 0, 6), RC_IN_ORDER);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(rc_ledger_take(ledger, 0, late[i]), RC_REORDERED);
        assert_int_equal(rc_ledger_take(ledger, 0, late[i]), RC_DOUBLED);
    }
    assert_int_equal(rc_ledger_settle(ledger, none, NULL), 0);
}

/* Connected while 10 were sent: those on the way may come, in order, and what follows must. */
static void test_connected_late(void **state)
{
    struct rc_ledger *ledger = *state;
    rc_ledger_open(ledger, 0, 10);
    assert_int_equal(rc_ledger_take(ledger, 0, 8), RC_IN_ORDER);
    assert_int_equal(rc_ledger_take(ledger, 0, 10), RC_IN_ORDER); /* 9 was skipped */
    assert_int_equal(rc_ledger_settle(ledger, none, NULL), 1);
    rc_ledger_open(ledger, 1, 10);
    assert_int_equal(rc_ledger_take(ledger, 1, 12), RC_IN_ORDER);
    assert_int_equal(rc_ledger_settle(ledger, none, NULL), 1); /* 11 */
    rc_ledger_open(ledger, 1, 20);
    assert_int_equal(rc_ledger_tail(ledger, 1, 20, none, NULL), 0);
    assert_int_equal(rc_ledger_tail(ledger, 1, 22, none, NULL), 2);
}

static void test_many_gaps(void **state)
{
    struct rc_ledger *ledger = *state;
    for (uint32_t i = 1; i <= RC_LEDGER_GAPS + 10; i++) {
        (void)rc_ledger_take(ledger, 0, 2 * i);
    }
    assert_int_equal(ledger->gap_count, RC_LEDGER_GAPS);
    assert_int_equal(rc_ledger_settle(ledger, none, NULL), RC_LEDGER_GAPS + 10);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_in_order),  T(test_lost),           T(test_doubled),
                                       T(test_reordered), T(test_connected_late), T(test_many_gaps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
