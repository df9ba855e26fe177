/*
 * Bodies of long-polling (Engine.IO protocol 4): packets joined by the byte 0x1e; a binary one is 'b' and base64. Pure.
 */
#ifndef RC_GATEWAY_EIO_BODY_H
#define RC_GATEWAY_EIO_BODY_H

#include "cluster/buf.h"

#define RC_EIO_SEPARATOR 0x1e

struct rc_eio_packet {
    bool binary;
    const uint8_t *data; /* in the body: text with its type in front, UTF-8; or the bytes that base64 stood for */
    size_t len;
};

/* Reads the next packet; *at starts at 0. Base64 is decoded in place. RC_EIO_WRONG: text that is not UTF-8, or broken base64; an
 * empty body (it may be NULL) is one empty packet. */
enum rc_eio_next { RC_EIO_PACKET, RC_EIO_END, RC_EIO_WRONG };
enum rc_eio_next rc_eio_body_next(uint8_t *body, size_t len, size_t *at, struct rc_eio_packet *out);

/* What a payload (payload.h) takes in a body, and writes it there: its parts as packets, without a separator in front. Returns the
 * byte after. */
size_t rc_eio_body_size(const struct rc_buf *payload);
uint8_t *rc_eio_body_put(uint8_t *out, const struct rc_buf *payload);

#endif
