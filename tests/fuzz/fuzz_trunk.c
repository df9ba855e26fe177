/*
 * Any Sides that a broker passes on, as the rest of a cluster would send them to one gateway: never crashes, what is understood packs
 * to what is understood as the same, no stream gets more bytes than its window, and each ends when there is no way for long.
 *
 * Input: any number of Sides, each behind its length in 2 bytes, big-endian.
 */
#include "gateway/relay/lanes.h"
#include "gateway/relay/trunk.h"
#include "gateway/relay/trunk_wire.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define SILENCE 1000
#define STREAMS 4096 /* guests of one input that are watched */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rc_brokers brokers;
static struct rc_roster roster;
static struct rc_session broker;
static size_t given[STREAMS]; /* bytes, by the counter in the stream's number */
static bool open[STREAMS];
static size_t opened, ended;

static size_t place_of(uint64_t stream)
{
    return (stream & (RC_RELAY_GUEST - 1)) % STREAMS;
}

/* Only guests are watched; our own two streams are 1 and 2 of worker 0. */
static void on_down(void *host, const struct rc_relay *relay)
{
    size_t at = place_of(relay->stream);
    (void)host;
    if (relay->stream & RC_RELAY_GUEST) {
        if (open[at] == (relay->kind == RC_RELAY_OPEN) || RC_RELAY_WORKER(relay->stream) > 1)
            abort();
        open[at] = relay->kind != RC_RELAY_CLOSE;
        if (relay->kind == RC_RELAY_OPEN)
            given[at] = 0;
        else if (relay->data && (given[at] += relay->data->len) > RC_RELAY_WINDOW)
            abort();
        opened += relay->kind == RC_RELAY_OPEN;
        ended += relay->kind == RC_RELAY_CLOSE;
    }
    rc_buf_rele(relay->data);
}

static void on_side(void *host, struct rc_session *s, struct rc_buf *side)
{
    (void)host, (void)s;
    rc_buf_rele(side);
}

static bool on_drains(void *host, const struct rc_session *s)
{
    (void)host, (void)s;
    return false;
}

static void set_up(void)
{
    static const struct rc_peer self = {.role = RC_GATEWAY, .id = "gateway-1", .inc = 1};
    static const struct rc_peer other = {.role = RC_GATEWAY, .id = "gateway-2", .inc = 2};
    char why[128];
    rc_log_level(RC_ERROR);
    if (!rc_brokers_parse("broker-1=127.0.0.1:1", &brokers, why, sizeof why))
        abort();
    rc_roster_init(&roster, &brokers, &self);
    rc_roster_note(&roster, 0, &other, true, 0);
    broker.peer.role = RC_BROKER;
    memcpy(broker.peer.id, "broker-1", 9);
}

static struct rc_trunk *make_trunk(void)
{
    struct rc_trunk *trunk = rc_trunk_new(&(struct rc_trunk_config){.id = "gateway-1",
                                                                    .workers = 2,
                                                                    .roster = &roster,
                                                                    .silence = SILENCE,
                                                                    .down = on_down,
                                                                    .side = on_side,
                                                                    .drains = on_drains});
    rc_trunk_up(trunk, &broker);
    struct rc_relay relay = {.kind = RC_RELAY_OPEN, .sid = {.gateway = rc_sid_gateway("gateway-2")}};
    relay.data = rc_buf_copy("GET", 3);
    for (relay.stream = 1; relay.stream <= 2; relay.stream++)
        rc_trunk_send(trunk, &relay);
    rc_buf_rele(relay.data);
    rc_trunk_pump(trunk);
    return trunk;
}

static bool same_session(const struct rc_sid *a, const struct rc_sid *b)
{
    char text[2][RC_SID_LEN + 1];
    rc_sid_write(a, text[0]);
    rc_sid_write(b, text[1]);
    return strcmp(text[0], text[1]) == 0;
}

static bool same_address(const struct rc_trunk_address *a, const struct rc_trunk_address *b)
{
    return strcmp(a->gateway, b->gateway) == 0 && a->inc == b->inc && a->wire == b->wire &&
           a->from_home == b->from_home && a->lane == b->lane && a->number == b->number && a->got == b->got;
}

static bool same_relay(const struct rc_relay *a, const struct rc_relay *b)
{
    return a->kind == b->kind && a->credit == b->credit && a->why == b->why && rc_buf_equal(a->data, b->data) &&
           same_session(&a->sid, &b->sid);
}

static struct rc_buf *pack(const struct rc_trunk_side *side)
{
    switch (side->what) {
    case RC_TRUNK_RELAY:
        return rc_trunk_pack(&side->from, &side->relay);
    case RC_TRUNK_WAY:
        return rc_trunk_pack_way(&side->from, side->way, side->unknown);
    case RC_TRUNK_GOT:
        return rc_trunk_pack_got(&side->from);
    default:
        return NULL;
    }
}

/* What was understood, packed and read once more. */
static void check_round_trip(const struct rc_buf *bytes)
{
    struct rc_trunk_side side, again;
    rc_trunk_unpack(bytes, &side);
    if (side.what != RC_TRUNK_RELAY && side.relay.data)
        abort();
    struct rc_buf *packed = pack(&side);
    if (!packed)
        return;
    rc_trunk_unpack(packed, &again);
    if (again.what != side.what || again.way != side.way || again.unknown != side.unknown ||
        !same_address(&again.from, &side.from) || !same_relay(&again.relay, &side.relay))
        abort();
    rc_buf_rele(packed);
    rc_buf_rele(side.relay.data);
    rc_buf_rele(again.relay.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!brokers.count)
        set_up();
    memset(open, 0, sizeof open);
    opened = ended = 0;
    struct rc_trunk *trunk = make_trunk();
    for (size_t at = 0; at + 2 <= size && opened < STREAMS;) {
        size_t len = (size_t)data[at] << 8 | data[at + 1];
        at += 2;
        len = len < size - at ? len : size - at;
        struct rc_buf *side = rc_buf_copy(data + at, len);
        check_round_trip(side);
        rc_trunk_side(trunk, &broker, side);
        rc_trunk_pump(trunk);
        rc_buf_rele(side);
        at += len;
    }
    rc_trunk_down(trunk, &broker);
    rc_trunk_tick(trunk, RC_LANES_PATIENCE * SILENCE + 1);
    if (rc_trunk_kept(trunk))
        abort();
    if (opened != ended || rc_trunk_count(trunk))
        abort(); /* every stream has ended, for its worker too */
    rc_trunk_free(trunk);
    return 0;
}
