/* G3, G5: client sockets, the rooms they are in, and the joins that carry them to the brokers. */
#include "cluster/gateway/gateway_impl.h"
#include "cluster/mem.h"

#include <string.h>

static const void *socket_key(const void *socket, size_t *len)
{
    *len = sizeof((const struct rc_gw_socket *)socket)->id;
    return &((const struct rc_gw_socket *)socket)->id;
}

static const void *room_key(const void *room, size_t *len)
{
    const struct rc_buf *key = ((const struct rc_gw_room *)room)->key;
    *len = key->len;
    return key->data;
}

void rc_gw_rooms_init(struct rc_gateway *g)
{
    rc_index_init(&g->sockets, socket_key, g->world.random(g->world.host));
    rc_index_init(&g->rooms, room_key, g->world.random(g->world.host));
}

bool rc_gw_room_joined(const struct rc_gw_room *room, const struct rc_gw_broker *b)
{
    return b->s && room->joined[b->index] > b->base;
}

static struct rc_op *about(enum rc_op_kind kind, const struct rc_gw_room *room)
{
    struct rc_op *op = rc_op_new(kind);
    op->room.room = rc_buf_hold(room->key);
    return op;
}

void rc_gw_room_join(struct rc_gateway *g, struct rc_gw_room *room, struct rc_gw_broker *b)
{
    if (rc_gw_room_joined(room, b) ||
        !(rc_placement_set(g->placement, room->slot, g->view, g->config.k) >> b->index & 1))
        return;
    rc_gw_push(g, b, about(RC_OP_JOIN, room));
    room->joined[b->index] = b->s->ordinal;
}

void rc_gw_room_leave(struct rc_gateway *g, struct rc_gw_room *room, struct rc_gw_broker *b)
{
    if (!rc_gw_room_joined(room, b))
        return;
    room->joined[b->index] = 0;
    rc_gw_push(g, b, about(RC_OP_LEAVE, room));
}

/* All that the view places at b. */
bool rc_gw_rooms_joined(const struct rc_gateway *g, const struct rc_gw_broker *b)
{
#ifdef NDEBUG
    (void)g;
    (void)b;
#else
    const struct rc_gw_room *room;
    for (size_t at = 0; (room = rc_index_next(&g->rooms, &at));)
        if ((rc_placement_set(g->placement, room->slot, g->view, g->config.k) >> b->index & 1) &&
            !rc_gw_room_joined(room, b))
            return false;
#endif
    return true;
}

static struct rc_gw_room *room_enter(struct rc_gateway *g, struct rc_buf *key)
{
    struct rc_gw_room *room = rc_index_get(&g->rooms, key->data, key->len);
    if (!room) {
        room = rc_zalloc(sizeof *room + g->n * sizeof room->joined[0]);
        room->key = rc_buf_hold(key);
        rc_index_put(&g->rooms, room);
        room->slot = rc_slot(key->data, key->len);
        for (uint32_t i = 0; i < g->n; i++)
            if (g->brokers[i].s)
                rc_gw_room_join(g, room, &g->brokers[i]);
    }
    room->members++;
    return room;
}

static void room_free(struct rc_gw_room *room)
{
    rc_buf_rele(room->key);
    free(room);
}

static void room_exit(struct rc_gateway *g, struct rc_gw_room *room)
{
    if (--room->members)
        return;
    for (uint32_t i = 0; i < g->n; i++)
        rc_gw_room_leave(g, room, &g->brokers[i]);
    rc_index_del(&g->rooms, room);
    room_free(room);
}

struct rc_gw_socket *rc_gw_socket_find(const struct rc_gateway *g, uint64_t id)
{
    return rc_index_get(&g->sockets, &id, sizeof id);
}

static bool good_rooms(struct rc_buf *const *room, uint32_t n)
{
    if (!n || n > RC_SOCKET_ROOMS_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!room[i]->len || room[i]->len > RC_ROOM_MAX)
            return false;
    return true;
}

static void pend(struct rc_gateway *g, struct rc_gw_socket *socket)
{
    struct rc_gw_wait *wait = rc_zalloc(sizeof *wait);
    wait->socket = socket;
    wait->since = rc_gw_now(g);
    socket->wait = wait;
    TAILQ_INSERT_TAIL(&g->pending, wait, link);
    g->pending_count++;
}

static void unpend(struct rc_gateway *g, struct rc_gw_socket *socket)
{
    TAILQ_REMOVE(&g->pending, socket->wait, link);
    g->pending_count--;
    free(socket->wait);
}

bool rc_gateway_connect(struct rc_gateway *g, uint64_t id, struct rc_buf *const *room, uint32_t n)
{
    if (g->draining || !good_rooms(room, n) || rc_gw_socket_find(g, id))
        return false;
    if (rc_receiver_full(&g->receiver, rc_gw_now(g))) {
        g->count.full++;
        return false;
    }
    struct rc_gw_socket *socket = rc_zalloc(sizeof *socket + n * sizeof socket->room[0]);
    socket->id = id;
    socket->rooms = n;
    for (uint32_t i = 0; i < n; i++)
        socket->room[i] = room_enter(g, room[i]);
    rc_index_put(&g->sockets, socket);
    pend(g, socket);
    rc_gw_open_ready(g);
    return true;
}

/* Takes the socket out of its rooms and frees it. */
static void forget(struct rc_gateway *g, struct rc_gw_socket *socket)
{
    if (!socket->open)
        unpend(g, socket);
    rc_index_del(&g->sockets, socket);
    for (uint32_t i = 0; i < socket->rooms; i++)
        room_exit(g, socket->room[i]);
    free(socket);
}

void rc_gateway_disconnect(struct rc_gateway *g, uint64_t id)
{
    struct rc_gw_socket *socket = rc_gw_socket_find(g, id);
    if (!socket)
        return;
    forget(g, socket);
    rc_gw_open_ready(g);
}

void rc_gw_socket_end(struct rc_gateway *g, struct rc_gw_socket *socket, enum rc_socket_end why)
{
    uint64_t id = socket->id;
    forget(g, socket);
    g->events.closed(g->world.host, id, why);
}

/* The JOIN of this room is acknowledged by every broker that may route it. */
static bool room_in_place(const struct rc_gateway *g, const struct rc_gw_room *room)
{
    uint8_t first[RC_BROKERS_MAX];
    uint32_t n = rc_placement_first(g->placement, room->slot, g->view, g->config.k, first);
    for (uint32_t i = 0; i < n; i++) {
        const struct rc_gw_broker *b = &g->brokers[first[i]];
        if (!rc_gw_room_joined(room, b) || room->joined[b->index] > b->s->acked)
            return false;
    }
    return n > 0;
}

static bool in_place(const struct rc_gateway *g, const struct rc_gw_socket *socket)
{
    for (uint32_t i = 0; i < socket->rooms; i++)
        if (!room_in_place(g, socket->room[i]))
            return false;
    return true;
}

/* First come, first served: acks are cumulative, so the one behind is seldom ready before the one in front.
 */
void rc_gw_open_ready(struct rc_gateway *g)
{
    if (TAILQ_EMPTY(&g->pending) || g->state != RC_SERVING)
        return;
    rc_time now = rc_gw_now(g);
    if (!rc_view_settled(g, now) || !rc_gw_majority(g, now))
        return;
    const struct rc_gw_wait *wait;
    while ((wait = TAILQ_FIRST(&g->pending)) && in_place(g, wait->socket)) {
        struct rc_gw_socket *socket = wait->socket;
        unpend(g, socket);
        socket->bytes = 0;
        socket->open = true;
        g->events.opened(g->world.host, socket->id);
    }
}

void rc_gw_time_out(struct rc_gateway *g, rc_time now)
{
    const struct rc_gw_wait *wait;
    while ((wait = TAILQ_FIRST(&g->pending)) && now - wait->since > g->config.times.connect)
        rc_gw_socket_end(g, wait->socket, RC_SOCKET_TIMEOUT);
}

/* A room has no place for a broker that was added after it: all are made anew, once. */
void rc_gw_rooms_widen(struct rc_gateway *g, uint32_t n)
{
    struct rc_index wide;
    struct rc_gw_room *old;
    rc_index_init(&wide, room_key, g->world.random(g->world.host));
    for (size_t at = 0; (old = rc_index_next(&g->rooms, &at));) {
        struct rc_gw_room *room = rc_zalloc(sizeof *room + n * sizeof room->joined[0]);
        memcpy(room, old, sizeof *room + g->n * sizeof room->joined[0]);
        rc_buf_hold(room->key);
        rc_index_put(&wide, room);
    }
    struct rc_gw_socket *socket;
    for (size_t at = 0; (socket = rc_index_next(&g->sockets, &at));)
        for (uint32_t i = 0; i < socket->rooms; i++)
            socket->room[i] = rc_index_get(&wide, socket->room[i]->key->data, socket->room[i]->key->len);
    for (size_t at = 0; (old = rc_index_next(&g->rooms, &at));)
        room_free(old);
    rc_index_fini(&g->rooms);
    g->rooms = wide;
}

void rc_gw_rooms_fini(struct rc_gateway *g)
{
    struct rc_gw_wait *wait;
    while ((wait = TAILQ_FIRST(&g->pending)))
        unpend(g, wait->socket);
    size_t at = 0;
    for (void *socket; (socket = rc_index_next(&g->sockets, &at));)
        free(socket);
    at = 0;
    for (void *room; (room = rc_index_next(&g->rooms, &at));)
        room_free(room);
    rc_index_fini(&g->sockets);
    rc_index_fini(&g->rooms);
}

size_t rc_gateway_members(const struct rc_gateway *g, const void *room, size_t len)
{
    const struct rc_gw_room *r = rc_index_get(&g->rooms, room, len);
    return r ? r->members : 0;
}
