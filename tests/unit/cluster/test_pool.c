/* The pool: blocks come back, also from another thread, and a crowd of them is not kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/pool.h"

#define MANY 20000

/* Bytes that malloc has given out, of all threads. */
static size_t given_out(void)
{
    return mallinfo2().uordblks;
}

/* A sanitizer has a malloc of its own, which tells nothing, and then all comes from there: only contents are looked at. */
static bool pooled(void)
{
    size_t before = given_out();
    void *block = malloc(10000);
    bool counted = block && given_out() > before;
    free(block);
    return counted;
}

static void every_size_holds_what_it_says(void **state)
{
    (void)state;
    for (size_t size = 1; size <= RC_POOL_LARGEST + 100; size++) {
        uint8_t *block[3];
        for (int round = 0; round < 2; round++) { /* the second time they are used ones */
            for (int i = 0; i < 3; i++)
                memset(block[i] = rc_pool_get(size), i + 1, size);
            for (int i = 0; i < 3; i++) {
                assert_int_equal(block[i][0], i + 1);
                assert_int_equal(block[i][size - 1], i + 1);
                rc_pool_put(block[i], size);
            }
        }
        uint8_t *zeroed = rc_pool_zget(size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(zeroed[i], 0);
        rc_pool_put(zeroed, size);
    }
    rc_pool_put(NULL, 10);
}

/* What the link loop makes a worker lets go. Blocks of one size, which no other test here uses. */
enum { HANDED = 4 * RC_POOL_MAGAZINE, HANDED_SIZE = 500 };
static void *handed[HANDED];

static void *let_go(void *arg)
{
    for (size_t i = 0; i < HANDED; i++)
        rc_pool_put(handed[i], HANDED_SIZE);
    return arg;
}

static bool was_handed(const void *block)
{
    for (size_t i = 0; i < HANDED; i++)
        if (handed[i] == block)
            return true;
    return false;
}

static void blocks_of_another_thread_come_back(void **state)
{
    (void)state;
    if (!pooled())
        skip();
    for (size_t i = 0; i < HANDED; i++)
        handed[i] = rc_pool_get(HANDED_SIZE);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < HANDED - 2 * RC_POOL_MAGAZINE; i++) { /* the thread keeps two magazines */
        void *block = rc_pool_get(HANDED_SIZE);
        assert_true(was_handed(block)); /* malloc never got it back */
        free(block);
    }
}

static void a_crowd_goes_back_to_malloc(void **state)
{
    (void)state;
    if (!pooled())
        skip();
    static void *block[MANY];
    size_t before = given_out();
    for (size_t i = 0; i < MANY; i++)
        block[i] = rc_pool_get(200);
    assert_true(given_out() > before + MANY * 200 / 2);
    for (size_t i = 0; i < MANY; i++)
        rc_pool_put(block[i], 200);
    assert_true(given_out() < before + RC_POOL_DEPOT + (size_t)3 * RC_POOL_MAGAZINE * 256);
    rc_pool_empty_depot();
    assert_true(given_out() < before + (size_t)3 * RC_POOL_MAGAZINE * 256);
}

/* Several threads at once on the depot: no block is in two hands. */
static void *churn(void *arg)
{
    uint8_t mark = (uint8_t)(uintptr_t)arg;
    static _Thread_local uint8_t *block[200];
    for (int round = 0; round < 500; round++) {
        for (size_t i = 0; i < 200; i++)
            memset(block[i] = rc_pool_get(64), mark, 64);
        for (size_t i = 0; i < 200; i++) {
            for (size_t k = 0; k < 64; k++)
                if (block[i][k] != mark)
                    return arg;
            rc_pool_put(block[i], 64);
        }
    }
    return NULL;
}

static void no_block_is_in_two_hands(void **state)
{
    (void)state;
    pthread_t thread[4];
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, churn, (void *)(i + 1)), 0);
    for (int i = 0; i < 4; i++) {
        void *bad = NULL;
        pthread_join(thread[i], &bad);
        assert_null(bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_holds_what_it_says),
        cmocka_unit_test(blocks_of_another_thread_come_back),
        cmocka_unit_test(a_crowd_goes_back_to_malloc),
        cmocka_unit_test(no_block_is_in_two_hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
