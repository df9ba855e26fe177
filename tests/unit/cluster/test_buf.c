/* Counted bytes: copied once, freed by the last holder. */
#include "world.h"

static void a_copy_is_its_own(void **state)
{
    (void)state;
    char source[] = "bytes";
    struct rc_buf *buf = rc_buf_copy(source, 5);
    source[0] = 'B';
    assert_int_equal(buf->len, 5);
    assert_memory_equal(buf->data, "bytes", 5);
    rc_buf_rele(buf);
}

static void an_empty_buffer_is_a_buffer(void **state)
{
    (void)state;
    struct rc_buf *empty = rc_buf_copy(NULL, 0);
    assert_non_null(empty);
    assert_int_equal(empty->len, 0);
    assert_false(rc_buf_equal(empty, NULL));
    assert_false(rc_buf_equal(NULL, empty));
    assert_true(rc_buf_equal(NULL, NULL));
    rc_buf_rele(empty);
}

static void equal_means_the_same_bytes(void **state)
{
    (void)state;
    struct rc_buf *a = text("room"), *b = text("room"), *longer = text("rooms"), *other = text("ROOM");
    assert_true(rc_buf_equal(a, a));
    assert_true(rc_buf_equal(a, b));
    assert_false(rc_buf_equal(a, longer));
    assert_false(rc_buf_equal(longer, a));
    assert_false(rc_buf_equal(a, other));
    rc_buf_rele(a);
    rc_buf_rele(b);
    rc_buf_rele(longer);
    rc_buf_rele(other);
}

static void the_last_holder_frees(void **state)
{
    (void)state;
    struct rc_buf *buf = text("shared");
    assert_ptr_equal(rc_buf_hold(buf), buf);
    assert_int_equal(atomic_load(&buf->refs), 2);
    rc_buf_rele(buf);
    assert_int_equal(atomic_load(&buf->refs), 1);
    assert_memory_equal(buf->data, "shared", 6);
    rc_buf_rele(buf);
    assert_null(rc_buf_hold(NULL));
    rc_buf_rele(NULL);
}

static void what_does_not_fit_a_length_is_refused(void **state)
{
    (void)state;
    assert_null(rc_buf_new((size_t)UINT32_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(an_empty_buffer_is_a_buffer),
        cmocka_unit_test(equal_means_the_same_bytes),
        cmocka_unit_test(the_last_holder_frees),
        cmocka_unit_test(what_does_not_fit_a_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
