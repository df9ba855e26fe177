/* Trunks of three gateways, and two brokers between them that pass on what broker/relay.c would. */
#include "gateway/relay/backlog.h"
#include "gateway/relay/trunk.h"

#include "gateway/relay/trunk_wire.h"
#include "log.h"
#include "roomcast.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES   3
#define BROKERS 2

struct node {
    struct rc_peer peer;
    struct rc_trunk *trunk;
    struct rc_roster roster;
    struct rc_session session[BROKERS];
    bool up[BROKERS]; /* the broker has this session */
    struct rc_relay got[16];
    unsigned n;
};

struct side {
    TAILQ_ENTRY(side) link;
    struct node *from;
    unsigned broker;
    struct rc_buf *bytes;
};
TAILQ_HEAD(side_list, side);

static struct rc_brokers brokers;
static struct node node[NODES];
static struct side_list under_way;
static bool too_large; /* sessions take no side */

#define EDGE  (&node[0])
#define HOME  (&node[1])
#define OTHER (&node[2])

/* Hosts */

static void on_down(void *host, const struct rc_relay *relay)
{
    struct node *n = host;
    assert_true(n->n < 16);
    n->got[n->n++] = *relay;
}

static bool on_side(void *host, struct rc_session *s, struct rc_buf *bytes)
{
    struct node *n = host;
    if (too_large) {
        rc_buf_rele(bytes);
        return false;
    }
    struct side *side = calloc(1, sizeof *side);
    *side = (struct side){.from = n, .broker = (unsigned)(s - n->session), .bytes = bytes};
    TAILQ_INSERT_TAIL(&under_way, side, link);
    return true;
}

static void forget_got(struct node *n)
{
    for (unsigned i = 0; i < n->n; i++)
        rc_buf_rele(n->got[i].data);
    n->n = 0;
}

/* Brokers */

static struct node *find(const struct rc_trunk_address *to, unsigned broker)
{
    for (unsigned i = 0; i < NODES; i++)
        if (node[i].up[broker] && node[i].peer.inc == to->inc && strcmp(node[i].peer.id, to->gateway) == 0)
            return &node[i];
    return NULL;
}

/* Gives it to a trunk as if `from` had sent it. */
static void give(struct node *target, unsigned broker, struct rc_trunk_address from, const struct rc_relay *relay)
{
    struct rc_buf *side = rc_trunk_pack(&from, relay);
    assert_true(rc_trunk_side(target->trunk, &target->session[broker], side));
    rc_buf_rele(side);
}

static void pass_on(const struct side *side)
{
    struct rc_trunk_address to;
    struct rc_relay relay;
    assert_int_equal(rc_trunk_unpack(side->bytes, &to, &relay), RC_TRUNK_RELAY);
    struct node *target = find(&to, side->broker);
    if (target) {
        struct rc_trunk_address from = to;
        memcpy(from.gateway, side->from->peer.id, sizeof from.gateway);
        from.inc = side->from->peer.inc;
        give(target, side->broker, from, &relay);
    } else if (relay.kind != RC_RELAY_CLOSE && side->from->up[side->broker]) {
        to.from_home = !to.from_home;
        give(side->from, side->broker, to, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .why = RC_CLOSE_RELAY});
    }
    rc_buf_rele(relay.data);
}

/* Until nothing is under way; returns how many messages there were. */
static unsigned run(void)
{
    struct side *side;
    unsigned n = 0;
    while ((side = TAILQ_FIRST(&under_way))) {
        TAILQ_REMOVE(&under_way, side, link);
        pass_on(side);
        rc_buf_rele(side->bytes);
        free(side);
        n++;
    }
    return n;
}

static void tell_lost(struct node *n, unsigned broker, const char *gateway)
{
    Roomcast__RelayLost lost = ROOMCAST__RELAY_LOST__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    lost.gateway = (ProtobufCBinaryData){strlen(gateway), (uint8_t *)(uintptr_t)gateway};
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_LOST;
    side.relay_lost = &lost;
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(&side));
    roomcast__side__pack(&side, buf->data);
    assert_true(rc_trunk_side(n->trunk, &n->session[broker], buf));
    rc_buf_rele(buf);
}

static void session_begins(struct node *n, unsigned broker)
{
    n->up[broker] = true;
    rc_trunk_up(n->trunk, &n->session[broker]);
    for (unsigned i = 0; i < NODES; i++)
        rc_roster_note(&node[i].roster, broker, &n->peer, true, 0);
}

/* At the gateway and at the broker, which tells the others. */
static void session_ends(struct node *n, unsigned broker)
{
    n->up[broker] = false;
    rc_trunk_down(n->trunk, &n->session[broker]);
    for (unsigned i = 0; i < NODES; i++) {
        rc_roster_note(&node[i].roster, broker, &n->peer, false, 0);
        if (&node[i] != n && node[i].up[broker])
            tell_lost(&node[i], broker, n->peer.id);
    }
}

/* Worlds: three gateways of two workers, with sessions at the first broker */

static void make_node(unsigned i)
{
    struct node *n = &node[i];
    *n = (struct node){.peer = {.role = RC_GATEWAY, .inc = 100 + i}};
    snprintf(n->peer.id, sizeof n->peer.id, "gateway-%u", i + 1);
    rc_roster_init(&n->roster, &brokers, &n->peer);
    n->trunk = rc_trunk_new(&(struct rc_trunk_config){
        .id = n->peer.id, .workers = 2, .roster = &n->roster, .host = n, .down = on_down, .side = on_side});
    for (unsigned b = 0; b < BROKERS; b++) {
        n->session[b].peer.role = RC_BROKER;
        memcpy(n->session[b].peer.id, brokers.entry[b].id, sizeof n->session[b].peer.id);
    }
}

static int setup(void **state)
{
    char why[128];
    (void)state;
    rc_log_level(RC_ERROR);
    if (!rc_brokers_parse("broker-1=127.0.0.1:1,broker-2=127.0.0.1:2", &brokers, why, sizeof why))
        return -1;
    TAILQ_INIT(&under_way);
    too_large = false;
    for (unsigned i = 0; i < NODES; i++)
        make_node(i);
    for (unsigned i = 0; i < NODES; i++)
        session_begins(&node[i], 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run();
    for (unsigned i = 0; i < NODES; i++) {
        forget_got(&node[i]);
        rc_trunk_free(node[i].trunk);
        rc_roster_fini(&node[i].roster);
    }
    return 0;
}

/* Workers */

static void post_open(struct node *n, uint64_t stream, struct rc_sid sid)
{
    struct rc_relay relay = {.kind = RC_RELAY_OPEN, .stream = stream, .sid = sid, .data = rc_buf_copy("GET", 3)};
    rc_trunk_send(n->trunk, &relay);
    rc_buf_rele(relay.data);
}

static struct rc_sid session_of(const struct node *n, uint8_t worker)
{
    return (struct rc_sid){.gateway = rc_sid_gateway(n->peer.id), .worker = worker};
}

static void post_bytes(struct node *n, uint64_t stream, size_t len, uint32_t credit)
{
    struct rc_relay relay = {.kind = RC_RELAY_DATA, .stream = stream, .credit = credit};
    relay.data = len ? rc_buf_new(len) : NULL;
    if (len)
        memset(relay.data->data, 'b', len);
    rc_trunk_send(n->trunk, &relay);
    rc_buf_rele(relay.data);
}

static void post_close(struct node *n, uint64_t stream, enum rc_close why)
{
    rc_trunk_send(n->trunk, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .stream = stream, .why = why});
}

/* The only thing that its workers got, which is forgotten. */
static struct rc_relay only(struct node *n)
{
    assert_int_equal(n->n, 1);
    struct rc_relay relay = n->got[0];
    forget_got(n);
    return relay; /* its data may be freed, and is not looked at */
}

static void assert_closed(struct node *n, uint64_t stream, enum rc_close why)
{
    struct rc_relay relay = only(n);
    assert_int_equal(relay.kind, RC_RELAY_CLOSE);
    assert_int_equal(relay.stream, stream);
    assert_int_equal(relay.why, why);
}

/* A stream from EDGE to HOME; its number at HOME. */
static uint64_t connect_streams(uint64_t stream)
{
    post_open(EDGE, stream, session_of(HOME, 1));
    run();
    struct rc_relay open = only(HOME);
    assert_int_equal(open.kind, RC_RELAY_OPEN);
    return open.stream;
}

static struct rc_trunk_address address(const struct node *n, uint64_t wire, bool from_home)
{
    struct rc_trunk_address a = {.inc = n->peer.inc, .wire = wire, .from_home = from_home};
    memcpy(a.gateway, n->peer.id, sizeof a.gateway);
    return a;
}

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

/* The edge has not heard yet that its home began again. */
static void test_home_restarted(void **state)
{
    (void)state;
    HOME->peer.inc++;
    post_open(EDGE, 5, session_of(HOME, 0));
    run();
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    assert_int_equal(HOME->n, 0);
}

/* A message of the same node's other incarnation is not of this stream. */
static void test_edge_restarted(void **state)
{
    (void)state;
    connect_streams(5);
    EDGE->peer.inc++;
    give(HOME, 0, address(EDGE, 5, false), &(struct rc_relay){.kind = RC_RELAY_CLOSE, .why = RC_CLOSE_PEER});
    assert_int_equal(HOME->n, 0);
    struct rc_relay open = {.kind = RC_RELAY_OPEN, .sid = session_of(HOME, 0), .data = rc_buf_copy("GET", 3)};
    give(HOME, 0, address(EDGE, 5, false), &open); /* the number begins anew with it */
    assert_int_equal(only(HOME).kind, RC_RELAY_OPEN);
    rc_buf_rele(open.data);
    assert_int_equal(rc_trunk_count(HOME->trunk), 2);
}

/* Nor does the home's next incarnation speak for the one before. */
static void test_home_of_another_incarnation_speaks(void **state)
{
    (void)state;
    connect_streams(5);
    HOME->peer.inc++;
    give(EDGE, 0, address(HOME, 5, true), &(struct rc_relay){.kind = RC_RELAY_CLOSE, .why = RC_CLOSE_PEER});
    assert_int_equal(EDGE->n, 0);
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

static void test_session_of_the_edge_ends(void **state)
{
    (void)state;
    session_begins(EDGE, 1);
    session_begins(HOME, 1);
    uint64_t a = connect_streams(5), b = connect_streams(6); /* in turns: over either broker */
    session_ends(EDGE, 0);
    run();
    struct rc_relay gone = only(EDGE);
    assert_int_equal(gone.why, RC_CLOSE_RELAY);
    assert_closed(HOME, gone.stream == 5 ? a : b, RC_CLOSE_RELAY);
    post_bytes(EDGE, gone.stream == 5 ? 6 : 5, 1, 0);
    run();
    assert_int_equal(only(HOME).stream, gone.stream == 5 ? b : a);
}

static void test_session_of_the_home_ends(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    post_open(OTHER, 5, session_of(EDGE, 0)); /* not of this home */
    run();
    uint64_t else_guest = only(EDGE).stream;
    session_ends(HOME, 0);
    run();
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    assert_closed(HOME, guest, RC_CLOSE_RELAY);
    post_bytes(OTHER, 5, 1, 0);
    run();
    assert_int_equal(only(EDGE).stream, else_guest);
}

/* The home's session began again before the edge heard of its end: the OPEN got there, and what is said of the loss undoes it here
 * only. The home must not keep the stream. */
static void test_open_crosses_the_loss(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    tell_lost(EDGE, 0, HOME->peer.id);
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    run();
    assert_closed(HOME, guest, RC_CLOSE_RELAY);
    assert_int_equal(rc_trunk_count(HOME->trunk), 0);
}

/* A broker that takes no more for now ends nothing: messages wait, and go in their order. */
static void test_full(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    HOME->session[0].out_bytes = RC_BACKLOG_UNDER_WAY / 2 + 1;
    HOME->session[0].flight_bytes = RC_BACKLOG_UNDER_WAY / 2;
    post_bytes(HOME, guest, 1, 0);
    post_bytes(HOME, guest, 2, 0);
    rc_trunk_pump(HOME->trunk);
    assert_int_equal(run(), 0);
    HOME->session[0].flight_bytes = 0;
    post_bytes(HOME, guest, 3, 0); /* not before those that wait */
    rc_trunk_pump(HOME->trunk);
    assert_int_equal(run(), 3);
    assert_int_equal(EDGE->n, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(EDGE->got[i].data->len, i + 1);
}

/* What waits has a bound; beyond it streams end, at both sides. */
static void test_too_much_waits(void **state)
{
    (void)state;
    uint64_t guest = connect_streams(5);
    HOME->session[0].out_bytes = RC_BACKLOG_UNDER_WAY + 1;
    for (size_t waiting = 0; !HOME->n; waiting += RC_RELAY_WINDOW) {
        assert_true(waiting <= RC_BACKLOG_MAX);
        post_bytes(HOME, guest, RC_RELAY_WINDOW, 0);
    }
    assert_closed(HOME, guest, RC_CLOSE_BUSY);
    assert_int_equal(rc_trunk_count(HOME->trunk), 0);
    HOME->session[0].out_bytes = 0;
    too_large = true; /* what waits is not of interest; its end must be behind it */
    rc_trunk_pump(HOME->trunk);
    too_large = false;
    rc_trunk_down(HOME->trunk, &HOME->session[0]);
}

/* What cannot be sent leaves a gap, so it ends the stream. */
static void test_cannot_be_sent(void **state)
{
    (void)state;
    connect_streams(5);
    too_large = true;
    post_bytes(EDGE, 5, 1, 0);
    assert_closed(EDGE, 5, RC_CLOSE_BUSY);
    assert_int_equal(rc_trunk_count(EDGE->trunk), 0);
}

/* Hostile gateways */

static void give_bytes(struct node *target, struct rc_trunk_address from, size_t len, uint32_t credit)
{
    struct rc_relay relay = {.kind = RC_RELAY_DATA, .credit = credit, .data = len ? rc_buf_new(len) : NULL};
    if (len)
        memset(relay.data->data, 'b', len);
    give(target, 0, from, &relay);
    rc_buf_rele(relay.data);
}

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
    post_bytes(EDGE, 5, 0, 1);
    run();
    assert_closed(HOME, guest, RC_CLOSE_RELAY);
}

static void test_broken_message(void **state)
{
    (void)state;
    uint64_t bad = connect_streams(5), good = connect_streams(6);
    give_bytes(HOME, address(EDGE, 5, false), RC_RELAY_WINDOW + 1, 0);
    assert_closed(HOME, bad, RC_CLOSE_RELAY);
    run();
    assert_closed(EDGE, 5, RC_CLOSE_RELAY);
    give_bytes(EDGE, address(HOME, 9, true), RC_RELAY_WINDOW + 1, 0); /* of no stream */
    assert_int_equal(EDGE->n, 0);
    post_bytes(EDGE, 6, 1, 0);
    run();
    assert_int_equal(only(HOME).stream, good);
}

/* Taking a number a second time, over any broker, ends neither the first stream nor makes one of two. */
static void test_open_twice(void **state)
{
    struct rc_relay open = {.kind = RC_RELAY_OPEN, .sid = session_of(HOME, 0), .data = rc_buf_copy("GET", 3)};
    (void)state;
    session_begins(EDGE, 1);
    session_begins(HOME, 1);
    session_ends(OTHER, 0);
    uint64_t guest = connect_streams(5);
    give(HOME, 0, address(EDGE, 5, false), &open);
    give(HOME, 1, address(EDGE, 5, false), &open);
    assert_int_equal(HOME->n, 0);
    assert_int_equal(rc_trunk_count(HOME->trunk), 1);
    post_bytes(EDGE, 5, 1, 0);
    struct side *side = TAILQ_LAST(&under_way, side_list);
    pass_on(side);
    assert_int_equal(only(HOME).stream, guest);
    rc_buf_rele(open.data);
}

static void test_open_for_somebody_else(void **state)
{
    struct rc_relay open = {.kind = RC_RELAY_OPEN, .sid = session_of(OTHER, 0), .data = rc_buf_copy("GET", 3)};
    (void)state;
    give(HOME, 0, address(EDGE, 5, false), &open);
    open.sid = session_of(HOME, 2); /* a worker that it has not */
    give(HOME, 0, address(EDGE, 6, false), &open);
    open.sid = session_of(HOME, 0);
    give(HOME, 0, address(EDGE, 7, true), &open); /* from the home? it is us */
    assert_int_equal(HOME->n, 0);
    assert_int_equal(run(), 3); /* each was told so */
    assert_int_equal(rc_trunk_count(HOME->trunk), 0);
    rc_buf_rele(open.data);
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

/* Only the two ends of a stream, each in its part and over the stream's broker, can say something of it. */
static void test_not_of_this_stream(void **state)
{
    struct rc_relay close = {.kind = RC_RELAY_CLOSE, .why = RC_CLOSE_PEER};
    (void)state;
    session_begins(HOME, 1);
    uint64_t guest = connect_streams(5);
    give(HOME, 0, address(OTHER, 5, false), &close);
    give(HOME, 1, address(EDGE, 5, false), &close);
    give(HOME, 0, address(EDGE, guest, true), &close); /* its number here, as if we were the edge */
    give(EDGE, 0, address(OTHER, 5, true), &close);
    give(EDGE, 0, address(HOME, 5, false), &close);
    assert_int_equal(HOME->n + EDGE->n, 0);
    post_bytes(EDGE, 5, 1, 0);
    run();
    assert_int_equal(only(HOME).stream, guest);
}

/* Bytes of a stream that is not here are answered, ends are not, and nothing is when there is too much to say already. */
static void test_bytes_of_no_stream(void **state)
{
    (void)state;
    give_bytes(HOME, address(EDGE, 9, false), 1, 0);
    assert_int_equal(run(), 1);
    give(HOME, 0, address(EDGE, 9, false), &(struct rc_relay){.kind = RC_RELAY_CLOSE, .why = RC_CLOSE_PEER});
    assert_int_equal(run(), 0);
    HOME->session[0].out_bytes = RC_BACKLOG_UNDER_WAY + 1;
    give_bytes(HOME, address(EDGE, 9, false), 1, 0);
    assert_int_equal(run(), 0);
    assert_int_equal(HOME->n, 0);
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
        TEST(test_home_of_another_incarnation_speaks),
        TEST(test_equal_numbers_of_two_edges),
        TEST(test_session_of_the_edge_ends),
        TEST(test_session_of_the_home_ends),
        TEST(test_open_crosses_the_loss),
        TEST(test_full),
        TEST(test_too_much_waits),
        TEST(test_cannot_be_sent),
        TEST(test_edge_ignores_the_window),
        TEST(test_home_ignores_the_window),
        TEST(test_credit_for_nothing),
        TEST(test_broken_message),
        TEST(test_open_twice),
        TEST(test_open_for_somebody_else),
        TEST(test_open_while_leaving),
        TEST(test_not_of_this_stream),
        TEST(test_bytes_of_no_stream),
        TEST(test_other_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
