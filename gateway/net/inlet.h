/* Input of a stream that its user has not used yet: what net.c and the relay's guests keep between two readings. */
#ifndef RC_GATEWAY_INLET_H
#define RC_GATEWAY_INLET_H

#include "gateway/net/stream.h"

struct rc_inlet { /* zeroed: empty */
    uint8_t *kept;
    uint32_t len;
};

/* Shows bytes to the stream's user, also to one that takes over in between, and keeps what is left; they may be the kept ones
 * themselves. Returns how many were used. Closes the stream when memory is short. */
size_t rc_inlet_feed(struct rc_inlet *inlet, struct rc_stream *stream, uint8_t *data, size_t len);

/* Shows what was kept once more. Returns how many bytes were used. */
size_t rc_inlet_again(struct rc_inlet *inlet, struct rc_stream *stream);

/* Puts bytes before those kept, for whoever reads next. False: memory is short, nothing changed. */
bool rc_inlet_unread(struct rc_inlet *inlet, const void *data, size_t len);

/* Puts bytes behind those kept. False: memory is short, nothing changed. */
bool rc_inlet_append(struct rc_inlet *inlet, const void *data, size_t len);

void rc_inlet_clear(struct rc_inlet *inlet);

#endif
