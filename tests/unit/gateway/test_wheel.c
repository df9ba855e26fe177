/* The timer wheel against the clock. */
#include "gateway/net/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rc_wheel wheel;
static unsigned fired;
static struct rc_timer again;

static void count(struct rc_timer *timer)
{
    assert_null(timer->fire); /* no longer set */
    assert_true(wheel.now >= timer->at);
    fired++;
}

static void rearm(struct rc_timer *timer)
{
    fired++;
    rc_timer_set(&wheel, timer, 0, rearm);
}

static void stop_other(struct rc_timer *timer)
{
    (void)timer;
    fired++;
    rc_timer_stop(&again);
}

static void test_deadlines(void **state)
{
    (void)state;
    static const int64_t ms[] = {0, 1, 9, 10, 11, 1000, 40959, 40960, 40961, 600000, 86400000};
    for (size_t i = 0; i < sizeof(ms) / sizeof(*ms); i++) {
        struct rc_timer timer = {0};
        rc_wheel_init(&wheel, 123456);
        fired = 0;
        rc_timer_set(&wheel, &timer, ms[i] * RC_MS, count);
        rc_time due = timer.at;
        for (rc_time t = wheel.now; !fired; t += 30 * RC_MS) {
            rc_wheel_advance(&wheel, t);
            if (t < due)
                assert_int_equal(fired, 0);
            assert_true(t < due + 2 * RC_WHEEL_TICK + 30 * RC_MS);
        }
        assert_int_equal(fired, 1);
    }
}

static void test_stop_and_restart(void **state)
{
    (void)state;
    struct rc_timer a = {0}, b = {0};
    rc_wheel_init(&wheel, 0);
    fired = 0;
    rc_timer_stop(&a); /* not set */
    rc_timer_set(&wheel, &a, 100 * RC_MS, count);
    rc_timer_set(&wheel, &b, 100 * RC_MS, count);
    rc_timer_stop(&a);
    rc_timer_set(&wheel, &b, 300 * RC_MS, count);
    rc_wheel_advance(&wheel, 250 * RC_MS);
    assert_int_equal(fired, 0);
    rc_wheel_advance(&wheel, 400 * RC_MS);
    assert_int_equal(fired, 1);
}

/* Callbacks change the very slot that is being looked at. */
static void test_changes_while_firing(void **state)
{
    (void)state;
    struct rc_timer first = {0};
    rc_wheel_init(&wheel, 0);
    fired = 0;
    memset(&again, 0, sizeof(again));
    rc_timer_set(&wheel, &again, 0, rearm);
    rc_wheel_advance(&wheel, RC_WHEEL_TICK);
    rc_wheel_advance(&wheel, 2 * RC_WHEEL_TICK);
    assert_int_equal(fired, 2); /* once per tick, not for ever */
    rc_timer_set(&wheel, &again, 2 * RC_WHEEL_TICK, count);
    rc_timer_set(&wheel, &first, 2 * RC_WHEEL_TICK, stop_other); /* looked at before `again` */
    fired = 0;
    rc_wheel_advance(&wheel, 10 * RC_WHEEL_TICK);
    assert_int_equal(fired, 1);
}

static void test_wait(void **state)
{
    (void)state;
    struct rc_timer timer = {0};
    rc_wheel_init(&wheel, 5 * RC_MS);
    assert_int_equal(rc_wheel_wait(&wheel, 50 * RC_MS), 50 * RC_MS);
    rc_timer_set(&wheel, &timer, 22 * RC_MS, count); /* due in the tick at 30 */
    assert_int_equal(rc_wheel_wait(&wheel, 50 * RC_MS), 25 * RC_MS);
    assert_int_equal(rc_wheel_wait(&wheel, 20 * RC_MS), 20 * RC_MS);
    fired = 0;
    rc_wheel_advance(&wheel, wheel.now + rc_wheel_wait(&wheel, 50 * RC_MS));
    assert_int_equal(fired, 1);
}

/* After a long sleep everything that is due fires, once. */
static void test_jump(void **state)
{
    (void)state;
    enum { N = 2000 };
    static struct rc_timer timer[N];
    rc_wheel_init(&wheel, 0);
    fired = 0;
    for (int i = 0; i < N; i++)
        rc_timer_set(&wheel, &timer[i], (rc_time)i * 100 * RC_MS, count);
    rc_wheel_advance(&wheel, (rc_time)N * 100 * RC_MS * 3);
    assert_int_equal(fired, N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_stop_and_restart),
        cmocka_unit_test(test_changes_while_firing),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
