/* Digests by libcrypto, which looks an algorithm up by its name, behind locks, whenever it was not fetched before: here each is
 * fetched once. Any thread; the process aborts if libcrypto has none, or no memory for a few hundred bytes. */
#ifndef RC_DIGEST_H
#define RC_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define RC_SHA1   20 /* bytes */
#define RC_SHA256 32

void rc_sha1(const void *data, size_t len, uint8_t out[RC_SHA1]);
void rc_sha256(const void *data, size_t len, uint8_t out[RC_SHA256]);

#endif
