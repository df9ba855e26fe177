/*
 * Binary values inside JSON, as Socket.IO writes them: {"_placeholder":true,"num":N} stands for attachment N.
 * Here a value is cut out of an event with only the attachments that belong to it, or with their bytes as
 * base64 in place.
 */
#ifndef RC_GATEWAY_BINARY_H
#define RC_GATEWAY_BINARY_H

#include "cluster/buf.h"
#include "gateway/app/text.h"

struct rc_placeholder {
    size_t at; /* where it stands in the JSON text */
    size_t len;
    unsigned num; /* the attachment */
};

/* The placeholders of a JSON text in its order; one inside another is part of the outer one, as for the
 * reference. Returns how many, or -1: more than max, a num that is none of the attachments, or not JSON. Any
 * thread. */
int rc_binary_find(const char *json, size_t len, unsigned attachments, struct rc_placeholder *found, int max);

/* Appends the text with its placeholders numbered from 0 in their order. */
void rc_binary_renumber(struct rc_text *out, const char *json, size_t len, const struct rc_placeholder *found, int n);

/* Appends the text with {"base64":"..."} in place of each placeholder. */
void rc_binary_inline(struct rc_text *out, const char *json, size_t len, const struct rc_placeholder *found, int n,
                      struct rc_buf *const *attachment);

#endif
