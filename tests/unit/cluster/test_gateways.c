/* B1, B5, B8: what a broker knows of a gateway, from its first HELLO until it is gone. */
#include "broker_world.h"

#define G1 (&t->g[0])
#define G2 (&t->g[1])

/* An open broker; g2 has a member in the room, and an emit of g1 waits for its acknowledgement. */
static const char *start(struct bk *t)
{
    bk_open(t);
    const char *room = bk_room(t, 0, 1, 0);
    end_send(G2, room_op(RC_OP_JOIN, room));
    G2->deaf = true;
    end_send(G1, emit_op((struct emit){.room = room, .generation = 3, .seq = 1}));
    end_pull(G2);
    got_clear(G2);
    assert_int_equal(bk_stats(t).waiting, 1);
    return room;
}

static void what_is_known_outlives_the_session(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    bk_down(t, G2);
    assert_true(in_room(t, room, "g2"));
    assert_int_equal(bk_stats(t).waiting, 1);
    assert_int_equal(rc_broker_state(t->b), RC_OPEN); /* its view counts on */
    assert_int_equal(t->gone, 0);
}

/* B5: the gateway that says HELLO again may have missed what was sent to it: the origin repeats, nobody else. */
static void a_hello_again_forgets_its_rooms_and_refuses_what_waits(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    end_send(G1, emit_op((struct emit){.room = room, .generation = 3, .seq = 2})); /* a second one that waits */
    bk_down(t, G2);
    bk_up(t, G2);
    assert_false(in_room(t, room, "g2"));
    assert_int_equal(rc_broker_state(t->b), RC_FIT); /* no view before its SYNCED */
    assert_int_equal(bk_stats(t).waiting, 0);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_REFUSED, slot_of(room), 3));
    end_send(G1, emit_op((struct emit){.room = room, .generation = 3, .seq = 3}));
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_REFUSED), 0); /* once a generation */
    assert_int_equal(bk_stats(t).emits, 2);
}

static void a_hello_over_an_open_session_ends_it(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    unsigned ended = t->world.ended;
    bk_up(t, G2);
    assert_int_equal(t->world.ended, ended + 1);
    assert_int_equal(t->world.why, RC_END_REPLACED);
    assert_false(in_room(t, room, "g2"));
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_REFUSED, slot_of(room), 3));
    assert_int_equal(t->gone, 0); /* the same incarnation */
}

static void a_new_session_waits_for_acks_of_its_own(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    G2->deaf = false;
    bk_down(t, G2);
    bk_up(t, G2);
    end_send(G2, room_op(RC_OP_JOIN, room));
    end_send(G2, synced_op("b1 b2 b3"));
    end_send(G1, emit_op((struct emit){.room = room, .generation = 4, .seq = 1}));
    assert_int_equal(bk_stats(t).waiting, 1);
    end_say(G2); /* has not read the DELIVER */
    assert_int_equal(bk_stats(t).waiting, 1);
    end_pull(G2);
    end_say(G2);
    assert_int_equal(bk_stats(t).waiting, 0);
}

/* ---- B8 */

static void bye_is_gone(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    assert_false(end_send(G2, rc_op_new(RC_OP_BYE)));
    assert_int_equal(t->world.why, RC_END_GONE);
    assert_int_equal(t->gone, 1);
    assert_string_equal(t->gone_id, "g2");
    assert_int_equal(t->gone_inc, 100);
    assert_false(in_room(t, room, "g2"));
    assert_int_equal(bk_stats(t).rooms, 0);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(room), 1)); /* it was the last that was waited for */
    assert_int_equal(rc_broker_state(t->b), RC_OPEN);
}

static void a_higher_incarnation_makes_the_lower_gone(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    G2->peer.inc = 101;
    bk_up(t, G2);
    assert_int_equal(t->gone, 1);
    assert_int_equal(t->gone_inc, 100);
    assert_false(in_room(t, room, "g2"));
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(room), 1));
}

static void a_gateway_that_no_majority_hears_is_gone_after_l_d(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    bk_down(t, G2);
    bk_run(t, t->config.times.l_d - t->config.times.tick);
    assert_int_equal(t->gone, 0);
    bk_run(t, 2 * t->config.times.tick);
    assert_int_equal(t->gone, 1);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(room), 1));
}

static void a_gateway_that_another_broker_hears_is_not_gone(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    end_send(&t->peer[0], list_op("g1 g2"));
    bk_down(t, G2);
    bk_run(t, 2 * t->config.times.l_d);
    assert_int_equal(t->gone, 0);
    assert_true(in_room(t, room, "g2"));
    assert_int_equal(bk_stats(t).waiting, 1);
    end_send(&t->peer[0], list_op("g1"));
    rc_broker_tick(t->b);
    assert_int_equal(t->gone, 1);
}

static void nobody_is_gone_while_who_lives_is_unknown(void **state)
{
    struct bk *t = *state;
    start(t);
    bk_down(t, G2);
    for (unsigned i = 0; i < PEERS; i++)
        bk_down(t, &t->peer[i]);
    bk_run(t, 10 * t->config.times.l_d);
    assert_int_equal(t->gone, 0);
    bk_up(t, &t->peer[0]);
    bk_run(t, 2 * t->config.times.tick);
    assert_int_equal(t->gone, 1);
}

static void a_gateway_with_a_session_is_not_gone(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    G2->active = false;
    bk_run(t, 2 * t->config.times.l_d);
    assert_int_equal(t->gone, 0);
}

static void who_was_never_counted_is_gone_with_its_session(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    struct end *e = &t->g[2];
    e->active = false;
    bk_up(t, e);
    end_send(e, room_op(RC_OP_JOIN, "/,room"));
    bk_down(t, e);
    assert_int_equal(t->gone, 1);
    assert_int_equal(bk_stats(t).rooms, 0);
    uint64_t known;
    assert_int_equal(bk_hello(t, e, 100, &known), RC_HELLO_OK); /* nobody relied on it: it may come back */
}

static void a_gone_incarnation_is_refused_for_an_hour(void **state)
{
    struct bk *t = *state;
    start(t);
    end_send(G2, rc_op_new(RC_OP_BYE));
    uint64_t known;
    assert_int_equal(bk_hello(t, G2, 100, &known), RC_HELLO_OLD);
    assert_int_equal(known, 100);
    assert_int_equal(bk_hello(t, G2, 99, &known), RC_HELLO_OLD);
    assert_int_equal(bk_hello(t, G2, 101, &known), RC_HELLO_OK);
    assert_null(rc_broker_up(t->b, &G2->peer, 99));
    t->world.now += 3600000 * RC_MS;
    rc_broker_tick(t->b);
    assert_int_equal(bk_hello(t, G2, 100, &known), RC_HELLO_OLD);
    t->world.now++;
    rc_broker_tick(t->b);
    assert_int_equal(bk_hello(t, G2, 100, &known), RC_HELLO_OK);
}

/* Or the broker's loop stands still for as long as it takes to forget all their rooms. */
static void large_gateways_that_die_together_go_one_a_tick(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    bk_join(t, 2);
    bk_run(t, 4 * t->config.times.h);
    for (unsigned i = 0; i < 150000; i++) {
        char room[32];
        snprintf(room, sizeof room, "/,user:%u", i);
        rc_session_push(t->g[i % 3].far, room_op(RC_OP_JOIN, room));
    }
    for (unsigned i = 0; i < 3; i++) {
        while (!TAILQ_EMPTY(&t->g[i].far->out))
            assert_true(end_say(&t->g[i]));
        t->g[i].mute = true;
    }
    while (!t->gone) {
        assert_int_equal(bk_stats(t).memberships, 150000);
        bk_run(t, t->config.times.tick);
    }
    assert_int_equal(t->gone, 1);
    bk_run(t, t->config.times.tick);
    assert_int_equal(t->gone, 2);
    bk_run(t, t->config.times.tick);
    assert_int_equal(t->gone, 3);
    assert_int_equal(bk_stats(t).rooms, 0);
}

static void an_older_incarnation_is_old_or_a_twin(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    uint64_t known;
    assert_int_equal(bk_hello(t, G1, 99, &known), RC_HELLO_TWIN); /* the higher one has a session */
    assert_int_equal(known, 100);
    bk_down(t, G1);
    assert_int_equal(bk_hello(t, G1, 99, &known), RC_HELLO_OLD);
    assert_int_equal(bk_hello(t, G1, 100, &known), RC_HELLO_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bk_setup, bk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_known_outlives_the_session),
        TEST(a_hello_again_forgets_its_rooms_and_refuses_what_waits),
        TEST(a_hello_over_an_open_session_ends_it),
        TEST(a_new_session_waits_for_acks_of_its_own),
        TEST(bye_is_gone),
        TEST(a_higher_incarnation_makes_the_lower_gone),
        TEST(a_gateway_that_no_majority_hears_is_gone_after_l_d),
        TEST(a_gateway_that_another_broker_hears_is_not_gone),
        TEST(nobody_is_gone_while_who_lives_is_unknown),
        TEST(a_gateway_with_a_session_is_not_gone),
        TEST(who_was_never_counted_is_gone_with_its_session),
        TEST(a_gone_incarnation_is_refused_for_an_hour),
        TEST(large_gateways_that_die_together_go_one_a_tick),
        TEST(an_older_incarnation_is_old_or_a_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
