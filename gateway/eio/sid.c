/* Session ids. */
#include "gateway/eio/sid.h"

#include <string.h>
#include <xxhash.h>

#define BYTES 24

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

uint64_t rc_sid_gateway(const char *id)
{
    return XXH3_64bits(id, strlen(id)) >> 16;
}

static void put_number(uint8_t *out, uint64_t n, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
}

static uint64_t get_number(const uint8_t *in, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | in[i];
    return n;
}

void rc_sid_write(const struct rc_sid *sid, char text[RC_SID_LEN + 1])
{
    uint8_t bytes[BYTES];
    put_number(bytes, sid->gateway, 6);
    put_number(bytes + 6, sid->worker, 1);
    put_number(bytes + 7, sid->slot, 3);
    memcpy(bytes + 10, sid->random, RC_SID_RANDOM);
    for (size_t i = 0; i < BYTES / 3; i++) {
        uint64_t three = get_number(bytes + 3 * i, 3);
        for (size_t k = 0; k < 4; k++)
            text[4 * i + k] = alphabet[three >> (18 - 6 * k) & 63];
    }
    text[RC_SID_LEN] = 0;
}

bool rc_sid_read(const char *text, size_t len, struct rc_sid *sid)
{
    uint8_t bytes[BYTES];
    if (len != RC_SID_LEN)
        return false;
    for (size_t i = 0; i < BYTES / 3; i++) {
        uint64_t three = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *at = memchr(alphabet, text[4 * i + k], sizeof alphabet - 1);
            if (!at)
                return false;
            three = three << 6 | (uint64_t)(at - alphabet);
        }
        put_number(bytes + 3 * i, three, 3);
    }
    sid->gateway = get_number(bytes, 6);
    sid->worker = bytes[6];
    sid->slot = (uint32_t)get_number(bytes + 7, 3);
    memcpy(sid->random, bytes + 10, RC_SID_RANDOM);
    return true;
}
