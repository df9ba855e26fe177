/* Encoding of payloads for transports. */
#include "gateway/net/outgoing.h"

#include "gateway/ws/ws.h"

#include <string.h>

static size_t message_size(const struct rc_part *part)
{
    return part->len + (part->text ? 1 : 0); /* Engine.IO type in front of text */
}

static struct rc_buf *encode(const struct rc_buf *payload)
{
    struct rc_part part;
    size_t total = 0;
    for (size_t at = 0; rc_payload_next(payload, &at, &part);)
        total += rc_ws_head_size(message_size(&part)) + message_size(&part);
    struct rc_buf *frames = rc_buf_new(total);
    if (!frames)
        return NULL;
    uint8_t *out = frames->data;
    for (size_t at = 0; rc_payload_next(payload, &at, &part);) {
        out += rc_ws_head(out, part.text ? RC_WS_TEXT : RC_WS_BINARY, message_size(&part));
        if (part.text)
            *out++ = '4';
        if (part.len)
            memcpy(out, part.data, part.len);
        out += part.len;
    }
    return frames;
}

struct rc_buf *rc_outgoing_frames(struct rc_outgoing *out)
{
    if (!out->frames)
        out->frames = encode(out->payload);
    return rc_buf_hold(out->frames);
}

void rc_outgoing_fini(struct rc_outgoing *out)
{
    rc_buf_rele(out->frames);
    out->frames = NULL;
}
