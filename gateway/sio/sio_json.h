/*
 * The JSON that Socket.IO packets carry, checked but not built: what the parser of the reference accepts or
 * refuses is decided by one pass over the text, without recursion, whatever its depth. Pure.
 */
#ifndef RC_GATEWAY_SIO_JSON_H
#define RC_GATEWAY_SIO_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* What a valid text holds. Slices point into the text. */
struct rc_sio_json {
    char kind;         /* of the whole value: '{' '[' '"' 'n'umber or 'l'iteral (true, false, null) */
    char first_kind;   /* of an array's first element, the same; 0: empty or no array */
    const char *first; /* that element; a string with its quotes */
    size_t first_len;
};

/* Whether text is one JSON value (RFC 8259) with white space around it, and every placeholder
 * {"_placeholder":true,"num":N} in it names one of the `attachments`. The bytes must be UTF-8 already. Memory is taken
 * in proportion to the depth, which len bounds; false also when it is short. */
bool rc_sio_json_scan(const char *text, size_t len, unsigned attachments, bool placeholders, struct rc_sio_json *out);

/* Whether a quoted JSON string equals plain ASCII text, escapes resolved. */
bool rc_sio_json_equals(const char *quoted, size_t len, const char *plain);

#endif
