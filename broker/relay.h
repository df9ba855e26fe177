/*
 * Relays between gateways (protocol.md 9): a broker passes their messages on and keeps nothing of them.
 *
 * Each message says where it goes; it leaves here saying where it came from. When a gateway's session ends, the other gateways are
 * told (RelayLost), since all streams over us with that gateway have ended with it. Belongs to the loop.
 */
#ifndef RC_BROKER_RELAY_H
#define RC_BROKER_RELAY_H

#include "broker/process_impl.h"

/* A Side that came from a gateway. Of relays: passed on, or answered by RelayClose when the gateway that it names has no session
 * here (closed_relay) or cannot take more (closed_busy). Others are ignored. */
void rc_broker_relay(struct rc_broker_process *b, struct rc_session *from, const struct rc_buf *side);

/* A gateway's session ended. */
void rc_broker_relay_lost(struct rc_broker_process *b, const struct rc_session *s);

#endif
