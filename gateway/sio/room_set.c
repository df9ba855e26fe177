/* The rooms of a worker. */
#include "gateway/sio/room_set.h"

#include "cluster/mem.h"

static const void *room_key(const void *room, size_t *len)
{
    const struct rc_buf *key = ((const struct rc_room *)room)->key;
    *len = key->len;
    return key->data;
}

void rc_room_set_init(struct rc_room_set *set, uint64_t seed)
{
    rc_index_init(&set->rooms, room_key, seed);
}

void rc_room_set_fini(struct rc_room_set *set)
{
    rc_index_fini(&set->rooms);
}

struct rc_room *rc_room_set_find(const struct rc_room_set *set, const struct rc_buf *key)
{
    return rc_index_get(&set->rooms, key->data, key->len);
}

static struct rc_occupant **places(struct rc_room *room)
{
    return room->space ? room->many : &room->one;
}

struct rc_occupant *const *rc_room_occupants(const struct rc_room *room)
{
    return room->space ? room->many : &room->one;
}

static struct rc_seat *seats(struct rc_occupant *who)
{
    return who->n > 1 ? who->many : &who->one;
}

bool rc_occupant_in(const struct rc_occupant *who, const struct rc_room *room)
{
    const struct rc_seat *seat = who->n > 1 ? who->many : &who->one;
    for (unsigned i = 0; i < who->n; i++) {
        if (seat[i].room == room)
            return true;
    }
    return false;
}

static struct rc_room *room_of(struct rc_room_set *set, struct rc_buf *key)
{
    struct rc_room *room = rc_room_set_find(set, key);
    if (!room) {
        room = rc_zalloc(sizeof(*room));
        room->key = rc_buf_hold(key);
        rc_index_put(&set->rooms, room);
    }
    return room;
}

static void make_room(struct rc_room *room)
{
    uint32_t space = room->space ? room->space * 2 : 4;
    struct rc_occupant **many = rc_zarray(space, sizeof(struct rc_occupant *));
    for (uint32_t i = 0; i < room->n; i++)
        many[i] = places(room)[i];
    if (room->space)
        free(room->many);
    room->many = many;
    room->space = space;
}

static uint32_t sit_down(struct rc_room *room, struct rc_occupant *who)
{
    if (room->n == (room->space ? room->space : 1))
        make_room(room);
    places(room)[room->n] = who;
    return room->n++;
}

/* The rooms, each once; returns how many. */
static unsigned find_rooms(struct rc_room_set *set, struct rc_buf *const *key, unsigned n, struct rc_room **room)
{
    unsigned found = 0;
    for (unsigned i = 0; i < n; i++) {
        struct rc_room *r = room_of(set, key[i]);
        unsigned k = 0;
        while (k < found && room[k] != r)
            k++;
        if (k == found)
            room[found++] = r;
    }
    return found;
}

void rc_room_set_enter(struct rc_room_set *set, struct rc_occupant *who, struct rc_buf *const *key, unsigned n)
{
    struct rc_room **room = rc_zarray(n ? n : 1, sizeof(struct rc_room *));
    who->n = find_rooms(set, key, n, room);
    if (who->n > 1)
        who->many = rc_zarray(who->n, sizeof(*who->many));
    for (unsigned i = 0; i < who->n; i++)
        seats(who)[i] = (struct rc_seat){room[i], sit_down(room[i], who)};
    free(room);
}

/* The last occupant takes the seat that becomes free. */
static void stand_up(struct rc_room_set *set, const struct rc_seat *seat)
{
    struct rc_room *room = seat->room;
    struct rc_occupant *last = places(room)[--room->n];
    places(room)[seat->index] = last;
    for (unsigned i = 0; i < last->n; i++) {
        if (seats(last)[i].room == room)
            seats(last)[i].index = seat->index;
    }
    if (room->n)
        return;
    rc_index_del(&set->rooms, room);
    rc_buf_rele(room->key);
    if (room->space)
        free(room->many);
    free(room);
}

void rc_room_set_leave(struct rc_room_set *set, struct rc_occupant *who)
{
    for (unsigned i = 0; i < who->n; i++)
        stand_up(set, &seats(who)[i]);
    if (who->n > 1)
        free(who->many);
    *who = (struct rc_occupant){0};
}
