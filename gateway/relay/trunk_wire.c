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

static Roomcast__Relay address_of(const struct rc_trunk_address *to)
{
    Roomcast__Relay address = ROOMCAST__RELAY__INIT;
    address.gateway = bytes_of(to->gateway, strlen(to->gateway));
    address.inc = to->inc;
    address.stream = to->wire;
    address.from_home = to->from_home;
    address.lane = to->lane;
    address.number = to->number;
    address.got = to->got;
    return address;
}

struct rc_buf *rc_trunk_pack_way(const struct rc_trunk_address *to, uint64_t way, bool unknown)
{
    Roomcast__Relay address = address_of(to);
    Roomcast__RelayWay message = ROOMCAST__RELAY_WAY__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    message.to = &address;
    message.way = way;
    message.unknown = unknown;
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_WAY;
    side.relay_way = &message;
    return pack(&side);
}

struct rc_buf *rc_trunk_pack_got(const struct rc_trunk_address *to)
{
    Roomcast__Relay address = address_of(to);
    Roomcast__RelayGot message = ROOMCAST__RELAY_GOT__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    message.to = &address;
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_GOT;
    side.relay_got = &message;
    return pack(&side);
}

struct rc_buf *rc_trunk_pack(const struct rc_trunk_address *to, const struct rc_relay *relay)
{
    char sid[RC_SID_LEN + 1];
    const char *reason = rc_relay_reason(relay->why);
    Roomcast__Relay address = address_of(to);
    Roomcast__RelayOpen open = ROOMCAST__RELAY_OPEN__INIT;
    Roomcast__RelayData data = ROOMCAST__RELAY_DATA__INIT;
    Roomcast__RelayClose close = ROOMCAST__RELAY_CLOSE__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
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
    from->lane = address->lane;
    from->number = address->number;
    from->got = address->got;
    return true;
}

static bool read_open(const Roomcast__RelayOpen *open, struct rc_relay *relay)
{
    relay->kind = RC_RELAY_OPEN;
    if (!rc_sid_read((const char *)open->session.data, open->session.len, &relay->sid) || !open->request.len ||
        open->request.len > RC_RELAY_WINDOW)
        return false;
    relay->data = rc_buf_copy(open->request.data, open->request.len);
    return relay->data != NULL;
}

static bool read_data(const Roomcast__RelayData *data, struct rc_relay *relay)
{
    relay->kind = RC_RELAY_DATA;
    relay->credit = data->credit;
    if (data->credit > RC_RELAY_WINDOW || data->data.len > RC_RELAY_WINDOW)
        return false;
    relay->data = data->data.len ? rc_buf_copy(data->data.data, data->data.len) : NULL;
    return relay->data || !data->data.len;
}

static bool read_close(const Roomcast__RelayClose *close, struct rc_relay *relay)
{
    relay->kind = RC_RELAY_CLOSE;
    relay->why = rc_relay_reason_read(close->reason.data, close->reason.len);
    return true;
}

static enum rc_trunk_what judge(bool good)
{
    return good ? RC_TRUNK_RELAY : RC_TRUNK_BROKEN;
}

/* Sets *address to that of the message, NULL: it has none. */
static enum rc_trunk_what read_kind(const Roomcast__Side *in, struct rc_trunk_side *out,
                                    const Roomcast__Relay **address)
{
    *address = NULL;
    switch (in->kind_case) {
    case ROOMCAST__SIDE__KIND_RELAY_OPEN:
        *address = in->relay_open->to;
        return judge(read_open(in->relay_open, &out->relay));
    case ROOMCAST__SIDE__KIND_RELAY_DATA:
        *address = in->relay_data->to;
        return judge(read_data(in->relay_data, &out->relay));
    case ROOMCAST__SIDE__KIND_RELAY_CLOSE:
        *address = in->relay_close->to;
        return judge(read_close(in->relay_close, &out->relay));
    case ROOMCAST__SIDE__KIND_RELAY_WAY:
        *address = in->relay_way->to;
        out->way = in->relay_way->way;
        out->unknown = in->relay_way->unknown;
        return RC_TRUNK_WAY;
    case ROOMCAST__SIDE__KIND_RELAY_GOT:
        *address = in->relay_got->to;
        return RC_TRUNK_GOT;
    case ROOMCAST__SIDE__KIND_RELAY_LOST:
        return read_id(in->relay_lost->gateway, out->from.gateway) ? RC_TRUNK_LOST : RC_TRUNK_OTHER;
    default:
        return RC_TRUNK_OTHER;
    }
}

void rc_trunk_unpack(const struct rc_buf *bytes, struct rc_trunk_side *side)
{
    Roomcast__Side *in = roomcast__side__unpack(NULL, bytes->len, bytes->data);
    const Roomcast__Relay *address;
    *side = (struct rc_trunk_side){.relay = {.kind = RC_RELAY_CLOSE}};
    if (!in)
        return;
    side->what = read_kind(in, side, &address);
    if (side->what != RC_TRUNK_LOST && !read_address(address, &side->from)) {
        rc_buf_rele(side->relay.data);
        side->relay.data = NULL;
        side->what = RC_TRUNK_OTHER;
    }
    roomcast__side__free_unpacked(in, NULL);
}
