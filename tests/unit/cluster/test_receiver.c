/* D1: one number per (origin, incarnation, room); what is not above it was delivered before. */
#include "world.h"

#include "cluster/gateway/gateway_impl.h"

static struct rc_receiver receiver;

static int setup(void **state)
{
    (void)state;
    rc_receiver_init(&receiver, 1, 100, 40);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rc_receiver_fini(&receiver);
    return 0;
}

static bool note(const char *origin, uint64_t inc, const char *room, uint64_t seq, rc_time now)
{
    struct rc_msg msg = {.origin_inc = inc, .seq = seq, .room = text(room)};
    snprintf(msg.origin, sizeof msg.origin, "%s", origin);
    bool fresh = rc_receiver_note(&receiver, &msg, now);
    rc_buf_rele(msg.room);
    return fresh;
}

static void only_what_is_above_is_new(void **state)
{
    (void)state;
    assert_true(note("g1", 1, "r", 5, 0));
    assert_false(note("g1", 1, "r", 5, 0));
    assert_false(note("g1", 1, "r", 4, 0));
    assert_true(note("g1", 1, "r", 9, 0)); /* other numbers went to other rooms */
    assert_false(note("g1", 1, "r", 5, 0));
    assert_true(note("g1", 1, "r", 10, 0));
}

static void rooms_origins_and_incarnations_are_apart(void **state)
{
    (void)state;
    assert_true(note("g1", 1, "r", 5, 0));
    assert_true(note("g1", 1, "s", 4, 0));
    assert_true(note("g2", 1, "r", 3, 0));
    assert_true(note("g1", 2, "r", 2, 0));
    assert_true(note("g", 1, "1r", 1, 0));
    assert_int_equal(receiver.map.count, 5);
    assert_false(note("g1", 1, "s", 4, 0));
    assert_false(note("g2", 1, "r", 3, 0));
    assert_false(note("g1", 2, "r", 2, 0));
}

static void the_longest_names_fit(void **state)
{
    (void)state;
    char origin[RC_ID_MAX + 1], room[RC_ROOM_MAX + 1];
    memset(origin, 'o', RC_ID_MAX);
    memset(room, 'r', RC_ROOM_MAX);
    origin[RC_ID_MAX] = room[RC_ROOM_MAX] = '\0';
    assert_true(note(origin, UINT64_MAX, room, 1, 0));
    assert_false(note(origin, UINT64_MAX, room, 1, 0));
}

static void entries_live_until_their_last_use_is_old(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        char room[16];
        snprintf(room, sizeof room, "r%d", i);
        assert_true(note("g1", 1, room, 1, i));
    }
    assert_false(note("g1", 1, "r10", 1, 100)); /* a duplicate is a use too */
    rc_receiver_forget(&receiver, 50);
    assert_int_equal(receiver.map.count, 51);
    assert_false(note("g1", 1, "r10", 1, 101));
    assert_false(note("g1", 1, "r50", 1, 101));
    assert_true(note("g1", 1, "r49", 1, 101)); /* forgotten */
    rc_receiver_forget(&receiver, 1000);
    assert_int_equal(receiver.map.count, 0);
}

static void at_the_bound_the_oldest_idle_one_goes(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        char room[16];
        snprintf(room, sizeof room, "r%d", i);
        assert_true(note("g1", 1, room, 7, i < 2 ? 0 : 30));
    }
    assert_true(rc_receiver_full(&receiver, 40)); /* nobody is idle for more than 40 */
    assert_false(note("g1", 1, "r0", 7, 41));     /* known: nobody goes for it */
    assert_int_equal(receiver.map.count, 100);
    assert_true(note("g1", 1, "new", 1, 41));
    assert_int_equal(receiver.map.count, 100);
    assert_int_equal(receiver.evicted, 1);
    assert_true(note("g1", 1, "r1", 7, 41)); /* it was that one; nobody else is idle, and a delivery is never refused */
    assert_int_equal(receiver.map.count, 101);
    assert_true(rc_receiver_full(&receiver, 70));
    assert_false(rc_receiver_full(&receiver, 71));
    assert_int_equal(receiver.map.count, 99);
    assert_int_equal(receiver.evicted, 3);
    assert_false(note("g1", 1, "r0", 7, 71)); /* what was used lately stays */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_is_above_is_new),
        TEST(rooms_origins_and_incarnations_are_apart),
        TEST(the_longest_names_fit),
        TEST(entries_live_until_their_last_use_is_old),
        TEST(at_the_bound_the_oldest_idle_one_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
