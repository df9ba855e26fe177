/* G6, G7, G8: from start to serving, and the fence that ends an incarnation. */
#include "gateway_world.h"

static void from_start_to_active_to_serving(void **state)
{
    struct gw *t = *state;
    for (unsigned i = 0; i < BROKERS; i++)
        gw_up(t, i);
    end_pull(&t->b[0]);
    assert_false(t->b[0].said_active);
    assert_int_equal(gw_stats(t).state, RC_STARTING);
    gw_exchange(t);
    gw_run(t, t->config.times.tick); /* the views are acknowledged by all configured brokers */
    assert_int_equal(gw_stats(t).state, RC_ACTIVE);
    end_pull(&t->b[0]);
    assert_true(t->b[0].said_active);
    rc_time active = t->world.now;
    while (gw_stats(t).state != RC_SERVING && t->world.now - active < 2 * t->config.times.l_m)
        gw_run(t, t->config.times.tick);
    assert_in_range(t->world.now - active, t->config.times.l_m, 2 * t->config.times.l_m - 1);
}

static void with_a_broker_missing_it_starts_later(void **state)
{
    struct gw *t = *state;
    gw_up(t, 0);
    gw_up(t, 1);
    gw_run(t, t->config.times.l_g);
    assert_int_equal(gw_stats(t).state, RC_STARTING);
    gw_run(t, t->config.times.tick);
    assert_int_equal(gw_stats(t).state, RC_ACTIVE);
}

/* What was echoed before it said active does not count: those brokers had not listed it yet. */
static void only_echoes_of_active_batches_count(void **state)
{
    struct gw *t = *state;
    for (unsigned i = 0; i < BROKERS; i++)
        gw_up(t, i);
    gw_exchange(t);
    t->world.now += t->config.times.tick;
    rc_gateway_tick(t->g); /* active from here on */
    assert_int_equal(gw_stats(t).state, RC_ACTIVE);
    for (unsigned i = 0; i < BROKERS; i++)
        end_say(&t->b[i]); /* echo of what it said while starting */
    assert_false(rc_gateway_has_majority(t->g));
    t->world.now++;
    gw_exchange(t);
    t->world.now++;
    gw_exchange(t);
    assert_true(rc_gateway_has_majority(t->g));
}

static void an_interruption_starts_the_wait_again(void **state)
{
    struct gw *t = *state;
    for (unsigned i = 0; i < BROKERS; i++)
        gw_up(t, i);
    gw_run(t, t->config.times.l_m / 2);
    assert_int_equal(gw_stats(t).state, RC_ACTIVE);
    assert_true(rc_gateway_has_majority(t->g));
    t->world.now += t->config.times.l_g; /* nobody is heard */
    rc_gateway_tick(t->g);
    assert_false(rc_gateway_has_majority(t->g));
    for (unsigned i = 0; i < BROKERS; i++)
        gw_up(t, i);
    gw_run(t, t->config.times.l_m);
    assert_int_equal(gw_stats(t).state, RC_ACTIVE);
    gw_run(t, 5 * t->config.times.tick);
    assert_int_equal(gw_stats(t).state, RC_SERVING);
}

static void without_a_majority_it_never_serves(void **state)
{
    struct gw *t = *state;
    gw_up(t, 0);
    gw_run(t, 10 * t->config.times.l_g);
    assert_int_equal(gw_stats(t).state, RC_ACTIVE);
    assert_int_equal(t->n_fenced, 0); /* there is nothing to fence */
}

static void a_majority_lost_for_l_g_fences(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    gw_open(t, 1, gw_room(t, 0, 1, 0));
    assert_true(gw_connect(t, 2, gw_room(t, 2, 1, 0)));
    rc_time last = t->world.now;
    unsigned ended = t->world.ended;
    t->b[0].mute = t->b[1].mute = true;
    while (!t->n_fenced && t->world.now - last < 2 * t->config.times.l_g)
        gw_run(t, t->config.times.tick);
    assert_true(t->world.now - last <= t->config.times.l_g + t->config.times.tick);
    assert_true(t->world.now - last >= t->config.times.l_g - t->config.times.h);
    assert_int_equal(t->inc, GATEWAY_INC + 1);
    assert_true(t->world.ended > ended);
    assert_int_equal(t->world.why, RC_END_FENCE);
    struct rc_gateway_stats stats = gw_stats(t);
    assert_int_equal(stats.state, RC_STARTING);
    assert_int_equal(stats.inc, GATEWAY_INC + 1);
    assert_int_equal(stats.sockets, 0);
    assert_int_equal(stats.pending, 0);
    assert_int_equal(stats.rooms, 0);
    assert_int_equal(stats.view, 0);
}

static void one_broker_of_three_is_not_a_majority_lost(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    t->b[2].mute = true;
    gw_run(t, 4 * t->config.times.l_g);
    assert_int_equal(t->n_fenced, 0);
    assert_int_equal(gw_stats(t).state, RC_SERVING);
}

/* Contact outlives the session in which it was made: new sessions do not make it younger, ended ones not older. */
static void a_new_session_is_no_contact(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    for (unsigned i = 0; i < BROKERS; i++)
        gw_down(t, i);
    assert_true(rc_gateway_has_majority(t->g));
    t->world.now += t->config.times.l_g;
    for (unsigned i = 0; i < BROKERS; i++)
        gw_up(t, i);
    rc_gateway_check_fence(t->g);
    assert_int_equal(t->n_fenced, 1);
}

static void what_waited_in_the_buffers_is_no_contact(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    t->world.now += t->config.times.l_g; /* frozen, and on waking it reads what came meanwhile */
    for (unsigned i = 0; i < BROKERS; i++)
        end_say(&t->b[i]);
    rc_gateway_check_fence(t->g);
    assert_int_equal(t->n_fenced, 1);
}

static void a_fence_forgets_the_emits(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    gw_open(t, 1, room);
    assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .room = {room}}), RC_OUTCOME_OK);
    rc_gateway_suspended(t->g);
    assert_int_equal(t->n_fenced, 1);
    assert_int_equal(gw_stats(t).unconfirmed, 0);
    assert_int_equal(gw_stats(t).unconfirmed_bytes, 0);
    assert_int_equal(t->n_result, 0); /* its socket is closed: nobody is left to be told */
    assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .room = {room}}), RC_OUTCOME_UNKNOWN);
}

static void after_a_fence_it_serves_again_as_another(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    rc_gateway_suspended(t->g);
    gw_serve(t);
    assert_int_equal(t->b[0].core->my_inc, GATEWAY_INC + 1);
    gw_open(t, 1, gw_room(t, 0, 1, 0));
    assert_int_equal(got_count(&t->b[0], RC_OP_JOIN), 1);
}

static void a_refused_hello_fences_above_the_known_incarnation(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    rc_gateway_refused(t->g, GATEWAY_INC - 1); /* an answer to an incarnation that we no longer are */
    assert_int_equal(t->n_fenced, 0);
    rc_gateway_refused(t->g, GATEWAY_INC + 7);
    assert_int_equal(t->n_fenced, 1);
    assert_int_equal(t->inc, GATEWAY_INC + 8);
    rc_gateway_refused(t->g, GATEWAY_INC + 8); /* ours, and it is gone */
    assert_int_equal(t->inc, GATEWAY_INC + 9);
}

static void a_gateway_that_does_not_work_does_not_look_alive(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    unsigned batches = t->b[0].batches;
    rc_gateway_alive(t->g, false);
    gw_run(t, t->config.times.s / 2);
    assert_int_equal(t->b[0].batches, batches);
    gw_down(t, 1);
    gw_up(t, 1);
    gw_run(t, t->config.times.h);
    assert_false(rc_session_wants(t->b[1].core)); /* nor in a new session */
    rc_gateway_alive(t->g, true);
    gw_run(t, t->config.times.h);
    assert_true(t->b[0].batches > batches);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, gw_setup, gw_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_start_to_active_to_serving),
        TEST(with_a_broker_missing_it_starts_later),
        TEST(only_echoes_of_active_batches_count),
        TEST(an_interruption_starts_the_wait_again),
        TEST(without_a_majority_it_never_serves),
        TEST(a_majority_lost_for_l_g_fences),
        TEST(one_broker_of_three_is_not_a_majority_lost),
        TEST(a_new_session_is_no_contact),
        TEST(what_waited_in_the_buffers_is_no_contact),
        TEST(a_fence_forgets_the_emits),
        TEST(after_a_fence_it_serves_again_as_another),
        TEST(a_refused_hello_fences_above_the_known_incarnation),
        TEST(a_gateway_that_does_not_work_does_not_look_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
