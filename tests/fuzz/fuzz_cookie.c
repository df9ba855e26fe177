/* Any Cookie header: what is found lies inside the header, and the door opens to nobody without a good token. */
#include "gateway/app/auth.h"
#include "gateway/app/cookie.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rc_auth *door(void)
{
    static struct rc_auth *auth;
    char error[128];
    if (!auth) {
        const char secret[] = "a secret that the fuzzer cannot guess";
        auth = rc_auth_new(rc_jwt_new("HS256", secret, sizeof secret, 0, error, sizeof error));
    }
    return auth;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *header = (const char *)data;
    const char *value;
    size_t len;
    struct rc_claims claims;
    if (rc_cookie_find(header, size, "token", &value, &len) && (value < header || value + len > header + size)) {
        abort();
    }
    if (rc_auth_check(door(), header, size, 1700000000, &claims) == RC_AUTH_OK) {
        abort();
    }
    return 0;
}
