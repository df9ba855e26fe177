/* Encoding and walking of message payloads. */
#include "gateway/sio/payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PART_HEAD 5 /* kind and length */

static uint8_t *put_head(uint8_t *out, char kind, size_t len)
{
    out[0] = (uint8_t)kind;
    for (int i = 0; i < 4; i++)
        out[1 + i] = (uint8_t)(len >> (24 - 8 * i));
    return out + PART_HEAD;
}

static uint8_t *put(uint8_t *out, const void *data, size_t len)
{
    if (len)
        memcpy(out, data, len);
    return out + len;
}

/* Packet text is: type, attachments and '-', namespace and ',', id, JSON. */
static struct rc_buf *encode(const char *prefix, const char *nsp, const char *id, const char *json, size_t len,
                             struct rc_buf *const *attachment, unsigned n)
{
    bool named = strcmp(nsp, "/") != 0;
    size_t text = strlen(prefix) + (named ? strlen(nsp) + 1 : 0) + strlen(id) + len;
    size_t total = PART_HEAD + text;
    for (unsigned i = 0; i < n; i++)
        total += PART_HEAD + (size_t)attachment[i]->len;
    struct rc_buf *payload = total <= UINT32_MAX ? rc_buf_new(total) : NULL;
    if (!payload)
        return NULL;
    uint8_t *out = put_head(payload->data, 'T', text);
    out = put(out, prefix, strlen(prefix));
    if (named) {
        out = put(out, nsp, strlen(nsp));
        *out++ = ',';
    }
    out = put(out, id, strlen(id));
    out = put(out, json, len);
    for (unsigned i = 0; i < n; i++)
        out = put(put_head(out, 'B', attachment[i]->len), attachment[i]->data, attachment[i]->len);
    return payload;
}

/* plain and binary are the packet types without and with attachments. */
static struct rc_buf *encode_kind(char plain, char binary, const char *nsp, const char *id, const char *json,
                                  size_t len, struct rc_buf *const *attachment, unsigned n)
{
    char prefix[8];
    if (n > RC_ATTACHMENTS_MAX)
        return NULL;
    if (n)
        snprintf(prefix, sizeof(prefix), "%c%u-", binary, n);
    else
        snprintf(prefix, sizeof(prefix), "%c", plain);
    return encode(prefix, nsp, id, json, len, attachment, n);
}

struct rc_buf *rc_payload_event(const char *nsp, const char *json_array, size_t len, struct rc_buf *const *attachment,
                                unsigned n)
{
    return encode_kind('2', '5', nsp, "", json_array, len, attachment, n);
}

struct rc_buf *rc_payload_ack(const char *nsp, uint64_t id, const char *json_array, size_t len,
                              struct rc_buf *const *attachment, unsigned n)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRIu64, id);
    return encode_kind('3', '6', nsp, digits, json_array, len, attachment, n);
}

struct rc_buf *rc_payload_text(const char *text, size_t len)
{
    return encode("", "/", "", text, len, NULL, 0);
}

bool rc_payload_next(const struct rc_buf *payload, size_t *at, struct rc_part *part)
{
    if (*at >= payload->len)
        return false;
    const uint8_t *head = payload->data + *at;
    part->text = head[0] == 'T';
    part->len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    part->data = head + PART_HEAD;
    *at += PART_HEAD + part->len;
    return true;
}

/* How many attachments a packet's text announces: "51-[...]" is 1. */
static size_t announced(const struct rc_part *text)
{
    size_t n = 0;
    if (text->len < 3 || (text->data[0] != '5' && text->data[0] != '6'))
        return 0;
    for (size_t i = 1; i < text->len && text->data[i] >= '0' && text->data[i] <= '9'; i++) {
        n = n * 10 + (size_t)(text->data[i] - '0');
        if (n > RC_ATTACHMENTS_MAX)
            break;
    }
    return n;
}

bool rc_payload_valid(const struct rc_buf *payload)
{
    size_t at = 0, parts = 0, want = 0;
    struct rc_part part;
    while (at < payload->len) {
        size_t left = payload->len - at;
        char kind = (char)payload->data[at];
        if (left < PART_HEAD || kind != (parts ? 'B' : 'T'))
            return false;
        rc_payload_next(payload, &at, &part);
        if (part.len > left - PART_HEAD)
            return false;
        if (!parts++) {
            if (!part.len)
                return false;
            want = announced(&part);
        }
    }
    return parts && parts - 1 == want && want <= RC_ATTACHMENTS_MAX;
}
