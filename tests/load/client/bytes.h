/* A growing piece of bytes, for what waits to be written or is not yet whole. Zeroed is empty and owns nothing. */
#ifndef RC_BYTES_H
#define RC_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rc_bytes {
    uint8_t *data;
    size_t len, cap;
};

/* Makes room for `more` bytes behind len and returns where; NULL, with nothing changed, when more than max would be held or
 * memory is out. */
uint8_t *rc_bytes_room(struct rc_bytes *bytes, size_t more, size_t max);

/* False: no room, see above. */
bool rc_bytes_add(struct rc_bytes *bytes, const void *data, size_t len, size_t max);

/* Drops the first `count` bytes; frees when nothing is left. */
void rc_bytes_drop(struct rc_bytes *bytes, size_t count);

void rc_bytes_fini(struct rc_bytes *bytes);

#endif
