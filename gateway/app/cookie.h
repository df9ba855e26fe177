/* Reading a Cookie header: cookie-pairs of RFC 6265 4.2.1, with the tolerance for spaces that browsers need.
 */
#ifndef RC_GATEWAY_COOKIE_H
#define RC_GATEWAY_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

/* The value of the first cookie of exactly this name, as it stands (quotes are part of it); a slice of
 * header. False: none. */
bool rc_cookie_find(const char *header, size_t len, const char *name, const char **value, size_t *value_len);

#endif
