/*
 * What travels in rc_msg.payload: one Socket.IO packet as the Engine.IO messages it is made of, encoded once
 * by the sender's gateway so that receivers parse nothing.
 *
 *   payload = part+      part = kind (1 byte, 'T' or 'B'), length (4 bytes, big-endian), that many bytes
 *
 * The first part is 'T': the packet's text, such as 2["mensaje_recibido",{...}] or 51-/nsp,7["x",...], UTF-8.
 * The others are 'B': its attachments, as many as the text announces, at most RC_ATTACHMENTS_MAX.
 */
#ifndef RC_GATEWAY_PAYLOAD_H
#define RC_GATEWAY_PAYLOAD_H

#include "cluster/buf.h"

#define RC_ATTACHMENTS_MAX 10 /* the reference's maxAttachments */

/* An EVENT, or with attachments a BINARY_EVENT. json_array: valid JSON text of the arguments, the name first, with a
 * placeholder {"_placeholder":true,"num":N} for each attachment. nsp "/" leaves the namespace out. Nothing is taken
 * over. NULL: memory is short, or more than RC_ATTACHMENTS_MAX attachments. */
struct rc_buf *rc_payload_event(const char *nsp, const char *json_array, size_t len, struct rc_buf *const *attachment,
                                unsigned n);

/* The same for an ACK or BINARY_ACK of the packet with this id. */
struct rc_buf *rc_payload_ack(const char *nsp, uint64_t id, const char *json_array, size_t len,
                              struct rc_buf *const *attachment, unsigned n);

/* Any other packet: its text alone. */
struct rc_buf *rc_payload_text(const char *text, size_t len);

/* Whether bytes from a link are a payload: parts end where they should, kinds and count are as above. */
bool rc_payload_valid(const struct rc_buf *payload);

/* Walks the parts of a valid payload: *at starts at 0. False at the end. */
struct rc_part {
    bool text;
    const uint8_t *data; /* in the payload */
    size_t len;
};
bool rc_payload_next(const struct rc_buf *payload, size_t *at, struct rc_part *part);

#endif
