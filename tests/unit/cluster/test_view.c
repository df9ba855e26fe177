/* G1, G2, G4: the brokers that a gateway goes by, what it tells them and in which order, and when it may rely on it. */
#include "gateway_world.h"

/* True if the SYNCED names just these brokers ("b1 b3"). */
static bool synced_with(const struct rc_op *op, const char *names)
{
    char list[256] = "";
    for (uint32_t i = 0; i < op->synced.n; i++) {
        strcat(list, i ? " " : "");
        strcat(list, op->synced.member[i].id);
    }
    return strcmp(list, names) == 0;
}

/* The newest SYNCED that this broker got is about this view. */
static bool knows(struct end *e, const char *names)
{
    end_pull(e);
    struct rc_op *op, *last = NULL;
    while ((op = got(e, RC_OP_SYNCED))) {
        if (last)
            rc_op_free(last);
        last = op;
    }
    bool right = last && synced_with(last, names);
    if (last)
        rc_op_free(last);
    return right;
}

/* Where an operation of this kind about this room stands among what came; -1: nowhere. */
static int place(const struct end *e, enum rc_op_kind kind, const char *room)
{
    int i = 0;
    const struct rc_op *op;
    TAILQ_FOREACH (op, &e->got, link) {
        if (op->kind == kind && (!room || is_text(op->room.room, room)))
            return i;
        i++;
    }
    return -1;
}

static void every_broker_is_told_of_every_view(void **state)
{
    struct gw *t = *state;
    gw_up(t, 0);
    assert_true(knows(&t->b[0], "b1"));
    gw_up(t, 2);
    assert_true(knows(&t->b[0], "b1 b3"));
    assert_true(knows(&t->b[2], "b1 b3"));
    gw_down(t, 0);
    assert_true(knows(&t->b[2], "b3"));
}

static void only_fit_and_open_brokers_are_in_the_view(void **state)
{
    struct gw *t = *state;
    static const struct {
        enum rc_broker_state state;
        const char *view;
    } known[] = {{RC_UNFIT, ""}, {RC_FIT, "b1"}, {RC_DRAINING, ""}, {RC_OPEN, "b1"}};
    t->b[0].state = RC_UNFIT;
    gw_up(t, 0);
    for (unsigned i = 0; i < 4; i++) {
        t->b[0].state = known[i].state;
        end_say(&t->b[0]);
        assert_true(knows(&t->b[0], known[i].view));
        assert_int_equal(rc_gateway_broker_state(t->b[0].core), known[i].state);
    }
    t->b[0].state = RC_OPEN;
    end_say(&t->b[0]);
    end_pull(&t->b[0]);
    assert_int_equal(got_count(&t->b[0], RC_OP_SYNCED), 0); /* open, as before: the view is the same */
}

static void a_synced_carries_version_k_and_weights(void **state)
{
    struct gw *t = *state;
    gw_up(t, 0);
    gw_up(t, 1);
    end_pull(&t->b[0]);
    struct rc_op *first = got(&t->b[0], RC_OP_SYNCED), *second = got(&t->b[0], RC_OP_SYNCED);
    assert_true(second->synced.version == first->synced.version + 1);
    assert_int_equal(second->synced.k, 2);
    assert_int_equal(second->synced.member[0].weight, 1);
    rc_op_free(first);
    rc_op_free(second);
}

static void a_view_is_the_same_in_whatever_order_it_was_configured(void **state)
{
    struct gw *t = *state;
    static const struct rc_member turned[BROKERS] = {{"b3", 1}, {"b1", 1}, {"b2", 1}};
    t->config.broker = turned;
    gw_again(t);
    gw_serve(t);
    gw_down(t, 1);
    assert_true(knows(&t->b[0], "b1 b3"));
    gw_down(t, 0);
    gw_up(t, 1);
    assert_true(knows(&t->b[2], "b2 b3"));
}

/* A broker must never believe that it has our rooms before it has them, or lose them while it still counts on them. */
static void joins_come_before_synced_before_leaves(void **state)
{
    struct gw *t = *state;
    gw_up(t, 0);
    gw_up(t, 1);
    const char *room = gw_room(t, 2, 0, 0); /* b3's and b1's, once b3 is there; until then b1's and b2's */
    assert_true(gw_connect(t, 1, room));
    end_pull(&t->b[0]);
    end_pull(&t->b[1]);
    assert_true(place(&t->b[0], RC_OP_JOIN, room) >= 0);
    assert_true(place(&t->b[1], RC_OP_JOIN, room) >= 0);
    got_clear(&t->b[0]);
    got_clear(&t->b[1]);

    gw_up(t, 2);
    for (unsigned i = 0; i < BROKERS; i++)
        end_pull(&t->b[i]);
    int joined = place(&t->b[2], RC_OP_JOIN, room), synced = place(&t->b[2], RC_OP_SYNCED, NULL);
    assert_true(joined >= 0 && synced > joined);
    int left = place(&t->b[1], RC_OP_LEAVE, room);
    synced = place(&t->b[1], RC_OP_SYNCED, NULL);
    assert_true(synced >= 0 && left > synced);
    assert_int_equal(got_count(&t->b[0], RC_OP_JOIN), 0); /* it had the room and keeps it */
    assert_int_equal(got_count(&t->b[0], RC_OP_LEAVE), 0);
}

static void a_new_session_gets_all_joins_again(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room[3] = {gw_room(t, 0, 1, 0), gw_room(t, 1, 0, 0), gw_room(t, 1, 2, 0)};
    for (unsigned i = 0; i < 3; i++)
        gw_open(t, i, room[i]);
    gw_down(t, 0);
    got_clear(&t->b[0]);
    gw_up(t, 0);
    end_pull(&t->b[0]);
    int synced = place(&t->b[0], RC_OP_SYNCED, NULL);
    assert_true(synced >= 0);
    for (unsigned i = 0; i < 2; i++) {
        int at = place(&t->b[0], RC_OP_JOIN, room[i]);
        assert_true(at >= 0 && at < synced);
    }
    assert_int_equal(got_count(&t->b[0], RC_OP_JOIN), 2);
}

/* Heartbeats must not stand behind more than a broker reads in no time. */
static void few_rooms_at_once_are_on_their_way(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    gw_connect_many(t, 2000);
    struct rc_batch batch;
    rc_batch_init(&batch);
    rc_gateway_take(t->g, t->b[0].core, 1 << 20, &batch);
    assert_in_range(batch.bytes, RC_SESSION_ROOMS_WINDOW, RC_SESSION_ROOMS_WINDOW + 1024);
    rc_batch_fini(&batch);
}

static void settled_means_that_all_sessions_acknowledged_the_view(void **state)
{
    struct gw *t = *state;
    assert_true(gw_stats(t).settled); /* nobody was ever up */
    gw_up(t, 0);
    gw_up(t, 1);
    assert_false(gw_stats(t).settled);
    end_pull(&t->b[0]);
    end_say(&t->b[0]);
    assert_false(gw_stats(t).settled);
    end_pull(&t->b[1]);
    end_say(&t->b[1]);
    assert_true(gw_stats(t).settled);
    t->b[1].state = RC_UNFIT;
    end_say(&t->b[1]);
    assert_false(gw_stats(t).settled); /* a new version, and both have to hear of it */
    gw_exchange(t);
    assert_true(gw_stats(t).settled);
}

static void a_lost_broker_is_relied_on_after_w(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    rc_time lost = t->world.now;
    gw_down(t, 2);
    gw_exchange(t);
    assert_false(gw_stats(t).settled);
    gw_run(t, t->config.times.w);
    assert_int_equal(t->world.now, lost + t->config.times.w);
    assert_false(gw_stats(t).settled);
    t->world.now++;
    assert_true(gw_stats(t).settled);
}

static void a_lost_broker_that_is_back_need_not_be_waited_for(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    gw_down(t, 2);
    gw_up(t, 2);
    assert_false(gw_stats(t).settled);
    gw_exchange(t);
    assert_true(gw_stats(t).settled);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, gw_setup, gw_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_broker_is_told_of_every_view),     TEST(only_fit_and_open_brokers_are_in_the_view),
        TEST(a_synced_carries_version_k_and_weights), TEST(a_view_is_the_same_in_whatever_order_it_was_configured),
        TEST(joins_come_before_synced_before_leaves), TEST(a_new_session_gets_all_joins_again),
        TEST(few_rooms_at_once_are_on_their_way),     TEST(settled_means_that_all_sessions_acknowledged_the_view),
        TEST(a_lost_broker_is_relied_on_after_w),     TEST(a_lost_broker_that_is_back_need_not_be_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
