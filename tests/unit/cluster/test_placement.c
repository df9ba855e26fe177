/*
 * Who owns a room: known answers, so that no later version moves rooms in silence, and the shares that weights
 * promise.
 */
#include "world.h"

#include "cluster/placement.h"

#define ALL UINT64_MAX

static const struct rc_member three[] = {{"b1", 1}, {"b2", 1}, {"b3", 1}};

static struct rc_placement *placed(const struct rc_member *member, uint32_t n)
{
    struct rc_placement *p = rc_placement_new(member, n);
    assert_non_null(p);
    return p;
}

static uint8_t owner(const struct rc_placement *p, uint32_t slot, uint64_t view)
{
    uint8_t first;
    assert_int_equal(rc_placement_first(p, slot, view, 1, &first), 1);
    return first;
}

static void a_room_has_this_slot(void **state)
{
    (void)state;
    static const struct {
        const char *room;
        uint32_t slot;
    } known[] = {
        {"", 5314},
        {"/,admins", 5483},
        {"/,user:ana", 15743},
        {"/,user:bruno", 15609},
        {"/chat,user:ana", 10747},
        {"/,user:\xc3\xb1", 78},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(rc_slot(known[i].room, strlen(known[i].room)), known[i].slot);
}

/* Brokers of unlike names and weights. The answers come from the formula in long double arithmetic, not from our code. */
static const struct rc_member unlike[] = {{"north", 1}, {"east", 2}, {"south", 1}, {"west", 5}, {"witness", 0}};
static const uint32_t known_slot[] = {0, 1, 2, 42, 4095, 8192, 12345, 16383};
static const char *const known_first[][3] = {
    {"north", "west", "east"}, {"east", "south", "west"}, {"east", "south", "west"},  {"west", "north", "south"},
    {"east", "west", "south"}, {"west", "south", "east"}, {"south", "west", "north"}, {"west", "north", "east"},
};

static void a_slot_has_these_brokers(void **state)
{
    (void)state;
    struct rc_placement *p = placed(unlike, 5);
    for (size_t i = 0; i < 8; i++) {
        uint8_t first[3];
        assert_int_equal(rc_placement_first(p, known_slot[i], ALL, 3, first), 3);
        for (unsigned j = 0; j < 3; j++)
            assert_string_equal(unlike[first[j]].id, known_first[i][j]);
    }
    rc_placement_free(p);
}

static void the_order_of_the_members_does_not_matter(void **state)
{
    (void)state;
    static const uint8_t turn[] = {3, 0, 4, 2, 1};
    struct rc_member turned[5];
    for (unsigned i = 0; i < 5; i++)
        turned[i] = unlike[turn[i]];
    struct rc_placement *p = placed(unlike, 5), *q = placed(turned, 5);
    for (uint32_t slot = 0; slot < RC_SLOTS; slot++) {
        uint8_t a[4], b[4];
        assert_int_equal(rc_placement_first(p, slot, ALL, 4, a), 4);
        assert_int_equal(rc_placement_first(q, slot, ALL, 4, b), 4);
        for (unsigned j = 0; j < 4; j++)
            assert_string_equal(unlike[a[j]].id, turned[b[j]].id);
    }
    rc_placement_free(p);
    rc_placement_free(q);
}

static void three_brokers_share_evenly(void **state)
{
    (void)state;
    struct rc_placement *p = placed(three, 3);
    unsigned share[3] = {0}, most = 0;
    for (uint32_t slot = 0; slot < RC_SLOTS; slot++)
        share[owner(p, slot, ALL)]++;
    for (unsigned i = 0; i < 3; i++)
        most = share[i] > most ? share[i] : most;
    assert_true(most * 3.0 / RC_SLOTS < 1.05);
    rc_placement_free(p);
}

/* Also the second of each list: when an owner leaves, its share spreads evenly. */
static void only_the_share_of_who_leaves_moves(void **state)
{
    (void)state;
    struct rc_placement *all = placed(three, 3), *rest = placed(three, 2);
    unsigned heir[2] = {0};
    for (uint32_t slot = 0; slot < RC_SLOTS; slot++) {
        uint8_t before = owner(all, slot, ALL), after = owner(rest, slot, ALL);
        assert_int_equal(owner(all, slot, 3), after); /* a view without it says the same as a list without it */
        if (before == 2)
            heir[after]++;
        else
            assert_int_equal(before, after);
    }
    assert_true(heir[0] * 2.0 / (heir[0] + heir[1]) > 0.95 && heir[0] * 2.0 / (heir[0] + heir[1]) < 1.05);
    rc_placement_free(all);
    rc_placement_free(rest);
}

static void a_weight_is_a_share(void **state)
{
    (void)state;
    static const struct rc_member member[] = {{"b1", 1}, {"b2", 2}, {"b3", 1}, {"b4", 0}};
    struct rc_placement *p = placed(member, 4);
    double share[4] = {0};
    for (uint32_t slot = 0; slot < RC_SLOTS; slot++)
        share[owner(p, slot, ALL)] += 1.0 / RC_SLOTS;
    assert_true(share[0] > 0.23 && share[0] < 0.27);
    assert_true(share[1] > 0.48 && share[1] < 0.52);
    assert_true(share[2] > 0.23 && share[2] < 0.27);
    assert_true(share[3] == 0);
    rc_placement_free(p);
}

static void scaling_all_weights_moves_nothing(void **state)
{
    (void)state;
    static const struct rc_member small[] = {{"b1", 1}, {"b2", 3}, {"b3", 2}},
                                  large[] = {{"b1", 1000000000}, {"b2", 3000000000}, {"b3", 2000000000}};
    struct rc_placement *p = placed(small, 3), *q = placed(large, 3);
    for (uint32_t slot = 0; slot < RC_SLOTS; slot++)
        assert_int_equal(owner(p, slot, ALL), owner(q, slot, ALL));
    rc_placement_free(p);
    rc_placement_free(q);
}

static void raising_a_weight_only_takes_from_others(void **state)
{
    (void)state;
    static const struct rc_member more[] = {{"b1", 1}, {"b2", 2}, {"b3", 1}};
    struct rc_placement *p = placed(three, 3), *q = placed(more, 3);
    for (uint32_t slot = 0; slot < RC_SLOTS; slot++)
        if (owner(p, slot, ALL) != owner(q, slot, ALL))
            assert_int_equal(owner(q, slot, ALL), 1);
    rc_placement_free(p);
    rc_placement_free(q);
}

static void a_set_is_the_first_k_of_the_view(void **state)
{
    (void)state;
    struct rc_placement *p = placed(unlike, 5);
    uint8_t first[5];
    for (uint32_t slot = 0; slot < 100; slot++) {
        assert_int_equal(rc_placement_first(p, slot, ALL, 5, first), 4); /* the weightless one is in no list */
        assert_int_equal(rc_placement_first(p, slot, 0, 3, first), 0);
        assert_int_equal(rc_placement_first(p, slot, ALL, 0, first), 0);
        assert_int_equal(rc_placement_first(p, slot, 5, 3, first), 2);
        uint64_t set = 0;
        uint32_t n = rc_placement_first(p, slot, ALL, 2, first);
        for (uint32_t i = 0; i < n; i++)
            set |= (uint64_t)1 << first[i];
        assert_int_equal(rc_placement_set(p, slot, ALL, 2), set);
        assert_int_equal(rc_placement_set(p, slot, ALL, UINT32_MAX), 15);
    }
    rc_placement_free(p);
}

/* A gateway places by the table, a broker judges by this: they must never differ. */
static void covers_says_the_same_as_the_table(void **state)
{
    (void)state;
    struct rc_placement *p = placed(unlike, 5);
    for (uint32_t slot = 0; slot < RC_SLOTS; slot += 7)
        for (uint32_t k = 0; k <= 5; k++) {
            uint64_t set = rc_placement_set(p, slot, ALL, k);
            for (uint32_t me = 0; me < 5; me++)
                assert_int_equal(rc_placement_covers(unlike, 5, slot, k, me), set >> me & 1);
        }
    assert_false(rc_placement_covers(unlike, RC_BROKERS_MAX + 1, 0, 5, 0));
    rc_placement_free(p);
}

static void a_cluster_has_at_most_64_brokers(void **state)
{
    (void)state;
    struct rc_member member[RC_BROKERS_MAX + 1] = {{"", 0}};
    for (unsigned i = 0; i <= RC_BROKERS_MAX; i++) {
        snprintf(member[i].id, sizeof member[i].id, "b%u", i);
        member[i].weight = 1;
    }
    struct rc_placement *p = placed(member, RC_BROKERS_MAX);
    uint64_t all = 0;
    for (uint32_t slot = 0; slot < RC_SLOTS; slot++)
        all |= rc_placement_set(p, slot, ALL, 1);
    assert_true(all == UINT64_MAX);
    rc_placement_free(p);
    assert_null(rc_placement_new(member, RC_BROKERS_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_has_this_slot),
        cmocka_unit_test(a_slot_has_these_brokers),
        cmocka_unit_test(the_order_of_the_members_does_not_matter),
        cmocka_unit_test(three_brokers_share_evenly),
        cmocka_unit_test(only_the_share_of_who_leaves_moves),
        cmocka_unit_test(a_weight_is_a_share),
        cmocka_unit_test(scaling_all_weights_moves_nothing),
        cmocka_unit_test(raising_a_weight_only_takes_from_others),
        cmocka_unit_test(a_set_is_the_first_k_of_the_view),
        cmocka_unit_test(covers_says_the_same_as_the_table),
        cmocka_unit_test(a_cluster_has_at_most_64_brokers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
