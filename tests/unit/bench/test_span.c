/* From the first to the last copy of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "shared/span.h"

static int setup(void **state)
{
    *state = calloc(RC_SPANS, sizeof(struct rc_span));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void the_last_copy_tells_the_span(void **state)
{
    uint64_t span = 0;
    assert_false(rc_span_take(*state, 7, 1, 5000, 3, &span));
    assert_false(rc_span_take(*state, 7, 1, 4000, 3, &span)); /* another worker's clock was read before */
    assert_true(rc_span_take(*state, 7, 1, 4500, 3, &span));
    assert_int_equal(span, 1000);
    assert_true(rc_span_take(*state, 7, 1 + RC_SPANS, 9000, 1, &span)); /* the place is free again, and empty */
    assert_int_equal(span, 0);
}

static void messages_under_way_do_not_mix(void **state)
{
    uint64_t span = 0;
    assert_false(rc_span_take(*state, 7, 1, 1000, 2, &span));
    assert_false(rc_span_take(*state, 7, 2, 2000, 2, &span));
    assert_false(rc_span_take(*state, 7, 1 + RC_SPANS, 3000, 2, &span)); /* finds its place taken, and is left out */
    assert_true(rc_span_take(*state, 7, 2, 2500, 2, &span));
    assert_int_equal(span, 500);
    assert_true(rc_span_take(*state, 7, 1, 4000, 2, &span));
    assert_int_equal(span, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_copy_tells_the_span, setup, teardown),
        cmocka_unit_test_setup_teardown(messages_under_way_do_not_mix, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
