/* The histogram: what is read back is what went in, at most 0.8 % more. */
#include "histogram/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rc_histogram *make(void)
{
    struct rc_histogram *h = calloc(1, sizeof *h);
    assert_non_null(h);
    return h;
}

static void test_empty(void **state)
{
    struct rc_histogram *h = make();
    (void)state;
    assert_int_equal(rc_histogram_at(h, 0.5), 0);
    assert_true(rc_histogram_mean(h) <= 0);
    free(h);
}

/* Every value, also at the edges of slots and powers, is told at most 1/128 too high and never too low. */
static void test_precision(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < RC_HISTOGRAM_BITS; bit++) {
        for (int off = -2; off <= 2; off++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)off;
            if (value >> RC_HISTOGRAM_BITS) {
                continue;
            }
            struct rc_histogram *h = make();
            rc_histogram_add(h, value);
            rc_histogram_add(h, UINT64_C(1) << RC_HISTOGRAM_BITS); /* so that max is no bound */
            uint64_t read = rc_histogram_at(h, 0.5);
            assert_true(read >= value);
            assert_true(read <= value + value / 128);
            free(h);
        }
    }
}

static void test_percentiles(void **state)
{
    struct rc_histogram *h = make();
    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        rc_histogram_add(h, i);
    }
    assert_int_equal(rc_histogram_at(h, 0), 1);
    assert_int_equal(rc_histogram_at(h, 0.5), 50);
    assert_int_equal(rc_histogram_at(h, 0.99), 99);
    assert_int_equal(rc_histogram_at(h, 0.9999), 100);
    assert_int_equal(rc_histogram_at(h, 1), 100);
    assert_true(fabs(rc_histogram_mean(h) - 50.5) < 1e-9);
    free(h);
}

/* What is too long for a slot is in the last one, and max still tells it. */
static void test_overlong(void **state)
{
    struct rc_histogram *h = make();
    (void)state;
    rc_histogram_add(h, UINT64_MAX / 2);
    assert_int_equal(h->slot[RC_HISTOGRAM_SLOTS - 1], 1);
    assert_int_equal(h->max, UINT64_MAX / 2);
    free(h);
}

static void test_merge_and_subtract(void **state)
{
    struct rc_histogram *a = make(), *b = make();
    (void)state;
    rc_histogram_add(a, 10);
    rc_histogram_add(b, 1000);
    rc_histogram_add(b, 1000);
    rc_histogram_merge(a, b);
    assert_int_equal(a->count, 3);
    assert_int_equal(rc_histogram_at(a, 0.33), 10);
    assert_int_equal(rc_histogram_at(a, 0.5), 1000);
    rc_histogram_subtract(a, b);
    assert_int_equal(a->count, 1);
    assert_int_equal(rc_histogram_at(a, 1), 10);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),    cmocka_unit_test(test_precision),          cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_overlong), cmocka_unit_test(test_merge_and_subtract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
