/* The rooms of a worker. */
#include "gateway/sio/room_set.h"

#include "cluster/mem.h"

void rc_room_set_init(struct rc_room_set *set, uint64_t seed)
{
    rc_map_init(&set->rooms, seed);
}

void rc_room_set_fini(struct rc_room_set *set)
{
    rc_map_fini(&set->rooms);
}

struct rc_room *rc_room_set_find(const struct rc_room_set *set, const struct rc_buf *key)
{
    return rc_map_get(&set->rooms, key->data, key->len);
}

bool rc_occupant_in(const struct rc_occupant *who, const struct rc_room *room)
{
    for (unsigned i = 0; i < who->n; i++) {
        if (who->seat[i].room == room)
            return true;
    }
    return false;
}

static struct rc_room *room_of(struct rc_room_set *set, struct rc_buf *key)
{
    struct rc_map_entry *entry = rc_map_put(&set->rooms, key->data, key->len);
    struct rc_room *room = entry->value;
    if (!room) {
        room = rc_zalloc(sizeof(*room));
        room->key = rc_buf_hold(key);
        entry->value = room;
    }
    return room;
}

static uint32_t sit_down(struct rc_room *room, struct rc_occupant *who)
{
    if (room->n == room->space) {
        uint32_t space = room->space ? room->space * 2 : 1;
        struct rc_occupant **grown = rc_zarray(space, sizeof(struct rc_occupant *));
        for (uint32_t i = 0; i < room->n; i++)
            grown[i] = room->occupant[i];
        free(room->occupant);
        room->occupant = grown;
        room->space = space;
    }
    room->occupant[room->n] = who;
    return room->n++;
}

void rc_room_set_enter(struct rc_room_set *set, struct rc_occupant *who, struct rc_buf *const *room, unsigned n)
{
    who->seat = n ? rc_zarray(n, sizeof(*who->seat)) : NULL;
    for (unsigned i = 0; i < n; i++) {
        struct rc_room *r = room_of(set, room[i]);
        if (rc_occupant_in(who, r))
            continue;
        who->seat[who->n].index = sit_down(r, who);
        who->seat[who->n++].room = r;
    }
}

/* The last occupant takes the seat that becomes free. */
static void stand_up(struct rc_room_set *set, struct rc_seat *seat)
{
    struct rc_room *room = seat->room;
    struct rc_occupant *last = room->occupant[--room->n];
    room->occupant[seat->index] = last;
    for (unsigned i = 0; i < last->n; i++) {
        if (last->seat[i].room == room)
            last->seat[i].index = seat->index;
    }
    if (room->n)
        return;
    rc_map_del(&set->rooms, room->key->data, room->key->len);
    rc_buf_rele(room->key);
    free(room->occupant);
    free(room);
}

void rc_room_set_leave(struct rc_room_set *set, struct rc_occupant *who)
{
    for (unsigned i = 0; i < who->n; i++)
        stand_up(set, &who->seat[i]);
    free(who->seat);
    *who = (struct rc_occupant){0};
}
