/* The envelope of the message topic: AES-256-GCM under a key of its own for each broker incarnation. Pure; any
 * thread. */
#ifndef RC_LINK_SEAL_H
#define RC_LINK_SEAL_H

#include "secret.h"

#include <stdint.h>

#define RC_SEAL_KEY 32 /* bytes */
#define RC_SEAL_TAG 16 /* bytes that sealing adds */

/* HMAC-SHA256 under the secret over "topic", NUL, the broker's id, NUL, its incarnation in 8 bytes big-endian. */
void rc_seal_key(const struct rc_secret *secret, const char *broker, uint64_t inc, uint8_t key[RC_SEAL_KEY]);

/* Writes len + RC_SEAL_TAG bytes to out. A number must not be used twice with a key: it is the nonce. False: libcrypto
 * failed (memory). */
bool rc_seal(const uint8_t key[RC_SEAL_KEY], uint64_t number, const uint8_t *in, size_t len, uint8_t *out);
/* Writes len - RC_SEAL_TAG bytes to out. False: not sealed with this key and number; out is then not to be used. */
bool rc_unseal(const uint8_t key[RC_SEAL_KEY], uint64_t number, const uint8_t *in, size_t len, uint8_t *out);

#endif
