/* Tokens of clients, by libjwt. */
#include "client/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jwt.h>

#define LIFE (30L * 86400) /* s: longer than any run */

static bool fill(jwt_t *jwt, const struct rc_secret *secret, const char *user, bool admin)
{
    return jwt_set_alg(jwt, JWT_ALG_HS256, secret->bytes, (int)secret->len) == 0 &&
           jwt_add_grant(jwt, "user", user) == 0 && jwt_add_grant(jwt, "name", user) == 0 &&
           jwt_add_grant(jwt, "rol", admin ? "admin" : "user") == 0 &&
           jwt_add_grant_int(jwt, "exp", (long)time(NULL) + LIFE) == 0;
}

bool rc_token_make(char out[RC_TOKEN_MAX], const struct rc_secret *secret, const char *user, bool admin)
{
    jwt_t *jwt = NULL;
    if (jwt_new(&jwt) != 0) {
        return false;
    }
    char *text = fill(jwt, secret, user, admin) ? jwt_encode_str(jwt) : NULL;
    int len = text ? snprintf(out, RC_TOKEN_MAX, "%s", text) : -1;
    free(text);
    jwt_free(jwt);
    return len > 0 && len < RC_TOKEN_MAX;
}
