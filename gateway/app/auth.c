/* Who is asking: Cookie header -> token -> claims. */
#include "gateway/app/auth.h"

#include "gateway/app/cookie.h"
#include "gateway/app/token_cache.h"
#include "log.h"

#include <stdlib.h>

#define COOKIE     "token"
#define CACHE_SETS 1024 /* 4096 tokens, 1 MB */

struct rc_auth {
    const struct rc_jwt *jwt; /* caller's */
    struct rc_token_cache *cache;
};

const char *rc_auth_text(enum rc_auth_result result)
{
    switch (result) {
    case RC_AUTH_NO_COOKIE:
        return "No autenticado";
    case RC_AUTH_NO_TOKEN:
        return "Token no proporcionado";
    case RC_AUTH_BAD_TOKEN:
        return "Token inválido";
    case RC_AUTH_OK:
        break;
    }
    return "";
}

struct rc_auth *rc_auth_new(const struct rc_jwt *jwt)
{
    struct rc_auth *auth = malloc(sizeof *auth);
    struct rc_token_cache *cache = rc_token_cache_new(CACHE_SETS);
    if (!auth || !cache) {
        free(auth);
        rc_token_cache_free(cache);
        return NULL;
    }
    *auth = (struct rc_auth){.jwt = jwt, .cache = cache};
    return auth;
}

void rc_auth_free(struct rc_auth *auth)
{
    if (auth) {
        rc_token_cache_free(auth->cache);
        free(auth);
    }
}

static enum rc_jwt_result verify(struct rc_auth *auth, const char *token, size_t len, int64_t now_s,
                                 struct rc_claims *out)
{
    uint8_t digest[RC_TOKEN_DIGEST];
    struct rc_claims claims;
    if (len > RC_JWT_TOKEN_MAX) {
        return RC_JWT_TOO_LONG;
    }
    rc_token_digest(token, len, digest);
    if (rc_token_cache_get(auth->cache, digest, &claims)) {
        enum rc_jwt_result times = rc_jwt_check_times(auth->jwt, &claims, now_s);
        if (times == RC_JWT_OK) {
            *out = claims;
        } else {
            rc_token_cache_drop(auth->cache, digest);
        }
        return times;
    }
    enum rc_jwt_result result = rc_jwt_verify(auth->jwt, token, len, now_s, out);
    if (result == RC_JWT_OK) {
        rc_token_cache_put(auth->cache, digest, out);
    }
    return result;
}

enum rc_auth_result rc_auth_check(struct rc_auth *auth, const char *cookie, size_t len, int64_t now_s,
                                  struct rc_claims *out)
{
    const char *token;
    size_t token_len;
    if (!cookie) {
        return RC_AUTH_NO_COOKIE;
    }
    if (!rc_cookie_find(cookie, len, COOKIE, &token, &token_len) || token_len == 0) {
        return RC_AUTH_NO_TOKEN;
    }
    enum rc_jwt_result result = verify(auth, token, token_len, now_s, out);
    if (result != RC_JWT_OK) {
        rc_log(RC_DEBUG, "token-refused", "reason=\"%s\"", rc_jwt_text(result));
        return RC_AUTH_BAD_TOKEN;
    }
    return RC_AUTH_OK;
}
