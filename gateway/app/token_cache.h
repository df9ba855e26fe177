/*
 * Verified tokens by the SHA-256 of their text, so that a reconnect storm does not verify each token again.
 * Bounded: a table of sets of four, the least recently used of a full set goes. A hit says that the signature
 * was good; the caller checks the times again, every time.
 *
 * One cache for all workers, behind a mutex that is held for a look-up only (the hash is made outside): a
 * user's tabs come back on any worker, so one cache per worker would verify each token once per core.
 */
#ifndef RC_GATEWAY_TOKEN_CACHE_H
#define RC_GATEWAY_TOKEN_CACHE_H

#include "digest.h"
#include "gateway/app/jwt.h"

#define RC_TOKEN_DIGEST RC_SHA256

struct rc_token_cache;

/* sets: a power of two; the cache holds 4 * sets tokens of about 250 bytes each. NULL: no memory. */
struct rc_token_cache *rc_token_cache_new(size_t sets);
void rc_token_cache_free(struct rc_token_cache *cache);

void rc_token_digest(const char *token, size_t len, uint8_t digest[RC_TOKEN_DIGEST]);

/* False: not held. Any thread, as the two below. */
bool rc_token_cache_get(struct rc_token_cache *cache, const uint8_t digest[RC_TOKEN_DIGEST], struct rc_claims *out);
void rc_token_cache_put(struct rc_token_cache *cache, const uint8_t digest[RC_TOKEN_DIGEST],
                        const struct rc_claims *claims);
/* Forgets a token, as when it has expired. */
void rc_token_cache_drop(struct rc_token_cache *cache, const uint8_t digest[RC_TOKEN_DIGEST]);

#endif
