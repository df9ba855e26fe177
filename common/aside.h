/*
 * Sessions that carry RC_OP_SIDE and nothing else, between gateways and persisters: history needs the link's handshake, order
 * and heartbeats, but no part of the core. The calls mirror those of the cores (cluster/node.h), for link/host.h. One thread.
 */
#ifndef RC_ASIDE_H
#define RC_ASIDE_H

#include "cluster/node.h"

TAILQ_HEAD(rc_aside_sessions, rc_session);

struct rc_aside {
    struct rc_world world;
    struct rc_times times;
    uint64_t inc;                      /* of this node */
    struct rc_aside_sessions sessions; /* open ones */
};

void rc_aside_init(struct rc_aside *a, const struct rc_world *world, const struct rc_times *times, uint64_t inc);
/* Frees what is left, without callbacks. */
void rc_aside_fini(struct rc_aside *a);

/* An older session with the same node is ended. */
struct rc_session *rc_aside_up(struct rc_aside *a, const struct rc_peer *peer, uint64_t session);
void rc_aside_down(struct rc_aside *a, struct rc_session *s);
void rc_aside_take(struct rc_aside *a, struct rc_session *s, size_t max_bytes, struct rc_batch *batch);
/* False: the batch was out of order or carried something else; the session was ended. */
bool rc_aside_receive(struct rc_aside *a, struct rc_session *s, const struct rc_batch *batch);
/* Heartbeats, and the end of the silent. Every times.tick. */
void rc_aside_tick(struct rc_aside *a);
/* NULL: no session with this node. */
struct rc_session *rc_aside_find(const struct rc_aside *a, const char *id);

#endif
