/* The hash table: one chain for many keys, growth, and walks that delete. */
#include "world.h"

#include "cluster/map.h"

#define SEED 42

static void put(struct rc_map *map, const char *key, uintptr_t value)
{
    rc_map_put(map, key, strlen(key))->value = (void *)value;
}

static uintptr_t get(const struct rc_map *map, const char *key)
{
    return (uintptr_t)rc_map_get(map, key, strlen(key));
}

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct rc_map map;
    rc_map_init(&map, SEED);
    assert_null(rc_map_get(&map, "a", 1));
    assert_null(rc_map_del(&map, "a", 1));
    assert_null(rc_map_first(&map));
    rc_map_fini(&map);
}

static void keys_are_bytes_with_a_length(void **state)
{
    (void)state;
    struct rc_map map;
    rc_map_init(&map, SEED);
    static const char *const key = "a\0b";
    for (size_t len = 0; len <= 3; len++)
        rc_map_put(&map, key, len)->value = (void *)(len + 1);
    assert_int_equal(map.count, 4);
    for (size_t len = 0; len <= 3; len++)
        assert_ptr_equal(rc_map_get(&map, key, len), (void *)(len + 1));
    assert_null(rc_map_get(&map, "a\0c", 3));
    rc_map_fini(&map);
}

static void putting_again_finds_the_same_entry(void **state)
{
    (void)state;
    struct rc_map map;
    rc_map_init(&map, SEED);
    put(&map, "room", 1);
    assert_int_equal((uintptr_t)rc_map_put(&map, "room", 4)->value, 1);
    put(&map, "room", 2);
    assert_int_equal(map.count, 1);
    assert_int_equal(get(&map, "room"), 2);
    assert_int_equal((uintptr_t)rc_map_del(&map, "room", 4), 2);
    assert_int_equal(map.count, 0);
    assert_null(rc_map_get(&map, "room", 4));
    rc_map_fini(&map);
}

/* Five keys of one bucket, so that they are one chain: first, middle and last of it are deleted. */
static void keys_of_one_bucket_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct rc_map map;
    rc_map_init(&map, SEED);
    char key[5][16];
    unsigned found = 0;
    for (unsigned i = 0; found < 5; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "k%u", i);
        const struct rc_map_entry *e = rc_map_put(&map, name, (size_t)len);
        bool mine = (e->hash & 15) == 3;
        rc_map_del(&map, name, (size_t)len);
        if (mine)
            memcpy(key[found++], name, sizeof name);
    }
    for (unsigned i = 0; i < 5; i++)
        put(&map, key[i], i + 1);
    assert_int_equal(map.buckets, 16);
    for (unsigned gone = 0; gone < 5; gone += 2) {
        assert_int_equal((uintptr_t)rc_map_del(&map, key[gone], strlen(key[gone])), gone + 1);
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(get(&map, key[i]), i <= gone && i % 2 == 0 ? 0 : i + 1);
    }
    assert_int_equal(map.count, 2);
    rc_map_fini(&map);
}

static void growing_keeps_every_entry_where_it_is(void **state)
{
    (void)state;
    enum { KEYS = 5000 };
    struct rc_map map;
    rc_map_init(&map, SEED);
    struct rc_map_entry *early = rc_map_put(&map, "early", 5);
    early->value = &map;
    for (uint32_t i = 1; i <= KEYS; i++)
        rc_map_put(&map, &i, sizeof i)->value = (void *)(uintptr_t)i;
    assert_int_equal(map.count, KEYS + 1);
    assert_true(map.buckets >= map.count);
    assert_ptr_equal(rc_map_put(&map, "early", 5), early);
    for (uint32_t i = 1; i <= KEYS; i++)
        assert_int_equal((uintptr_t)rc_map_get(&map, &i, sizeof i), i);
    rc_map_fini(&map);
}

static void a_walk_sees_each_entry_once_and_may_delete_it(void **state)
{
    (void)state;
    enum { KEYS = 500 };
    struct rc_map map;
    rc_map_init(&map, SEED);
    bool seen[KEYS] = {false};
    for (uint32_t i = 0; i < KEYS; i++)
        rc_map_put(&map, &i, sizeof i)->value = &seen[i];
    struct rc_map_entry *e, *next;
    RC_MAP_FOREACH (&map, e, next) {
        bool *mine = e->value;
        assert_false(*mine);
        *mine = true;
        uint32_t i = (uint32_t)(mine - seen);
        if (i % 3)
            rc_map_del(&map, &i, sizeof i);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_true(seen[i]);
        assert_ptr_equal(rc_map_get(&map, &i, sizeof i), i % 3 ? NULL : &seen[i]);
    }
    rc_map_fini(&map);
}

static void a_seed_decides_the_order(void **state)
{
    (void)state;
    struct rc_map one, other;
    rc_map_init(&one, 1);
    rc_map_init(&other, 2);
    assert_true(rc_map_put(&one, "room", 4)->hash != rc_map_put(&other, "room", 4)->hash);
    rc_map_fini(&one);
    rc_map_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(keys_are_bytes_with_a_length),
        cmocka_unit_test(putting_again_finds_the_same_entry),
        cmocka_unit_test(keys_of_one_bucket_do_not_disturb_each_other),
        cmocka_unit_test(growing_keeps_every_entry_where_it_is),
        cmocka_unit_test(a_walk_sees_each_entry_once_and_may_delete_it),
        cmocka_unit_test(a_seed_decides_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
