/* Engine.IO sessions. */
#include "gateway/eio/eio.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rc_eio {
    const struct rc_eio_config *config;
    const struct rc_eio_transport *transport;
    void *below; /* transport's */
    void *self;  /* user's */
    struct rc_timer heartbeat;
    bool awaits_pong; /* heartbeat is the ping timeout, else the time to the next ping */
    bool closing;     /* packets are ignored from here on */
    char sid[RC_EIO_SID_LEN + 1];
};

void rc_eio_make_sid(char sid[RC_EIO_SID_LEN + 1])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t bits = 0;
    for (size_t i = 0; i < RC_EIO_SID_LEN; i++) {
        if (i % 10 == 0)
            bits = rc_random64();
        sid[i] = alphabet[bits & 63];
        bits >>= 6;
    }
    sid[RC_EIO_SID_LEN] = 0;
}

static void on_heartbeat(struct rc_timer *timer)
{
    struct rc_eio *eio = (struct rc_eio *)((char *)timer - offsetof(struct rc_eio, heartbeat));
    if (eio->awaits_pong) {
        rc_eio_close(eio, RC_CLOSE_PING_TIMEOUT);
        return;
    }
    eio->awaits_pong = true;
    rc_timer_set(eio->config->wheel, &eio->heartbeat, eio->config->ping_timeout, on_heartbeat);
    eio->transport->packet(eio->below, "2");
}

static void send_open(struct rc_eio *eio)
{
    char text[256];
    const struct rc_eio_config *c = eio->config;
    snprintf(text, sizeof(text),
             "0{\"sid\":\"%s\",\"upgrades\":[],\"pingInterval\":%" PRId64 ",\"pingTimeout\":%" PRId64
             ",\"maxPayload\":%zu}",
             eio->sid, c->ping_interval / RC_MS, c->ping_timeout / RC_MS, c->max_payload);
    eio->transport->packet(eio->below, text);
}

struct rc_eio *rc_eio_open(const struct rc_eio_config *config, const struct rc_eio_transport *transport, void *self,
                           const char *cookie)
{
    struct rc_eio *eio = calloc(1, sizeof(*eio));
    if (!eio)
        return NULL;
    eio->config = config;
    eio->transport = transport;
    eio->below = self;
    rc_eio_make_sid(eio->sid);
    eio->self = config->user->open(config->host, eio, cookie);
    if (!eio->self) {
        free(eio);
        return NULL;
    }
    send_open(eio);
    rc_timer_set(config->wheel, &eio->heartbeat, config->ping_interval, on_heartbeat);
    return eio;
}

static void take_pong(struct rc_eio *eio)
{
    if (!eio->awaits_pong)
        return;
    eio->awaits_pong = false;
    rc_timer_set(eio->config->wheel, &eio->heartbeat, eio->config->ping_interval, on_heartbeat);
}

void rc_eio_text(struct rc_eio *eio, const char *data, size_t len)
{
    if (eio->closing)
        return;
    switch (len ? *data : 0) {
    case '4':
        eio->config->user->text(eio->self, data + 1, len - 1);
        break;
    case '3':
        take_pong(eio);
        break;
    case '0': /* what only servers or other transports send means nothing here */
    case '1':
    case '5':
    case '6':
        break;
    default:
        rc_eio_close(eio, RC_CLOSE_EIO_PACKET);
    }
}

void rc_eio_binary(struct rc_eio *eio, const uint8_t *data, size_t len)
{
    if (!eio->closing)
        eio->config->user->binary(eio->self, data, len);
}

void rc_eio_gone(struct rc_eio *eio, enum rc_close why)
{
    rc_timer_stop(&eio->heartbeat);
    eio->config->user->closed(eio->self, why);
    free(eio);
}

void rc_eio_send(struct rc_eio *eio, struct rc_outgoing *out)
{
    if (!eio->closing)
        eio->transport->message(eio->below, out);
}

void rc_eio_pause(struct rc_eio *eio, bool stop)
{
    if (!eio->closing)
        eio->transport->pause(eio->below, stop);
}

void rc_eio_close(struct rc_eio *eio, enum rc_close why)
{
    if (eio->closing)
        return;
    eio->closing = true;
    rc_timer_stop(&eio->heartbeat);
    eio->transport->close(eio->below, why);
}

const char *rc_eio_sid(const struct rc_eio *eio)
{
    return eio->sid;
}
