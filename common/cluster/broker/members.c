/* Rooms and the gateways that have members in them. A room exists if and only if some gateway has it. */
#include "cluster/broker/broker_impl.h"
#include "cluster/mem.h"

struct rc_bk_room *rc_bk_room_find(const struct rc_broker *b, const struct rc_buf *key)
{
    return rc_map_get(&b->rooms, key->data, key->len);
}

static struct rc_bk_member *member_of(const struct rc_bk_room *room, const struct rc_bk_gateway *e)
{
    struct rc_bk_member *m;
    TAILQ_FOREACH (m, &room->members, in_room)
        if (m->gateway == e)
            return m;
    return NULL;
}

static struct rc_bk_room *room_make(struct rc_broker *b, struct rc_buf *key)
{
    struct rc_map_entry *at = rc_map_put(&b->rooms, key->data, key->len);
    if (!at->value) {
        struct rc_bk_room *room = at->value = rc_zalloc(sizeof *room);
        room->key = rc_buf_hold(key);
        TAILQ_INIT(&room->members);
    }
    return at->value;
}

bool rc_bk_join(struct rc_broker *b, struct rc_bk_gateway *e, struct rc_buf *key)
{
    if (!key->len || key->len > RC_ROOM_MAX)
        return false;
    struct rc_bk_room *room = room_make(b, key);
    if (member_of(room, e))
        return true;
    struct rc_bk_member *m = rc_zalloc(sizeof *m);
    m->room = room;
    m->gateway = e;
    TAILQ_INSERT_TAIL(&room->members, m, in_room);
    TAILQ_INSERT_TAIL(&e->rooms, m, of_gateway);
    room->gateways++;
    b->memberships++;
    return true;
}

static void member_free(struct rc_broker *b, struct rc_bk_member *m)
{
    struct rc_bk_room *room = m->room;
    TAILQ_REMOVE(&room->members, m, in_room);
    TAILQ_REMOVE(&m->gateway->rooms, m, of_gateway);
    free(m);
    b->memberships--;
    room->gateways--;
    (void)RC_HOLDS(&b->count.broken, NULL, RC_INV_ROOM, (room->gateways == 0) == TAILQ_EMPTY(&room->members));
    if (room->gateways)
        return;
    rc_map_del(&b->rooms, room->key->data, room->key->len);
    rc_buf_rele(room->key);
    free(room);
}

void rc_bk_leave(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_buf *key)
{
    struct rc_bk_room *room = rc_bk_room_find(b, key);
    struct rc_bk_member *m = room ? member_of(room, e) : NULL;
    if (m)
        member_free(b, m);
}

void rc_bk_count(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_op *op)
{
    struct rc_bk_room *room = rc_bk_room_find(b, op->room.room);
    struct rc_bk_member *m = room ? member_of(room, e) : NULL;
    if (m)
        m->count = op->room.members;
}

void rc_bk_leave_all(struct rc_broker *b, struct rc_bk_gateway *e)
{
    struct rc_bk_member *m;
    while ((m = TAILQ_FIRST(&e->rooms)))
        member_free(b, m);
}

size_t rc_broker_members(const struct rc_broker *b, const void *room, size_t len, char (*out)[RC_ID_MAX + 1],
                         size_t max)
{
    const struct rc_bk_room *r = rc_map_get(&b->rooms, room, len);
    if (!r)
        return 0;
    size_t i = 0;
    const struct rc_bk_member *m;
    TAILQ_FOREACH (m, &r->members, in_room)
        if (out && i < max)
            snprintf(out[i++], RC_ID_MAX + 1, "%s", m->gateway->id);
    return r->gateways;
}
