/* B2, B3, B4: which gateways live, as far as a majority can tell, and what this broker may do for them. */
#include "broker_world.h"

static enum rc_broker_state state_of(const struct bk *t)
{
    return rc_broker_state(t->b);
}

/* ---- known */

static void unknown_is_not_empty(void **state)
{
    struct bk *t = *state;
    bk_run(t, 2 * t->config.times.l_d); /* mature, and alone */
    assert_true(bk_stats(t).mature);
    assert_int_equal(state_of(t), RC_UNFIT);
    bk_up(t, &t->peer[0]); /* two of three */
    bk_exchange(t);
    bk_exchange(t);
    assert_int_equal(state_of(t), RC_OPEN); /* nobody lives, and that is known */
}

static void a_young_broker_does_not_count_itself(void **state)
{
    struct bk *t = *state;
    bk_up(t, &t->peer[0]);
    bk_run(t, t->config.times.l_d);
    assert_false(bk_stats(t).mature);
    assert_int_equal(state_of(t), RC_UNFIT);
    bk_run(t, t->config.times.tick);
    assert_int_equal(state_of(t), RC_OPEN);
}

static void two_mature_others_are_a_majority_for_a_young_one(void **state)
{
    struct bk *t = *state;
    bk_up(t, &t->peer[0]);
    bk_up(t, &t->peer[1]);
    bk_run(t, t->config.times.h);
    assert_false(bk_stats(t).mature);
    assert_int_equal(state_of(t), RC_OPEN);
}

static void a_young_other_does_not_count(void **state)
{
    struct bk *t = *state;
    t->peer[0].mature = false;
    bk_up(t, &t->peer[0]);
    bk_run(t, 2 * t->config.times.l_d);
    assert_int_equal(state_of(t), RC_UNFIT);
    t->peer[0].mature = true;
    end_say(&t->peer[0]);
    assert_int_equal(state_of(t), RC_OPEN);
}

static void knowledge_from_another_broker_ends_after_l_m(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    t->peer[1].mute = true;
    bk_run(t, t->config.times.l_m); /* two are left, and a majority */
    assert_int_equal(state_of(t), RC_OPEN);
    end_pull(&t->peer[0]);
    end_say(&t->peer[0]);
    rc_time contact = t->world.now;
    t->peer[0].mute = true;
    while (state_of(t) == RC_OPEN && t->world.now - contact < t->config.times.s)
        bk_run(t, t->config.times.tick);
    assert_in_range(t->world.now - contact, t->config.times.l_m, t->config.times.l_m + t->config.times.tick);
    assert_int_equal(state_of(t), RC_UNFIT);
    assert_int_equal(bk_stats(t).live, 0);
}

static void a_cluster_of_one_knows_when_it_is_mature(void **state)
{
    struct bk *t = *state;
    t->config.n = 1;
    bk_again(t);
    bk_run(t, t->config.times.l_d);
    assert_int_equal(state_of(t), RC_UNFIT);
    bk_run(t, t->config.times.tick);
    assert_int_equal(state_of(t), RC_OPEN);
}

/* ---- unfit, fit, open */

static void a_live_gateway_that_is_not_here_makes_unfit(void **state)
{
    struct bk *t = *state;
    bk_mature(t);
    assert_int_equal(state_of(t), RC_OPEN);
    end_send(&t->peer[0], list_op("g1"));
    assert_int_equal(state_of(t), RC_UNFIT);
    bk_up(t, &t->g[0]);
    bk_exchange(t);
    bk_exchange(t);
    assert_int_equal(state_of(t), RC_FIT); /* here, and did not say yet where its rooms are */
    end_send(&t->g[0], synced_op("b1 b2 b3"));
    assert_int_equal(state_of(t), RC_OPEN);
}

static void a_live_gateway_that_does_not_go_by_us_makes_fit(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    end_send(&t->g[0], synced_op("b2 b3"));
    assert_int_equal(state_of(t), RC_FIT);
    end_send(&t->g[0], synced_op("b1"));
    assert_int_equal(state_of(t), RC_OPEN);
}

static void a_gateway_that_is_not_active_does_not_count(void **state)
{
    struct bk *t = *state;
    bk_mature(t);
    t->g[0].active = false;
    bk_up(t, &t->g[0]);
    bk_run(t, t->config.times.tick);
    assert_int_equal(state_of(t), RC_OPEN);
    assert_int_equal(bk_stats(t).live, 0);
    bk_up(t, &t->peer[0]);
    assert_true(got_list(&t->peer[0], "")); /* nor for the others */
    t->g[0].active = true;
    bk_exchange(t);
    assert_int_equal(state_of(t), RC_FIT);
    assert_int_equal(bk_stats(t).live, 1);
}

/* S5: deaths are declared from heard. One that speaks and echoes nothing of ours lives, and we have no right to act for it. */
static void a_gateway_lives_by_what_is_heard_of_it(void **state)
{
    struct bk *t = *state;
    bk_mature(t);
    bk_up(t, &t->g[0]);
    assert_true(end_say(&t->g[0]));
    assert_int_equal(bk_stats(t).live, 1);
    assert_int_equal(state_of(t), RC_UNFIT);
}

/* The others hear it, we do not: after L_a we must not act for it any more. */
static void a_gateway_that_only_others_hear_makes_unfit_after_l_a(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    end_send(&t->peer[0], list_op("g1 g2"));
    rc_time contact = t->world.now;
    t->g[0].mute = true;
    bk_run(t, t->config.times.l_a - t->config.times.h);
    assert_int_equal(state_of(t), RC_OPEN);
    bk_run(t, 2 * t->config.times.h);
    assert_int_equal(state_of(t), RC_UNFIT);
    assert_true(t->world.now - contact < t->config.times.l_a + 2 * t->config.times.h);
}

static void a_gateway_that_is_in_contact_again_makes_fit(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    end_send(&t->peer[0], list_op("g1 g2"));
    t->g[0].mute = true;
    bk_run(t, t->config.times.l_a + 2 * t->config.times.h);
    assert_int_equal(state_of(t), RC_UNFIT);
    bk_up(t, &t->g[0]);
    end_say(&t->g[0]); /* heard, and nothing of ours echoed */
    assert_int_equal(state_of(t), RC_UNFIT);
    end_pull(&t->g[0]);
    end_say(&t->g[0]);
    assert_int_equal(state_of(t), RC_FIT); /* at once, and not when that judgement was to be looked at again */
}

/* Whoever says what is known makes leases longer and changes nothing: with many gateways and brokers all of them say so all the
 * time, and to judge takes as long as there are many. */
static void heartbeats_are_not_judged(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    uint64_t before = bk_stats(t).judged;
    bk_run(t, t->config.times.l_m);
    assert_in_range(bk_stats(t).judged - before, 1, 3);
}

static void a_dead_gateway_stalls_nobody(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    t->g[0].mute = true;
    unsigned changes = t->changes;
    bk_run(t, t->config.times.l_d + 2 * t->config.times.h);
    assert_int_equal(t->gone, 1); /* off all lists before our right to act for it ended */
    assert_int_equal(t->changes, changes);
    assert_int_equal(state_of(t), RC_OPEN);
}

static void a_newer_incarnation_here_proves_the_older_dead(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    end_send(&t->peer[0], list_op("g1 g2"));
    t->g[0].peer.inc = 101;
    t->g[0].active = false;
    bk_up(t, &t->g[0]);
    assert_int_equal(state_of(t), RC_OPEN);
    assert_int_equal(bk_stats(t).live, 1);
}

static void a_newer_incarnation_elsewhere_is_the_one_that_counts(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    struct rc_op *list = list_op("g1 g2");
    list->list.alive[0].inc = 101;
    end_send(&t->peer[0], list);
    assert_int_equal(state_of(t), RC_UNFIT);
    assert_int_equal(bk_stats(t).live, 2);
}

/* ---- announced */

static void a_change_is_announced_at_once(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    for (unsigned i = 0; i < 2; i++)
        end_pull(&t->g[i]);
    end_send(&t->g[0], synced_op("b2 b3"));
    assert_int_equal(t->from, RC_OPEN);
    assert_int_equal(t->to, RC_FIT);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(rc_session_wants(t->g[i].core));
        end_pull(&t->g[i]);
        assert_int_equal(t->g[i].said_state, RC_FIT);
    }
}

static void a_draining_broker_says_so(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    assert_true(rc_broker_idle(t->b));
    rc_broker_drain(t->b);
    end_pull(&t->g[0]);
    assert_int_equal(t->g[0].said_state, RC_DRAINING);
    bk_run(t, t->config.times.h); /* and goes on to tell the others who lives */
    end_pull(&t->peer[0]);
    assert_true(t->peer[0].said_mature);
}

static void a_suspended_machine_knows_nothing(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    rc_broker_suspended(t->b);
    assert_int_equal(state_of(t), RC_UNFIT);
    assert_false(bk_stats(t).mature);
    bk_run(t, t->config.times.h); /* the others are heard again, and they are two */
    assert_int_equal(state_of(t), RC_OPEN);
}

/* What we sent before we slept, and find echoed on waking, says nothing of the time that our clock missed. */
static void an_echo_from_before_the_sleep_is_no_contact(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    for (unsigned i = 0; i < PEERS; i++)
        end_pull(&t->peer[i]);
    t->world.now++;
    rc_broker_suspended(t->b);
    for (unsigned i = 0; i < PEERS; i++)
        end_say(&t->peer[i]);
    assert_int_equal(rc_broker_state(t->b), RC_UNFIT);
}

/* ---- lists */

static void the_others_are_told_at_once_who_lives(void **state)
{
    struct bk *t = *state;
    bk_mature(t);
    bk_exchange(t);
    got_clear(&t->peer[0]);
    bk_up(t, &t->g[0]);
    end_say(&t->g[0]); /* active */
    assert_true(got_list(&t->peer[0], "g1"));
    assert_true(got_list(&t->peer[1], "g1"));
    bk_down(t, &t->peer[0]);
    bk_up(t, &t->peer[0]);
    assert_true(got_list(&t->peer[0], "g1")); /* a new session begins with it */
}

static void a_list_that_changed_twice_is_told_once(void **state)
{
    struct bk *t = *state;
    bk_mature(t);
    bk_exchange(t);
    got_clear(&t->peer[0]);
    for (unsigned i = 0; i < 2; i++) {
        bk_up(t, &t->g[i]);
        end_say(&t->g[i]); /* active */
    }
    end_pull(&t->peer[0]);
    struct rc_op *list = got(&t->peer[0], RC_OP_LIST);
    assert_non_null(list);
    assert_int_equal(list->list.n, 2);
    rc_op_free(list);
    assert_null(got(&t->peer[0], RC_OP_LIST));
}

static void a_gateway_is_listed_for_l_d_after_it_was_heard(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    bk_down(t, &t->g[0]);
    got_clear(&t->peer[0]);
    bk_run(t, t->config.times.l_d - t->config.times.tick);
    assert_int_equal(got_count(&t->peer[0], RC_OP_LIST), 0); /* no change, nothing to tell */
    bk_run(t, t->config.times.tick);
    assert_true(got_list(&t->peer[0], "g2"));
}

/* b3's connection is busy while g1 falls off the list, and b2 has taken one with g1: it must hear of that too. */
static void who_took_an_older_list_is_told_of_the_newer(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    bk_down(t, &t->g[0]);
    bk_run(t, t->config.times.l_d - t->config.times.tick);
    bk_up(t, &t->g[2]);
    end_say(&t->g[2]);
    end_pull(&t->peer[0]);
    struct rc_op *list = got(&t->peer[0], RC_OP_LIST);
    assert_non_null(list);
    assert_int_equal(list->list.n, 3);
    rc_op_free(list);
    t->world.now += t->config.times.tick;
    end_pull(&t->peer[1]);
    bk_run(t, t->config.times.tick);
    end_pull(&t->peer[0]);
    list = got(&t->peer[0], RC_OP_LIST);
    assert_non_null(list);
    assert_int_equal(list->list.n, 2);
    rc_op_free(list);
}

/* Else the others, to whom it said goodbye as well, take it for alive through us, and stay unfit for ever. */
static void the_others_are_told_at_once_who_said_bye(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    end_send(&t->g[0], rc_op_new(RC_OP_BYE));
    bk_run(t, t->config.times.h);
    assert_true(got_list(&t->peer[0], "g2"));
}

static void the_others_are_told_who_was_replaced(void **state)
{
    struct bk *t = *state;
    bk_open(t);
    t->g[0].peer.inc = 101;
    t->g[0].active = false;
    bk_up(t, &t->g[0]);
    bk_run(t, t->config.times.h);
    assert_true(got_list(&t->peer[0], "g2"));
}

/* ---- going */

static void a_drained_broker_stays_until_the_others_are_a_mature_majority(void **state)
{
    struct bk *t = *state;
    t->peer[1].mature = false; /* has just been restarted */
    bk_open(t);
    rc_broker_drain(t->b);
    assert_false(rc_broker_spare(t->b));
    t->peer[1].mature = true;
    end_say(&t->peer[1]);
    assert_true(rc_broker_spare(t->b));
}

static void a_drained_broker_does_not_stay_where_it_is_of_no_use(void **state)
{
    struct bk *t = *state;
    t->peer[1].mature = false;
    bk_open(t);
    t->peer[1].state = RC_DRAINING; /* the whole cluster goes */
    end_say(&t->peer[1]);
    assert_true(rc_broker_spare(t->b));
    t->peer[1].state = RC_UNFIT;
    end_say(&t->peer[1]);
    assert_false(rc_broker_spare(t->b));
    bk_down(t, &t->peer[1]);
    assert_true(rc_broker_spare(t->b));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bk_setup, bk_teardown)

/* ---- section 8 */

static void an_added_broker_counts_when_it_was_heard_mature(void **state)
{
    struct bk *t = *state;
    static const struct rc_member one[] = {{"b1", 1}}, two[] = {{"b1", 1}, {"b2", 1}};
    t->config.n = 1;
    t->config.broker = one;
    bk_again(t);
    bk_run(t, t->config.times.l_d + 2 * t->config.times.tick);
    assert_int_equal(state_of(t), RC_OPEN);
    assert_int_equal(rc_broker_brokers(t->b, two, 2), RC_ROLL_ADDED);
    assert_int_equal(bk_stats(t).voters, 1);
    t->peer[0].mature = false;
    bk_up(t, &t->peer[0]);
    bk_run(t, 4 * t->config.times.h);
    assert_int_equal(state_of(t), RC_OPEN); /* or each start of a second broker would stop the first */
    assert_int_equal(rc_broker_brokers(t->b, bk_brokers, 3), RC_ROLL_PENDING);
    t->peer[0].mature = true;
    bk_run(t, 4 * t->config.times.h);
    assert_int_equal(bk_stats(t).voters, 2);
    t->peer[0].mute = true;
    bk_run(t, 2 * t->config.times.s);
    assert_int_equal(state_of(t), RC_UNFIT); /* it votes now, and both are needed */
}

static void a_removed_broker_counts_no_more(void **state)
{
    struct bk *t = *state;
    static const struct rc_member without_b3[] = {{"b2", 1}, {"b1", 1}}, without_me[] = {{"b2", 1}, {"b3", 1}};
    bk_open(t);
    assert_int_equal(rc_broker_brokers(t->b, without_me, 2), RC_ROLL_SELF);
    assert_int_equal(rc_broker_brokers(t->b, without_b3, 2), RC_ROLL_REMOVED);
    assert_int_equal(t->world.why, RC_END_REMOVED);
    assert_int_equal(bk_stats(t).voters, 2);
    uint64_t known;
    assert_int_equal(rc_broker_hello(t->b, &t->peer[1].peer, &known), RC_HELLO_UNKNOWN);
    bk_run(t, 2 * t->config.times.l_m);
    assert_int_equal(state_of(t), RC_OPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_is_not_empty),
        TEST(a_young_broker_does_not_count_itself),
        TEST(two_mature_others_are_a_majority_for_a_young_one),
        TEST(a_young_other_does_not_count),
        TEST(knowledge_from_another_broker_ends_after_l_m),
        TEST(a_cluster_of_one_knows_when_it_is_mature),
        TEST(a_live_gateway_that_is_not_here_makes_unfit),
        TEST(a_live_gateway_that_does_not_go_by_us_makes_fit),
        TEST(a_gateway_that_is_not_active_does_not_count),
        TEST(a_gateway_lives_by_what_is_heard_of_it),
        TEST(a_gateway_that_only_others_hear_makes_unfit_after_l_a),
        TEST(a_gateway_that_is_in_contact_again_makes_fit),
        TEST(heartbeats_are_not_judged),
        TEST(a_dead_gateway_stalls_nobody),
        TEST(a_newer_incarnation_here_proves_the_older_dead),
        TEST(a_newer_incarnation_elsewhere_is_the_one_that_counts),
        TEST(a_change_is_announced_at_once),
        TEST(a_draining_broker_says_so),
        TEST(a_suspended_machine_knows_nothing),
        TEST(an_echo_from_before_the_sleep_is_no_contact),
        TEST(the_others_are_told_at_once_who_lives),
        TEST(a_list_that_changed_twice_is_told_once),
        TEST(a_gateway_is_listed_for_l_d_after_it_was_heard),
        TEST(who_took_an_older_list_is_told_of_the_newer),
        TEST(the_others_are_told_at_once_who_said_bye),
        TEST(the_others_are_told_who_was_replaced),
        TEST(an_added_broker_counts_when_it_was_heard_mature),
        TEST(a_removed_broker_counts_no_more),
        TEST(a_drained_broker_stays_until_the_others_are_a_mature_majority),
        TEST(a_drained_broker_does_not_stay_where_it_is_of_no_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
