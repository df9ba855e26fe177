/* Messages of relays as packed Sides (proto/roomcast.proto). Believes nothing of what comes. Pure. */
#ifndef RC_GATEWAY_TRUNK_WIRE_H
#define RC_GATEWAY_TRUNK_WIRE_H

#include "cluster/types.h"
#include "gateway/relay/relay.h"

struct rc_trunk_address {
    char gateway[RC_ID_MAX + 1]; /* where it goes, or comes from */
    uint64_t inc;
    uint64_t wire;  /* number of the stream at the edge */
    bool from_home; /* the sender is the home */
};

/* NULL: memory is short. */
struct rc_buf *rc_trunk_pack(const struct rc_trunk_address *to, const struct rc_relay *relay);

enum rc_trunk_side {
    RC_TRUNK_OTHER, /* no relay's message, or a broken one (its stream ends by its own silence) */
    RC_TRUNK_RELAY, /* from and relay are set, but for relay->stream; relay->data is a reference for the caller */
    RC_TRUNK_LOST,  /* from->gateway is set: the sending broker has no session with it any more */
};
enum rc_trunk_side rc_trunk_unpack(const struct rc_buf *side, struct rc_trunk_address *from, struct rc_relay *relay);

#endif
