/* A growing piece of bytes. */
#include "client/bytes.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 256 /* bytes: a message of usual size with its frame */

uint8_t *rc_bytes_room(struct rc_bytes *bytes, size_t more, size_t max)
{
    size_t need = bytes->len + more;
    if (need > max) {
        return NULL;
    }
    if (need > bytes->cap) {
        size_t cap = bytes->cap ? bytes->cap : FIRST;
        while (cap < need) {
            cap *= 2;
        }
        uint8_t *data = realloc(bytes->data, cap);
        if (!data) {
            return NULL;
        }
        bytes->data = data;
        bytes->cap = cap;
    }
    return bytes->data + bytes->len;
}

bool rc_bytes_add(struct rc_bytes *bytes, const void *data, size_t len, size_t max)
{
    uint8_t *at = rc_bytes_room(bytes, len, max);
    if (!at) {
        return false;
    }
    if (len > 0) {
        memcpy(at, data, len);
    }
    bytes->len += len;
    return true;
}

void rc_bytes_drop(struct rc_bytes *bytes, size_t count)
{
    bytes->len -= count;
    if (bytes->len == 0) {
        rc_bytes_fini(bytes);
    } else {
        memmove(bytes->data, bytes->data + count, bytes->len);
    }
}

void rc_bytes_fini(struct rc_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct rc_bytes){0};
}
