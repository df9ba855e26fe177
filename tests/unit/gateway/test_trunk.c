/* Trunks of three gateways, and brokers between them that pass on what broker/relay.c would. */
#include "gateway/relay/lanes.h"
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
#define BROKERS 3
#define SILENCE (1000 * RC_MS) /* times.session */
#define TICK    (50 * RC_MS)

struct node {
    struct rc_peer peer;
    struct rc_trunk *trunk;
    struct rc_roster roster;
    struct rc_session session[BROKERS];
    bool up[BROKERS]; /* the broker has this session */
    struct rc_relay got[64];
    unsigned n;
    struct rc_trunk_address last[NODES]; /* of what it sent to each with a number */
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
static rc_time now;
static bool refuses[BROKERS]; /* drops what it gets, as when its target is full */
static bool drains[BROKERS];

#define EDGE  (&node[0])
#define HOME  (&node[1])
#define OTHER (&node[2])

/* Hosts */

static void on_down(void *host, const struct rc_relay *relay)
{
    struct node *n = host;
    assert_true(n->n < 64);
    n->got[n->n++] = *relay;
}

static void on_side(void *host, struct rc_session *s, struct rc_buf *bytes)
{
    struct node *n = host;
    struct side *side = calloc(1, sizeof *side);
    *side = (struct side){.from = n, .broker = (unsigned)(s - n->session), .bytes = bytes};
    TAILQ_INSERT_TAIL(&under_way, side, link);
}

static bool on_drains(void *host, const struct rc_session *s)
{
    const struct node *n = host;
    return drains[s - n->session];
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

static void tell_lost(struct node *n, unsigned broker, const char *gateway);

static struct rc_buf *pack(const struct rc_trunk_side *side, const struct rc_trunk_address *from)
{
    if (side->what == RC_TRUNK_WAY)
        return rc_trunk_pack_way(from, side->way, side->unknown);
    return side->what == RC_TRUNK_GOT ? rc_trunk_pack_got(from) : rc_trunk_pack(from, &side->relay);
}

static void pass_on(const struct side *side)
{
    struct rc_trunk_side what;
    rc_trunk_unpack(side->bytes, &what);
    struct rc_trunk_address from = what.from;
    struct node *target = find(&from, side->broker), *sender = side->from;
    if (!sender->up[side->broker] || refuses[side->broker]) {
        rc_buf_rele(what.relay.data);
        return;
    }
    if (!target)
        tell_lost(sender, side->broker, from.gateway);
    memcpy(from.gateway, sender->peer.id, sizeof from.gateway);
    from.inc = sender->peer.inc;
    if (target && what.what == RC_TRUNK_RELAY)
        sender->last[target - node] = from;
    struct rc_buf *bytes = target ? pack(&what, &from) : NULL;
    if (target)
        assert_true(rc_trunk_side(target->trunk, &target->session[side->broker], bytes));
    rc_buf_rele(bytes);
    rc_buf_rele(what.relay.data);
}

static void pump(void)
{
    for (unsigned i = 0; i < NODES; i++)
        rc_trunk_pump(node[i].trunk);
}

static void pass_first(void)
{
    struct side *side = TAILQ_FIRST(&under_way);
    if (!side)
        return;
    TAILQ_REMOVE(&under_way, side, link);
    pass_on(side);
    rc_buf_rele(side->bytes);
    free(side);
}

/* Until nothing is under way; returns how many messages there were. */
static unsigned run(void)
{
    unsigned n = 0;
    for (pump(); !TAILQ_EMPTY(&under_way); pump(), n++)
        pass_first();
    return n;
}

/* What is under way to a broker never gets there. */
static void lose_under_way(unsigned broker)
{
    struct side *side, *next;
    pump();
    for (side = TAILQ_FIRST(&under_way); side; side = next) {
        next = TAILQ_NEXT(side, link);
        if (side->broker != broker)
            continue;
        TAILQ_REMOVE(&under_way, side, link);
        rc_buf_rele(side->bytes);
        free(side);
    }
}

/* So much time, tick by tick. */
static void pass_time(rc_time span)
{
    for (rc_time until = now + span; now < until;) {
        now += TICK;
        for (unsigned i = 0; i < NODES; i++)
            rc_trunk_tick(node[i].trunk, now);
        run();
    }
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
    for (unsigned i = 0; i < NODES; i++) {
        rc_roster_note(&node[i].roster, broker, &n->peer, true, 0);
        if (node[i].up[broker])
            rc_roster_note(&n->roster, broker, &node[i].peer, true, 0);
    }
}

static void session_is_lost(struct node *n, unsigned broker)
{
    n->up[broker] = false;
    rc_trunk_down(n->trunk, &n->session[broker]);
    rc_roster_lost(&n->roster, broker, 0);
}

/* At the gateway and at the broker, which tells the others. */
static void session_ends(struct node *n, unsigned broker)
{
    session_is_lost(n, broker);
    for (unsigned i = 0; i < NODES; i++) {
        rc_roster_note(&node[i].roster, broker, &n->peer, false, 0);
        if (&node[i] != n && node[i].up[broker])
            tell_lost(&node[i], broker, n->peer.id);
    }
}

static void broker_begins(unsigned broker)
{
    for (unsigned i = 0; i < NODES; i++)
        session_begins(&node[i], broker);
}

/* It dies with all that it was sent. */
static void broker_dies(unsigned broker)
{
    lose_under_way(broker);
    for (unsigned i = 0; i < NODES; i++)
        session_is_lost(&node[i], broker);
}

/* Worlds: three gateways of two workers, with sessions at the first broker */

static void make_node(unsigned i)
{
    struct node *n = &node[i];
    *n = (struct node){.peer = {.role = RC_GATEWAY, .inc = 100 + i}};
    snprintf(n->peer.id, sizeof n->peer.id, "gateway-%u", i + 1);
    rc_roster_init(&n->roster, &brokers, &n->peer);
    n->trunk = rc_trunk_new(&(struct rc_trunk_config){.id = n->peer.id,
                                                      .workers = 2,
                                                      .roster = &n->roster,
                                                      .silence = SILENCE,
                                                      .now = now,
                                                      .host = n,
                                                      .down = on_down,
                                                      .side = on_side,
                                                      .drains = on_drains});
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
    if (!rc_brokers_parse("broker-1=127.0.0.1:1,broker-2=127.0.0.1:2,broker-3=127.0.0.1:3", &brokers, why, sizeof why))
        return -1;
    TAILQ_INIT(&under_way);
    now = 5 * SILENCE;
    memset(refuses, 0, sizeof refuses);
    memset(drains, 0, sizeof drains);
    for (unsigned i = 0; i < NODES; i++)
        make_node(i);
    broker_begins(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NODES; i++)
        forget_got(&node[i]);
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

/* Moves */

/* All bytes that it got of a stream, in order; forgets them. */
static void assert_bytes(struct node *n, uint64_t stream, const char *text)
{
    char all[512] = "";
    for (unsigned i = 0; i < n->n; i++) {
        assert_int_equal(n->got[i].stream, stream);
        assert_int_equal(n->got[i].kind, RC_RELAY_DATA);
        strncat(all, (const char *)n->got[i].data->data, n->got[i].data->len);
    }
    assert_string_equal(all, text);
    forget_got(n);
}

static void post_text(struct node *n, uint64_t stream, const char *text)
{
    struct rc_relay relay = {.kind = RC_RELAY_DATA, .stream = stream, .data = rc_buf_copy(text, strlen(text))};
    rc_trunk_send(n->trunk, &relay);
    rc_buf_rele(relay.data);
}

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
