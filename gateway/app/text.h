/* A text that grows up to a bound: for answers and payloads made piece by piece. Errors are sticky and seen
 * at the end. */
#ifndef RC_GATEWAY_TEXT_H
#define RC_GATEWAY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rc_text {
    char *at;    /* bytes, not terminated; NULL while empty */
    size_t len;  /* bytes used */
    size_t size; /* bytes allocated */
    size_t max;  /* bound of len */
    bool failed; /* memory was short or the bound was reached: what is there is not whole */
};

void rc_text_init(struct rc_text *text, size_t max);
void rc_text_fini(struct rc_text *text); /* frees; may be used again after init */

void rc_text_add(struct rc_text *text, const void *bytes, size_t len);
void rc_text_puts(struct rc_text *text, const char *string);
/* A JSON string with its quotes, escaped as JSON.stringify does; bytes are UTF-8. */
void rc_text_json(struct rc_text *text, const void *bytes, size_t len);
/* Base64 with padding (RFC 4648 4). */
void rc_text_base64(struct rc_text *text, const void *bytes, size_t len);

#endif
