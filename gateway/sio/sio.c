/* The Socket.IO layer of a worker: what comes from the link loop, and the fan-out. */
#include "gateway/sio/sio_impl.h"

#include "clock.h"
#include "cluster/mem.h"
#include "log.h"

#include <inttypes.h>

static const void *socket_key(const void *socket, size_t *len)
{
    *len = sizeof(((const struct sio_socket *)socket)->number);
    return &((const struct sio_socket *)socket)->number;
}

struct rc_sio *rc_sio_new(const struct rc_sio_config *config)
{
    struct rc_sio *sio = rc_zalloc(sizeof(*sio));
    sio->config = *config;
    rc_index_init(&sio->sockets, socket_key, rc_random64());
    rc_room_set_init(&sio->rooms, rc_random64());
    return sio;
}

void rc_sio_free(struct rc_sio *sio)
{
    if (!sio)
        return;
    rc_index_fini(&sio->sockets);
    rc_room_set_fini(&sio->rooms);
    free(sio);
}

static enum rc_close close_reason(enum rc_socket_end end)
{
    switch (end) {
    case RC_SOCKET_FENCED:
        return RC_CLOSE_FENCED;
    case RC_SOCKET_EXPIRED:
        return RC_CLOSE_UNDELIVERED;
    case RC_SOCKET_TIMEOUT:
        return RC_CLOSE_ROOMS_TIMEOUT;
    case RC_SOCKET_BUSY:
        return RC_CLOSE_BUSY;
    }
    return RC_CLOSE_BUSY;
}

void rc_sio_down(struct rc_sio *sio, const struct rc_down *down)
{
    struct sio_socket *socket = rc_index_get(&sio->sockets, &down->socket, sizeof(down->socket));
    if (!socket)
        return; /* it left while this was under way */
    switch (down->kind) {
    case RC_DOWN_OPENED:
        sio_socket_opened(socket);
        break;
    case RC_DOWN_CLOSED:
        sio_conn_close(socket->conn, close_reason(down->end));
        break;
    case RC_DOWN_RESULT:
        sio_socket_result(socket, down->token, down->outcome);
        break;
    case RC_DOWN_PAUSE:
        socket->paused = down->stop;
        sio_conn_pause(socket->conn);
        break;
    default:
        break;
    }
}

void rc_sio_drain(struct rc_sio *sio)
{
    sio->draining = true;
}

void rc_sio_close_all(struct rc_sio *sio, enum rc_close why)
{
    const struct sio_socket *socket;
    for (size_t at = 0; (socket = rc_index_next(&sio->sockets, &at));)
        sio_conn_close(socket->conn, why);
}

static size_t fan_out(struct rc_sio *sio, const struct rc_room *room, const struct rc_msg *msg)
{
    const struct rc_room *except = msg->except ? rc_room_set_find(&sio->rooms, msg->except) : NULL;
    struct rc_outgoing out = {msg->payload, NULL};
    struct rc_occupant *const *occupant = rc_room_occupants(room);
    size_t copies = 0;
    for (uint32_t i = 0; i < room->n; i++) {
        struct sio_socket *socket = (struct sio_socket *)occupant[i]; /* its first member */
        if (except && rc_occupant_in(&socket->occupant, except))
            continue;
        rc_eio_send(socket->conn->eio, &out);
        copies++;
    }
    rc_outgoing_fini(&out);
    return copies;
}

size_t rc_sio_deliver(struct rc_sio *sio, const struct rc_msg *msg)
{
    const struct rc_room *room = rc_room_set_find(&sio->rooms, msg->room);
    if (!rc_payload_valid(msg->payload)) {
        rc_metric_add(&sio->config.values[GM_DELIVERIES_MALFORMED], 1);
        rc_log(RC_WARN, "delivery-malformed", "origin=%s seq=%" PRIu64 " bytes=%" PRIu32, msg->origin, msg->seq,
               msg->payload->len);
        return 0;
    }
    size_t copies = room ? fan_out(sio, room, msg) : 0;
    rc_metric_add(&sio->config.values[GM_COPIES_OUT], copies);
    return copies;
}
