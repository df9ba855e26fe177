/* Any bytes of a WebSocket client, in pieces of any size: never crashes, messages are bounded and texts are UTF-8. */
#include "gateway/ws/utf8.h"
#include "gateway/ws/ws.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(void *self, bool text, uint8_t *data, size_t len)
{
    (void)self;
    if (len > MESSAGE_MAX || (text && !rc_utf8_valid(data, len)))
        abort();
}

static void control(void *self, enum rc_ws_opcode opcode, const uint8_t *data, size_t len)
{
    (void)self;
    (void)data;
    if (len > 125 || opcode < RC_WS_CLOSE)
        abort();
}

/* The first byte says how large the pieces are. What was not used is shown again with more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rc_ws_events events = {message, control};
    size_t piece = size ? 1u + data[0] : 1, shown = 1, kept = 0;
    uint8_t buf[RC_WS_KEEP + 256];
    struct rc_ws ws;
    rc_ws_init(&ws, MESSAGE_MAX);
    while (shown < size && ws.error == RC_WS_NONE) {
        size_t more = size - shown < piece ? size - shown : piece;
        memcpy(buf + kept, data + shown, more);
        shown += more;
        size_t used = rc_ws_feed(&ws, buf, kept + more, &events, NULL);
        kept = kept + more - used;
        if (ws.error == RC_WS_NONE && kept >= RC_WS_KEEP)
            abort();
        memmove(buf, buf + used, kept);
    }
    rc_ws_fini(&ws);
    return 0;
}
