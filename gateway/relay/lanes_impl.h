/*
 * Inside of the lanes.
 *
 *   lanes.c   which there are, what goes out and comes in
 *   ways.c    which broker each goes over
 */
#ifndef RC_GATEWAY_LANES_IMPL_H
#define RC_GATEWAY_LANES_IMPL_H

#include "gateway/relay/lanes.h"

/* lanes.c */
/* The lane of this message; NULL: not here. */
struct rc_lane *rc_lanes_find(const struct rc_lanes *lanes, const struct rc_trunk_address *from);
/* The one in the place of that lane. */
struct rc_lane *rc_lanes_at(const struct rc_lanes *lanes, const char *gateway, uint64_t id, bool is_edge);
/* NULL: there are too many. */
struct rc_lane *rc_lanes_add(struct rc_lanes *lanes, const char *gateway, uint64_t inc, uint64_t id, bool is_edge);
/* Its streams are over. An edge's lane is freed, a home's stays dead. */
void rc_lanes_kill(struct rc_lanes *lanes, struct rc_lane *lane, enum rc_close why);
void rc_lanes_free(struct rc_lanes *lanes, struct rc_lane *lane);
/* Both ends know the way: what is kept goes out. */
void rc_lanes_settle(struct rc_lanes *lanes, struct rc_lane *lane);
bool rc_lanes_full(const struct rc_session *s);
void rc_lanes_tell(struct rc_lanes *lanes, struct rc_session *s, struct rc_buf *side); /* NULL: memory is short */

/* ways.c */
/* Ways for those that just lost theirs. */
void rc_ways_hurry(struct rc_lanes *lanes);
/* Its time of a tick; may end it. */
void rc_ways_tick(struct rc_lanes *lanes, struct rc_lane *lane);

#endif
