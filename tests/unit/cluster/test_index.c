/* The hash table of objects with their own keys, against a plain array. */
#include "cluster/index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 3000

struct thing {
    uint64_t key;
    bool in;
};

static const void *key_of(const void *object, size_t *len)
{
    const struct thing *thing = object;
    *len = sizeof(thing->key);
    return &thing->key;
}

static struct thing things[MANY];

static void check(const struct rc_index *index)
{
    size_t in = 0, walked = 0, at = 0;
    for (size_t i = 0; i < MANY; i++) {
        const struct thing *found = rc_index_get(index, &things[i].key, sizeof(things[i].key));
        assert_ptr_equal(found, things[i].in ? &things[i] : NULL);
        in += things[i].in;
    }
    for (const struct thing *thing; (thing = rc_index_next(index, &at)); walked++)
        assert_true(thing->in);
    assert_int_equal(walked, in);
    assert_int_equal(index->count, in);
}

/* Clusters of neighbours come and go at random; after each thousand changes all are looked up. */
static void any_order_of_changes_keeps_everybody_findable(void **state)
{
    (void)state;
    struct rc_index index;
    srandom(17);
    rc_index_init(&index, key_of, 5);
    for (size_t i = 0; i < MANY; i++)
        things[i] = (struct thing){.key = (uint64_t)i};
    check(&index);
    for (int round = 0; round < 40; round++) {
        for (int change = 0; change < 1000; change++) {
            struct thing *thing = &things[(size_t)random() % (round < 30 ? MANY : 50)];
            if (thing->in)
                rc_index_del(&index, thing);
            else
                rc_index_put(&index, thing);
            thing->in = !thing->in;
        }
        check(&index);
    }
    for (size_t i = 0; i < MANY; i++)
        if (things[i].in) {
            rc_index_del(&index, &things[i]);
            things[i].in = false;
        }
    check(&index);
    assert_true(index.places <= 64); /* memory is given back */
    rc_index_fini(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_order_of_changes_keeps_everybody_findable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
