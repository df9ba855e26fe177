/*
 * The id of an Engine.IO session. It names the gateway and the worker that have the session, so that a request of it may reach any
 * gateway (P7); the rest is random, for it is all that a polling client proves itself with.
 *
 *   24 bytes, as 32 characters of base64url:   gateway 6 | worker 1 | slot 3 | random 14
 *
 * gateway: of the hash of its node id. slot: place in the worker's table. Pure.
 */
#ifndef RC_GATEWAY_SID_H
#define RC_GATEWAY_SID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_SID_LEN    32 /* characters */
#define RC_SID_SLOTS  (1u << 24)
#define RC_SID_RANDOM 14 /* bytes */

struct rc_sid {
    uint64_t gateway; /* 48 bits */
    uint8_t worker;
    uint32_t slot; /* below RC_SID_SLOTS */
    uint8_t random[RC_SID_RANDOM];
};

/* The 48 bits that stand for a node id. */
uint64_t rc_sid_gateway(const char *id);

void rc_sid_write(const struct rc_sid *sid, char text[RC_SID_LEN + 1]);
/* False: no id of ours. */
bool rc_sid_read(const char *text, size_t len, struct rc_sid *sid);

#endif
