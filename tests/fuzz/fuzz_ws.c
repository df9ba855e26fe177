/*
 * Any bytes of a WebSocket client, in pieces of any size: never crashes, messages are bounded and texts are UTF-8, and the same
 * comes out as of the bytes in one piece.
 */
#include "gateway/ws/utf8.h"
#include "gateway/ws/ws.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out so far, FNV-1a of kinds, lengths and bytes. */
static void note(uint64_t *seen, unsigned kind, const uint8_t *data, size_t len)
{
    *seen = ((*seen ^ kind) * 0x100000001b3u ^ len) * 0x100000001b3u;
    for (size_t i = 0; i < len; i++)
        *seen = (*seen ^ data[i]) * 0x100000001b3u;
}

static void message(void *self, bool text, uint8_t *data, size_t len)
{
    if (len > MESSAGE_MAX || (text && !rc_utf8_valid(data, len)))
        abort();
    note(self, text, data, len);
}

static void control(void *self, enum rc_ws_opcode opcode, const uint8_t *data, size_t len)
{
    if (len > 125 || opcode < RC_WS_CLOSE)
        abort();
    if (opcode == RC_WS_CLOSE && len && (len == 1 || !rc_utf8_valid(data + 2, len - 2)))
        abort();
    note(self, opcode, data, len);
}

/* Feeds in pieces; what was not used is shown again with more. Returns how it ended. */
static enum rc_ws_code feed(const uint8_t *data, size_t size, size_t piece, uint64_t *seen)
{
    static const struct rc_ws_events events = {message, control};
    uint8_t *buf = malloc(RC_WS_KEEP + piece);
    size_t shown = 0, kept = 0;
    struct rc_ws ws;
    rc_ws_init(&ws, MESSAGE_MAX);
    while (shown < size && ws.error == RC_WS_NONE) {
        size_t more = size - shown < piece ? size - shown : piece;
        memcpy(buf + kept, data + shown, more);
        shown += more;
        size_t used = rc_ws_feed(&ws, buf, kept + more, &events, seen);
        kept = kept + more - used;
        if (ws.error == RC_WS_NONE && kept >= RC_WS_KEEP)
            abort();
        memmove(buf, buf + used, kept);
    }
    enum rc_ws_code code = ws.error;
    rc_ws_fini(&ws);
    free(buf);
    return code;
}

/* The first byte says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t cut = 0, whole = 0;
    if (size < 2)
        return 0;
    enum rc_ws_code code = feed(data + 1, size - 1, 1u + data[0], &cut);
    if (code != feed(data + 1, size - 1, size, &whole) || cut != whole)
        abort();
    return 0;
}
