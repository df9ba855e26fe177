/* G3, G5: a CONNECT is answered when nobody can miss the socket any more, and not before. */
#include "gateway_world.h"

static void a_connect_is_answered_after_the_acks_of_all_its_brokers(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    assert_true(gw_connect(t, 1, room));
    for (unsigned i = 0; i < BROKERS; i++)
        end_pull(&t->b[i]);
    assert_int_equal(got_count(&t->b[0], RC_OP_JOIN), 1);
    assert_int_equal(got_count(&t->b[1], RC_OP_JOIN), 1);
    assert_int_equal(got_count(&t->b[2], RC_OP_JOIN), 0);
    assert_int_equal(t->n_opened, 0);
    end_say(&t->b[0]);
    assert_int_equal(t->n_opened, 0);
    end_say(&t->b[1]);
    assert_int_equal(t->n_opened, 1);
    assert_int_equal(t->opened[0], 1);
    assert_int_equal(gw_stats(t).pending, 0);
}

static void a_join_that_was_read_and_not_processed_is_not_in_place(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    t->b[1].deaf = true;
    assert_true(gw_connect(t, 1, gw_room(t, 0, 1, 0)));
    gw_exchange(t);
    gw_exchange(t);
    assert_int_equal(t->n_opened, 0);
    t->b[1].deaf = false;
    end_ack(&t->b[1]);
    assert_int_equal(t->n_opened, 1);
}

static void nobody_is_answered_before_serving(void **state)
{
    struct gw *t = *state;
    for (unsigned i = 0; i < BROKERS; i++)
        gw_up(t, i);
    assert_true(gw_connect(t, 1, gw_room(t, 0, 1, 0)));
    for (unsigned i = 0; i < 100 && gw_stats(t).state != RC_SERVING; i++) {
        assert_int_equal(t->n_opened, 0);
        gw_run(t, t->config.times.tick);
    }
    gw_run(t, t->config.times.tick);
    assert_int_equal(t->n_opened, 1);
}

static void nobody_is_answered_before_the_view_is_settled(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    gw_down(t, 2);
    assert_true(gw_connect(t, 1, gw_room(t, 0, 1, 0)));
    gw_run(t, t->config.times.w);
    assert_int_equal(t->n_opened, 0);
    gw_run(t, t->config.times.tick);
    assert_int_equal(t->n_opened, 1);
}

/* Settled and serving are not enough when the lease ran out and no loop pass has looked yet. */
static void nobody_is_answered_without_a_majority(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    assert_true(gw_connect(t, 1, gw_room(t, 0, 1, 0)));
    end_pull(&t->b[0]);
    end_pull(&t->b[1]);
    t->world.now += t->config.times.l_g + t->config.times.h;
    t->b[0].far->peer_t = t->b[1].far->peer_t = RC_NEVER; /* acks without an echo */
    end_say(&t->b[0]);
    end_say(&t->b[1]);
    assert_int_equal(t->n_opened, 0);
}

static void two_sockets_of_a_room_are_one_join_and_one_leave(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    gw_open(t, 1, room);
    gw_open(t, 2, room);
    assert_int_equal(got_count(&t->b[0], RC_OP_JOIN), 1);
    assert_int_equal(rc_gateway_members(t->g, room, strlen(room)), 2);
    rc_gateway_disconnect(t->g, 1);
    gw_exchange(t);
    assert_int_equal(got_count(&t->b[0], RC_OP_LEAVE), 0);
    rc_gateway_disconnect(t->g, 2);
    gw_exchange(t);
    assert_int_equal(got_count(&t->b[0], RC_OP_LEAVE), 1);
    assert_int_equal(got_count(&t->b[1], RC_OP_LEAVE), 1);
    assert_int_equal(gw_stats(t).rooms, 0);
    assert_int_equal(gw_stats(t).sockets, 0);
}

static void a_room_left_and_entered_again_is_joined_again(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    gw_open(t, 1, room);
    rc_gateway_disconnect(t->g, 1);
    assert_true(gw_connect(t, 2, room));
    assert_int_equal(t->n_opened, 1); /* the old ack does not count for the new JOIN */
    gw_exchange(t);
    assert_int_equal(t->n_opened, 2);
    static const enum rc_op_kind order[] = {RC_OP_JOIN, RC_OP_LEAVE, RC_OP_JOIN};
    unsigned i = 0;
    const struct rc_op *op;
    TAILQ_FOREACH (op, &t->b[0].got, link) {
        assert_true(i < 3);
        assert_int_equal(op->kind, order[i++]);
    }
    assert_int_equal(i, 3);
}

static void the_ack_of_an_earlier_session_does_not_count(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    gw_open(t, 1, room);
    gw_down(t, 1);
    gw_up(t, 1);
    assert_true(gw_connect(t, 2, room));
    t->b[1].mute = true;
    gw_exchange(t);
    assert_int_equal(t->n_opened, 1);
    end_pull(&t->b[1]);
    end_say(&t->b[1]);
    assert_int_equal(t->n_opened, 2);
}

static void a_connect_that_cannot_be_answered_is_refused_in_time(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    t->b[1].deaf = true;
    assert_true(gw_connect(t, 9, gw_room(t, 0, 1, 0)));
    gw_run(t, t->config.times.connect);
    assert_int_equal(t->n_closed, 0);
    gw_run(t, t->config.times.tick);
    assert_int_equal(t->n_closed, 1);
    assert_int_equal(t->closed[0], 9);
    assert_int_equal(t->why[0], RC_SOCKET_TIMEOUT);
    assert_int_equal(gw_stats(t).rooms, 0);
}

static void a_pending_socket_may_go_at_once(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    assert_true(gw_connect(t, 1, gw_room(t, 0, 1, 0)));
    rc_gateway_disconnect(t->g, 1);
    gw_exchange(t);
    assert_int_equal(t->n_opened, 0);
    assert_int_equal(gw_stats(t).pending, 0);
    rc_gateway_disconnect(t->g, 1); /* and twice does no harm */
}

static void bad_arguments_change_nothing(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    struct rc_buf *room[RC_SOCKET_ROOMS_MAX + 1], *empty = text(""), *large = rc_buf_new(RC_ROOM_MAX + 1);
    for (unsigned i = 0; i <= RC_SOCKET_ROOMS_MAX; i++)
        room[i] = text(gw_room(t, 0, 1, i));
    assert_false(rc_gateway_connect(t->g, 1, room, 0));
    assert_false(rc_gateway_connect(t->g, 1, room, RC_SOCKET_ROOMS_MAX + 1));
    assert_false(rc_gateway_connect(t->g, 1, &empty, 1));
    assert_false(rc_gateway_connect(t->g, 1, &large, 1));
    assert_int_equal(gw_stats(t).sockets, 0);
    assert_int_equal(gw_stats(t).rooms, 0);
    assert_true(rc_gateway_connect(t->g, 1, room, RC_SOCKET_ROOMS_MAX));
    assert_false(rc_gateway_connect(t->g, 1, room, 1)); /* this socket exists */
    rc_gateway_drain(t->g);
    assert_false(rc_gateway_connect(t->g, 2, room, 1));
    assert_int_equal(gw_stats(t).sockets, 1);
    for (unsigned i = 0; i <= RC_SOCKET_ROOMS_MAX; i++)
        rc_buf_rele(room[i]);
    rc_buf_rele(empty);
    rc_buf_rele(large);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, gw_setup, gw_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connect_is_answered_after_the_acks_of_all_its_brokers),
        TEST(a_join_that_was_read_and_not_processed_is_not_in_place),
        TEST(nobody_is_answered_before_serving),
        TEST(nobody_is_answered_before_the_view_is_settled),
        TEST(nobody_is_answered_without_a_majority),
        TEST(two_sockets_of_a_room_are_one_join_and_one_leave),
        TEST(a_room_left_and_entered_again_is_joined_again),
        TEST(the_ack_of_an_earlier_session_does_not_count),
        TEST(a_connect_that_cannot_be_answered_is_refused_in_time),
        TEST(a_pending_socket_may_go_at_once),
        TEST(bad_arguments_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
