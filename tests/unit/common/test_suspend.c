/* A clock that stood still is noticed, one that drifts or is set back ends no lease. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock.h"
#include "suspend.h"

#define WALL 1700000000000 /* ms */

static void the_first_look_is_no_jump(void **state)
{
    (void)state;
    struct rc_suspend s = {0};
    int64_t jump = 1;
    assert_int_equal(rc_suspend_look(&s, 5000, WALL, &jump), RC_JUMP_NONE);
    assert_int_equal(jump, 0);
}

static void a_wall_clock_that_gains_means_sleep(void **state)
{
    (void)state;
    struct rc_suspend s = {0};
    int64_t jump;
    rc_suspend_look(&s, 0, WALL, NULL);
    assert_int_equal(rc_suspend_look(&s, 50 * RC_MS, WALL + 50 + 250, NULL), RC_JUMP_NONE);
    assert_int_equal(rc_suspend_look(&s, 100 * RC_MS, WALL + 100 + 250 + 251, &jump), RC_JUMP_AHEAD);
    assert_int_equal(jump, 251 * RC_MS);
    assert_int_equal(rc_suspend_look(&s, 150 * RC_MS, WALL + 150 + 501, NULL), RC_JUMP_NONE); /* told once */
}

static void a_clock_set_back_is_told_as_such(void **state)
{
    (void)state;
    struct rc_suspend s = {0};
    rc_suspend_look(&s, 0, WALL, NULL);
    assert_int_equal(rc_suspend_look(&s, 50 * RC_MS, WALL - 60000, NULL), RC_JUMP_BACK);
}

static void this_machine_counts_its_jumps(void **state)
{
    (void)state;
    struct rc_suspend s = {0};
    assert_false(rc_suspend_slept(&s));
    assert_int_equal(s.jumps, 0);
    s.offset -= 1000 * RC_MS; /* as if our clock had stood still for a second since */
    assert_true(rc_suspend_slept(&s));
    s.offset += 1000 * RC_MS;
    assert_false(rc_suspend_slept(&s));
    assert_int_equal(s.jumps, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_look_is_no_jump),
        cmocka_unit_test(a_wall_clock_that_gains_means_sleep),
        cmocka_unit_test(a_clock_set_back_is_told_as_such),
        cmocka_unit_test(this_machine_counts_its_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
