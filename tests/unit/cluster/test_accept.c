/* B6, B7, B9: an emit is accepted only if no member can be missing, refused once, and confirmed after all acks. */
#include "broker_world.h"

#define G1 (&t->g[0])
#define G2 (&t->g[1])

/* An open broker, with a room of ours in which g1 and g2 have members; g1 emits. */
static const char *start(struct bk *t)
{
    bk_open(t);
    const char *room = bk_room(t, 0, 1, 0);
    end_send(G1, room_op(RC_OP_JOIN, room));
    end_send(G2, room_op(RC_OP_JOIN, room));
    return room;
}

static void say(struct bk *t, const char *room, uint64_t generation, uint64_t seq)
{
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = generation, .seq = seq})));
}

static void expect_refused(struct bk *t, const char *room, uint64_t generation, enum rc_refusal reason)
{
    end_pull(G1);
    struct rc_op *op = got(G1, RC_OP_REFUSED);
    assert_non_null(op);
    assert_int_equal(op->reply.slot, slot_of(room));
    assert_int_equal(op->reply.number, generation);
    assert_int_equal(op->reply.reason, reason);
    rc_op_free(op);
    assert_int_equal(got_count(G1, RC_OP_REFUSED), 0);
}

static unsigned answers(struct bk *t)
{
    end_pull(G1);
    return got_count(G1, RC_OP_CONFIRM) + got_count(G1, RC_OP_DELIVERED) + got_count(G1, RC_OP_REFUSED);
}

static void an_accepted_emit_is_delivered_to_each_member_gateway(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    say(t, room, 1, 7);
    for (unsigned i = 0; i < 2; i++) {
        end_pull(&t->g[i]);
        struct rc_op *op = got(&t->g[i], RC_OP_DELIVER);
        assert_non_null(op);
        assert_string_equal(op->deliver.origin, "g1");
        assert_int_equal(op->deliver.origin_inc, 100);
        assert_int_equal(op->deliver.seq, 7);
        assert_true(is_text(op->deliver.room, room));
        assert_true(is_text(op->deliver.payload, "event"));
        rc_op_free(op);
        assert_int_equal(got_count(&t->g[i], RC_OP_DELIVER), 0);
    }
}

static void it_is_confirmed_when_every_gateway_acknowledged(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    G1->deaf = G2->deaf = true;
    say(t, room, 1, 7);
    bk_exchange(t);
    assert_int_equal(answers(t), 0);
    assert_int_equal(bk_stats(t).waiting, 1);
    end_ack(G1);
    assert_int_equal(answers(t), 0);
    end_ack(G2);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(room), 7));
    assert_int_equal(bk_stats(t).waiting, 0);
    assert_true(rc_broker_idle(t->b));
}

static void a_room_without_members_is_confirmed_at_once(void **state)
{
    struct bk *t = *state;
    start(t);
    const char *empty = bk_room(t, 0, 2, 0);
    say(t, empty, 1, 1);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(empty), 1));
    assert_int_equal(bk_stats(t).delivers, 0);
}

static void each_gateway_gets_the_order_of_acceptance(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    for (uint64_t seq = 1; seq <= 5; seq++)
        say(t, room, 1, seq);
    end_pull(G2);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        struct rc_op *op = got(G2, RC_OP_DELIVER);
        assert_int_equal(op->deliver.seq, seq);
        rc_op_free(op);
    }
}

/* ---- B6 */

static void a_slot_that_a_live_gateway_does_not_place_here_is_refused(void **state)
{
    struct bk *t = *state;
    start(t);
    const char *others = bk_room(t, 1, 2, 0); /* its first two are b2 and b3 */
    say(t, others, 4, 1);
    expect_refused(t, others, 4, RC_NOT_COVERED);
    end_send(G1, synced_op("b1 b2"));
    say(t, others, 5, 1); /* g2 still goes by all three */
    expect_refused(t, others, 5, RC_NOT_COVERED);
    end_send(G2, synced_op("b1 b2"));
    say(t, others, 6, 1);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(others), 1));
}

static void a_broker_that_is_not_open_refuses(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    end_send(G2, synced_op("b2 b3"));
    say(t, room, 1, 1);
    expect_refused(t, room, 1, RC_NOT_OPEN);
    end_send(G2, synced_op("b1 b2 b3"));
    say(t, room, 2, 1);
    assert_int_equal(bk_stats(t).emits, 1);
    rc_broker_drain(t->b);
    say(t, room, 3, 2);
    expect_refused(t, room, 3, RC_NOT_OPEN);
    assert_int_equal(bk_stats(t).delivers, 2);
}

/* No tick has looked since the lease ran out: the emit itself must find out. */
static void leases_are_judged_at_the_emit(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    t->world.now += t->config.times.l_m;
    say(t, room, 1, 1);
    expect_refused(t, room, 1, RC_NOT_OPEN);
    assert_int_equal(rc_broker_state(t->b), RC_UNFIT);
}

static void an_open_session_is_not_required(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    bk_down(t, G2);
    say(t, room, 1, 1);
    bk_exchange(t);
    assert_int_equal(answers(t), 0); /* accepted; waits until g2 says HELLO or is gone */
    assert_int_equal(bk_stats(t).waiting, 1);
    bk_run(t, t->config.times.l_d + t->config.times.tick);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(room), 1));
}

/* ---- B7 */

static void a_refused_generation_is_dropped_in_silence(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    end_send(G2, synced_op("b2 b3"));
    say(t, room, 3, 5);
    expect_refused(t, room, 3, RC_NOT_OPEN);
    end_send(G2, synced_op("b1 b2 b3")); /* from here on it would be accepted, and overtake 5 */
    say(t, room, 3, 6);
    say(t, room, 3, 7);
    assert_int_equal(answers(t), 0);
    assert_int_equal(bk_stats(t).emits, 0);
    say(t, room, 4, 5);
    say(t, room, 4, 6);
    assert_int_equal(bk_stats(t).emits, 2);
}

static void a_refusal_is_about_one_slot_and_one_session(void **state)
{
    struct bk *t = *state;
    const char *room = start(t), *other = bk_room(t, 0, 1, 1);
    end_send(G2, synced_op("b2 b3"));
    say(t, room, 3, 1);
    expect_refused(t, room, 3, RC_NOT_OPEN);
    end_send(G2, synced_op("b1 b2 b3"));
    say(t, other, 1, 2);
    assert_int_equal(bk_stats(t).emits, 1);
    bk_down(t, G1);
    bk_up(t, G1);
    end_send(G1, synced_op("b1 b2 b3"));
    say(t, room, 1, 1); /* generations of a new session are its own */
    assert_int_equal(bk_stats(t).emits, 2);
}

/* ---- busy */

static void a_gateway_that_does_not_acknowledge_makes_its_rooms_busy(void **state)
{
    struct bk *t = *state;
    t->config.gateway_bound = 10000;
    bk_again(t);
    const char *room = start(t), *other = bk_room(t, 0, 1, 1);
    G2->deaf = true;
    end_send(G1, emit_op((struct emit){.room = room, .generation = 1, .seq = 1, .bytes = 8000}));
    bk_exchange(t);
    end_send(G1, emit_op((struct emit){.room = room, .generation = 1, .seq = 2, .bytes = 8000}));
    expect_refused(t, room, 1, RC_BUSY);
    say(t, other, 1, 3); /* g2 has no member there */
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(other), 3));
    bk_run(t, t->config.times.h);
    assert_int_equal(bk_stats(t).gateways, 2);
    bk_run(t, 5 * t->config.times.s);
    assert_int_equal(bk_stats(t).gateways, 1);
    assert_int_equal(t->world.why, RC_END_BOUND);
    assert_int_equal(bk_stats(t).busy_gateway, 1);
    assert_int_equal(bk_stats(t).stuck, 1);
}

static void too_many_waiting_emits_are_busy(void **state)
{
    struct bk *t = *state;
    t->config.waiting_bound = 1000;
    bk_again(t);
    const char *room = start(t);
    G1->deaf = G2->deaf = true;
    uint64_t seq = 0;
    while (seq < 100 && !bk_stats(t).refused)
        say(t, room, 1, ++seq);
    assert_in_range(seq, 2, 20);
    expect_refused(t, room, 1, RC_BUSY);
    assert_int_equal(bk_stats(t).busy_waiting, 1);
    end_pull(G2);
    end_ack(G1);
    end_ack(G2);
    end_pull(G1);
    assert_int_equal(bk_stats(t).waiting, 0);
    say(t, room, 2, seq);
    assert_int_equal(bk_stats(t).refused, 1);
}

/* ---- B9 */

static void emits_of_an_ended_session_are_forgotten(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    G2->deaf = true;
    say(t, room, 1, 1);
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 1, .seq = 2, .row = true})));
    bk_down(t, G1);
    assert_int_equal(bk_stats(t).waiting, 0);
    end_pull(G2);
    end_ack(G2); /* nobody is left to be told */
    bk_up(t, G1);
    assert_int_equal(answers(t), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bk_setup, bk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_accepted_emit_is_delivered_to_each_member_gateway),
        TEST(it_is_confirmed_when_every_gateway_acknowledged),
        TEST(a_room_without_members_is_confirmed_at_once),
        TEST(each_gateway_gets_the_order_of_acceptance),
        TEST(a_slot_that_a_live_gateway_does_not_place_here_is_refused),
        TEST(a_broker_that_is_not_open_refuses),
        TEST(leases_are_judged_at_the_emit),
        TEST(an_open_session_is_not_required),
        TEST(a_refused_generation_is_dropped_in_silence),
        TEST(a_refusal_is_about_one_slot_and_one_session),
        TEST(a_gateway_that_does_not_acknowledge_makes_its_rooms_busy),
        TEST(too_many_waiting_emits_are_busy),
        TEST(emits_of_an_ended_session_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
