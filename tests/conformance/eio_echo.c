/* Engine.IO echo. */
#include "eio_echo.h"

#include <stdlib.h>
#include <string.h>

static void *on_open(void *host, struct rc_eio *eio, const char *cookie)
{
    (void)host, (void)cookie;
    return eio;
}

/* A payload of one part (payload.h). */
static void echo(struct rc_eio *eio, uint8_t kind, const void *data, size_t len)
{
    struct rc_buf *payload = rc_buf_new(5 + len);
    if (!payload)
        abort();
    payload->data[0] = kind;
    for (size_t i = 0; i < 4; i++)
        payload->data[1 + i] = (uint8_t)(len >> (24 - 8 * i));
    memcpy(payload->data + 5, data, len);
    struct rc_outgoing out = {payload, NULL};
    rc_eio_send(eio, &out);
    rc_outgoing_fini(&out);
    rc_buf_rele(payload);
}

static void on_text(void *self, const char *data, size_t len)
{
    echo(self, 'T', data, len);
}

static void on_binary(void *self, const uint8_t *data, size_t len)
{
    echo(self, 'B', data, len);
}

static void on_closed(void *self, enum rc_close why)
{
    (void)self, (void)why;
}

const struct rc_eio_user rc_eio_echo = {on_open, on_text, on_binary, on_closed};
