/*
 * Any token: never crashes, and never passes unless it was signed. The input is a token as it comes, and the header
 * and payload of a token that is signed here, parted by the first newline, so that claims are reached as well.
 */
#include "gateway/app/jwt.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "a secret that the fuzzer cannot guess"
#define NOW    1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t base64url(char *out, const uint8_t *data, size_t size)
{
    size_t n = (size_t)EVP_EncodeBlock((unsigned char *)out, data, (int)size);
    while (n > 0 && out[n - 1] == '=') {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
    }
    return n;
}

static void check_claims(const struct rc_claims *claims)
{
    if (claims->user_len == 0 || claims->user_len > RC_USER_MAX || strlen(claims->user) != claims->user_len ||
        strlen(claims->rol) > RC_ROL_MAX || (claims->exp != 0 && claims->exp <= NOW) || claims->nbf > NOW) {
        abort();
    }
}

static void verify_signed(const struct rc_jwt *jwt, const uint8_t *data, size_t size)
{
    static char token[4 * RC_JWT_TOKEN_MAX];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    struct rc_claims claims;
    const uint8_t *newline = memchr(data, '\n', size);
    if (!newline || size > RC_JWT_TOKEN_MAX) {
        return;
    }
    size_t n = base64url(token, data, (size_t)(newline - data));
    token[n++] = '.';
    n += base64url(token + n, newline + 1, (size_t)(data + size - newline - 1));
    HMAC(EVP_sha256(), SECRET, sizeof SECRET, (unsigned char *)token, n, mac, &mac_len);
    token[n++] = '.';
    n += base64url(token + n, mac, mac_len);
    if (rc_jwt_verify(jwt, token, n, NOW, &claims) == RC_JWT_OK) {
        check_claims(&claims);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rc_jwt *jwt;
    struct rc_claims claims;
    char error[128];
    if (!jwt) {
        jwt = rc_jwt_new("HS256", SECRET, sizeof SECRET, 0, error, sizeof error);
    }
    if (rc_jwt_verify(jwt, (const char *)data, size, NOW, &claims) == RC_JWT_OK) {
        abort();
    }
    verify_signed(jwt, data, size);
    return 0;
}
