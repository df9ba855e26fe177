/* UTF-8 checked piece by piece (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. Pure. */
#ifndef RC_GATEWAY_UTF8_H
#define RC_GATEWAY_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rc_utf8 {  /* all zero: between characters */
    uint8_t need; /* continuation bytes that must follow */
    uint8_t low;  /* bounds of the next one, valid with need */
    uint8_t high;
};

/* Goes on with more bytes. False at the first byte that cannot be right; u is then undefined. */
bool rc_utf8_feed(struct rc_utf8 *u, const uint8_t *data, size_t len);

/* Whether text may end here. */
static inline bool rc_utf8_complete(const struct rc_utf8 *u)
{
    return u->need == 0;
}

/* Whether these bytes are a whole UTF-8 text. */
bool rc_utf8_valid(const void *data, size_t len);

#endif
