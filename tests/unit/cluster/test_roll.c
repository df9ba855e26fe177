/* Section 8 at a gateway: brokers are added and removed one at a time, and vote when they were heard. */
#include "gateway_world.h"

#include "cluster/roll.h"

static const struct rc_member two[] = {{"b1", 1}, {"b2", 1}};
static const struct rc_member three[] = {{"b3", 1}, {"b1", 1}, {"b2", 1}}; /* in any order */

/* A gateway that serves with b1 and b2 only. */
static struct gw *served_by_two(void **state)
{
    struct gw *t = *state;
    t->config.n = 2;
    t->config.broker = two;
    gw_again(t);
    gw_up(t, 0);
    gw_up(t, 1);
    gw_run(t, 2 * t->config.times.l_m);
    assert_int_equal(gw_stats(t).state, RC_SERVING);
    return t;
}

static void a_change_is_one_broker(void **state)
{
    (void)state;
    static const struct rc_member other[] = {{"b1", 1}, {"b4", 1}}, heavy[] = {{"b1", 1}, {"b2", 2}};
    const struct rc_member *which;
    assert_int_equal(rc_roll_between(two, 2, two, 2, &which), RC_ROLL_NONE);
    assert_int_equal(rc_roll_between(two, 2, three, 3, &which), RC_ROLL_ADDED);
    assert_string_equal(which->id, "b3");
    assert_int_equal(rc_roll_between(three, 3, two, 2, &which), RC_ROLL_REMOVED);
    assert_string_equal(which->id, "b3");
    assert_int_equal(rc_roll_between(two, 2, other, 2, &which), RC_ROLL_MANY); /* one out and one in */
    assert_int_equal(rc_roll_between(two, 1, three, 3, &which), RC_ROLL_MANY);
    assert_int_equal(rc_roll_between(two, 2, heavy, 2, &which), RC_ROLL_WEIGHT);
}

static void an_unknown_broker_is_not_taken_in(void **state)
{
    struct gw *t = served_by_two(state);
    assert_null(rc_gateway_up(t->g, &t->b[2].peer, 77, RC_OPEN));
    assert_int_equal(rc_gateway_brokers(t->g, three, 3), RC_ROLL_ADDED);
    gw_up(t, 2);
}

static void an_added_broker_votes_when_it_was_heard(void **state)
{
    struct gw *t = served_by_two(state);
    assert_int_equal(rc_gateway_brokers(t->g, three, 3), RC_ROLL_ADDED);
    assert_int_equal(gw_stats(t).voters, 2);
    gw_run(t, 2 * t->config.times.l_g);
    assert_int_equal(gw_stats(t).state, RC_SERVING);
    gw_up(t, 2);
    gw_run(t, 4 * t->config.times.h);
    assert_int_equal(gw_stats(t).voters, 3);
    gw_down(t, 1); /* two of three are a majority */
    gw_run(t, 2 * t->config.times.l_g);
    assert_int_equal(t->n_fenced, 0);
}

static void the_next_change_waits_for_the_added_broker(void **state)
{
    struct gw *t = served_by_two(state);
    static const struct rc_member four[] = {{"b1", 1}, {"b2", 1}, {"b3", 1}, {"b4", 1}},
                                  without[] = {{"b1", 1}, {"b3", 1}};
    assert_int_equal(rc_gateway_brokers(t->g, three, 3), RC_ROLL_ADDED);
    assert_int_equal(rc_gateway_brokers(t->g, four, 4), RC_ROLL_PENDING);
    assert_int_equal(rc_gateway_brokers(t->g, without, 2), RC_ROLL_PENDING);
    assert_int_equal(rc_gateway_brokers(t->g, two, 2), RC_ROLL_REMOVED); /* taken back */
    assert_int_equal(rc_gateway_brokers(t->g, three, 3), RC_ROLL_ADDED);
}

static void rooms_move_to_the_added_broker_alone(void **state)
{
    struct gw *t = served_by_two(state);
    const char *mine = gw_room(t, 2, 0, 0), *others = gw_room(t, 0, 1, 0);
    gw_open(t, 1, mine);
    gw_open(t, 2, others);
    assert_int_equal(rc_gateway_brokers(t->g, three, 3), RC_ROLL_ADDED);
    for (unsigned i = 0; i < BROKERS; i++)
        got_clear(&t->b[i]);
    gw_up(t, 2);
    gw_exchange(t);
    struct rc_op *op = got(&t->b[2], RC_OP_JOIN);
    assert_non_null(op);
    assert_true(is_text(op->room.room, mine));
    rc_op_free(op);
    assert_null(got(&t->b[2], RC_OP_JOIN));
    op = got(&t->b[1], RC_OP_LEAVE); /* its second place is the newcomer's first and b1's second */
    assert_non_null(op);
    rc_op_free(op);
    assert_null(got(&t->b[0], RC_OP_LEAVE));
    gw_open(t, 3, mine); /* answered with the newcomer's ack */
    assert_int_equal(t->n_closed, 0);
}

static void emits_of_a_removed_broker_go_to_the_next(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 2, 0, 0);
    gw_open(t, 1, room);
    assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .token = 9, .room = {room}}), RC_OUTCOME_OK);
    t->b[2].mute = true;
    assert_int_equal(rc_gateway_brokers(t->g, two, 2), RC_ROLL_REMOVED);
    assert_int_equal(t->world.why, RC_END_REMOVED);
    end_pull(&t->b[0]);
    struct rc_op *op = got(&t->b[0], RC_OP_EMIT);
    assert_non_null(op);
    rc_op_free(op);
    assert_null(rc_gateway_up(t->g, &t->b[2].peer, 78, RC_OPEN));
    assert_int_equal(gw_stats(t).voters, 2);
}

/* Others may still route by the removed broker's old word, unless it had said that it gives none. */
static void connects_wait_for_a_removed_broker_that_was_not_drained(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    assert_int_equal(rc_gateway_brokers(t->g, two, 2), RC_ROLL_REMOVED);
    assert_true(gw_connect(t, 1, room));
    gw_run(t, t->config.times.w - t->config.times.tick);
    assert_int_equal(t->n_opened, 0);
    gw_run(t, 3 * t->config.times.tick);
    assert_int_equal(t->n_opened, 1);
}

static void connects_do_not_wait_for_one_that_was_drained(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    t->b[2].state = RC_DRAINING;
    gw_run(t, 4 * t->config.times.h);
    assert_int_equal(gw_stats(t).view, 2);
    assert_int_equal(rc_gateway_brokers(t->g, two, 2), RC_ROLL_REMOVED);
    gw_open(t, 1, gw_room(t, 0, 1, 0));
}

/* The place of a removed broker is used again; what was joined there counts for nothing. */
static void a_removed_broker_may_come_back(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 2, 0, 0);
    gw_open(t, 1, room);
    assert_int_equal(rc_gateway_brokers(t->g, two, 2), RC_ROLL_REMOVED);
    gw_run(t, 2 * t->config.times.w);
    assert_int_equal(rc_gateway_brokers(t->g, three, 3), RC_ROLL_ADDED);
    got_clear(&t->b[2]);
    gw_up(t, 2);
    end_pull(&t->b[2]);
    struct rc_op *op = got(&t->b[2], RC_OP_JOIN);
    assert_non_null(op);
    rc_op_free(op);
}

static void a_place_is_not_used_while_its_broker_may_still_be_believed(void **state)
{
    struct gw *t = *state;
    struct rc_member all[RC_BROKERS_MAX];
    const struct rc_member late = {"late", 1};
    for (unsigned i = 0; i < RC_BROKERS_MAX; i++) {
        all[i].weight = 1;
        snprintf(all[i].id, sizeof all[i].id, "b%u", i + 1);
    }
    t->config.n = RC_BROKERS_MAX;
    t->config.broker = all;
    gw_again(t);
    for (unsigned i = 0; i < BROKERS; i++)
        gw_up(t, i);
    assert_int_equal(rc_gateway_brokers(t->g, all + 1, RC_BROKERS_MAX - 1), RC_ROLL_REMOVED);
    all[0] = late;
    assert_int_equal(rc_gateway_brokers(t->g, all, RC_BROKERS_MAX), RC_ROLL_FULL);
    assert_int_equal(gw_stats(t).voters, RC_BROKERS_MAX - 1);
    gw_run(t, t->config.times.w + t->config.times.tick);
    assert_int_equal(rc_gateway_brokers(t->g, all, RC_BROKERS_MAX), RC_ROLL_ADDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_one_broker),
#define WITH_GATEWAY(f) cmocka_unit_test_setup_teardown(f, gw_setup, gw_teardown)
        WITH_GATEWAY(an_unknown_broker_is_not_taken_in),
        WITH_GATEWAY(an_added_broker_votes_when_it_was_heard),
        WITH_GATEWAY(the_next_change_waits_for_the_added_broker),
        WITH_GATEWAY(rooms_move_to_the_added_broker_alone),
        WITH_GATEWAY(emits_of_a_removed_broker_go_to_the_next),
        WITH_GATEWAY(connects_wait_for_a_removed_broker_that_was_not_drained),
        WITH_GATEWAY(connects_do_not_wait_for_one_that_was_drained),
        WITH_GATEWAY(a_removed_broker_may_come_back),
        WITH_GATEWAY(a_place_is_not_used_while_its_broker_may_still_be_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
