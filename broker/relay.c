/* Relays between gateways, passed on. */
#include "broker/relay.h"

#include "roomcast.pb-c.h"

#include <string.h>

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

/* False: the other end misses it. */
static bool send_side(const struct rc_relays *r, struct rc_session *s, const Roomcast__Side *side)
{
    if (s->out_bytes + s->flight_bytes > r->bound)
        return false;
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(side));
    if (!buf)
        return false;
    roomcast__side__pack(side, buf->data);
    return r->side(r->host, s, buf);
}

/* The address in a message of a relay; NULL: it is none. */
static Roomcast__Relay *address_of(const Roomcast__Side *side)
{
    switch (side->kind_case) {
    case ROOMCAST__SIDE__KIND_RELAY_OPEN:
        return side->relay_open->to;
    case ROOMCAST__SIDE__KIND_RELAY_DATA:
        return side->relay_data->to;
    case ROOMCAST__SIDE__KIND_RELAY_CLOSE:
        return side->relay_close->to;
    case ROOMCAST__SIDE__KIND_RELAY_WAY:
        return side->relay_way->to;
    case ROOMCAST__SIDE__KIND_RELAY_GOT:
        return side->relay_got->to;
    default:
        return NULL;
    }
}

static struct rc_session *find_gateway(const struct rc_relays *r, const Roomcast__Relay *to)
{
    struct rc_session *s;
    TAILQ_FOREACH (s, r->sessions, link)
        if (s->peer.role == RC_GATEWAY && s->peer.inc == to->inc && strlen(s->peer.id) == to->gateway.len &&
            memcmp(s->peer.id, to->gateway.data, to->gateway.len) == 0)
            return s;
    return NULL;
}

static void tell_lost(const struct rc_relays *r, struct rc_session *s, ProtobufCBinaryData gateway)
{
    Roomcast__RelayLost message = ROOMCAST__RELAY_LOST__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    message.gateway = gateway;
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_LOST;
    side.relay_lost = &message;
    send_side(r, s, &side);
}

/* Those that carry bytes leave room for those by which the gateways find out what is missing. */
static bool is_full(const struct rc_relays *r, const struct rc_session *target, const Roomcast__Side *side)
{
    bool small = side->kind_case == ROOMCAST__SIDE__KIND_RELAY_WAY || side->kind_case == ROOMCAST__SIDE__KIND_RELAY_GOT;
    return !small && target->out_bytes + target->flight_bytes > r->bound / 2;
}

/* Sends it on as coming from `from`. False: it could not be sent. */
static bool pass_on(const struct rc_relays *r, const struct rc_session *from, struct rc_session *target,
                    Roomcast__Side *side, Roomcast__Relay *to)
{
    if (is_full(r, target, side))
        return false;
    Roomcast__Relay mine = *to; /* protobuf-c frees what it allocated */
    to->gateway = bytes_of(from->peer.id);
    to->inc = from->peer.inc;
    bool sent = send_side(r, target, side);
    *to = mine;
    return sent;
}

static void take(const struct rc_relays *r, struct rc_session *from, Roomcast__Side *side, Roomcast__Relay *to)
{
    struct rc_session *target = find_gateway(r, to);
    if (target && pass_on(r, from, target, side, to)) {
        rc_metric_add(&r->values[BM_RELAYED], 1);
        return;
    }
    rc_metric_add(&r->values[BM_RELAYS_REFUSED], 1);
    if (!target)
        tell_lost(r, from, to->gateway);
}

void rc_relays_side(const struct rc_relays *r, struct rc_session *from, const struct rc_buf *bytes)
{
    Roomcast__Side *side = from->peer.role == RC_GATEWAY ? roomcast__side__unpack(NULL, bytes->len, bytes->data) : NULL;
    Roomcast__Relay *to = side ? address_of(side) : NULL;
    if (to && to->gateway.len && to->gateway.len <= RC_ID_MAX)
        take(r, from, side, to);
    if (side)
        roomcast__side__free_unpacked(side, NULL);
}

void rc_relays_lost(const struct rc_relays *r, const struct rc_session *lost)
{
    struct rc_session *s;
    if (lost->peer.role != RC_GATEWAY)
        return;
    TAILQ_FOREACH (s, r->sessions, link)
        if (s->peer.role == RC_GATEWAY && s != lost)
            tell_lost(r, s, bytes_of(lost->peer.id));
}
