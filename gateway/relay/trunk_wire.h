/* Messages of relays as packed Sides (proto/roomcast.proto). Believes nothing of what comes. Pure. */
#ifndef RC_GATEWAY_TRUNK_WIRE_H
#define RC_GATEWAY_TRUNK_WIRE_H

#include "cluster/types.h"
#include "gateway/relay/relay.h"

#define RC_TRUNK_SIDE_MAX (RC_RELAY_WINDOW + 1024) /* bytes of a packed message */

struct rc_trunk_address {
    char gateway[RC_ID_MAX + 1]; /* where it goes, or comes from */
    uint64_t inc;
    uint64_t wire;   /* number of the stream at the edge; 0: it is of no stream */
    bool from_home;  /* the sender is the home */
    uint64_t lane;   /* id of the lane */
    uint64_t number; /* of this message in the lane; WAY: all up to this one are not kept any more, GOT: 0 */
    uint64_t got;    /* the sender got all up to this number */
};

/* NULL: memory is short. */
struct rc_buf *rc_trunk_pack(const struct rc_trunk_address *to, const struct rc_relay *relay);
struct rc_buf *rc_trunk_pack_way(const struct rc_trunk_address *to, uint64_t way, bool unknown);
struct rc_buf *rc_trunk_pack_got(const struct rc_trunk_address *to);

enum rc_trunk_what {
    RC_TRUNK_OTHER, /* no relay's message, or one that does not even say of which lane it is */
    RC_TRUNK_RELAY, /* from and relay are set, but for relay->stream; relay->data is a reference for the caller */
    RC_TRUNK_BROKEN, /* from is set: a part of this stream cannot be taken (above a limit, no session id, memory is short), so the
                        stream has a gap and must end */
    RC_TRUNK_WAY,  /* from, way and unknown are set */
    RC_TRUNK_GOT,  /* from is set */
    RC_TRUNK_LOST, /* from.gateway is set: the sending broker has no session with it any more */
};

struct rc_trunk_side {
    enum rc_trunk_what what;
    struct rc_trunk_address from;
    struct rc_relay relay;
    uint64_t way;
    bool unknown; /* this lane is not there (any more) */
};
void rc_trunk_unpack(const struct rc_buf *bytes, struct rc_trunk_side *side);

#endif
