/* Input between two readings. */
#include "gateway/net/inlet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void keep(struct rc_inlet *inlet, struct rc_stream *stream, const uint8_t *data, size_t len)
{
    uint8_t *kept = NULL;
    if (len && (!stream->closing || stream->moving)) {
        assert(len <= RC_STREAM_KEEP || stream->paused || stream->moving);
        kept = malloc(len);
        if (kept)
            memcpy(kept, data, len);
        else
            rc_stream_close(stream, RC_CLOSE_MEMORY);
    }
    free(inlet->kept); /* data may lie in it */
    inlet->kept = kept;
    inlet->len = kept ? (uint32_t)len : 0;
}

size_t rc_inlet_feed(struct rc_inlet *inlet, struct rc_stream *stream, uint8_t *data, size_t len)
{
    size_t at = 0;
    while (at < len && !stream->closing && !stream->paused) {
        void *self = stream->self;
        size_t used = stream->user->input(self, stream, data + at, len - at);
        at += used;
        if (!used && stream->self == self)
            break;
    }
    keep(inlet, stream, data + at, len - at);
    return at;
}

size_t rc_inlet_again(struct rc_inlet *inlet, struct rc_stream *stream)
{
    uint8_t *data = inlet->kept;
    size_t len = inlet->len;
    *inlet = (struct rc_inlet){0};
    size_t used = rc_inlet_feed(inlet, stream, data, len);
    free(data);
    return used;
}

bool rc_inlet_append(struct rc_inlet *inlet, const void *data, size_t len)
{
    uint8_t *kept = realloc(inlet->kept, inlet->len + len);
    if (!kept)
        return false;
    memcpy(kept + inlet->len, data, len);
    inlet->kept = kept;
    inlet->len += (uint32_t)len;
    return true;
}

bool rc_inlet_unread(struct rc_inlet *inlet, const void *data, size_t len)
{
    uint8_t *kept = malloc(len + inlet->len);
    if (!kept)
        return false;
    memcpy(kept, data, len);
    if (inlet->len)
        memcpy(kept + len, inlet->kept, inlet->len);
    free(inlet->kept);
    inlet->kept = kept;
    inlet->len += (uint32_t)len;
    return true;
}

void rc_inlet_clear(struct rc_inlet *inlet)
{
    free(inlet->kept);
    *inlet = (struct rc_inlet){0};
}
