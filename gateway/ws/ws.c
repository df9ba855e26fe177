/* The WebSocket frame codec. */
#include "gateway/ws/ws.h"

#include <stdlib.h>
#include <string.h>

#define CONTROL_MAX 125

void rc_ws_init(struct rc_ws *ws, uint32_t max)
{
    *ws = (struct rc_ws){.max = max};
}

void rc_ws_fini(struct rc_ws *ws)
{
    free(ws->message);
    ws->message = NULL;
    ws->len = ws->room = 0;
}

bool rc_ws_idle(const struct rc_ws *ws)
{
    return ws->opcode == RC_WS_CONTINUATION && !ws->left;
}

struct head {
    bool fin;
    uint8_t reserved, opcode;
    bool masked;
    uint64_t len;
    uint8_t mask[4];
    size_t size; /* of the head itself */
};

/* False: more bytes are needed. */
static bool read_head(const uint8_t *data, size_t len, struct head *h)
{
    if (len < 2)
        return false;
    h->fin = data[0] & 0x80;
    h->reserved = data[0] & 0x70;
    h->opcode = data[0] & 0x0F;
    h->masked = data[1] & 0x80;
    h->len = data[1] & 0x7F;
    size_t extra = h->len == 126 ? 2 : h->len == 127 ? 8 : 0;
    h->size = 2 + extra + (h->masked ? 4 : 0);
    if (len < h->size)
        return false;
    if (extra) {
        h->len = 0;
        for (size_t i = 0; i < extra; i++)
            h->len = h->len << 8 | data[2 + i];
    }
    if (h->masked)
        memcpy(h->mask, data + 2 + extra, 4);
    return true;
}

/* RFC 6455 5.2, 5.4, 5.5. Looks at the first two bytes only, so that a bad frame is refused at once. */
static bool head_allowed(const struct rc_ws *ws, const uint8_t *data)
{
    uint8_t opcode = data[0] & 0x0F;
    if ((data[0] & 0x70) || !(data[1] & 0x80)) /* reserved bits; clients must mask */
        return false;
    switch (opcode) {
    case RC_WS_CONTINUATION:
        return ws->opcode != RC_WS_CONTINUATION;
    case RC_WS_TEXT:
    case RC_WS_BINARY:
        return ws->opcode == RC_WS_CONTINUATION;
    case RC_WS_CLOSE:
    case RC_WS_PING:
    case RC_WS_PONG:
        return (data[0] & 0x80) && (data[1] & 0x7F) <= CONTROL_MAX;
    default:
        return false;
    }
}

/* RFC 6455 5.2: in the fewest bytes that hold it, and the highest bit is 0. */
static bool length_allowed(const struct head *h)
{
    return h->size - sizeof(h->mask) == rc_ws_head_size(h->len) && !(h->len >> 63);
}

/* Unmasks and turns the mask so that it fits the byte after. */
static void unmask(uint8_t mask[4], uint8_t *data, size_t len)
{
    uint32_t key32;
    memcpy(&key32, mask, 4);
    uint64_t key = (uint64_t)key32 << 32 | key32, word;
    size_t i = 0;
    for (; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, data + i, sizeof(word));
        word ^= key;
        memcpy(data + i, &word, sizeof(word));
    }
    for (; i < len; i++)
        data[i] ^= mask[i & 3];
    uint8_t turned[4];
    for (size_t k = 0; k < 4; k++)
        turned[k] = mask[(len + k) & 3];
    memcpy(mask, turned, 4);
}

static bool code_allowed(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static enum rc_ws_code check_close(const uint8_t *data, size_t len)
{
    if (len == 0)
        return RC_WS_NONE;
    if (len == 1 || !code_allowed((unsigned)data[0] << 8 | data[1]))
        return RC_WS_PROTOCOL;
    return rc_utf8_valid(data + 2, len - 2) ? RC_WS_NONE : RC_WS_NOT_UTF8;
}

static bool append(struct rc_ws *ws, const uint8_t *data, size_t len)
{
    size_t need = ws->len + len;
    if (need > ws->room) {
        size_t twice = (size_t)ws->room * 2, room = twice > need ? twice : need;
        if (room > ws->max) /* need is within it */
            room = ws->max;
        uint8_t *grown = realloc(ws->message, room);
        if (!grown)
            return false;
        ws->message = grown;
        ws->room = (uint32_t)room;
    }
    if (len)
        memcpy(ws->message + ws->len, data, len);
    ws->len = (uint32_t)need;
    return true;
}

/* The message is whole: in data if no part of it was kept. */
static void deliver(struct rc_ws *ws, uint8_t *data, size_t len, const struct rc_ws_events *events, void *self)
{
    bool text = ws->opcode == RC_WS_TEXT;
    uint8_t *kept = ws->message;
    if (text && !rc_utf8_complete(&ws->utf8)) {
        ws->error = RC_WS_NOT_UTF8;
        return;
    }
    ws->opcode = RC_WS_CONTINUATION;
    if (kept) {
        data = kept;
        len = ws->len;
        ws->message = NULL;
        ws->len = ws->room = 0;
    }
    events->message(self, text, data, len);
    free(kept);
}

/* Payload of the current data frame. Returns how much of it was used. */
static size_t take_payload(struct rc_ws *ws, uint8_t *data, size_t len, const struct rc_ws_events *events, void *self)
{
    size_t take = len < ws->left ? len : ws->left;
    bool whole = take == ws->left && ws->fin;
    unmask(ws->mask, data, take);
    if (ws->opcode == RC_WS_TEXT && !rc_utf8_feed(&ws->utf8, data, take)) {
        ws->error = RC_WS_NOT_UTF8;
        return take;
    }
    if (!(whole && !ws->message) && take && !append(ws, data, take)) {
        ws->error = RC_WS_INTERNAL;
        return take;
    }
    ws->left -= (uint32_t)take;
    if (whole)
        deliver(ws, data, take, events, self);
    return take;
}

static size_t take_control(struct rc_ws *ws, struct head *h, uint8_t *data, const struct rc_ws_events *events,
                           void *self)
{
    size_t len = (size_t)h->len;
    unmask(h->mask, data + h->size, len);
    if (h->opcode == RC_WS_CLOSE)
        ws->error = check_close(data + h->size, len);
    if (!ws->error)
        events->control(self, (enum rc_ws_opcode)h->opcode, data + h->size, len);
    return h->size + len;
}

/* Begins the next frame. Returns the bytes used; 0: more are needed. */
static size_t take_frame(struct rc_ws *ws, uint8_t *data, size_t len, const struct rc_ws_events *events, void *self)
{
    struct head h;
    if (len >= 2 && !head_allowed(ws, data)) {
        ws->error = RC_WS_PROTOCOL;
        return 0;
    }
    if (!read_head(data, len, &h))
        return 0;
    if (h.opcode >= RC_WS_CLOSE)
        return len - h.size >= h.len ? take_control(ws, &h, data, events, self) : 0;
    if (!length_allowed(&h) || h.len > ws->max - ws->len) {
        ws->error = length_allowed(&h) ? RC_WS_TOO_BIG : RC_WS_PROTOCOL;
        return 0;
    }
    if (h.opcode != RC_WS_CONTINUATION) {
        ws->opcode = h.opcode;
        ws->utf8 = (struct rc_utf8){0};
    }
    ws->fin = h.fin;
    ws->left = (uint32_t)h.len;
    memcpy(ws->mask, h.mask, 4);
    /* Also when no payload came yet: an empty final frame ends its message here. */
    return h.size + (h.len && len == h.size ? 0 : take_payload(ws, data + h.size, len - h.size, events, self));
}

size_t rc_ws_feed(struct rc_ws *ws, uint8_t *data, size_t len, const struct rc_ws_events *events, void *self)
{
    size_t at = 0;
    while (at < len && !ws->stop && !ws->error) {
        size_t used = ws->left ? take_payload(ws, data + at, len - at, events, self)
                               : take_frame(ws, data + at, len - at, events, self);
        if (!used)
            break;
        at += used;
    }
    return at;
}

size_t rc_ws_head_size(uint64_t len)
{
    return len < 126 ? 2 : len <= UINT16_MAX ? 4 : 10;
}

size_t rc_ws_head(uint8_t out[10], enum rc_ws_opcode opcode, uint64_t len)
{
    size_t size = rc_ws_head_size(len);
    out[0] = (uint8_t)(0x80 | opcode);
    out[1] = (uint8_t)(size == 2 ? len : size == 4 ? 126 : 127);
    for (size_t i = 2; i < size; i++)
        out[i] = (uint8_t)(len >> (8 * (size - 1 - i)));
    return size;
}

struct rc_buf *rc_ws_frame(enum rc_ws_opcode opcode, const void *data, size_t len)
{
    struct rc_buf *frame = rc_buf_new(rc_ws_head_size(len) + len);
    if (!frame)
        return NULL;
    size_t head = rc_ws_head(frame->data, opcode, len);
    if (len)
        memcpy(frame->data + head, data, len);
    return frame;
}

struct rc_buf *rc_ws_close_frame(enum rc_ws_code code)
{
    uint8_t data[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    return rc_ws_frame(RC_WS_CLOSE, data, code == RC_WS_NONE ? 0 : 2);
}
