/* Any bytes as a body of long-polling: never crashes, packets lie inside, texts are UTF-8, and what is written again reads the
 * same. */
#include "gateway/eio/eio_body.h"
#include "gateway/sio/payload.h"
#include "gateway/ws/utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
    if (!right)
        abort();
}

/* Appends a packet as a part of a payload; only messages are. */
static void add_part(struct rc_buf *payload, const struct rc_eio_packet *packet)
{
    bool text = !packet->binary;
    if (text && (!packet->len || *packet->data != '4'))
        return;
    const uint8_t *data = packet->data + text;
    size_t len = packet->len - text;
    uint8_t *out = payload->data + payload->len;
    *out++ = text ? 'T' : 'B';
    for (int shift = 24; shift >= 0; shift -= 8)
        *out++ = (uint8_t)(len >> shift);
    if (len)
        memcpy(out, data, len);
    payload->len += (uint32_t)(5 + len);
}

/* The same parts come out of the body that is made of them. */
static void write_and_read(const struct rc_buf *payload)
{
    size_t size = rc_eio_body_size(payload), at = 0, from = 0;
    uint8_t *body = malloc(size ? size : 1);
    struct rc_eio_packet packet;
    struct rc_part part;
    check(body && rc_eio_body_put(body, payload) == body + size);
    while (rc_payload_next(payload, &from, &part)) {
        check(rc_eio_body_next(body, size, &at, &packet) == RC_EIO_PACKET);
        check(packet.binary == !part.text && packet.len == part.len + part.text);
        check(!part.len || memcmp(packet.data + part.text, part.data, part.len) == 0);
    }
    check(!payload->len || rc_eio_body_next(body, size, &at, &packet) == RC_EIO_END);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *body = malloc(size ? size : 1);
    struct rc_buf *payload = rc_buf_new(6 * size + 6); /* enough for the heads of as many parts as there are bytes */
    struct rc_eio_packet packet;
    check(body && payload);
    if (size)
        memcpy(body, data, size);
    payload->len = 0;
    size_t at = 0;
    for (enum rc_eio_next next; (next = rc_eio_body_next(body, size, &at, &packet)) != RC_EIO_END;) {
        if (next == RC_EIO_WRONG)
            continue;
        check(packet.data >= body && packet.data + packet.len <= body + size);
        check(packet.binary || rc_utf8_valid(packet.data, packet.len));
        add_part(payload, &packet);
    }
    write_and_read(payload);
    rc_buf_rele(payload);
    free(body);
    return 0;
}
