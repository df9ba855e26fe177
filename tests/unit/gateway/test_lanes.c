/* Lanes that move from broker to broker: nothing is lost, doubled or reordered; and their bounds. */
#include "trunk_world.h"

/* Moves */

/* Some got there, some were on their way, some come while there is no way: at both ends all of them, once, in order. */
static void test_broker_dies(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    post_text(EDGE, 5, "a");
    post_text(HOME, guest, "1");
    run(); /* got, and not known to be */
    post_text(EDGE, 5, "b");
    post_text(HOME, guest, "2");
    broker_dies(0);
    post_text(EDGE, 5, "c");
    post_text(HOME, guest, "3");
    run();
    assert_bytes(HOME, guest, "abc");
    assert_bytes(EDGE, 5, "123");
    post_close(HOME, guest, RC_CLOSE_ANSWERED);
    run();
    assert_closed(EDGE, 5, RC_CLOSE_ANSWERED);
    assert_int_equal(rc_trunk_count(EDGE->trunk) + rc_trunk_count(HOME->trunk), 0);
    assert_int_equal(rc_trunk_moves(EDGE->trunk), 1);
}

/* The end of a stream is not lost either, nor its beginning. */
static void test_open_and_close_are_lost(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    post_open(EDGE, 6, session_of(HOME, 0)); /* in turns: over the other one */
    post_open(EDGE, 7, session_of(HOME, 0));
    post_text(HOME, guest, "x");
    post_close(HOME, guest, RC_CLOSE_ANSWERED);
    broker_dies(0);
    run();
    assert_int_equal(HOME->n, 2);
    assert_int_equal(HOME->got[0].kind, RC_RELAY_OPEN);
    assert_int_equal(HOME->got[1].kind, RC_RELAY_OPEN);
    assert_int_not_equal(HOME->got[0].stream, HOME->got[1].stream);
    assert_int_equal(EDGE->n, 2);
    assert_memory_equal(EDGE->got[0].data->data, "x", 1);
    assert_int_equal(EDGE->got[1].why, RC_CLOSE_ANSWERED);
}

/* Either end may be the one that loses its session, and the broker tells the other. */
static void test_a_session_ends(void **state)
{
    struct node *const loser[] = {EDGE, HOME};
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    for (unsigned i = 0; i < 2; i++) {
        post_text(EDGE, 5, "a");
        post_text(HOME, guest, "1");
        session_ends(loser[i], 0);
        run(); /* what was under way over the lost session is refused, what was over the other one is not */
        post_text(EDGE, 5, "b");
        post_text(HOME, guest, "2");
        run();
        assert_bytes(HOME, guest, "ab");
        assert_bytes(EDGE, 5, "12");
        session_begins(loser[i], 0);
        pass_time(2 * TICK);
    }
}

/* A lane goes back to the broker that it prefers, so that brokers share the work again. */
static void test_broker_comes_back(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    pass_time(TICK);
    broker_dies(0);
    run();
    broker_begins(0);
    post_text(EDGE, 5, "a");
    pass_time(2 * TICK);
    post_text(EDGE, 5, "b");
    pump();
    assert_int_equal(TAILQ_FIRST(&under_way)->broker, 0);
    run();
    assert_bytes(HOME, guest, "ab");
    assert_int_equal(rc_trunk_moves(EDGE->trunk), 2);
    pass_time(SILENCE);
    assert_int_equal(rc_trunk_moves(EDGE->trunk), 2);
}

/* It does not go from one to the other of those that are as good. */
static void test_stays_where_it_is(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    broker_begins(2);
    broker_dies(0);
    pass_time(SILENCE);
    assert_int_equal(rc_trunk_moves(EDGE->trunk), 1);
    post_text(EDGE, 5, "a");
    run();
    assert_bytes(HOME, guest, "a");
}

/* New streams avoid a broker that drains, and those that are there leave it; what is on its way over it still counts. */
static void test_broker_drains(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    drains[0] = true;
    for (uint64_t stream = 6; stream < 10; stream++) {
        post_open(EDGE, stream, session_of(HOME, 0));
        pump();
        assert_int_equal(TAILQ_FIRST(&under_way)->broker, 1);
        run();
    }
    forget_got(HOME);
    post_text(EDGE, 5, "a");
    pump();
    struct side *late = TAILQ_FIRST(&under_way); /* over the old way, slower than the new one */
    TAILQ_REMOVE(&under_way, late, link);
    assert_int_equal(late->broker, 0);
    pass_time(TICK);
    post_text(EDGE, 5, "b");
    run();
    TAILQ_INSERT_TAIL(&under_way, late, link);
    run();
    assert_bytes(HOME, guest, "ab");
    post_text(HOME, guest, "1");
    pump();
    assert_int_equal(TAILQ_FIRST(&under_way)->broker, 1);
    run();
    assert_bytes(EDGE, 5, "1");
}

/* The last broker is better than none, draining or not. */
static void test_only_broker_drains(void **state)
{
    (void)state;
    drains[0] = true;
    uint64_t guest = connect_streams(5);
    pass_time(SILENCE);
    post_text(EDGE, 5, "a");
    run();
    assert_bytes(HOME, guest, "a");
    assert_int_equal(rc_trunk_moves(EDGE->trunk), 0);
}

/* No other broker: streams wait for the one to come back, and new ones with them. */
static void test_only_broker_restarts(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    post_text(EDGE, 5, "a");
    broker_dies(0);
    pass_time(SILENCE);
    post_text(EDGE, 5, "b");
    post_open(EDGE, 6, session_of(HOME, 0));
    assert_int_equal(EDGE->n, 0);
    session_begins(EDGE, 0);
    pass_time(SILENCE / 2);
    session_begins(HOME, 0);
    pass_time(2 * TICK);
    assert_int_equal(HOME->n, 3);
    assert_int_equal(HOME->got[2].kind, RC_RELAY_OPEN);
    rc_buf_rele(HOME->got[--HOME->n].data);
    assert_bytes(HOME, guest, "ab");
}

/* No way for too long: both ends end what they have, each by itself, and can begin anew. */
static void test_no_way(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_dies(0);
    pass_time(RC_LANES_PATIENCE * SILENCE);
    assert_int_equal(EDGE->n + HOME->n, 0);
    pass_time(TICK);
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    assert_closed(HOME, guest, RC_CLOSE_RELAY);
    post_open(EDGE, 6, session_of(HOME, 0));
    assert_closed(EDGE, 6, RC_CLOSE_RELAY);
    broker_begins(0);
    connect_streams(7);
}

/* A home that gave up does not begin the same streams again when their edge comes after all. */
static void test_edge_comes_too_late(void **state)
{
    (void)state;
    post_open(EDGE, 5, session_of(HOME, 0));
    run();
    forget_got(HOME);
    broker_dies(0);
    pass_time(RC_LANES_PATIENCE * SILENCE - TICK);
    for (unsigned i = 0; i < 2; i++) /* only at the home */
        rc_trunk_tick(HOME->trunk, now + (i + 1) * TICK);
    assert_int_equal(only(HOME).why, RC_CLOSE_RELAY);
    broker_begins(0);
    for (unsigned i = 0; i < 2; i++) {
        rc_trunk_tick(EDGE->trunk, now);
        run();
    }
    assert_int_equal(HOME->n, 0);
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
}

/* A move that is interrupted, in any of its steps, is a move again. */
static void test_moves_in_moves(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    char sent[64] = "";
    broker_begins(1);
    for (unsigned i = 0; i < 20; i++) {
        char text[2] = {(char)('a' + i), '\0'};
        unsigned broker = i % 2;
        strcat(sent, text);
        post_text(EDGE, 5, text);
        post_text(HOME, guest, text);
        pump();
        for (unsigned step = 0; step < i / 2 && !TAILQ_EMPTY(&under_way); step++)
            pass_first();
        broker_dies(broker);
        pump();
        if (i % 3)
            pass_first();
        broker_begins(broker);
        pass_time(i % 4 ? TICK : 0);
    }
    pass_time(SILENCE);
    assert_bytes(HOME, guest, sent);
    assert_bytes(EDGE, 5, sent);
}

/* What a full broker drops is sent again, when nothing has got on for long; by both ends. */
static void test_broker_refuses(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    pass_time(TICK);
    refuses[0] = true;
    post_text(EDGE, 5, "a");
    post_text(HOME, guest, "1");
    run();
    refuses[0] = false;
    post_text(EDGE, 5, "b"); /* with a gap before it */
    post_text(HOME, guest, "2");
    run();
    assert_int_equal(EDGE->n + HOME->n, 0);
    pass_time(SILENCE + 3 * TICK);
    assert_bytes(HOME, guest, "ab");
    assert_bytes(EDGE, 5, "12");
}

/* A broker that leads nowhere is not asked again and again, though it is the one that the lane prefers. */
static void test_broker_leads_nowhere(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    broker_dies(0);
    run();
    broker_begins(0);
    refuses[0] = true;
    pass_time(3 * SILENCE);
    post_text(EDGE, 5, "a");
    run();
    assert_bytes(HOME, guest, "a");
}

/* Windows are counted over all ways. */
static void test_window_after_a_move(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    post_bytes(EDGE, 5, RC_RELAY_WINDOW, 0);
    broker_dies(0);
    run();
    assert_int_equal(only(HOME).kind, RC_RELAY_DATA);
    post_bytes(HOME, guest, 0, 10);
    broker_begins(0);
    broker_dies(1);
    run();
    assert_int_equal(only(EDGE).credit, 10);
    post_bytes(EDGE, 5, 10, 0);
    run();
    assert_int_equal(only(HOME).kind, RC_RELAY_DATA);
    post_bytes(EDGE, 5, 1, 0);
    run();
    assert_closed(HOME, guest, RC_CLOSE_RELAY);
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
}

/* Many messages: kept in order, and no more when they are got. */
static void test_many_kept(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    char sent[64] = "";
    broker_begins(1);
    pass_time(TICK);
    size_t before = rc_trunk_kept(EDGE->trunk);
    assert_int_equal(before, 0);
    for (unsigned i = 0; i < 50; i++) {
        char text[2] = {(char)('A' + i), '\0'};
        strcat(sent, text);
        post_text(EDGE, 5, text);
        if (i == 9)
            run();
    }
    assert_true(rc_trunk_kept(EDGE->trunk) > 50 * sizeof(struct rc_buf));
    broker_dies(0);
    run();
    assert_bytes(HOME, guest, sent);
    pass_time(TICK);
    assert_int_equal(rc_trunk_kept(EDGE->trunk), 0);
}

/* A fence: all are over at once, here; the other ends hear of it by the new incarnation, or give up. */
static void test_fence(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    post_open(OTHER, 6, session_of(EDGE, 0));
    run();
    uint64_t other = only(EDGE).stream;
    session_ends(EDGE, 0);
    rc_trunk_end(EDGE->trunk);
    assert_int_equal(EDGE->n, 2);
    assert_int_equal(EDGE->got[0].stream + EDGE->got[1].stream, 5 + other);
    forget_got(EDGE);
    assert_int_equal(rc_trunk_count(EDGE->trunk), 0);
    pass_time(RC_LANES_PATIENCE * SILENCE + TICK);
    assert_closed(HOME, guest, RC_CLOSE_RELAY);
    assert_closed(OTHER, 6, RC_CLOSE_RELAY);
}

/* Bounds */

/* A broker that takes no more for now ends nothing: messages wait, and go in their order. */
static void test_full(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    HOME->session[0].out_bytes = RC_LANES_UNDER_WAY / 2 + 1;
    HOME->session[0].flight_bytes = RC_LANES_UNDER_WAY / 2;
    post_text(HOME, guest, "1");
    post_text(HOME, guest, "2");
    assert_int_equal(run(), 0);
    HOME->session[0].flight_bytes = 0;
    post_text(HOME, guest, "3");
    assert_int_equal(run(), 3);
    assert_bytes(EDGE, 5, "123");
}

/* What waits has a bound; beyond it streams end, at both sides. */
static void test_too_much_waits(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    HOME->session[0].out_bytes = RC_LANES_UNDER_WAY + 1;
    for (size_t waiting = 0; !HOME->n; waiting += RC_RELAY_WINDOW) {
        assert_true(waiting <= RC_LANES_KEPT_MAX);
        post_bytes(HOME, guest, RC_RELAY_WINDOW, 0);
    }
    assert_closed(HOME, guest, RC_CLOSE_BUSY);
    assert_int_equal(rc_trunk_count(HOME->trunk), 0);
    assert_true(rc_trunk_kept(HOME->trunk) < RC_LANES_KEPT_MAX + RC_TRUNK_SIDE_MAX + 1024);
    broker_dies(0); /* what waits is not of interest; its end is behind it */
    pass_time(RC_LANES_PATIENCE * SILENCE + TICK);
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    assert_int_equal(rc_trunk_kept(HOME->trunk), 0);
}

static void fill(struct node *n, uint64_t stream)
{
    n->session[0].out_bytes = RC_LANES_UNDER_WAY + 1;
    while (rc_trunk_kept(n->trunk) < RC_LANES_KEPT_MAX)
        post_bytes(n, stream, RC_RELAY_WINDOW, 0);
}

/* The bound is for what streams say, not for the word that one has ended. */
static void test_refused_while_too_much_waits(void **state)
{
    (void)state;
    fill(HOME, connect_streams(5));
    post_open(EDGE, 6, session_of(HOME, 7)); /* it has no such worker */
    run();
    HOME->session[0].out_bytes = 0;
    run();
    bool told = false;
    for (unsigned i = 0; i < EDGE->n; i++)
        told |= EDGE->got[i].stream == 6 && EDGE->got[i].kind == RC_RELAY_CLOSE;
    assert_true(told);
}

/* A gateway that lets its streams be broken off, and takes no word of it, costs so much and no more. */
static void test_too_many_ends_wait(void **state)
{
    (void)state;
    fill(HOME, connect_streams(5));
    for (uint64_t stream = 6; stream < 6 + RC_LANES_ENDS_MAX / 50; stream++) {
        post_open(EDGE, stream, session_of(HOME, 0));
        post_bytes(EDGE, stream, 0, 1); /* credit for nothing */
        post_close(EDGE, stream, RC_CLOSE_PEER);
        run();
        forget_got(HOME);
    }
    assert_in_range(rc_trunk_kept(HOME->trunk), RC_LANES_KEPT_MAX + RC_LANES_ENDS_MAX,
                    RC_LANES_KEPT_MAX + RC_LANES_ENDS_MAX + RC_TRUNK_SIDE_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_broker_dies),
        TEST(test_open_and_close_are_lost),
        TEST(test_a_session_ends),
        TEST(test_broker_comes_back),
        TEST(test_stays_where_it_is),
        TEST(test_broker_drains),
        TEST(test_only_broker_drains),
        TEST(test_only_broker_restarts),
        TEST(test_no_way),
        TEST(test_edge_comes_too_late),
        TEST(test_moves_in_moves),
        TEST(test_broker_refuses),
        TEST(test_broker_leads_nowhere),
        TEST(test_window_after_a_move),
        TEST(test_many_kept),
        TEST(test_fence),
        TEST(test_full),
        TEST(test_too_much_waits),
        TEST(test_refused_while_too_much_waits),
        TEST(test_too_many_ends_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
