/* Packets in the bodies of long-polling. */
#include "gateway/eio/eio_body.h"

#include "gateway/sio/payload.h"
#include "gateway/ws/utf8.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

/* Decodes in place: every four characters become three bytes before them. False: no base64 (RFC 4648 4, padded). */
static bool decode(uint8_t *text, size_t len, size_t *bytes)
{
    size_t pad = 0;
    if (len % 4 || len > INT_MAX)
        return false;
    while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
        pad++;
    if (memchr(text, '=', len - pad))
        return false;
    for (size_t i = 0; i < len; i += 4) {
        uint8_t three[3];
        if (EVP_DecodeBlock(three, text + i, 4) != 3)
            return false;
        memcpy(text + i / 4 * 3, three, sizeof three);
    }
    *bytes = len / 4 * 3 - pad;
    return true;
}

enum rc_eio_next rc_eio_body_next(uint8_t *body, size_t len, size_t *at, struct rc_eio_packet *out)
{
    if (*at > len)
        return RC_EIO_END;
    uint8_t *packet = len ? body + *at : body;
    size_t left = len - *at;
    const uint8_t *separator = left ? memchr(packet, RC_EIO_SEPARATOR, left) : NULL;
    size_t size = separator ? (size_t)(separator - packet) : left;
    *at += size + 1;
    *out = (struct rc_eio_packet){size && *packet == 'b', packet, size};
    if (out->binary) {
        out->data = packet + 1;
        return decode(packet + 1, size - 1, &out->len) ? RC_EIO_PACKET : RC_EIO_WRONG;
    }
    return rc_utf8_valid(packet, size) ? RC_EIO_PACKET : RC_EIO_WRONG;
}

static size_t part_size(const struct rc_part *part)
{
    return 1 + (part->text ? part->len : (part->len + 2) / 3 * 4);
}

size_t rc_eio_body_size(const struct rc_buf *payload)
{
    struct rc_part part;
    size_t size = 0, parts = 0;
    for (size_t at = 0; rc_payload_next(payload, &at, &part); parts++)
        size += part_size(&part);
    return size + (parts ? parts - 1 : 0);
}

static uint8_t *put_part(uint8_t *out, const struct rc_part *part)
{
    *out++ = part->text ? '4' : 'b';
    if (part->text) {
        memcpy(out, part->data, part->len);
        return out + part->len;
    }
    if (!part->len)
        return out;
    uint8_t last[5]; /* by itself, since EVP_EncodeBlock ends its text with a NUL */
    size_t before = (part->len - 1) / 3 * 3;
    out += EVP_EncodeBlock(out, part->data, (int)before);
    EVP_EncodeBlock(last, part->data + before, (int)(part->len - before));
    memcpy(out, last, 4);
    return out + 4;
}

uint8_t *rc_eio_body_put(uint8_t *out, const struct rc_buf *payload)
{
    struct rc_part part;
    bool first = true;
    for (size_t at = 0; rc_payload_next(payload, &at, &part); first = false) {
        if (!first)
            *out++ = RC_EIO_SEPARATOR;
        out = put_part(out, &part);
    }
    return out;
}
