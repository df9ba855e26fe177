/*
 * Sessions that carry RC_OP_SIDE and nothing else, between gateways and persisters: queries of history and their
 * answers need the link's handshake, order and heartbeats, but no part of the core.
 *
 * They live by the same rules as all sessions (protocol.md S3 to S6): batches without gaps, heartbeats, an end when
 * nothing was heard for S. As in cluster/node.h, a session is freed here, after rc_aside_down or after world.end was
 * called for it. One thread, the loop's.
 */
#ifndef RC_ASIDE_H
#define RC_ASIDE_H

#include "cluster/node.h"

#define RC_ASIDE_MAX 4096 /* sessions */
/* Bytes unsent or unacknowledged of one session; beyond it the session ends. */
#define RC_ASIDE_BOUND (32u << 20)

struct rc_aside;

/* inc: our incarnation. world and times are copied. */
struct rc_aside *rc_aside_new(uint64_t inc, const struct rc_times *times, const struct rc_world *world);
void rc_aside_free(struct rc_aside *aside); /* with its sessions, without calling `end`; accepts NULL */

/* Later sessions say this incarnation. */
void rc_aside_set_inc(struct rc_aside *aside, uint64_t inc);

/* A peer proved itself; an older session of the same node ends. NULL: RC_ASIDE_MAX are open. */
struct rc_session *rc_aside_up(struct rc_aside *aside, const struct rc_peer *peer, uint64_t session);
void rc_aside_down(struct rc_aside *aside, struct rc_session *s);
/* Ends a session from our side. */
void rc_aside_end(struct rc_aside *aside, struct rc_session *s, enum rc_end why);
void rc_aside_take(struct rc_aside *aside, struct rc_session *s, size_t max_bytes, struct rc_batch *batch);
/* False: the session has ended and is freed. */
bool rc_aside_receive(struct rc_aside *aside, struct rc_session *s, const struct rc_batch *batch);
/* Heartbeats and ends: every 50 ms. */
void rc_aside_tick(struct rc_aside *aside);

/* The open session whose peer is the best for this name by rendezvous hashing, NULL when there is none: every node picks
 * the same peer for the same name, and names are spread evenly. */
struct rc_session *rc_aside_pick(const struct rc_aside *aside, const void *name, size_t len);
/* The open session with this node, NULL when there is none. */
struct rc_session *rc_aside_of(struct rc_aside *aside, const char *id);
/* The open session of this number, NULL if it ended. */
struct rc_session *rc_aside_find(struct rc_aside *aside, uint64_t session);
size_t rc_aside_count(const struct rc_aside *aside);

#endif
