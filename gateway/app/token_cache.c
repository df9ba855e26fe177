/* Verified tokens: a table of sets of four, by the SHA-256 of the token. */
#include "gateway/app/token_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4

struct entry {
    uint64_t used; /* turn of the last use; 0: free */
    uint8_t digest[RC_TOKEN_DIGEST];
    struct rc_claims claims;
};

struct rc_token_cache {
    pthread_mutex_t lock; /* guards what follows */
    uint64_t turn;        /* counts uses */
    size_t sets;          /* a power of two */
    struct entry entry[]; /* sets * WAYS */
};

struct rc_token_cache *rc_token_cache_new(size_t sets)
{
    struct rc_token_cache *cache = calloc(1, sizeof *cache + sets * WAYS * sizeof(struct entry));
    if (cache) {
        pthread_mutex_init(&cache->lock, NULL);
        cache->sets = sets;
    }
    return cache;
}

void rc_token_cache_free(struct rc_token_cache *cache)
{
    if (cache) {
        pthread_mutex_destroy(&cache->lock);
        free(cache);
    }
}

void rc_token_digest(const char *token, size_t len, uint8_t digest[RC_TOKEN_DIGEST])
{
    rc_sha256(token, len, digest);
}

static struct entry *set_of(struct rc_token_cache *cache, const uint8_t *digest)
{
    size_t n;
    memcpy(&n, digest, sizeof n);
    return &cache->entry[(n & (cache->sets - 1)) * WAYS];
}

/* The token's entry; else, with take, the one of its set that was not used for longest. */
static struct entry *find(struct rc_token_cache *cache, const uint8_t *digest, bool take)
{
    struct entry *set = set_of(cache, digest);
    struct entry *oldest = set;
    for (struct entry *e = set; e < set + WAYS; e++) {
        if (e->used && memcmp(e->digest, digest, RC_TOKEN_DIGEST) == 0) {
            return e;
        }
        oldest = e->used < oldest->used ? e : oldest;
    }
    return take ? oldest : NULL;
}

bool rc_token_cache_get(struct rc_token_cache *cache, const uint8_t digest[RC_TOKEN_DIGEST], struct rc_claims *out)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, digest, false);
    if (entry) {
        entry->used = ++cache->turn;
        *out = entry->claims;
    }
    pthread_mutex_unlock(&cache->lock);
    return entry != NULL;
}

void rc_token_cache_put(struct rc_token_cache *cache, const uint8_t digest[RC_TOKEN_DIGEST],
                        const struct rc_claims *claims)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, digest, true);
    entry->used = ++cache->turn;
    entry->claims = *claims;
    memcpy(entry->digest, digest, RC_TOKEN_DIGEST);
    pthread_mutex_unlock(&cache->lock);
}

void rc_token_cache_drop(struct rc_token_cache *cache, const uint8_t digest[RC_TOKEN_DIGEST])
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, digest, false);
    if (entry) {
        memset(entry, 0, sizeof *entry);
    }
    pthread_mutex_unlock(&cache->lock);
}
