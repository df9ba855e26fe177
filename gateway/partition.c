/* From rooms to their partitions and back. */
#include "gateway/partition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(RC_PARTITIONS <= 10, "a partition's number is one digit");
_Static_assert(1 + RC_PARTITIONS <= RC_SOCKET_ROOMS_MAX, "an admin's socket: its own room, and a shared one");

#define SUFFIX 2 /* bytes: slash and number */

/* The name in a key, behind the namespace; NULL: not a shared room. Namespaces have no comma. */
static const char *shared_name(const struct rc_buf *key, size_t *len)
{
    const char *text = (const char *)key->data, *comma = memchr(text, ',', key->len);
    if (!comma)
        return NULL;
    *len = (size_t)(text + key->len - comma - 1);
    return *len && !memchr(comma + 1, ':', *len) ? comma + 1 : NULL;
}

static struct rc_buf *new_key(size_t len)
{
    struct rc_buf *key = rc_buf_new(len);
    if (!key) {
        fputs("roomcast: out of memory\n", stderr);
        abort();
    }
    return key;
}

static struct rc_buf *partition_of(const struct rc_buf *room, unsigned number)
{
    struct rc_buf *key = new_key(room->len + SUFFIX);
    memcpy(key->data, room->data, room->len);
    key->data[room->len] = '/';
    key->data[room->len + 1] = (uint8_t)('0' + number);
    return key;
}

/* Held for the caller; NULL stays NULL. */
static struct rc_buf *whole_of(struct rc_buf *key)
{
    size_t len;
    const char *name = key ? shared_name(key, &len) : NULL;
    if (!name || len <= SUFFIX || name[len - SUFFIX] != '/')
        return rc_buf_hold(key);
    struct rc_buf *room = new_key(key->len - SUFFIX);
    memcpy(room->data, key->data, room->len);
    return room;
}

unsigned rc_partition_join(struct rc_buf **room, unsigned n)
{
    struct rc_buf *all[RC_SOCKET_ROOMS_MAX];
    size_t len;
    unsigned total = 0;
    for (unsigned i = 0; i < n; i++)
        total += shared_name(room[i], &len) ? RC_PARTITIONS : 1;
    if (total > RC_SOCKET_ROOMS_MAX)
        return 0;
    total = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!shared_name(room[i], &len)) {
            all[total++] = room[i];
            continue;
        }
        for (unsigned number = 0; number < RC_PARTITIONS; number++)
            all[total++] = partition_of(room[i], number);
        rc_buf_rele(room[i]);
    }
    memcpy(room, all, total * sizeof all[0]);
    return total;
}

static unsigned count_of(const struct rc_partitions *p, const char *name, size_t len)
{
    for (unsigned i = 0; i < p->n; i++)
        if (strlen(p->rule[i].name) == len && memcmp(p->rule[i].name, name, len) == 0)
            return p->rule[i].count;
    return 1;
}

/* Sockets of one client have neighbouring numbers: mixed, so that what they do alike does not meet in one partition. */
static uint64_t mix(uint64_t socket)
{
    socket = (socket ^ socket >> 33) * 0xff51afd7ed558ccd;
    socket = (socket ^ socket >> 33) * 0xc4ceb9fe1a85ec53;
    return socket ^ socket >> 33;
}

void rc_partition_emit(const struct rc_partitions *p, struct rc_emit *emit)
{
    for (uint32_t i = 0; i < emit->n; i++) {
        size_t len;
        struct rc_buf *room = emit->room[i];
        const char *name = shared_name(room, &len);
        if (!name)
            continue;
        emit->room[i] = partition_of(room, (unsigned)(mix(emit->socket) % count_of(p, name, len)));
        rc_buf_rele(room);
    }
}

struct rc_msg rc_partition_whole(const struct rc_msg *msg)
{
    struct rc_msg whole = *msg;
    whole.room = whole_of(msg->room);
    whole.except = whole_of(msg->except);
    rc_buf_hold(whole.payload);
    return whole;
}
