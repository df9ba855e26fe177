/* Streams over a trunk: who gets what, when they end, and what other gateways say that cannot be. */
#include "trunk_world.h"

static void test_a_stream(void **state)
{
    (void)state;
    post_open(EDGE, 5, session_of(HOME, 1));
    run();
    assert_int_equal(HOME->n, 1);
    assert_memory_equal(HOME->got[0].data->data, "GET", 3);
    uint64_t guest = only(HOME).stream;
    assert_int_equal(RC_RELAY_WORKER(guest), 1);
    assert_true(guest & RC_RELAY_GUEST);

    post_bytes(EDGE, 5, 10, 0);
    run();
    assert_int_equal(HOME->n, 1);
    assert_int_equal(HOME->got[0].data->len, 10);
    assert_int_equal(only(HOME).stream, guest);
    post_bytes(HOME, guest, 20, 10);
    run();
    assert_int_equal(EDGE->got[0].data->len, 20);
    assert_int_equal(EDGE->got[0].credit, 10);
    assert_int_equal(only(EDGE).stream, 5);

    post_close(HOME, guest, RC_CLOSE_ANSWERED);
    run();
    assert_closed(EDGE, 5, RC_CLOSE_ANSWERED);
    assert_int_equal(rc_trunk_count(EDGE->trunk) + rc_trunk_count(HOME->trunk), 0);
}

static void test_closed_by_the_edge(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    post_close(EDGE, 5, RC_CLOSE_PEER);
    run();
    assert_closed(HOME, guest, RC_CLOSE_PEER);
    assert_int_equal(rc_trunk_count(EDGE->trunk) + rc_trunk_count(HOME->trunk), 0);
    post_bytes(HOME, guest, 1, 0); /* crossed it */
    assert_int_equal(run(), 0);
    pass_time(TICK);
    assert_int_equal(rc_trunk_kept(EDGE->trunk) + rc_trunk_kept(HOME->trunk), 0);
}

static void test_unknown_gateway(void **state)
{
    (void)state;
    post_open(EDGE, 5, (struct rc_sid){.gateway = rc_sid_gateway("gateway-9")});
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    assert_int_equal(run(), 0);
}

static void test_no_broker_in_common(void **state)
{
    (void)state;
    session_ends(HOME, 0);
    session_begins(HOME, 1);
    post_open(EDGE, 5, session_of(HOME, 0));
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    session_begins(EDGE, 1);
    connect_streams(6);
}

/* The edge has not heard yet that its home began again; when it does, it waits no more. */
static void test_home_restarted(void **state)
{
    (void)state;
    HOME->peer.inc++;
    post_open(EDGE, 5, session_of(HOME, 0));
    run();
    assert_int_equal(HOME->n + EDGE->n, 0);
    rc_roster_note(&EDGE->roster, 0, &HOME->peer, true, 0);
    pass_time(2 * TICK);
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    connect_streams(6);
}

/* The streams of its last incarnation end, and the numbers begin anew. */
static void test_edge_restarted(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    rc_trunk_end(EDGE->trunk);
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    rc_trunk_free(EDGE->trunk);
    rc_roster_fini(&EDGE->roster);
    make_node(0);
    EDGE->peer.inc++;
    session_begins(EDGE, 0);
    post_open(EDGE, 5, session_of(HOME, 0));
    run();
    assert_int_equal(HOME->n, 2);
    assert_int_equal(HOME->got[0].kind, RC_RELAY_CLOSE);
    assert_int_equal(HOME->got[0].stream, guest);
    assert_int_equal(HOME->got[1].kind, RC_RELAY_OPEN);
    forget_got(HOME);
    assert_int_equal(rc_trunk_count(HOME->trunk), 1);
}

static void test_equal_numbers_of_two_edges(void **state)
{
    (void)state;
    uint64_t one = connect_streams(5);
    post_open(OTHER, 5, session_of(HOME, 0));
    run();
    uint64_t two = only(HOME).stream;
    assert_int_not_equal(one, two);
    post_bytes(OTHER, 5, 3, 0);
    run();
    assert_int_equal(only(HOME).stream, two);
    post_bytes(HOME, one, 4, 0);
    run();
    assert_int_equal(only(EDGE).stream, 5);
    assert_int_equal(OTHER->n, 0);
    post_close(EDGE, 5, RC_CLOSE_PEER);
    run();
    assert_closed(HOME, one, RC_CLOSE_PEER);
    post_bytes(HOME, two, 4, 0);
    run();
    assert_int_equal(only(OTHER).stream, 5);
}

/* Hostile gateways */

static void test_edge_ignores_the_window(void **state)
{
    (void)state;
    uint64_t bad = connect_streams(5), good = connect_streams(6);
    post_bytes(EDGE, 5, RC_RELAY_WINDOW, 0);
    run();
    assert_int_equal(only(HOME).kind, RC_RELAY_DATA);
    post_bytes(HOME, bad, 0, 100);
    run();
    assert_int_equal(only(EDGE).credit, 100);
    post_bytes(EDGE, 5, 100, 0);
    run();
    assert_int_equal(only(HOME).kind, RC_RELAY_DATA);
    post_bytes(EDGE, 5, 1, 0);
    run();
    assert_closed(HOME, bad, RC_CLOSE_RELAY);
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    post_bytes(EDGE, 6, 1, 0); /* nothing else has ended */
    run();
    assert_int_equal(only(HOME).stream, good);
}

static void test_home_ignores_the_window(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    post_bytes(HOME, guest, RC_RELAY_WINDOW, 0);
    run();
    assert_int_equal(only(EDGE).kind, RC_RELAY_DATA);
    post_bytes(HOME, guest, 1, 0);
    run();
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    assert_closed(HOME, guest, RC_CLOSE_RELAY);
}

static void test_credit_for_nothing(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    post_bytes(HOME, guest, 10, 0);
    post_bytes(EDGE, 5, 0, 10);
    run();
    assert_int_equal(only(HOME).credit, 10);
    forget_got(EDGE);
    post_bytes(EDGE, 5, 0, 1);
    run();
    assert_closed(HOME, guest, RC_CLOSE_RELAY);
}

/* A number of its lane is used up, by a message that never gets there: the next that is forged takes its place. */
static void spend_number(struct node *n, uint64_t stream)
{
    run();
    post_bytes(n, stream, 0, 0);
    lose_under_way(0);
}

/* Gives it to a trunk over the first broker, as if `from` had sent it as the next of its lane, or any other. */
static void forge(struct node *from, struct node *to, struct rc_trunk_side side, int64_t ahead)
{
    side.from = from->last[to - node];
    side.from.number += (uint64_t)ahead;
    if (side.relay.stream)
        side.from.wire = side.relay.stream;
    if (side.what == RC_TRUNK_RELAY && ahead == 1)
        from->last[to - node] = side.from;
    struct rc_buf *bytes = pack(&side, &side.from);
    assert_true(rc_trunk_side(to->trunk, &to->session[0], bytes));
    rc_buf_rele(bytes);
    rc_buf_rele(side.relay.data);
}

static struct rc_trunk_side data_of(uint64_t wire, size_t len)
{
    struct rc_trunk_side side = {.what = RC_TRUNK_RELAY, .relay = {.kind = RC_RELAY_DATA, .stream = wire}};
    side.relay.data = rc_buf_new(len);
    memset(side.relay.data->data, 'b', len);
    return side;
}

static struct rc_trunk_side open_of(uint64_t wire, struct rc_sid sid)
{
    struct rc_trunk_side side = {.what = RC_TRUNK_RELAY, .relay = {.kind = RC_RELAY_OPEN, .stream = wire, .sid = sid}};
    side.relay.data = rc_buf_copy("GET", 3);
    return side;
}

static struct rc_trunk_side close_of(uint64_t wire)
{
    return (struct rc_trunk_side){.what = RC_TRUNK_RELAY,
                                  .relay = {.kind = RC_RELAY_CLOSE, .stream = wire, .why = RC_CLOSE_PEER}};
}

static void test_broken_message(void **state)
{
    (void)state;
    uint64_t bad = connect_streams(5), good = connect_streams(6);
    spend_number(EDGE, 6);
    forge(EDGE, HOME, data_of(5, RC_RELAY_WINDOW + 1), 1);
    assert_closed(HOME, bad, RC_CLOSE_RELAY);
    run();
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    spend_number(EDGE, 6);
    forge(EDGE, HOME, data_of(9, RC_RELAY_WINDOW + 1), 1); /* of no stream */
    assert_int_equal(HOME->n, 0);
    post_bytes(EDGE, 6, 1, 0);
    run();
    assert_int_equal(only(HOME).stream, good);
}

/* Taking a number a second time ends neither the first stream here nor makes one of two. */
static void test_open_twice(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    forge(EDGE, HOME, open_of(5, session_of(HOME, 0)), 1);
    assert_int_equal(HOME->n, 0);
    assert_int_equal(rc_trunk_count(HOME->trunk), 1);
    forge(EDGE, HOME, data_of(5, 1), 1);
    assert_int_equal(only(HOME).stream, guest);
}

/* Not the next number: it came before, or what is before it is missing. */
static void test_wrong_number(void **state)
{
    static const int64_t ahead[] = {0, -1, 2, 1000, INT64_MIN};
    (void)state;
    uint64_t guest = connect_streams(5);
    for (unsigned i = 0; i < 5; i++)
        forge(EDGE, HOME, data_of(5, 1), ahead[i]);
    assert_int_equal(HOME->n, 0);
    forge(EDGE, HOME, data_of(5, 1), 1);
    assert_int_equal(only(HOME).stream, guest);
}

static void test_open_for_somebody_else(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(4);
    spend_number(EDGE, 4);
    spend_number(EDGE, 4);
    forge(EDGE, HOME, open_of(5, session_of(OTHER, 0)), 1);
    forge(EDGE, HOME, open_of(6, session_of(HOME, 2)), 1); /* a worker that it has not */
    assert_int_equal(HOME->n, 0);
    assert_int_equal(run(), 2); /* each was told so */
    assert_int_equal(rc_trunk_count(HOME->trunk), 1);
    spend_number(HOME, guest);
    forge(HOME, EDGE, open_of(7, session_of(EDGE, 0)), 1); /* from the home? it is us */
    assert_int_equal(EDGE->n, 0);
    assert_int_equal(rc_trunk_count(EDGE->trunk), 1);
}

/* A gateway that ends takes no guests. */
static void test_open_while_leaving(void **state)
{
    (void)state;
    rc_trunk_workers(HOME->trunk, 0);
    post_open(EDGE, 5, session_of(HOME, 0));
    run();
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    assert_int_equal(HOME->n, 0);
}

/* Only the two ends of a stream, each in its part and on its lane, can say something of it. */
static void test_not_of_this_stream(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    post_open(OTHER, 7, session_of(HOME, 0));
    run();
    forget_got(HOME);
    forge(OTHER, HOME, close_of(5), 1);
    forge(OTHER, HOME, data_of(5, 1), 1);
    struct rc_trunk_address real = EDGE->last[1];
    EDGE->last[1].from_home = true; /* its number here, as if we were the edge */
    forge(EDGE, HOME, close_of(guest), 1);
    EDGE->last[1] = real;
    EDGE->last[1].inc++;
    forge(EDGE, HOME, close_of(5), 1);
    EDGE->last[1] = real;
    EDGE->last[1].lane += RC_BROKERS_MAX;
    forge(EDGE, HOME, close_of(5), 1);
    assert_int_equal(HOME->n, 0);
    EDGE->last[1] = real;
    run(); /* what the home says of lanes that are not there ends none that is */
    forge(EDGE, HOME, data_of(5, 1), 1);
    assert_int_equal(only(HOME).stream, guest);
    post_open(EDGE, 8, session_of(OTHER, 0));
    run();
    post_bytes(OTHER, only(OTHER).stream, 1, 0); /* so that it has a number to forge */
    run();
    forget_got(EDGE);
    forge(OTHER, EDGE, data_of(5, 1), 1);
    assert_int_equal(EDGE->n, 0);
}

/* A way that is older than the one in use was slower than it, over another broker. */
static void test_old_way(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    broker_begins(1);
    drains[0] = true;
    pass_time(TICK);
    forge(EDGE, HOME, (struct rc_trunk_side){.what = RC_TRUNK_WAY, .way = 1}, 0);
    post_text(HOME, guest, "1");
    pump();
    assert_int_equal(TAILQ_FIRST(&under_way)->broker, 1);
    run();
    assert_bytes(EDGE, 5, "1");
}

/* It got what was never sent, or has forgotten what it got: the lane ends, with what is on it and nothing else. */
static void test_impossible_ways(void **state)
{
    static const uint64_t got[] = {1000, 0}, number[] = {0, 1000};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t guest = connect_streams(5 + i);
        struct rc_trunk_side way = {.what = RC_TRUNK_WAY, .way = 100};
        struct rc_trunk_address real = EDGE->last[1];
        EDGE->last[1].got = got[i];
        EDGE->last[1].number = number[i];
        forge(EDGE, HOME, way, 0);
        EDGE->last[1] = real;
        pass_time(RC_LANES_PATIENCE * SILENCE);
        assert_closed(EDGE, 5 + i, RC_CLOSE_RELAY);
        forge(EDGE, HOME, way, 0); /* it is over */
        assert_closed(HOME, guest, RC_CLOSE_RELAY);
    }
    connect_streams(7);
}

/* A lane of which nobody knows cannot begin in its middle. */
static void test_way_of_no_lane(void **state)
{
    (void)state;
    connect_streams(5);
    EDGE->last[1].lane += RC_BROKERS_MAX - 1;
    EDGE->last[1].got = 1;
    forge(EDGE, HOME, (struct rc_trunk_side){.what = RC_TRUNK_WAY, .way = 1}, 0);
    forge(EDGE, HOME, open_of(9, session_of(HOME, 0)), 1);
    assert_int_equal(HOME->n, 0);
    assert_int_equal(run(), 2); /* both were told */
    assert_int_equal(EDGE->n, 0);
}

static void test_other_sides(void **state)
{
    struct rc_buf *map = rc_roster_pack(&EDGE->roster);
    (void)state;
    assert_false(rc_trunk_side(HOME->trunk, &HOME->session[0], map));
    rc_buf_rele(map);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_stream),
        TEST(test_closed_by_the_edge),
        TEST(test_unknown_gateway),
        TEST(test_no_broker_in_common),
        TEST(test_home_restarted),
        TEST(test_edge_restarted),
        TEST(test_equal_numbers_of_two_edges),
        TEST(test_edge_ignores_the_window),
        TEST(test_home_ignores_the_window),
        TEST(test_credit_for_nothing),
        TEST(test_broken_message),
        TEST(test_open_twice),
        TEST(test_wrong_number),
        TEST(test_open_for_somebody_else),
        TEST(test_open_while_leaving),
        TEST(test_not_of_this_stream),
        TEST(test_old_way),
        TEST(test_impossible_ways),
        TEST(test_way_of_no_lane),
        TEST(test_other_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
