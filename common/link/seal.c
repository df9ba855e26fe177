/* AES-256-GCM by libcrypto. */
#include "link/seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define NONCE 12 /* bytes: four zeros, the number big-endian */

static void put_u64(uint8_t *to, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(v >> (56 - 8 * i));
}

void rc_seal_key(const struct rc_secret *secret, const char *broker, uint64_t inc, uint8_t key[RC_SEAL_KEY])
{
    uint8_t in[128] = "topic";
    size_t at = sizeof "topic", len = strlen(broker) + 1;
    unsigned out = RC_SEAL_KEY;
    if (len > sizeof in - at - 8)
        abort(); /* ids have at most RC_ID_MAX bytes */
    memcpy(in + at, broker, len);
    put_u64(in + at + len, inc);
    if (!HMAC(EVP_sha256(), secret->bytes, (int)secret->len, in, at + len + 8, key, &out))
        abort(); /* fails only when memory for a few hundred bytes is short */
}

/* Runs the cipher over `len` bytes. tag is written when sealing, judged when opening. */
static bool run(bool sealing, const uint8_t *key, uint64_t number, const uint8_t *in, size_t len, uint8_t *out,
                uint8_t *tag)
{
    uint8_t nonce[NONCE] = {0};
    int n = 0, rest = 0;
    put_u64(nonce + NONCE - 8, number);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    bool ok = c && len <= INT_MAX && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce, sealing) == 1 &&
              EVP_CipherUpdate(c, out, &n, in, (int)len) == 1;
    if (ok && !sealing)
        ok = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, RC_SEAL_TAG, tag) == 1;
    ok = ok && EVP_CipherFinal_ex(c, out + n, &rest) == 1;
    if (ok && sealing)
        ok = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, RC_SEAL_TAG, tag) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

bool rc_seal(const uint8_t key[RC_SEAL_KEY], uint64_t number, const uint8_t *in, size_t len, uint8_t *out)
{
    return run(true, key, number, in, len, out, out + len);
}

bool rc_unseal(const uint8_t key[RC_SEAL_KEY], uint64_t number, const uint8_t *in, size_t len, uint8_t *out)
{
    uint8_t tag[RC_SEAL_TAG];
    if (len < RC_SEAL_TAG)
        return false;
    memcpy(tag, in + len - RC_SEAL_TAG, RC_SEAL_TAG);
    return run(false, key, number, in, len - RC_SEAL_TAG, out, tag);
}
