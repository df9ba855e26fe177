/* A Socket.IO socket: one client in one namespace, from CONNECT to its end. */
#include "gateway/sio/sio_impl.h"

#include "clock.h"
#include "cluster/mem.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SID_LEN 20 /* characters of a socket's id, base64url */

static _Atomic uint64_t *value(const struct sio_socket *socket, enum rc_gateway_metric metric)
{
    return &sio_of(socket->conn)->config.values[metric];
}

static bool post(const struct sio_socket *socket, struct rc_up *up)
{
    const struct rc_sio_config *config = &sio_of(socket->conn)->config;
    up->socket = socket->number;
    return config->uplink.post(config->uplink.host, up);
}

static void entry_free(struct sio_socket *socket)
{
    struct sio_entry *entry = socket->entry;
    if (!entry)
        return;
    socket->entry = NULL;
    for (unsigned i = 0; i < entry->rooms; i++)
        rc_buf_rele(entry->room[i]);
    free(entry);
}

static struct sio_socket *new_socket(struct sio_conn *conn, uint8_t nsp)
{
    struct rc_sio *sio = sio_of(conn);
    struct sio_socket *socket = rc_zalloc(sizeof(*socket));
    socket->conn = conn;
    socket->nsp = nsp;
    socket->number = (uint64_t)sio->config.worker << 48 | ++sio->last_number;
    socket->entry = rc_zalloc(sizeof(*socket->entry));
    SLIST_INSERT_HEAD(&conn->sockets, socket, link);
    rc_index_put(&sio->sockets, socket);
    return socket;
}

static void forget(struct sio_socket *socket)
{
    const struct rc_app *app = sio_of(socket->conn)->config.app;
    SLIST_REMOVE(&socket->conn->sockets, socket, sio_socket, link);
    rc_index_del(&sio_of(socket->conn)->sockets, socket);
    entry_free(socket);
    app->rele(app->self, socket->identity);
    free(socket);
}

/* Asks the link loop for the socket's rooms. */
static bool ask_rooms(struct sio_socket *socket)
{
    const struct rc_app *app = sio_of(socket->conn)->config.app;
    struct sio_entry *entry = socket->entry;
    struct rc_up up = {.kind = RC_UP_CONNECT};
    entry->rooms = app->rooms(app->self, sio_nsp(socket), socket->identity, entry->room);
    up.rooms = entry->rooms;
    for (unsigned i = 0; i < up.rooms; i++)
        up.room[i] = rc_buf_hold(entry->room[i]);
    if (post(socket, &up))
        return true;
    for (unsigned i = 0; i < up.rooms; i++)
        rc_buf_rele(up.room[i]);
    return false;
}

/* Who the client is, is known from now on; its cookie can go. */
static void remember(struct sio_conn *conn, struct rc_identity *identity)
{
    const struct rc_app *app = sio_of(conn)->config.app;
    if (conn->is_known || !identity)
        return;
    free(conn->cookie);
    conn->known = app->hold(app->self, identity);
    conn->is_known = true;
}

void sio_socket_enter(struct sio_conn *conn, uint8_t nsp, const struct rc_sio_packet *packet)
{
    const struct rc_app *app = sio_of(conn)->config.app;
    int64_t expires = 0;
    const char *error = "";
    struct sio_socket *socket = new_socket(conn, nsp);
    struct rc_visitor visitor = {.known = conn->is_known ? conn->known : NULL};
    if (!conn->is_known && conn->cookie)
        visitor = (struct rc_visitor){conn->cookie, strlen(conn->cookie), NULL};
    if (!app->enter(app->self, sio_nsp(socket), &visitor, packet->json, packet->json_len, &socket->identity, &expires,
                    &error)) {
        rc_metric_add(value(socket, GM_CONNECTS_REFUSED), 1);
        sio_conn_send(conn, rc_sio_connect_error(sio_nsp(socket), strlen(sio_nsp(socket)), error));
        forget(socket);
        return;
    }
    socket->expires = expires < UINT32_MAX ? (uint32_t)expires : UINT32_MAX;
    remember(conn, socket->identity);
    if (!ask_rooms(socket)) {
        /* A refusal would be final for the client; a closed connection it opens again by itself. */
        sio_conn_close(conn, RC_CLOSE_BUSY);
        forget(socket);
    }
}

void sio_socket_greet(struct sio_socket *socket)
{
    const struct rc_app *app = sio_of(socket->conn)->config.app;
    if (socket->entry || socket->greeted)
        return;
    socket->greeted = true;
    struct rc_buf *hello = app->greet(app->self, sio_nsp(socket), socket->identity);
    if (hello)
        sio_conn_send(socket->conn, hello);
}

static void make_sid(char sid[SID_LEN + 1])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t bits = 0;
    for (size_t i = 0; i < SID_LEN; i++) {
        if (i % 10 == 0)
            bits = rc_random64();
        sid[i] = alphabet[bits & 63];
        bits >>= 6;
    }
    sid[SID_LEN] = 0;
}

void sio_socket_opened(struct sio_socket *socket)
{
    struct sio_conn *conn = socket->conn;
    const struct rc_app *app = sio_of(conn)->config.app;
    struct sio_entry *entry = socket->entry;
    char sid[SID_LEN + 1];
    if (!entry)
        return;
    rc_room_set_enter(&sio_of(conn)->rooms, &socket->occupant, entry->room, entry->rooms);
    if (!conn->entered)
        rc_timer_stop(&conn->timer);
    conn->entered = true;
    sio_conn_uncount(conn);
    rc_metric_add(value(socket, GM_SOCKETS), 1);
    make_sid(sid);
    sio_conn_send(conn, rc_sio_connected(sio_nsp(socket), sid));
    entry_free(socket);
    if (app->greet)
        sio_conn_greet_soon(conn);
    else
        sio_conn_schedule(conn);
}

void sio_socket_leave(struct sio_socket *socket)
{
    struct rc_up up = {.kind = RC_UP_DISCONNECT};
    struct sio_conn *conn = socket->conn;
    if (!socket->entry)
        rc_metric_sub(value(socket, GM_SOCKETS), 1);
    rc_room_set_leave(&sio_of(socket->conn)->rooms, &socket->occupant);
    post(socket, &up);
    forget(socket);
    sio_conn_schedule(conn);
}

/* Answers an event that asked for it with [{KEY: VALUE}]; error NULL: {"ok":true}. */
static void acknowledge(struct sio_socket *socket, uint64_t id, const char *error)
{
    char text[256];
    int n = error ? snprintf(text, sizeof(text), "[{\"error\":\"%s\"}]", error)
                  : snprintf(text, sizeof(text), "[{\"ok\":true}]");
    if ((size_t)n >= sizeof(text))
        n = snprintf(text, sizeof(text), "[{\"error\":\"refused\"}]");
    sio_conn_send(socket->conn, rc_payload_ack(sio_nsp(socket), id, text, (size_t)n, NULL, 0));
}

/* The token of an emit: the packet's id (63 bits) and whether an ack was asked for. */
static uint64_t make_token(const struct rc_sio_packet *packet)
{
    return packet->has_id ? packet->id << 1 | 1 : 0;
}

void sio_socket_result(struct sio_socket *socket, uint64_t token, enum rc_outcome outcome)
{
    static const char *const errors[] = {
        [RC_OUTCOME_OK] = NULL,
        [RC_OUTCOME_UNKNOWN] = "unknown outcome: not confirmed in time",
        [RC_OUTCOME_NOT_STORED] = "not stored",
        [RC_OUTCOME_BUSY] = "busy",
    };
    if (outcome == RC_OUTCOME_BUSY)
        rc_metric_add(value(socket, GM_EVENTS_BUSY), 1);
    if (token & 1)
        acknowledge(socket, token >> 1, errors[outcome]);
    else if (outcome == RC_OUTCOME_BUSY) /* nobody would hear that this event went nowhere */
        sio_conn_close(socket->conn, RC_CLOSE_BUSY);
}

static void emit_rele(struct rc_emit *emit)
{
    rc_buf_rele(emit->payload);
    rc_buf_rele(emit->row);
    for (uint32_t i = 0; i < emit->n; i++)
        rc_buf_rele(emit->room[i]);
}

static void send_up(struct sio_socket *socket, const struct rc_sio_packet *packet, const struct rc_emit *emit)
{
    struct rc_up up = {.kind = RC_UP_EMIT, .emit = *emit};
    up.emit.socket = socket->number;
    up.emit.token = make_token(packet);
    up.emit.wants_ack = packet->has_id;
    if (post(socket, &up)) {
        rc_metric_add(value(socket, GM_EVENTS_IN), 1);
        return;
    }
    emit_rele(&up.emit);
    sio_socket_result(socket, up.emit.token, RC_OUTCOME_BUSY);
}

static void answer(struct sio_socket *socket, struct rc_reply *reply)
{
    rc_metric_add(value(socket, GM_EVENTS_IN), 1);
    if (reply->event)
        sio_conn_send(socket->conn, reply->event);
    if (reply->ack)
        sio_conn_send(socket->conn, reply->ack);
}

static enum rc_verdict judge(struct sio_socket *socket, const struct rc_sio_packet *packet,
                             struct rc_buf *const *attachment, struct rc_emit *emit, struct rc_reply *reply,
                             const char **reason)
{
    const struct rc_app *app = sio_of(socket->conn)->config.app;
    struct rc_event event = {
        .nsp = sio_nsp(socket),
        .json = packet->json,
        .json_len = packet->json_len,
        .attachment = attachment,
        .attachments = packet->attachments,
        .wants_ack = packet->has_id,
        .id = packet->id,
    };
    if (!packet->json || packet->shape.first_kind != '"')
        return RC_EVENT_IGNORE; /* no name, or a number as name: nobody listens to those */
    return app->event(app->self, socket->identity, &event, emit, reply, reason);
}

void sio_socket_event(struct sio_socket *socket, const struct rc_sio_packet *packet, struct rc_buf *const *attachment)
{
    struct rc_emit emit = {0};
    struct rc_reply reply = {0};
    const char *reason = "refused";
    switch (judge(socket, packet, attachment, &emit, &reply, &reason)) {
    case RC_EVENT_IGNORE:
        rc_metric_add(value(socket, GM_EVENTS_IGNORED), 1);
        break;
    case RC_EVENT_REFUSE:
        rc_metric_add(value(socket, GM_EVENTS_REFUSED), 1);
        if (packet->has_id)
            acknowledge(socket, packet->id, reason);
        break;
    case RC_EVENT_EMIT:
        send_up(socket, packet, &emit);
        break;
    case RC_EVENT_ANSWER:
        answer(socket, &reply);
        break;
    }
}
