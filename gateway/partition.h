/*
 * Hot rooms (docs/decisions/0008-hot-rooms.md): a room that many write to is RC_PARTITIONS rooms for the core, so that several
 * brokers carry it. Only the link loop knows; workers and the application see one room.
 *
 *   CONNECT in  /,admins                -->  JOIN of /,admins/0 ... /,admins/3: all, whatever the configuration says
 *   EMIT    to  /,admins  by socket 7   -->  EMIT to /,admins/2: always the same one for a socket, so its order stays
 *   DELIVER to  /,admins  <--                DELIVER to /,admins/2
 *
 * Shared rooms are partitioned: those whose name, behind the first comma of the key, has no colon. A room that belongs to
 * somebody (`/,user:ana`) goes through unchanged, so a name that a client chose never becomes a partition, nor the other way
 * round. Pure; the functions abort when memory is short. References that they replace are released, those that they leave are
 * the caller's.
 */
#ifndef RC_GATEWAY_PARTITION_H
#define RC_GATEWAY_PARTITION_H

#include "cluster/gateway.h"

/* The same at every gateway of a cluster, or messages are lost: another number needs another Hello.version. */
#define RC_PARTITIONS          4
#define RC_PARTITION_NAME_MAX  64 /* bytes of a room's name in rooms.partitions */
#define RC_PARTITION_RULES_MAX 16

/* Over how many of its partitions this gateway's sockets write to a room; may differ between gateways. */
struct rc_partition_rule {
    char name[RC_PARTITION_NAME_MAX + 1];
    unsigned count; /* 1 to RC_PARTITIONS */
};
struct rc_partitions {
    unsigned n; /* rooms without a rule: 1 */
    struct rc_partition_rule rule[RC_PARTITION_RULES_MAX];
};

/* Reads the option: "admins=4,ventas=2", or "". False: why (in size bytes) says what is wrong and what would be right. */
bool rc_partitions_parse(struct rc_partitions *p, const char *list, char *why, size_t size);

/* Puts the partitions in the place of shared rooms; room has space for RC_SOCKET_ROOMS_MAX. Returns how many there are
 * then; 0: they would be more, nothing has changed. */
unsigned rc_partition_join(struct rc_buf **room, unsigned n);

/* Puts the partition of its socket in the place of each shared room of the emit. */
void rc_partition_emit(const struct rc_partitions *p, struct rc_emit *emit);

/* A copy of a delivered message, held for the caller, with the rooms that workers know in `room` and `except`. */
struct rc_msg rc_partition_whole(const struct rc_msg *msg);

#endif
