/*
 * Any Sides that a broker passes on, as the rest of a cluster would send them to one gateway: never crashes, what is understood packs
 * to what is understood as the same, and no stream gets more bytes than its window.
 *
 * Input: any number of Sides, each behind its length in 2 bytes, big-endian.
 */
#include "gateway/relay/trunk.h"
#include "gateway/relay/trunk_wire.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

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

static bool on_side(void *host, struct rc_session *s, struct rc_buf *side)
{
    (void)host, (void)s;
    rc_buf_rele(side);
    return true;
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
    struct rc_trunk *trunk =
        rc_trunk_new(&(struct rc_trunk_config){.roster = &roster, .down = on_down, .side = on_side});
    rc_trunk_up(trunk, &broker);
    struct rc_relay relay = {.kind = RC_RELAY_OPEN, .sid = {.gateway = rc_sid_gateway("gateway-2")}};
    relay.data = rc_buf_copy("GET", 3);
    for (relay.stream = 1; relay.stream <= 2; relay.stream++)
        rc_trunk_send(trunk, &relay);
    rc_buf_rele(relay.data);
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
           a->from_home == b->from_home;
}

/* What was understood, packed and read once more. */
static void check_round_trip(const struct rc_buf *side)
{
    struct rc_trunk_address from, again_from;
    struct rc_relay relay, again;
    enum rc_trunk_side what = rc_trunk_unpack(side, &from, &relay);
    if (what != RC_TRUNK_RELAY) {
        if (relay.data)
            abort();
        return;
    }
    struct rc_buf *packed = rc_trunk_pack(&from, &relay);
    if (rc_trunk_unpack(packed, &again_from, &again) != RC_TRUNK_RELAY || again.kind != relay.kind ||
        again.credit != relay.credit || again.why != relay.why || !rc_buf_equal(again.data, relay.data) ||
        !same_session(&again.sid, &relay.sid) || !same_address(&again_from, &from))
        abort();
    rc_buf_rele(packed);
    rc_buf_rele(relay.data);
    rc_buf_rele(again.data);
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
        rc_buf_rele(side);
        at += len;
    }
    rc_trunk_down(trunk, &broker);
    if (opened != ended || rc_trunk_count(trunk))
        abort(); /* every stream has ended, for its worker too */
    rc_trunk_free(trunk);
    return 0;
}
