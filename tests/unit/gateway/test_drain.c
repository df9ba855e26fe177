/* The pace of a drain. */
#include "gateway/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define STEP   (RC_DRAIN_STEP_MS * RC_MS)
#define SECOND (1000 * RC_MS)

/* Drains `left` clients; how long it took. */
static rc_time drain_all(uint64_t pace, size_t left, rc_time longest, size_t *most)
{
    struct rc_drain drain;
    rc_time now = 5 * SECOND, begun = now;
    rc_drain_begin(&drain, pace, now, now + longest);
    for (*most = 0; left; now += STEP) {
        size_t due = rc_drain_due(&drain, left, now);
        assert_true(due <= left);
        *most = due > *most ? due : *most;
        left -= due;
    }
    return now - STEP - begun;
}

static void test_pace(void **state)
{
    size_t most;
    (void)state;
    rc_time took = drain_all(1000, 2000, 60 * SECOND, &most);
    assert_in_range(took, 2 * SECOND - STEP, 2 * SECOND + STEP);
    assert_in_range(most, 50, 51);
    took = drain_all(3, 9, 60 * SECOND, &most); /* less than one a step: fractions are kept */
    assert_in_range(took, 3 * SECOND - STEP, 3 * SECOND + STEP);
    assert_int_equal(most, 1);
}

static void test_bound(void **state)
{
    size_t most;
    (void)state;
    rc_time took = drain_all(1, 10000, 4 * SECOND, &most); /* evenly, though the pace would take hours */
    assert_in_range(took, 3 * SECOND, 4 * SECOND);
    assert_in_range(most, 125, 250);
    assert_int_equal(drain_all(1, 10000, 0, &most), 0);
}

static void test_haste(void **state)
{
    struct rc_drain drain;
    (void)state;
    rc_drain_begin(&drain, 1, 0, 60 * SECOND);
    assert_int_equal(rc_drain_due(&drain, 60, STEP), 0);
    drain.until = 2 * STEP; /* a signal */
    assert_int_equal(rc_drain_due(&drain, 60, 2 * STEP), 60);
}

/* A loop that stood still does not send everybody away at once. */
static void test_late_loop(void **state)
{
    struct rc_drain drain;
    (void)state;
    rc_drain_begin(&drain, 100, 0, 60 * SECOND);
    assert_int_equal(rc_drain_due(&drain, 5000, 20 * SECOND), 125); /* 5000 in 40 s */
    assert_int_equal(rc_drain_due(&drain, 5000, 19 * SECOND), 0);   /* and not for time that went back */
}

static void test_shares(void **state)
{
    size_t due = 10, left = 100;
    (void)state;
    assert_int_equal(rc_drain_share(&due, &left, 55), 6);
    assert_int_equal(rc_drain_share(&due, &left, 0), 0);
    assert_int_equal(rc_drain_share(&due, &left, 45), 4);
    assert_int_equal(due, 0);
    due = 1, left = 3;
    assert_int_equal(rc_drain_share(&due, &left, 1), 1); /* also when a share is less than one */
    assert_int_equal(rc_drain_share(&due, &left, 1), 0);
    due = 5, left = 0; /* clients that came meanwhile */
    assert_int_equal(rc_drain_share(&due, &left, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace),      cmocka_unit_test(test_bound),  cmocka_unit_test(test_haste),
        cmocka_unit_test(test_late_loop), cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
