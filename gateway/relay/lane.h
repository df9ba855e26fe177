/*
 * A lane: one order of messages between two gateways, over whatever broker (protocol.md 9). Each message has a number and is kept
 * until the other end says that it got it, so that nothing is lost, doubled or reordered when the lane moves to another broker: there
 * it begins again behind what the other end got. Streams stay on their lane for life.
 *
 * The edge of its streams made it and says which broker it goes over (lanes.h). Pure; one thread.
 */
#ifndef RC_GATEWAY_LANE_H
#define RC_GATEWAY_LANE_H

#include "cluster/session.h"
#include "gateway/relay/trunk_wire.h"

struct rc_lane {
    TAILQ_ENTRY(rc_lane) link; /* in the lanes' list of those with something to send, valid with `pending` */
    bool pending;
    bool is_edge; /* we made it */
    bool settled; /* both ends know the way, and what the other one got: messages go out */
    bool hurry;   /* edge: the way was just lost; do not wait for the tick to find another */
    bool dead;    /* home: its streams have ended; kept for a while, so that it cannot begin a second time */
    char gateway[RC_ID_MAX + 1]; /* the other end */
    uint64_t inc;
    uint64_t id; /* unique in the edge's incarnation; its place (id % RC_BROKERS_MAX) is the broker that it prefers */
    struct rc_session *via; /* NULL: no way */
    uint64_t way;           /* number of the way; higher is newer */
    rc_time since; /* settled: when the other end last got something; else when the way was lost, or when it died */
    rc_time asked; /* edge, not settled: when the last way was tried */
    const struct rc_session *shunned; /* edge: the broker that was lost last, or did not lead there; NULL: none */
    rc_time shunned_at;
    size_t streams; /* on it; the trunk counts */

    struct rc_buf *
        *ring; /* kept: len packed Sides from head, cap is 0 or a power of two; they hold acked + 1 and what follows */
    size_t cap, head, len;
    size_t sent;    /* of these, over this way */
    uint64_t acked; /* highest number that the other end got */
    size_t *kept;   /* bytes kept by all lanes */

    uint64_t got;  /* highest number that came, all before it too */
    size_t untold; /* bytes that came since the other end was told `got` */
};

/* Where a message of this lane goes to; number is that of the last one kept, or 0. */
struct rc_trunk_address rc_lane_address(const struct rc_lane *lane, uint64_t wire, uint64_t number);

/* Numbers a message and keeps it, to be sent. False: memory is short, or it is above RC_TRUNK_SIDE_MAX; nothing was kept. */
bool rc_lane_keep(struct rc_lane *lane, uint64_t wire, const struct rc_relay *relay, rc_time now);
/* The next that is to be sent, a reference for the caller; NULL: none. */
struct rc_buf *rc_lane_next(struct rc_lane *lane);
/* All that is kept is to be sent again. */
void rc_lane_rewind(struct rc_lane *lane);
/* The other end got all up to this number: it is kept no more. False: so much was never sent. */
bool rc_lane_acked(struct rc_lane *lane, uint64_t got, rc_time now);

/* A message of this number came. True: it is the next in order, take it; false: it came before, or one before it is missing. */
bool rc_lane_take(struct rc_lane *lane, uint64_t number, size_t len);

/* Nothing is kept any more. */
void rc_lane_clear(struct rc_lane *lane);

#endif
