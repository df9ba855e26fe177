/* The gateway's core at its edges: sessions in and out, deliveries and their acknowledgement, wrong words. */
#include "gateway_world.h"

static void a_cluster_has_brokers(void **state)
{
    struct gw *t = *state;
    struct rc_world world = world_of(&t->world);
    static const struct rc_gateway_events events;
    struct rc_gateway_config c = t->config;
    c.n = 0;
    assert_null(rc_gateway_new(&c, &world, &events));
    c.n = RC_BROKERS_MAX + 1;
    assert_null(rc_gateway_new(&c, &world, &events));
}

static void only_configured_brokers_get_a_session(void **state)
{
    struct gw *t = *state;
    struct rc_peer stranger = {.role = RC_BROKER, .id = "b9", .inc = 1}, gateway = {.role = RC_GATEWAY, .id = "b1"};
    assert_null(rc_gateway_up(t->g, &stranger, 1, RC_OPEN));
    assert_null(rc_gateway_up(t->g, &gateway, 1, RC_OPEN));
    assert_int_equal(gw_stats(t).view, 0);
}

static void a_new_session_ends_the_older_one(void **state)
{
    struct gw *t = *state;
    gw_up(t, 0);
    gw_up(t, 0);
    assert_int_equal(t->world.ended, 1);
    assert_int_equal(t->world.why, RC_END_REPLACED);
    gw_exchange(t);
    assert_true(gw_stats(t).settled);
}

static void a_silent_session_is_ended(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    t->b[2].mute = true;
    gw_run(t, t->config.times.s - t->config.times.h);
    assert_int_equal(t->world.ended, 0);
    gw_run(t, 2 * t->config.times.h);
    assert_int_equal(t->world.ended, 1);
    assert_int_equal(t->world.why, RC_END_SILENT);
    assert_int_equal(gw_stats(t).view, 2);
}

static void heartbeats_come_every_h(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    unsigned before = t->b[0].batches;
    gw_run(t, 10 * t->config.times.h);
    assert_in_range(t->b[0].batches - before, 9, 11);
}

static void what_a_broker_must_not_say_ends_its_session(void **state)
{
    struct gw *t = *state;
    static const enum rc_op_kind wrong[] = {RC_OP_JOIN, RC_OP_EMIT, RC_OP_SYNCED, RC_OP_BYE, RC_OP_STORED};
    for (unsigned i = 0; i < 5; i++) {
        gw_up(t, 0);
        struct rc_op *op = wrong[i] == RC_OP_JOIN ? room_op(RC_OP_JOIN, "r") : rc_op_new(wrong[i]);
        assert_false(end_send(&t->b[0], op));
        assert_int_equal(t->world.why, RC_END_PROTOCOL);
    }
    assert_int_equal(t->world.ended, 5);
}

static void answers_about_unknown_emits_are_ignored(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    static const enum rc_op_kind kind[] = {RC_OP_CONFIRM, RC_OP_DELIVERED, RC_OP_REFUSED};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(end_send(&t->b[0], reply_op(kind[i], 5, 1)));
        assert_true(end_send(&t->b[0], reply_op(kind[i], UINT32_MAX, 1)));
    }
    assert_int_equal(t->n_result, 0);
}

/* ---- deliveries */

static void a_delivery_is_acknowledged_when_the_workers_have_it(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    gw_open(t, 1, room);
    struct end *e = &t->b[0];
    end_send(e, deliver_op("g2", 7, 1, room));
    uint64_t ordinal = e->far->ordinal;
    assert_int_equal(t->n_deliver, 1);
    assert_int_equal(t->n_barrier, 1);
    end_say(e); /* a heartbeat behind it is not acknowledged before it */
    end_take(e);
    assert_true(e->far->acked < ordinal);
    rc_gateway_processed(t->g, t->barrier_session + 1, t->barrier_seq); /* of another session */
    end_take(e);
    assert_true(e->far->acked < ordinal);
    rc_gateway_processed(t->g, t->barrier_session, t->barrier_seq);
    assert_true(rc_session_wants(e->core));
    end_take(e);
    assert_int_equal(e->far->acked, ordinal);
    assert_int_equal(e->core->rx_done, e->core->rx_seq); /* the heartbeat too */
}

/* The first copy, of another session, may still be on its way to the sockets. */
static void a_duplicate_is_not_delivered_and_waits_like_a_first_copy(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    gw_open(t, 1, room);
    end_send(&t->b[0], deliver_op("g2", 7, 3, room));
    end_send(&t->b[1], deliver_op("g2", 7, 3, room));
    end_send(&t->b[1], deliver_op("g2", 7, 2, room));
    assert_int_equal(t->n_deliver, 1);
    assert_int_equal(t->n_barrier, 3);
    assert_int_equal(gw_stats(t).delivers, 3);
    assert_int_equal(gw_stats(t).duplicates, 2);
    assert_true(t->b[1].core->rx_done < t->b[1].core->rx_seq);
    end_send(&t->b[1], deliver_op("g2", 7, 4, room));
    assert_int_equal(t->n_deliver, 2);
    assert_int_equal(t->delivered, 4);
}

static void a_delivery_to_a_room_without_members_reaches_nobody(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    end_send(&t->b[0], deliver_op("g2", 7, 1, "/,nobody"));
    assert_int_equal(t->n_deliver, 0);
    assert_int_equal(t->n_barrier, 1);
}

static void idle_origins_are_forgotten(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    end_send(&t->b[0], deliver_op("g2", 7, 1, "/,room"));
    rc_gateway_processed(t->g, t->barrier_session, t->barrier_seq);
    gw_run(t, t->config.times.recent);
    assert_int_equal(gw_stats(t).receiver_entries, 1);
    gw_run(t, 2 * t->config.times.tick);
    assert_int_equal(gw_stats(t).receiver_entries, 0);
}

static void a_full_table_of_origins_refuses_new_sockets(void **state)
{
    struct gw *t = *state;
    t->config.receiver_max = 2;
    gw_again(t);
    gw_serve(t);
    gw_open(t, 1, gw_room(t, 0, 1, 0));
    end_send(&t->b[0], deliver_op("g2", 7, 1, "/,one"));
    end_send(&t->b[0], deliver_op("g2", 7, 2, "/,two"));
    assert_false(gw_connect(t, 2, gw_room(t, 0, 1, 0)));
    assert_int_equal(gw_stats(t).full, 1);
    assert_int_equal(gw_stats(t).sockets, 1);
}

static void bye_is_said_on_every_session(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    rc_gateway_drain(t->g);
    assert_int_equal(gw_stats(t).state, RC_LEAVING);
    rc_gateway_bye(t->g);
    for (unsigned i = 0; i < BROKERS; i++) {
        end_pull(&t->b[i]);
        assert_int_equal(got_count(&t->b[i], RC_OP_BYE), 1);
    }
}

/* A broker that reads slowly must not cost it its goodbye: with that all rooms are void. */
static void bye_does_not_wait_for_acks_of_rooms(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    gw_connect_many(t, 2000);
    rc_gateway_drain(t->g);
    rc_gateway_bye(t->g);
    for (unsigned i = 0; i < BROKERS; i++) {
        end_pull(&t->b[i]);
        assert_int_equal(got_count(&t->b[i], RC_OP_BYE), 1);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, gw_setup, gw_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cluster_has_brokers),
        TEST(only_configured_brokers_get_a_session),
        TEST(a_new_session_ends_the_older_one),
        TEST(a_silent_session_is_ended),
        TEST(heartbeats_come_every_h),
        TEST(what_a_broker_must_not_say_ends_its_session),
        TEST(answers_about_unknown_emits_are_ignored),
        TEST(a_delivery_is_acknowledged_when_the_workers_have_it),
        TEST(a_duplicate_is_not_delivered_and_waits_like_a_first_copy),
        TEST(a_delivery_to_a_room_without_members_reaches_nobody),
        TEST(idle_origins_are_forgotten),
        TEST(a_full_table_of_origins_refuses_new_sockets),
        TEST(bye_is_said_on_every_session),
        TEST(bye_does_not_wait_for_acks_of_rooms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
