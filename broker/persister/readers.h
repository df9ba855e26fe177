/*
 * The sessions of gateways at a persister: they carry queries of history and their answers, and nothing of the core.
 *
 * They live by the same rules as all sessions (protocol.md S3 to S6): batches without gaps, heartbeats, an end when nothing was
 * heard for S. As in cluster/node.h, a session is freed here, after rc_readers_down or after world.end was called for it.
 * One thread, the loop's.
 */
#ifndef RC_PERSISTER_READERS_H
#define RC_PERSISTER_READERS_H

#include "cluster/node.h"

#define RC_READERS_MAX 4096 /* sessions */
#define RC_READERS_BOUND                                                                                               \
    (32u * 1024u * 1024u) /* bytes unsent or unacknowledged of one session; beyond it the session ends */

struct rc_readers;

/* inc: our incarnation. world and times are copied. */
struct rc_readers *rc_readers_new(uint64_t inc, const struct rc_times *times, const struct rc_world *world);
void rc_readers_free(struct rc_readers *readers); /* with its sessions, without calling `end`; accepts NULL */

/* Later sessions say this incarnation. */
void rc_readers_set_inc(struct rc_readers *readers, uint64_t inc);

/* A gateway proved itself; an older session of the same gateway ends. NULL: not a gateway, or RC_READERS_MAX are open. */
struct rc_session *rc_readers_up(struct rc_readers *readers, const struct rc_peer *gateway, uint64_t session);
void rc_readers_down(struct rc_readers *readers, struct rc_session *s);
/* Ends a session from our side. */
void rc_readers_end(struct rc_readers *readers, struct rc_session *s, enum rc_end why);
void rc_readers_take(struct rc_readers *readers, struct rc_session *s, size_t max_bytes, struct rc_batch *batch);
/* False: the session has ended and is freed. */
bool rc_readers_receive(struct rc_readers *readers, struct rc_session *s, const struct rc_batch *batch);
/* Heartbeats and ends: every 50 ms. */
void rc_readers_tick(struct rc_readers *readers);

/* The open session of this number, NULL if it ended. */
struct rc_session *rc_readers_find(struct rc_readers *readers, uint64_t session);
size_t rc_readers_count(const struct rc_readers *readers);

#endif
