/* Relays on the wire. */
#include "gateway/relay/trunk_wire.h"

#include "brokers.h"
#include "roomcast.pb-c.h"

#include <string.h>

static ProtobufCBinaryData bytes_of(const void *data, size_t len)
{
    return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
}

static struct rc_buf *pack(const Roomcast__Side *side)
{
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(side));
    if (buf)
        roomcast__side__pack(side, buf->data);
    return buf;
}

struct rc_buf *rc_trunk_pack(const struct rc_trunk_address *to, const struct rc_relay *relay)
{
    char sid[RC_SID_LEN + 1];
    const char *reason = rc_relay_reason(relay->why);
    Roomcast__Relay address = ROOMCAST__RELAY__INIT;
    Roomcast__RelayOpen open = ROOMCAST__RELAY_OPEN__INIT;
    Roomcast__RelayData data = ROOMCAST__RELAY_DATA__INIT;
    Roomcast__RelayClose close = ROOMCAST__RELAY_CLOSE__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    address.gateway = bytes_of(to->gateway, strlen(to->gateway));
    address.inc = to->inc;
    address.stream = to->wire;
    address.from_home = to->from_home;
    open.to = data.to = close.to = &address;
    switch (relay->kind) {
    case RC_RELAY_OPEN:
        rc_sid_write(&relay->sid, sid);
        open.session = bytes_of(sid, RC_SID_LEN);
        open.request = bytes_of(relay->data->data, relay->data->len);
        side.kind_case = ROOMCAST__SIDE__KIND_RELAY_OPEN;
        side.relay_open = &open;
        break;
    case RC_RELAY_DATA:
        data.data = relay->data ? bytes_of(relay->data->data, relay->data->len) : bytes_of(NULL, 0);
        data.credit = relay->credit;
        side.kind_case = ROOMCAST__SIDE__KIND_RELAY_DATA;
        side.relay_data = &data;
        break;
    case RC_RELAY_CLOSE:
        close.reason = bytes_of(reason, strlen(reason));
        side.kind_case = ROOMCAST__SIDE__KIND_RELAY_CLOSE;
        side.relay_close = &close;
        break;
    }
    return pack(&side);
}

static bool read_id(ProtobufCBinaryData bytes, char id[RC_ID_MAX + 1])
{
    if (!bytes.len || bytes.len > RC_ID_MAX)
        return false;
    memcpy(id, bytes.data, bytes.len);
    id[bytes.len] = '\0';
    return strlen(id) == bytes.len && rc_id_valid(id);
}

static bool read_address(const Roomcast__Relay *address, struct rc_trunk_address *from)
{
    if (!address || !read_id(address->gateway, from->gateway))
        return false;
    from->inc = address->inc;
    from->wire = address->stream;
    from->from_home = address->from_home;
    return true;
}

static bool read_open(const Roomcast__RelayOpen *open, struct rc_trunk_address *from, struct rc_relay *relay)
{
    relay->kind = RC_RELAY_OPEN;
    if (!read_address(open->to, from) ||
        !rc_sid_read((const char *)open->session.data, open->session.len, &relay->sid) || !open->request.len)
        return false;
    relay->data = rc_buf_copy(open->request.data, open->request.len);
    return relay->data != NULL;
}

/* More than a window of credit or bytes is nobody's. */
static bool read_data(const Roomcast__RelayData *data, struct rc_trunk_address *from, struct rc_relay *relay)
{
    relay->kind = RC_RELAY_DATA;
    relay->credit = data->credit;
    if (!read_address(data->to, from) || data->credit > 2 * RC_RELAY_WINDOW || data->data.len > 2 * RC_RELAY_WINDOW)
        return false;
    relay->data = data->data.len ? rc_buf_copy(data->data.data, data->data.len) : NULL;
    return relay->data || !data->data.len;
}

static bool read_close(const Roomcast__RelayClose *close, struct rc_trunk_address *from, struct rc_relay *relay)
{
    relay->kind = RC_RELAY_CLOSE;
    relay->why = rc_relay_reason_read(close->reason.data, close->reason.len);
    return read_address(close->to, from);
}

static enum rc_trunk_side read_side(const Roomcast__Side *side, struct rc_trunk_address *from, struct rc_relay *relay)
{
    bool good = false;
    switch (side->kind_case) {
    case ROOMCAST__SIDE__KIND_RELAY_OPEN:
        good = read_open(side->relay_open, from, relay);
        break;
    case ROOMCAST__SIDE__KIND_RELAY_DATA:
        good = read_data(side->relay_data, from, relay);
        break;
    case ROOMCAST__SIDE__KIND_RELAY_CLOSE:
        good = read_close(side->relay_close, from, relay);
        break;
    case ROOMCAST__SIDE__KIND_RELAY_LOST:
        return read_id(side->relay_lost->gateway, from->gateway) ? RC_TRUNK_LOST : RC_TRUNK_OTHER;
    default:
        break;
    }
    return good ? RC_TRUNK_RELAY : RC_TRUNK_OTHER;
}

enum rc_trunk_side rc_trunk_unpack(const struct rc_buf *bytes, struct rc_trunk_address *from, struct rc_relay *relay)
{
    Roomcast__Side *side = roomcast__side__unpack(NULL, bytes->len, bytes->data);
    *from = (struct rc_trunk_address){.inc = 0};
    *relay = (struct rc_relay){.kind = RC_RELAY_CLOSE};
    if (!side)
        return RC_TRUNK_OTHER;
    enum rc_trunk_side what = read_side(side, from, relay);
    roomcast__side__free_unpacked(side, NULL);
    return what;
}
