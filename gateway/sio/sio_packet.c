/* Reading Socket.IO packets. */
#include "gateway/sio/sio_packet.h"

#include <stdio.h>
#include <string.h>

static bool digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* Decimal digits at *at. False: more than 63 bits. */
static bool read_number(const char **at, const char *end, uint64_t *out)
{
    uint64_t n = 0;
    for (; digit(*at, end); (*at)++) {
        uint64_t d = (uint64_t)(**at - '0');
        if (n > (INT64_MAX - d) / 10)
            return false;
        n = n * 10 + d;
    }
    *out = n;
    return true;
}

static const char *read_attachments(const char **at, const char *end, struct rc_sio_packet *out)
{
    uint64_t n = 0;
    if (!digit(*at, end) || !read_number(at, end, &n) || *at == end || *(*at)++ != '-')
        return "attachments are not announced as NUMBER-";
    if (n < 1 || n > RC_ATTACHMENTS_MAX)
        return "number of attachments is out of range";
    out->attachments = (unsigned)n;
    return NULL;
}

/* "/name?query," or "/name" up to the end. */
static void read_nsp(const char **at, const char *end, struct rc_sio_packet *out)
{
    out->nsp = "/";
    out->nsp_len = 1;
    if (*at == end || **at != '/')
        return;
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    const char *stop = comma ? comma : end;
    const char *query = memchr(*at, '?', (size_t)(stop - *at));
    out->nsp = *at;
    out->nsp_len = (size_t)((query ? query : stop) - *at);
    *at = comma ? comma + 1 : end;
}

static bool reserved(const struct rc_sio_json *shape)
{
    static const char *const names[] = {"connect",       "connect_error", "disconnect",
                                        "disconnecting", "newListener",   "removeListener"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (rc_sio_json_equals(shape->first, shape->first_len, names[i]))
            return true;
    }
    return false;
}

static const char *check_shape(const struct rc_sio_packet *p)
{
    const struct rc_sio_json *shape = &p->shape;
    switch (p->type) {
    case RC_SIO_CONNECT:
        return shape->kind == '{' ? NULL : "CONNECT needs an object";
    case RC_SIO_EVENT:
    case RC_SIO_BINARY_EVENT:
        if (shape->kind != '[' || (shape->first_kind != '"' && shape->first_kind != 'n'))
            return "EVENT needs an array that begins with a name";
        return shape->first_kind == '"' && reserved(shape) ? "event name is reserved" : NULL;
    case RC_SIO_ACK:
    case RC_SIO_BINARY_ACK:
        return shape->kind == '[' ? NULL : "ACK needs an array";
    default:
        return "packet must not have a payload";
    }
}

const char *rc_sio_packet_parse(const char *text, size_t len, struct rc_sio_packet *out)
{
    const char *at = text, *end = text + len;
    *out = (struct rc_sio_packet){0};
    if (!len || *at < '0' || *at > '6')
        return "unknown packet type";
    out->type = (enum rc_sio_type)(*at++ - '0');
    if (out->type == RC_SIO_CONNECT_ERROR)
        return "CONNECT_ERROR from a client";
    bool binary = out->type == RC_SIO_BINARY_EVENT || out->type == RC_SIO_BINARY_ACK;
    const char *wrong = binary ? read_attachments(&at, end, out) : NULL;
    if (wrong)
        return wrong;
    read_nsp(&at, end, out);
    out->has_id = digit(at, end);
    if (out->has_id && !read_number(&at, end, &out->id))
        return "packet id is too large";
    if (at == end)
        return NULL;
    out->json = at;
    out->json_len = (size_t)(end - at);
    if (!rc_sio_json_scan(at, out->json_len, out->attachments, binary, &out->shape))
        return "payload is not JSON, or a placeholder names no attachment";
    return check_shape(out);
}

struct rc_buf *rc_sio_connect_error(const char *nsp, size_t nsp_len, const char *message)
{
    char text[512];
    bool named = !(nsp_len == 1 && *nsp == '/');
    int n = snprintf(text, sizeof(text), "4%.*s%s{\"message\":\"%s\"}", named ? (int)nsp_len : 0, nsp, named ? "," : "",
                     message);
    return n > 0 && (size_t)n < sizeof(text) ? rc_payload_text(text, (size_t)n) : NULL;
}

struct rc_buf *rc_sio_connected(const char *nsp, const char *sid)
{
    char text[512];
    bool named = strcmp(nsp, "/") != 0;
    int n = snprintf(text, sizeof(text), "0%s%s{\"sid\":\"%s\"}", named ? nsp : "", named ? "," : "", sid);
    return n > 0 && (size_t)n < sizeof(text) ? rc_payload_text(text, (size_t)n) : NULL;
}
