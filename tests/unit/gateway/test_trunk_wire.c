/* Messages of relays: what is packed is read as the same, what is not of a relay is left alone, limits hold. */
#include "gateway/relay/trunk_wire.h"

#include "roomcast.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rc_trunk_address to = {.gateway = "gateway-2",
                                           .inc = 7,
                                           .wire = 1234567890123,
                                           .from_home = true,
                                           .lane = 130,
                                           .number = 1ull << 40,
                                           .got = 3};
static struct rc_trunk_address from;
static struct rc_relay got;

static enum rc_trunk_what read_side(const struct rc_buf *bytes, struct rc_trunk_side *side)
{
    rc_trunk_unpack(bytes, side);
    from = side->from;
    got = side->relay;
    return side->what;
}

/* Packs, reads, and says what it was read as; the result is in from and got. */
static enum rc_trunk_what pass(const struct rc_relay *relay)
{
    struct rc_buf *side = rc_trunk_pack(&to, relay);
    struct rc_trunk_side read;
    assert_non_null(side);
    enum rc_trunk_what what = read_side(side, &read);
    rc_buf_rele(side);
    return what;
}

static void assert_address(void)
{
    assert_string_equal(from.gateway, to.gateway);
    assert_int_equal(from.inc, to.inc);
    assert_int_equal(from.wire, to.wire);
    assert_int_equal(from.from_home, to.from_home);
    assert_int_equal(from.lane, to.lane);
    assert_int_equal(from.number, to.number);
    assert_int_equal(from.got, to.got);
}

static struct rc_buf *bytes_of_size(size_t len)
{
    struct rc_buf *buf = rc_buf_new(len);
    memset(buf->data, 'x', len);
    return buf;
}

static struct rc_relay open_of(struct rc_buf *request)
{
    struct rc_relay relay = {.kind = RC_RELAY_OPEN, .data = request};
    relay.sid = (struct rc_sid){.gateway = rc_sid_gateway("gateway-2"), .worker = 3, .slot = 99, .random = {1, 2, 3}};
    return relay;
}

static void test_open(void **state)
{
    struct rc_relay open = open_of(rc_buf_copy("GET / HTTP/1.1\r\n\r\n", 18));
    (void)state;
    assert_int_equal(pass(&open), RC_TRUNK_RELAY);
    assert_address();
    assert_int_equal(got.kind, RC_RELAY_OPEN);
    char text[2][RC_SID_LEN + 1];
    rc_sid_write(&got.sid, text[0]);
    rc_sid_write(&open.sid, text[1]);
    assert_string_equal(text[0], text[1]);
    assert_true(rc_buf_equal(got.data, open.data));
    rc_buf_rele(got.data);
    rc_buf_rele(open.data);
}

static void test_data(void **state)
{
    struct rc_relay data = {.kind = RC_RELAY_DATA, .data = rc_buf_copy("a\0b", 3), .credit = 77};
    (void)state;
    assert_int_equal(pass(&data), RC_TRUNK_RELAY);
    assert_address();
    assert_int_equal(got.kind, RC_RELAY_DATA);
    assert_int_equal(got.credit, 77);
    assert_true(rc_buf_equal(got.data, data.data));
    rc_buf_rele(got.data);
    rc_buf_rele(data.data);
    assert_int_equal(pass(&(struct rc_relay){.kind = RC_RELAY_DATA, .credit = RC_RELAY_WINDOW}), RC_TRUNK_RELAY);
    assert_null(got.data);
    assert_int_equal(got.credit, RC_RELAY_WINDOW);
}

static void test_close_with_each_reason(void **state)
{
    (void)state;
    for (unsigned why = 0; why < RC_CLOSE_COUNT; why++) {
        assert_int_equal(pass(&(struct rc_relay){.kind = RC_RELAY_CLOSE, .why = (enum rc_close)why}), RC_TRUNK_RELAY);
        assert_address();
        assert_int_equal(got.kind, RC_RELAY_CLOSE);
        assert_int_equal(got.why, why);
    }
    assert_int_equal(rc_relay_reason_read("closed_tomorrow", 15), RC_CLOSE_RELAY);
    assert_int_equal(rc_relay_reason_read("closed_pee", 10), RC_CLOSE_RELAY);
    assert_int_equal(rc_relay_reason_read(NULL, 0), RC_CLOSE_RELAY);
}

static void test_ways(void **state)
{
    struct rc_trunk_side read;
    (void)state;
    for (unsigned unknown = 0; unknown < 2; unknown++) {
        struct rc_buf *side = rc_trunk_pack_way(&to, 77, unknown);
        assert_int_equal(read_side(side, &read), RC_TRUNK_WAY);
        assert_address();
        assert_int_equal(read.way, 77);
        assert_int_equal(read.unknown, unknown);
        rc_buf_rele(side);
    }
    struct rc_buf *side = rc_trunk_pack_got(&to);
    assert_int_equal(read_side(side, &read), RC_TRUNK_GOT);
    assert_address();
    rc_buf_rele(side);
}

/* The longest message is one that a lane takes. */
static void test_longest(void **state)
{
    struct rc_trunk_address far = {.inc = UINT64_MAX,
                                   .wire = UINT64_MAX,
                                   .lane = UINT64_MAX,
                                   .number = UINT64_MAX,
                                   .got = UINT64_MAX,
                                   .from_home = true};
    struct rc_relay data = {.kind = RC_RELAY_DATA, .data = bytes_of_size(RC_RELAY_WINDOW), .credit = UINT32_MAX};
    (void)state;
    memset(far.gateway, 'g', RC_ID_MAX);
    struct rc_buf *side = rc_trunk_pack(&far, &data);
    assert_true(side->len <= RC_TRUNK_SIDE_MAX);
    rc_buf_rele(side);
    rc_buf_rele(data.data);
}

/* A part of a stream that cannot be taken still says of which stream it is. */
static void test_limits(void **state)
{
    (void)state;
    struct rc_relay data = {.kind = RC_RELAY_DATA, .data = bytes_of_size(RC_RELAY_WINDOW)};
    assert_int_equal(pass(&data), RC_TRUNK_RELAY);
    rc_buf_rele(got.data);
    rc_buf_rele(data.data);
    data.data = bytes_of_size(RC_RELAY_WINDOW + 1);
    assert_int_equal(pass(&data), RC_TRUNK_BROKEN);
    assert_address();
    assert_null(got.data);
    rc_buf_rele(data.data);
    assert_int_equal(pass(&(struct rc_relay){.kind = RC_RELAY_DATA, .credit = RC_RELAY_WINDOW + 1}), RC_TRUNK_BROKEN);
    struct rc_relay open = open_of(bytes_of_size(RC_RELAY_WINDOW + 1));
    assert_int_equal(pass(&open), RC_TRUNK_BROKEN);
    assert_address();
    rc_buf_rele(open.data);
    open.data = bytes_of_size(0);
    assert_int_equal(pass(&open), RC_TRUNK_BROKEN);
    rc_buf_rele(open.data);
}

/* Packs a Side made by hand, and reads it. */
static enum rc_trunk_what read_by_hand(const Roomcast__Side *side)
{
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(side));
    roomcast__side__pack(side, buf->data);
    struct rc_trunk_side read;
    enum rc_trunk_what what = read_side(buf, &read);
    rc_buf_rele(buf);
    assert_null(got.data);
    return what;
}

static ProtobufCBinaryData binary(const char *text, size_t len)
{
    return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)text};
}

static enum rc_trunk_what read_data_from(const char *gateway, size_t len)
{
    Roomcast__Relay address = ROOMCAST__RELAY__INIT;
    Roomcast__RelayData data = ROOMCAST__RELAY_DATA__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    address.gateway = binary(gateway, len);
    data.to = &address;
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_DATA;
    side.relay_data = &data;
    return read_by_hand(&side);
}

static void test_address_that_is_none(void **state)
{
    static const char longest[RC_ID_MAX + 1] = "gateway-gateway-gateway-gateway-gateway-gateway-gateway-gateway-";
    (void)state;
    assert_int_equal(read_data_from("g", 1), RC_TRUNK_RELAY);
    assert_int_equal(read_data_from(longest, RC_ID_MAX), RC_TRUNK_RELAY);
    assert_int_equal(read_data_from(longest, RC_ID_MAX + 1), RC_TRUNK_OTHER);
    assert_int_equal(read_data_from("", 0), RC_TRUNK_OTHER);
    assert_int_equal(read_data_from("g\0g", 3), RC_TRUNK_OTHER);
    assert_int_equal(read_data_from("g g", 3), RC_TRUNK_OTHER);
}

static void test_no_address(void **state)
{
    Roomcast__RelayData data = ROOMCAST__RELAY_DATA__INIT;
    Roomcast__RelayOpen open = ROOMCAST__RELAY_OPEN__INIT;
    Roomcast__RelayClose close = ROOMCAST__RELAY_CLOSE__INIT;
    Roomcast__RelayWay way = ROOMCAST__RELAY_WAY__INIT;
    Roomcast__RelayGot heard = ROOMCAST__RELAY_GOT__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    (void)state;
    data.data = binary("bytes", 5);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_DATA;
    side.relay_data = &data;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_OTHER);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_OPEN;
    side.relay_open = &open;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_OTHER);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_CLOSE;
    side.relay_close = &close;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_OTHER);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_WAY;
    side.relay_way = &way;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_OTHER);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_GOT;
    side.relay_got = &heard;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_OTHER);
}

static void test_open_without_session(void **state)
{
    Roomcast__Relay address = ROOMCAST__RELAY__INIT;
    Roomcast__RelayOpen open = ROOMCAST__RELAY_OPEN__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    (void)state;
    address.gateway = binary("gateway-2", 9);
    open.to = &address;
    open.request = binary("GET", 3);
    open.session = binary("not a session id", 16);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_OPEN;
    side.relay_open = &open;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_BROKEN);
    open.session = binary(NULL, 0);
    assert_int_equal(read_by_hand(&side), RC_TRUNK_BROKEN);
}

static void test_lost(void **state)
{
    Roomcast__RelayLost lost = ROOMCAST__RELAY_LOST__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    (void)state;
    lost.gateway = binary("gateway-3", 9);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_LOST;
    side.relay_lost = &lost;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_LOST);
    assert_string_equal(from.gateway, "gateway-3");
    lost.gateway = binary("gateway 3", 9);
    assert_int_equal(read_by_hand(&side), RC_TRUNK_OTHER);
}

static void test_other_sides(void **state)
{
    Roomcast__Map map = ROOMCAST__MAP__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    (void)state;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_OTHER);
    side.kind_case = ROOMCAST__SIDE__KIND_MAP;
    side.map = &map;
    assert_int_equal(read_by_hand(&side), RC_TRUNK_OTHER);
}

/* Every beginning of a message is either no message or a shorter one; nothing is read behind its end (asan). */
static void test_truncated(void **state)
{
    struct rc_relay open = open_of(rc_buf_copy("GET / HTTP/1.1\r\n\r\n", 18));
    struct rc_buf *side = rc_trunk_pack(&to, &open);
    (void)state;
    for (size_t len = 0; len < side->len; len++) {
        struct rc_buf *part = rc_buf_copy(side->data, len);
        struct rc_trunk_side read;
        assert_int_not_equal(read_side(part, &read), RC_TRUNK_RELAY);
        assert_null(got.data);
        rc_buf_rele(part);
    }
    rc_buf_rele(side);
    rc_buf_rele(open.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_close_with_each_reason),
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_address_that_is_none),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_open_without_session),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_other_sides),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
