/* Rooms and the gateways that have members in them. A room exists if and only if some gateway has it. */
#include "cluster/broker/broker_impl.h"
#include "cluster/mem.h"

#include <string.h>

static const void *room_key(const void *room, size_t *len)
{
    *len = ((const struct rc_bk_room *)room)->len;
    return ((const struct rc_bk_room *)room)->key;
}

void rc_bk_rooms_init(struct rc_broker *b)
{
    uint64_t seed = b->world.random(b->world.host);
    for (unsigned i = 0; i < RC_BK_SHARDS; i++)
        rc_index_init(&b->rooms[i], room_key, seed);
}

void rc_bk_rooms_fini(struct rc_broker *b)
{
    for (unsigned i = 0; i < RC_BK_SHARDS; i++)
        rc_index_fini(&b->rooms[i]);
}

static unsigned shard_of(const void *key, size_t len)
{
    return rc_slot(key, len) % RC_BK_SHARDS;
}

static struct rc_bk_room *find(const struct rc_broker *b, const void *key, size_t len)
{
    return rc_index_get(&b->rooms[shard_of(key, len)], key, len);
}

struct rc_bk_room *rc_bk_room_find(const struct rc_broker *b, const struct rc_buf *key)
{
    return find(b, key->data, key->len);
}

static struct rc_bk_member *member_of(const struct rc_bk_room *room, const struct rc_bk_gateway *e)
{
    struct rc_bk_member *m;
    SLIST_FOREACH (m, &room->members, in_room)
        if (m->gateway == e)
            return m;
    return NULL;
}

static struct rc_bk_room *room_make(struct rc_broker *b, const struct rc_buf *key)
{
    struct rc_bk_room *room = rc_zalloc(sizeof *room + key->len);
    memcpy(room->key, key->data, key->len);
    room->len = (uint16_t)key->len;
    SLIST_INIT(&room->members);
    rc_index_put(&b->rooms[shard_of(key->data, key->len)], room);
    b->room_count++;
    return room;
}

bool rc_bk_join(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_buf *key)
{
    if (!key->len || key->len > RC_ROOM_MAX)
        return false;
    struct rc_bk_room *room = rc_bk_room_find(b, key);
    if (!room)
        room = room_make(b, key);
    if (member_of(room, e))
        return true;
    struct rc_bk_member *m = rc_zalloc(sizeof *m);
    m->room = room;
    m->gateway = e;
    SLIST_INSERT_HEAD(&room->members, m, in_room);
    TAILQ_INSERT_TAIL(&e->rooms, m, of_gateway);
    room->gateways++;
    b->memberships++;
    return true;
}

static void member_free(struct rc_broker *b, struct rc_bk_member *m)
{
    struct rc_bk_room *room = m->room;
    SLIST_REMOVE(&room->members, m, rc_bk_member, in_room);
    TAILQ_REMOVE(&m->gateway->rooms, m, of_gateway);
    free(m);
    b->memberships--;
    room->gateways--;
    (void)RC_HOLDS(&b->count.broken, NULL, RC_INV_ROOM, (room->gateways == 0) == SLIST_EMPTY(&room->members));
    if (room->gateways)
        return;
    rc_index_del(&b->rooms[shard_of(room->key, room->len)], room);
    b->room_count--;
    free(room);
}

void rc_bk_leave(struct rc_broker *b, struct rc_bk_gateway *e, const struct rc_buf *key)
{
    struct rc_bk_room *room = rc_bk_room_find(b, key);
    struct rc_bk_member *m = room ? member_of(room, e) : NULL;
    if (m)
        member_free(b, m);
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
    const struct rc_bk_room *r = find(b, room, len);
    if (!r)
        return 0;
    size_t i = 0;
    const struct rc_bk_member *m;
    SLIST_FOREACH (m, &r->members, in_room)
        if (out && i < max)
            snprintf(out[i++], RC_ID_MAX + 1, "%s", m->gateway->id);
    return r->gateways;
}
