/*
 * Which sockets of a worker are in which room: rooms appear with their first member and vanish with their
 * last. Pure; one thread.
 */
#ifndef RC_GATEWAY_ROOM_SET_H
#define RC_GATEWAY_ROOM_SET_H

#include "cluster/buf.h"
#include "cluster/index.h"

struct rc_occupant;

struct rc_room {
    struct rc_buf *key;
    uint32_t n, space; /* space: of many; 0: there is one occupant at most, in one */
    union {
        struct rc_occupant *one;
        struct rc_occupant **many; /* n of them, in no order */
    };
};

/* Embedded in a socket: the rooms that it is in. Zeroed: none. */
struct rc_seat {
    struct rc_room *room;
    uint32_t index; /* its place among the room's occupants */
};
struct rc_occupant {
    unsigned n;
    union {
        struct rc_seat one;
        struct rc_seat *many; /* heap, when n > 1 */
    };
};

struct rc_room_set {
    struct rc_index rooms; /* struct rc_room by key */
};

void rc_room_set_init(struct rc_room_set *set, uint64_t seed);
/* All occupants must have left. */
void rc_room_set_fini(struct rc_room_set *set);

/* Puts a zeroed occupant into rooms; a room named twice counts once. Aborts when memory is short. */
void rc_room_set_enter(struct rc_room_set *set, struct rc_occupant *who, struct rc_buf *const *room, unsigned n);
/* Out of all rooms; who is zeroed again. */
void rc_room_set_leave(struct rc_room_set *set, struct rc_occupant *who);

/* NULL: nobody is in it. */
struct rc_room *rc_room_set_find(const struct rc_room_set *set, const struct rc_buf *key);
/* The room's occupants: rc_room_occupants(room)[0] to [n - 1]. */
struct rc_occupant *const *rc_room_occupants(const struct rc_room *room);
bool rc_occupant_in(const struct rc_occupant *who, const struct rc_room *room);

#endif
