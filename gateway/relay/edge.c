/*
 * Clients whose session another gateway has.
 *
 *   request -> OPEN, its body as DATA       exchange: what comes is the answer, until CLOSE gives the connection back to HTTP
 *           -> OPEN, upgrade                tunnel: from the first byte that comes until either side closes
 */
#include "gateway/relay/edge.h"

#include "cluster/map.h"
#include "cluster/mem.h"
#include "gateway/eio/eio_http.h"

struct rc_edge {
    unsigned worker;
    struct rc_uplink uplink;
    _Atomic uint64_t *values;
    struct rc_map transits; /* number (8 bytes) -> struct transit */
    uint64_t last;
};

struct transit {
    struct rc_edge *edge;
    uint64_t number;
    struct rc_response *response; /* of an exchange; NULL: a tunnel */
    struct rc_stream *stream;     /* of a tunnel */
    int64_t allowance;            /* bytes that the home still takes; below 0 by the last read */
    uint32_t owed;                /* bytes passed on and not yet credited to the home */
    bool upgrade;                 /* becomes a tunnel */
    bool answered;                /* bytes have come */
};

static bool post(struct transit *t, enum rc_relay_kind kind, struct rc_relay relay)
{
    struct rc_up up = {.kind = RC_UP_RELAY, .relay = relay};
    up.relay.kind = kind;
    up.relay.stream = t->number;
    return t->edge->uplink.post(t->edge->uplink.host, &up);
}

struct rc_edge *rc_edge_new(unsigned worker, const struct rc_uplink *uplink, _Atomic uint64_t *values)
{
    struct rc_edge *edge = rc_zalloc(sizeof(*edge));
    *edge = (struct rc_edge){.worker = worker, .uplink = *uplink, .values = values};
    rc_map_init(&edge->transits, 0); /* keys are our own counters */
    return edge;
}

void rc_edge_free(struct rc_edge *edge)
{
    if (!edge)
        return;
    rc_map_fini(&edge->transits);
    free(edge);
}

static void forget(struct transit *t)
{
    rc_map_del(&t->edge->transits, &t->number, sizeof(t->number));
    rc_metric_sub(&t->edge->values[GM_RELAYED], 1);
    free(t);
}

/* Bytes of the client to its home. False: memory is short. */
static bool send_bytes(struct transit *t, const uint8_t *data, size_t len)
{
    struct rc_buf *copy = rc_buf_copy(data, len);
    if (!copy)
        return false;
    post(t, RC_RELAY_DATA, (struct rc_relay){.data = copy, .credit = t->owed});
    t->owed = 0;
    t->allowance -= (int64_t)len;
    rc_metric_add(&t->edge->values[GM_RELAY_BYTES], len);
    return true;
}

/* An exchange */

/* Memory is short: the client gets no answer, and its home is told. */
static void give_up(struct transit *t)
{
    struct rc_response *response = t->response;
    post(t, RC_RELAY_CLOSE, (struct rc_relay){.why = RC_CLOSE_MEMORY});
    forget(t);
    rc_response_passed(response, false, RC_CLOSE_MEMORY);
}

static void on_body(void *self, const uint8_t *data, size_t len)
{
    struct transit *t = self;
    if (!send_bytes(t, data, len))
        give_up(t);
    else if (t->allowance <= 0)
        rc_response_hold(t->response, true);
}

static void on_body_end(void *self)
{
    (void)self; /* its length was in the head */
}

static const struct rc_body_sink body_sink = {on_body, on_body_end};

static void on_gone(void *self)
{
    struct transit *t = self;
    post(t, RC_RELAY_CLOSE, (struct rc_relay){.why = RC_CLOSE_PEER});
    rc_response_end(t->response);
    forget(t);
}

static const struct rc_response_watch watch = {NULL, on_gone};

void rc_edge_request(struct rc_edge *edge, const struct rc_sid *sid, const struct rc_http_request *request,
                     struct rc_response *response)
{
    struct transit *t = rc_zalloc(sizeof(*t));
    *t = (struct transit){.edge = edge, .response = response, .allowance = RC_RELAY_WINDOW};
    t->number = (uint64_t)edge->worker << 48 | ++edge->last;
    t->upgrade = request->upgrade && rc_http_has_token(request, "upgrade", "websocket");
    rc_map_put(&edge->transits, &t->number, sizeof(t->number))->value = t;
    rc_metric_add(&edge->values[GM_RELAYED], 1);
    rc_metric_add(&edge->values[GM_RELAYED_TOTAL], 1);
    struct rc_buf *head = rc_http_request_text(request, "expect"); /* 100 Continue is ours to say */
    if (!head || !post(t, RC_RELAY_OPEN, (struct rc_relay){.sid = *sid, .data = head})) {
        rc_buf_rele(head);
        forget(t);
        rc_response_close(response, RC_CLOSE_BUSY);
        rc_response_full(response, 503, NULL, NULL, "", 0);
        return;
    }
    rc_response_watch(response, &watch, t);
    rc_response_body(response, &body_sink, t);
}

/* A tunnel */

static size_t on_input(void *self, struct rc_stream *stream, uint8_t *data, size_t len)
{
    struct transit *t = self;
    if (!send_bytes(t, data, len))
        rc_stream_close(stream, RC_CLOSE_MEMORY);
    else if (t->allowance <= 0)
        rc_stream_pause(stream, true);
    return len;
}

static void on_closed(void *self, enum rc_close why)
{
    struct transit *t = self;
    post(t, RC_RELAY_CLOSE, (struct rc_relay){.why = why});
    forget(t);
}

static const struct rc_stream_user tunnel_user = {on_input, NULL, on_closed};

/* Of a stream that its home has closed. */
static void on_closed_there(void *self, enum rc_close why)
{
    (void)self, (void)why;
}

static const struct rc_stream_user closed_user = {NULL, NULL, on_closed_there};

/* False: the client is gone, and with it the transit. */
static bool become_tunnel(struct transit *t)
{
    t->stream = rc_response_leave(t->response);
    t->response = NULL;
    if (!t->stream) {
        on_closed(t, RC_CLOSE_PEER);
        return false;
    }
    t->stream->user = &tunnel_user;
    t->stream->self = t;
    return true;
}

/* From the home */

static void take_data(struct transit *t, const struct rc_relay *relay)
{
    t->allowance += relay->credit;
    if (relay->data && t->upgrade && t->response && !become_tunnel(t))
        return;
    if (relay->data) {
        t->answered = true;
        t->owed += relay->data->len;
        if (t->response)
            rc_response_pass(t->response, rc_buf_hold(relay->data));
        else
            rc_stream_send(t->stream, rc_buf_hold(relay->data));
    }
    if (t->owed >= RC_RELAY_WINDOW / 4) {
        post(t, RC_RELAY_DATA, (struct rc_relay){.credit = t->owed});
        t->owed = 0;
    }
    if (t->allowance <= 0)
        return;
    if (t->response)
        rc_response_hold(t->response, false);
    else
        rc_stream_pause(t->stream, false);
}

static void take_close(struct transit *t, enum rc_close why)
{
    struct rc_response *response = t->response;
    if (why == RC_CLOSE_RELAY)
        rc_metric_add(&t->edge->values[GM_RELAYS_LOST], 1);
    if (!response) {
        t->stream->user = &closed_user;
        rc_stream_close(t->stream, why);
    } else if (!t->answered && why == RC_CLOSE_RELAY) {
        rc_eio_refuse_unknown(response, t->upgrade);
    } else {
        rc_response_passed(response, t->answered && why == RC_CLOSE_ANSWERED, why);
    }
    forget(t);
}

void rc_edge_down(struct rc_edge *edge, const struct rc_relay *relay)
{
    struct transit *t = rc_map_get(&edge->transits, &relay->stream, sizeof(relay->stream));
    if (!t)
        return;
    if (relay->kind == RC_RELAY_CLOSE)
        take_close(t, relay->why);
    else
        take_data(t, relay);
}
