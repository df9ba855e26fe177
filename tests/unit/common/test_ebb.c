/* When a crowd has left for good. */
#include "ebb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The sample, from 1, at which it was time; 0: at none of n. */
static unsigned samples(struct rc_ebb *ebb, uint64_t count, unsigned n)
{
    for (unsigned i = 1; i <= n; i++) {
        if (rc_ebb_sample(ebb, count))
            return i;
    }
    return 0;
}

static void test_a_crowd_leaves(void **state)
{
    struct rc_ebb ebb = {0};
    (void)state;
    assert_int_equal(samples(&ebb, 20000, 100), 0);
    assert_int_equal(samples(&ebb, 10, 100), RC_EBB_CALM);
    assert_int_equal(samples(&ebb, 10, 100), 0); /* once */
    assert_int_equal(samples(&ebb, 20000, 100), 0);
    assert_int_equal(samples(&ebb, 15000, 100), RC_EBB_CALM); /* a quarter is worth it */
}

static void test_who_comes_back_needs_it(void **state)
{
    struct rc_ebb ebb = {0};
    (void)state;
    for (unsigned wave = 0; wave < 10; wave++) {
        assert_int_equal(samples(&ebb, 20000, 10), 0);
        assert_int_equal(samples(&ebb, 0, RC_EBB_CALM - 1), 0);
    }
    assert_int_equal(samples(&ebb, 0, 1), 1);
}

/* A storm that lasts: they come back, but not all at once. */
static void test_not_while_they_come_back(void **state)
{
    struct rc_ebb ebb = {0};
    (void)state;
    assert_int_equal(samples(&ebb, 20000, 1), 0);
    for (uint64_t count = 0; count <= 20000; count += 400)
        assert_false(rc_ebb_sample(&ebb, count));
    for (uint64_t count = 10000; count < 10020; count += 4) /* the usual coming and going is none */
        assert_int_equal(rc_ebb_sample(&ebb, count), count == 10016);
}

static void test_few_are_not_worth_it(void **state)
{
    struct rc_ebb ebb = {0};
    (void)state;
    assert_int_equal(samples(&ebb, RC_EBB_LEAST - 1, 100), 0);
    assert_int_equal(samples(&ebb, 0, 100), 0);
    assert_int_equal(samples(&ebb, 100000, 1), 0);
    assert_int_equal(samples(&ebb, 80000, 100), 0); /* less than a quarter */
    assert_int_equal(samples(&ebb, RC_EBB_MOST + 1, 1), 0);
    assert_int_equal(samples(&ebb, 0, 100), 0); /* more than can be given back in passing */
    assert_int_equal(samples(&ebb, 5000, 1), 0);
    assert_int_equal(samples(&ebb, 0, 100), RC_EBB_CALM); /* but it was that time only */
}

/* Many who leave one by one are as good as a crowd. */
static void test_slowly(void **state)
{
    struct rc_ebb ebb = {0};
    unsigned times = 0;
    (void)state;
    for (uint64_t count = 20000; count; count--)
        times += rc_ebb_sample(&ebb, count);
    assert_in_range(times, 8, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crowd_leaves),
        cmocka_unit_test(test_who_comes_back_needs_it),
        cmocka_unit_test(test_not_while_they_come_back),
        cmocka_unit_test(test_few_are_not_worth_it),
        cmocka_unit_test(test_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
