/* The broker's core at its edges: who may say HELLO, rooms, wrong words, ends of sessions. */
#include "broker_world.h"

static void a_configuration_has_limits(void **state)
{
    struct bk *t = *state;
    struct rc_world world = world_of(&t->world);
    static const struct rc_broker_events events;
    struct rc_broker_config c = t->config;
    c.quorum = c.persisters + 1; /* could never be reached */
    assert_null(rc_broker_new(&c, &world, &events));
    c = t->config;
    c.n = RC_BROKERS_MAX + 1;
    assert_null(rc_broker_new(&c, &world, &events));
    c = t->config;
    c.persisters = RC_PERSISTERS_MAX + 1;
    assert_null(rc_broker_new(&c, &world, &events));
}

static void strangers_are_unknown(void **state)
{
    struct bk *t = *state;
    struct rc_peer broker = {.role = RC_BROKER, .id = "b9"}, persister = {.role = RC_PERSISTER, .id = "p9"},
                   nobody = {.role = (enum rc_role)9, .id = "b2"}, self = {.role = RC_BROKER, .id = "b1"};
    uint64_t known;
    assert_int_equal(rc_broker_hello(t->b, &broker, &known), RC_HELLO_UNKNOWN);
    assert_int_equal(rc_broker_hello(t->b, &persister, &known), RC_HELLO_UNKNOWN);
    assert_int_equal(rc_broker_hello(t->b, &nobody, &known), RC_HELLO_UNKNOWN);
    assert_int_equal(rc_broker_hello(t->b, &self, &known), RC_HELLO_UNKNOWN);
    assert_null(rc_broker_up(t->b, &broker, 1));
}

static void older_incarnations_of_brokers_and_persisters_are_refused(void **state)
{
    struct bk *t = *state;
    struct end *both[] = {&t->peer[0], &t->p[0]};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t known, inc = both[i]->peer.inc;
        bk_up(t, both[i]);
        assert_int_equal(bk_hello(t, both[i], inc - 1, &known), RC_HELLO_TWIN);
        assert_int_equal(known, inc);
        bk_down(t, both[i]);
        assert_int_equal(bk_hello(t, both[i], inc - 1, &known), RC_HELLO_OLD);
        assert_int_equal(bk_hello(t, both[i], inc, &known), RC_HELLO_OK);
        assert_int_equal(bk_hello(t, both[i], inc + 1, &known), RC_HELLO_OK);
    }
}

/* The one with the largest id dials nobody, so nobody can tell it to begin again with a higher incarnation. */
static void a_broker_whose_clock_was_set_back_is_taken_in(void **state)
{
    struct bk *t = *state;
    struct end *peer = &t->peer[0];
    bk_up(t, peer);
    struct rc_peer older = peer->peer;
    older.inc--;
    assert_null(rc_broker_up(t->b, &older, 4711)); /* the higher one lives: a twin */
    bk_down(t, peer);
    peer->peer.inc--;
    bk_up(t, peer);
    assert_int_equal(bk_stats(t).brokers, 1);
}

static void each_role_says_its_own_words_only(void **state)
{
    struct bk *t = *state;
    static const enum rc_op_kind gateway[] = {RC_OP_LIST, RC_OP_STORED, RC_OP_DELIVER, RC_OP_CONFIRM, RC_OP_RESEND};
    static const enum rc_op_kind broker[] = {RC_OP_SYNCED, RC_OP_BYE, RC_OP_STORED, RC_OP_RECORD};
    static const enum rc_op_kind persister[] = {RC_OP_LIST, RC_OP_BYE, RC_OP_RECORD, RC_OP_HOLE};
    const struct {
        struct end *end;
        const enum rc_op_kind *kind;
        unsigned n;
    } wrong[] = {{&t->g[0], gateway, 5}, {&t->peer[0], broker, 4}, {&t->p[0], persister, 4}};
    unsigned ended = 0;
    for (unsigned i = 0; i < 3; i++)
        for (unsigned j = 0; j < wrong[i].n; j++) {
            bk_up(t, wrong[i].end);
            assert_false(end_send(wrong[i].end, rc_op_new(wrong[i].kind[j])));
            assert_int_equal(t->world.ended, ++ended);
            assert_int_equal(t->world.why, RC_END_PROTOCOL);
        }
}

static void numbers_of_a_gateway_have_limits(void **state)
{
    struct bk *t = *state;
    char large[RC_ROOM_MAX + 2];
    memset(large, 'r', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    struct rc_op *slot = emit_op((struct emit){.room = "/,room", .generation = 1, .seq = 1});
    slot->emit.slot = RC_SLOTS;
    struct rc_op *view = synced_op("b1");
    view->synced.n = RC_BROKERS_MAX + 1;
    struct rc_op *wrong[] = {slot, view, room_op(RC_OP_JOIN, ""), room_op(RC_OP_JOIN, large)};
    for (unsigned i = 0; i < 4; i++) {
        bk_up(t, &t->g[0]);
        assert_false(end_send(&t->g[0], wrong[i]));
        assert_int_equal(t->world.why, RC_END_PROTOCOL);
    }
    assert_int_equal(bk_stats(t).rooms, 0);
}

static void a_silent_session_is_ended(void **state)
{
    struct bk *t = *state;
    bk_mature(t);
    bk_join(t, 0);
    bk_up(t, &t->p[0]);
    bk_exchange(t);
    t->g[0].mute = t->peer[0].mute = t->p[0].mute = true;
    bk_run(t, t->config.times.s - t->config.times.h);
    assert_int_equal(t->world.ended, 0);
    bk_run(t, 2 * t->config.times.h);
    assert_int_equal(t->world.ended, 3);
    assert_int_equal(t->world.why, RC_END_SILENT);
    struct rc_broker_stats stats = bk_stats(t);
    assert_int_equal(stats.gateways, 0);
    assert_int_equal(stats.brokers, 1);
    assert_int_equal(stats.persisters, 0);
}

/* ---- rooms */

static void a_room_exists_as_long_as_some_gateway_has_it(void **state)
{
    struct bk *t = *state;
    bk_up(t, &t->g[0]);
    bk_up(t, &t->g[1]);
    end_send(&t->g[0], room_op(RC_OP_JOIN, "/,room"));
    end_send(&t->g[0], room_op(RC_OP_JOIN, "/,room")); /* twice is once */
    end_send(&t->g[1], room_op(RC_OP_JOIN, "/,room"));
    end_send(&t->g[1], room_op(RC_OP_JOIN, "/,other"));
    assert_int_equal(bk_stats(t).rooms, 2);
    assert_int_equal(bk_stats(t).memberships, 3);
    end_send(&t->g[0], room_op(RC_OP_LEAVE, "/,room"));
    assert_false(in_room(t, "/,room", "g1"));
    assert_true(in_room(t, "/,room", "g2"));
    end_send(&t->g[0], room_op(RC_OP_LEAVE, "/,room")); /* and a LEAVE of nothing is nothing */
    end_send(&t->g[0], room_op(RC_OP_LEAVE, "/,never"));
    end_send(&t->g[1], room_op(RC_OP_LEAVE, "/,room"));
    assert_int_equal(bk_stats(t).rooms, 1);
    assert_int_equal(bk_stats(t).memberships, 1);
}

static void rooms_with_the_same_name_elsewhere_are_other_rooms(void **state)
{
    struct bk *t = *state;
    bk_up(t, &t->g[0]);
    end_send(&t->g[0], room_op(RC_OP_JOIN, "/,room"));
    end_send(&t->g[0], room_op(RC_OP_JOIN, "/chat,room"));
    assert_int_equal(bk_stats(t).rooms, 2);
    assert_false(in_room(t, "room", "g1"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bk_setup, bk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_configuration_has_limits),
        TEST(strangers_are_unknown),
        TEST(older_incarnations_of_brokers_and_persisters_are_refused),
        TEST(a_broker_whose_clock_was_set_back_is_taken_in),
        TEST(each_role_says_its_own_words_only),
        TEST(numbers_of_a_gateway_have_limits),
        TEST(a_silent_session_is_ended),
        TEST(a_room_exists_as_long_as_some_gateway_has_it),
        TEST(rooms_with_the_same_name_elsewhere_are_other_rooms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
