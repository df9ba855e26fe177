/* The UTF-8 check of text frames and packets. */
#include "gateway/ws/utf8.h"

#include <string.h>

/* Table 3-7 of the Unicode standard: the first byte says how many follow and what the second may be. */
static bool begin(struct rc_utf8 *u, uint8_t byte)
{
    u->low = 0x80;
    u->high = 0xBF;
    if (byte >= 0xC2 && byte <= 0xDF) {
        u->need = 1;
    } else if (byte >= 0xE0 && byte <= 0xEF) {
        u->need = 2;
        if (byte == 0xE0)
            u->low = 0xA0; /* overlong below */
        else if (byte == 0xED)
            u->high = 0x9F; /* surrogates above */
    } else if (byte >= 0xF0 && byte <= 0xF4) {
        u->need = 3;
        if (byte == 0xF0)
            u->low = 0x90; /* overlong below */
        else if (byte == 0xF4)
            u->high = 0x8F; /* beyond U+10FFFF above */
    } else {
        return false;
    }
    return true;
}

/* Index of the first byte at or after i that is not ASCII. */
static size_t skip_ascii(const uint8_t *data, size_t i, size_t len)
{
    uint64_t word;
    while (i + sizeof(word) <= len) {
        memcpy(&word, data + i, sizeof(word));
        if (word & 0x8080808080808080u)
            break;
        i += sizeof(word);
    }
    while (i < len && data[i] < 0x80)
        i++;
    return i;
}

bool rc_utf8_feed(struct rc_utf8 *u, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (u->need) {
            if (data[i] < u->low || data[i] > u->high)
                return false;
            u->low = 0x80;
            u->high = 0xBF;
            u->need--;
            continue;
        }
        i = skip_ascii(data, i, len);
        if (i < len && !begin(u, data[i]))
            return false;
    }
    return true;
}

bool rc_utf8_valid(const void *data, size_t len)
{
    struct rc_utf8 u = {0};
    return rc_utf8_feed(&u, data, len) && rc_utf8_complete(&u);
}
