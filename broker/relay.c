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

static void send_side(struct rc_broker_process *b, struct rc_session *s, const Roomcast__Side *side)
{
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(side));
    if (!buf)
        return;
    roomcast__side__pack(side, buf->data);
    rc_host_side(b->host, s, buf);
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

static struct rc_session *find_gateway(const struct rc_broker_process *b, const Roomcast__Relay *to)
{
    struct rc_session *s;
    TAILQ_FOREACH (s, &b->sessions, link)
        if (s->peer.role == RC_GATEWAY && s->peer.inc == to->inc && strlen(s->peer.id) == to->gateway.len &&
            memcmp(s->peer.id, to->gateway.data, to->gateway.len) == 0)
            return s;
    return NULL;
}

/* In the place of the gateway that cannot be reached: the stream is over. */
static void refuse(struct rc_broker_process *b, struct rc_session *from, const Roomcast__Relay *to, const char *reason)
{
    Roomcast__Relay address = *to;
    Roomcast__RelayClose close = ROOMCAST__RELAY_CLOSE__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    address.from_home = !to->from_home;
    close.to = &address;
    close.reason = bytes_of(reason);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_CLOSE;
    side.relay_close = &close;
    send_side(b, from, &side);
}

/* Half of what the gateway may have unacknowledged is for deliveries, whatever relays do. */
static bool is_full(const struct rc_broker_process *b, const struct rc_session *target)
{
    return target->out_bytes + target->flight_bytes > (size_t)b->options->gateway_bytes / 2;
}

static void pass_on(struct rc_broker_process *b, struct rc_session *from, Roomcast__Side *side, Roomcast__Relay *to)
{
    bool is_close = side->kind_case == ROOMCAST__SIDE__KIND_RELAY_CLOSE;
    struct rc_session *target = find_gateway(b, to);
    bool full = target && !is_close && is_full(b, target);
    if (full) { /* the other end has to know as well */
        Roomcast__Relay here = *to;
        here.gateway = bytes_of(from->peer.id);
        here.inc = from->peer.inc;
        here.from_home = !to->from_home;
        refuse(b, target, &here, REASON_BUSY);
    }
    if (!target || full) {
        rc_metric_add(&b->values[BM_RELAYS_REFUSED], 1);
        if (!is_close)
            refuse(b, from, to, full ? REASON_BUSY : REASON_GONE);
        return;
    }
    ProtobufCBinaryData mine = to->gateway; /* protobuf-c frees what it allocated */
    to->gateway = bytes_of(from->peer.id);
    to->inc = from->peer.inc;
    rc_metric_add(&b->values[BM_RELAYED], 1);
    send_side(b, target, side);
    to->gateway = mine;
}

void rc_broker_relay(struct rc_broker_process *b, struct rc_session *from, const struct rc_buf *bytes)
{
    Roomcast__Side *side = from->peer.role == RC_GATEWAY ? roomcast__side__unpack(NULL, bytes->len, bytes->data) : NULL;
    Roomcast__Relay *to = side ? address_of(side) : NULL;
    if (to)
        pass_on(b, from, side, to);
    if (side)
        roomcast__side__free_unpacked(side, NULL);
}

void rc_broker_relay_lost(struct rc_broker_process *b, const struct rc_session *lost)
{
    Roomcast__RelayLost message = ROOMCAST__RELAY_LOST__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    struct rc_session *s;
    if (lost->peer.role != RC_GATEWAY)
        return;
    message.gateway = bytes_of(lost->peer.id);
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_LOST;
    side.relay_lost = &message;
    TAILQ_FOREACH (s, &b->sessions, link)
        if (s->peer.role == RC_GATEWAY && s != lost)
            send_side(b, s, &side);
}
