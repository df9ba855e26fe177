/* Relays between gateways, passed on. */
#include "broker/relay.h"

#include "roomcast.pb-c.h"

#include <string.h>

#define REASON_GONE "closed_relay"
#define REASON_BUSY "closed_busy"

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

/* In the place of the other end: the stream is over. */
static void refuse(const struct rc_relays *r, struct rc_session *s, const Roomcast__Relay *address, const char *reason)
{
    Roomcast__Relay from = *address;
    Roomcast__RelayClose close = ROOMCAST__RELAY_CLOSE__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    close.to = &from;
    close.reason = bytes_of(reason);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_CLOSE;
    side.relay_close = &close;
    send_side(r, s, &side);
}

/* Sends it on as coming from `from`, whose address is *here but for the stream. False: it could not be sent. */
static bool pass_on(const struct rc_relays *r, struct rc_session *target, Roomcast__Side *side, Roomcast__Relay *to,
                    const Roomcast__Relay *here)
{
    bool is_close = side->kind_case == ROOMCAST__SIDE__KIND_RELAY_CLOSE;
    if (!is_close && target->out_bytes + target->flight_bytes > r->bound / 2)
        return false;
    Roomcast__Relay mine = *to; /* protobuf-c frees what it allocated */
    to->gateway = here->gateway;
    to->inc = here->inc;
    bool sent = send_side(r, target, side);
    *to = mine;
    return sent;
}

static void take(const struct rc_relays *r, struct rc_session *from, Roomcast__Side *side, Roomcast__Relay *to)
{
    Roomcast__Relay here = *to, there = *to;
    struct rc_session *target = find_gateway(r, to);
    here.gateway = bytes_of(from->peer.id);
    here.inc = from->peer.inc;
    if (target && pass_on(r, target, side, to, &here)) {
        rc_metric_add(&r->values[BM_RELAYED], 1);
        return;
    }
    rc_metric_add(&r->values[BM_RELAYS_REFUSED], 1);
    if (side->kind_case == ROOMCAST__SIDE__KIND_RELAY_CLOSE)
        return;
    if (target) /* has to know as well */
        refuse(r, target, &here, REASON_BUSY);
    there.from_home = !to->from_home;
    refuse(r, from, &there, target ? REASON_BUSY : REASON_GONE);
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
    Roomcast__RelayLost message = ROOMCAST__RELAY_LOST__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    struct rc_session *s;
    if (lost->peer.role != RC_GATEWAY)
        return;
    message.gateway = bytes_of(lost->peer.id);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_LOST;
    side.relay_lost = &message;
    TAILQ_FOREACH (s, r->sessions, link)
        if (s->peer.role == RC_GATEWAY && s != lost)
            send_side(r, s, &side);
}
