/* Tokens for tests, made with OpenSSL alone, so that any header and payload can be signed. */
#ifndef RC_TESTS_TOKENS_H
#define RC_TESTS_TOKENS_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW    1700000000

static inline char *base64url(const void *data, size_t len)
{
    char *out = malloc(len / 3 * 4 + 8);
    int n = EVP_EncodeBlock((unsigned char *)out, data, (int)len);
    while (n > 0 && out[n - 1] == '=') {
        out[--n] = '\0';
    }
    for (int i = 0; i < n; i++) {
        out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
    }
    return out;
}

/* header.payload, to be signed */
static inline char *token_input(const char *header, const char *payload)
{
    char *head = base64url(header, strlen(header));
    char *body = base64url(payload, strlen(payload));
    size_t size = strlen(head) + strlen(body) + 2;
    char *out = malloc(size);
    snprintf(out, size, "%s.%s", head, body);
    free(head);
    free(body);
    return out;
}

/* input.signature; frees input */
static inline char *token_join(char *input, const void *signature, size_t len)
{
    char *sig = base64url(signature, len);
    size_t size = strlen(input) + strlen(sig) + 2;
    char *out = malloc(size);
    snprintf(out, size, "%s.%s", input, sig);
    free(input);
    free(sig);
    return out;
}

/* A token with this header, signed by HMAC-SHA256 with any key. The caller frees it. */
static inline char *token_hmac(const char *header, const char *payload, const void *key, size_t key_len)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char *input = token_input(header, payload);
    HMAC(EVP_sha256(), key, (int)key_len, (unsigned char *)input, strlen(input), mac, &len);
    return token_join(input, mac, len);
}

/* A good HS256 token of SECRET with this payload. */
static inline char *token(const char *payload)
{
    return token_hmac("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", payload, SECRET, strlen(SECRET));
}

#endif
