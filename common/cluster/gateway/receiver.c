/* D1: the highest number per (origin, incarnation, room); what is not above it was delivered before. */
#include "cluster/gateway/gateway_impl.h"
#include "cluster/mem.h"

#include <string.h>

struct rc_receiver_entry {
    TAILQ_ENTRY(rc_receiver_entry) link;
    struct rc_map_entry *at; /* its key */
    uint64_t seq;
    rc_time used;
};

void rc_receiver_init(struct rc_receiver *r, uint64_t seed, size_t max, rc_time idle)
{
    *r = (struct rc_receiver){.max = max, .idle = idle};
    rc_map_init(&r->map, seed);
    TAILQ_INIT(&r->used);
}

static void drop(struct rc_receiver *r, struct rc_receiver_entry *e)
{
    TAILQ_REMOVE(&r->used, e, link);
    rc_map_del(&r->map, e->at->key, e->at->len);
    free(e);
}

void rc_receiver_fini(struct rc_receiver *r)
{
    struct rc_receiver_entry *e;
    while ((e = TAILQ_FIRST(&r->used)))
        drop(r, e);
    rc_map_fini(&r->map);
}

/* Makes room for one more by the least recently used, unless a copy of what it was made for may still come. */
static bool make_room(struct rc_receiver *r, rc_time now)
{
    while (r->map.count >= r->max) {
        struct rc_receiver_entry *e = TAILQ_FIRST(&r->used);
        if (!e || now - e->used <= r->idle)
            return false;
        drop(r, e);
        r->evicted++;
    }
    return true;
}

bool rc_receiver_full(struct rc_receiver *r, rc_time now)
{
    return !make_room(r, now);
}

/* Origin, zero byte, incarnation, room. */
static size_t key_of(const struct rc_msg *msg, uint8_t *key)
{
    size_t len = strlen(msg->origin) + 1;
    memcpy(key, msg->origin, len);
    memcpy(key + len, &msg->origin_inc, sizeof msg->origin_inc);
    len += sizeof msg->origin_inc;
    memcpy(key + len, msg->room->data, msg->room->len);
    return len + msg->room->len;
}

bool rc_receiver_note(struct rc_receiver *r, const struct rc_msg *msg, rc_time now)
{
    uint8_t key[RC_ID_MAX + 1 + sizeof(uint64_t) + RC_ROOM_MAX];
    size_t len = key_of(msg, key);
    if (r->map.count >= r->max && !rc_map_get(&r->map, key, len))
        make_room(r, now); /* or it grows: a delivery is never refused */
    struct rc_map_entry *at = rc_map_put(&r->map, key, len);
    struct rc_receiver_entry *e = at->value;
    if (e) {
        TAILQ_REMOVE(&r->used, e, link);
    } else {
        e = at->value = rc_zalloc(sizeof *e);
        e->at = at;
    }
    e->used = now;
    TAILQ_INSERT_TAIL(&r->used, e, link);
    if (msg->seq <= e->seq)
        return false;
    e->seq = msg->seq;
    return true;
}

void rc_receiver_forget(struct rc_receiver *r, rc_time before)
{
    struct rc_receiver_entry *e;
    while ((e = TAILQ_FIRST(&r->used)) && e->used < before)
        drop(r, e);
}
