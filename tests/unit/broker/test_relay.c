/* Relays at a broker: three sessions, and what each of them is sent. */
#include "broker/relay.h"

#include "roomcast.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOUND 1000

struct sent {
    const struct rc_session *to;
    Roomcast__Side *side;
};

static struct rc_session one, two, persister;
static struct rc_broker_sessions sessions;
static _Atomic uint64_t values[BM_COUNT];
static struct sent sent[8];
static unsigned n;
static bool too_large;

static bool on_side(void *host, struct rc_session *s, struct rc_buf *side)
{
    assert_ptr_equal(host, &sessions);
    assert_true(n < 8);
    if (!too_large)
        sent[n++] = (struct sent){s, roomcast__side__unpack(NULL, side->len, side->data)};
    rc_buf_rele(side);
    return !too_large;
}

static const struct rc_relays relays = {&sessions, BOUND, values, &sessions, on_side};

static void begin(struct rc_session *s, enum rc_role role, const char *id, uint64_t inc)
{
    *s = (struct rc_session){.peer = {.role = role, .inc = inc}};
    memcpy(s->peer.id, id, strlen(id));
    TAILQ_INSERT_TAIL(&sessions, s, link);
}

static int setup(void **state)
{
    (void)state;
    TAILQ_INIT(&sessions);
    begin(&one, RC_GATEWAY, "gateway-1", 11);
    begin(&two, RC_GATEWAY, "gateway-2", 22);
    begin(&persister, RC_PERSISTER, "persister-1", 33);
    memset(values, 0, sizeof values);
    too_large = false;
    return 0;
}

static void forget_sent(void)
{
    while (n)
        roomcast__side__free_unpacked(sent[--n].side, NULL);
}

static int teardown(void **state)
{
    (void)state;
    forget_sent();
    return 0;
}

/* What gateways send */

static Roomcast__Relay address(const char *gateway, uint64_t inc)
{
    Roomcast__Relay to = ROOMCAST__RELAY__INIT;
    to.gateway = (ProtobufCBinaryData){strlen(gateway), (uint8_t *)(uintptr_t)gateway};
    to.inc = inc;
    to.stream = 5;
    to.lane = 6;
    to.number = 7;
    to.got = 8;
    return to;
}

static void take(struct rc_session *from, const Roomcast__Side *side)
{
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(side));
    roomcast__side__pack(side, buf->data);
    rc_relays_side(&relays, from, buf);
    rc_buf_rele(buf);
}

static void take_data(struct rc_session *from, Roomcast__Relay to)
{
    Roomcast__RelayData data = ROOMCAST__RELAY_DATA__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    data.to = &to;
    data.data = (ProtobufCBinaryData){5, (uint8_t *)(uintptr_t) "bytes"};
    data.credit = 9;
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_DATA;
    side.relay_data = &data;
    take(from, &side);
}

static void take_way(struct rc_session *from, Roomcast__Relay to)
{
    Roomcast__RelayWay way = ROOMCAST__RELAY_WAY__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    way.to = &to;
    way.way = 3;
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_WAY;
    side.relay_way = &way;
    take(from, &side);
}

static void take_got(struct rc_session *from, Roomcast__Relay to)
{
    Roomcast__RelayGot got = ROOMCAST__RELAY_GOT__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    got.to = &to;
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_GOT;
    side.relay_got = &got;
    take(from, &side);
}

/* What they get */

static void assert_bytes(ProtobufCBinaryData bytes, const char *text)
{
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

static void assert_from(const Roomcast__Relay *from, const char *gateway, uint64_t inc, bool from_home)
{
    assert_bytes(from->gateway, gateway);
    assert_int_equal(from->inc, inc);
    assert_int_equal(from->stream, 5);
    assert_int_equal(from->lane, 6);
    assert_int_equal(from->number, 7);
    assert_int_equal(from->got, 8);
    assert_int_equal(from->from_home, from_home);
}

static void assert_lost(const struct sent *s, const struct rc_session *to, const char *gateway)
{
    assert_ptr_equal(s->to, to);
    assert_int_equal(s->side->kind_case, ROOMCAST__SIDE__KIND_RELAY_LOST);
    assert_bytes(s->side->relay_lost->gateway, gateway);
}

static void test_passed_on(void **state)
{
    Roomcast__Relay to = address("gateway-2", 22);
    (void)state;
    to.from_home = true;
    take_data(&one, to);
    assert_int_equal(n, 1);
    assert_ptr_equal(sent[0].to, &two);
    const Roomcast__RelayData *data = sent[0].side->relay_data;
    assert_bytes(data->data, "bytes");
    assert_int_equal(data->credit, 9);
    assert_from(data->to, "gateway-1", 11, true);
    assert_int_equal(rc_metric_get(&values[BM_RELAYED]), 1);
}

static void test_ways_are_passed_on(void **state)
{
    (void)state;
    take_way(&one, address("gateway-2", 22));
    take_got(&two, address("gateway-1", 11));
    assert_int_equal(n, 2);
    assert_ptr_equal(sent[0].to, &two);
    assert_int_equal(sent[0].side->relay_way->way, 3);
    assert_from(sent[0].side->relay_way->to, "gateway-1", 11, false);
    assert_ptr_equal(sent[1].to, &one);
    assert_from(sent[1].side->relay_got->to, "gateway-2", 22, false);
}

/* Not here, here in another incarnation, or no gateway: the sender is told. */
static void test_nobody_there(void **state)
{
    const Roomcast__Relay to[] = {address("gateway-3", 33), address("gateway-2", 21), address("persister-1", 33)};
    static const char *const id[] = {"gateway-3", "gateway-2", "persister-1"};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        take_data(&one, to[i]);
        assert_int_equal(n, 1);
        assert_lost(&sent[0], &one, id[i]);
        forget_sent();
    }
    assert_int_equal(rc_metric_get(&values[BM_RELAYS_REFUSED]), 3);
    take_way(&one, to[0]);
    assert_int_equal(n, 1);
    assert_lost(&sent[0], &one, "gateway-3");
}

/* Half of the bound is for deliveries, and for what tells the gateways that something is missing. */
static void test_full(void **state)
{
    (void)state;
    two.out_bytes = BOUND / 4;
    two.flight_bytes = BOUND / 4;
    take_data(&one, address("gateway-2", 22));
    assert_int_equal(n, 1);
    two.flight_bytes++;
    take_data(&one, address("gateway-2", 22));
    assert_int_equal(n, 1);
    assert_int_equal(rc_metric_get(&values[BM_RELAYS_REFUSED]), 1);
    take_way(&one, address("gateway-2", 22));
    take_got(&one, address("gateway-2", 22));
    assert_int_equal(n, 3);
}

/* A gateway that takes nothing cannot make us keep anything for it without end. */
static void test_nothing_above_the_bound(void **state)
{
    (void)state;
    two.out_bytes = BOUND + 1;
    take_way(&one, address("gateway-2", 22));
    take_data(&two, address("gateway-9", 99));
    TAILQ_REMOVE(&sessions, &persister, link);
    begin(&persister, RC_GATEWAY, "gateway-3", 33);
    rc_relays_lost(&relays, &one);
    assert_int_equal(n, 1);
    assert_lost(&sent[0], &persister, "gateway-1");
}

static void test_too_large(void **state)
{
    (void)state;
    too_large = true;
    take_data(&one, address("gateway-2", 22));
    assert_int_equal(rc_metric_get(&values[BM_RELAYED]), 0);
    assert_int_equal(rc_metric_get(&values[BM_RELAYS_REFUSED]), 1);
}

static void test_not_of_relays(void **state)
{
    Roomcast__RelayLost lost = ROOMCAST__RELAY_LOST__INIT;
    Roomcast__RelayData data = ROOMCAST__RELAY_DATA__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    char longest[RC_ID_MAX + 2];
    (void)state;
    lost.gateway = (ProtobufCBinaryData){9, (uint8_t *)(uintptr_t) "gateway-2"};
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_LOST; /* only we say that */
    side.relay_lost = &lost;
    take(&one, &side);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_DATA; /* to nobody */
    side.relay_data = &data;
    take(&one, &side);
    take_data(&persister, address("gateway-2", 22));
    take_data(&one, address("", 0));
    memset(longest, 'g', sizeof longest);
    longest[RC_ID_MAX + 1] = '\0';
    take_data(&one, address(longest, 1));
    struct rc_buf *rubbish = rc_buf_copy("\xff\xff\xff", 3);
    rc_relays_side(&relays, &one, rubbish);
    rc_buf_rele(rubbish);
    assert_int_equal(n, 0);
}

static void test_lost(void **state)
{
    (void)state;
    TAILQ_REMOVE(&sessions, &one, link);
    rc_relays_lost(&relays, &one);
    assert_int_equal(n, 1);
    assert_lost(&sent[0], &two, "gateway-1");
    forget_sent();
    rc_relays_lost(&relays, &persister);
    assert_int_equal(n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_passed_on),
        TEST(test_ways_are_passed_on),
        TEST(test_nobody_there),
        TEST(test_full),
        TEST(test_nothing_above_the_bound),
        TEST(test_too_large),
        TEST(test_not_of_relays),
        TEST(test_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
