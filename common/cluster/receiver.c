/* D1: the highest number per (origin, incarnation, room); what is not above it was delivered before. */
#include "cluster/gateway_impl.h"
#include "cluster/mem.h"

#include <string.h>

struct rc_receiver_entry {
    TAILQ_ENTRY(rc_receiver_entry) link;
    struct rc_map_entry *at; /* its key */
    uint64_t seq;
    rc_time used;
};

void rc_receiver_init(struct rc_receiver *r, uint64_t seed)
{
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
    struct rc_map_entry *at = rc_map_put(&r->map, key, key_of(msg, key));
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
