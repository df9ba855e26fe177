/*
 * From long-polling to a WebSocket (Engine.IO protocol 4, "Upgrade").
 *
 *   client                       server
 *     | -- WebSocket with sid ---> |   the candidate; polling goes on
 *     | -- "2probe" -------------> |
 *     | <- "3probe" -------------- |   a pending GET, and each later one, is answered at once, if need be with "6"
 *     | -- "5" ------------------> |   what is queued follows on the WebSocket; polling is over
 *
 * Anything else on the candidate closes only the candidate.
 */
#include "gateway/eio/eio_polling_impl.h"

#include <stdlib.h>
#include <string.h>

struct eio_candidate {
    struct rc_ws_conn *ws;
    struct rc_polling *polling; /* NULL: the session is gone, or it was refused */
    struct rc_timer timer;
};

static void release(struct eio_candidate *c)
{
    rc_timer_stop(&c->timer);
    if (c->polling) {
        c->polling->candidate = NULL;
        c->polling->probed = false;
    }
    c->polling = NULL;
}

void rc_polling_drop_candidate(struct rc_polling *p)
{
    struct eio_candidate *c = p->candidate;
    if (!c)
        return;
    release(c);
    rc_ws_close(c->ws, RC_WS_NONE, p->why);
}

static void refuse(struct eio_candidate *c)
{
    release(c);
    rc_ws_close(c->ws, RC_WS_NONE, RC_CLOSE_UPGRADE);
}

static void on_timer(struct rc_timer *timer)
{
    refuse((struct eio_candidate *)((char *)timer - offsetof(struct eio_candidate, timer)));
}

/* In order, once: what the last GET did not take. */
static void move_queue(struct rc_polling *p, struct rc_ws_conn *ws)
{
    for (size_t i = 0; i < p->n; i++) {
        struct rc_buf *buf = p->out[i].buf;
        struct rc_outgoing out = {buf, NULL};
        rc_ws_send(ws, p->out[i].message ? rc_outgoing_frames(&out) : rc_ws_frame(RC_WS_TEXT, buf->data, buf->len));
        rc_outgoing_fini(&out);
        rc_buf_rele(buf);
    }
    p->n = 0;
    p->queued = 0;
}

static void change_over(struct eio_candidate *c)
{
    struct rc_polling *p = c->polling;
    struct rc_ws_conn *ws = c->ws;
    struct rc_eio *eio = p->eio;
    bool paused = p->paused;
    rc_metric_add(&eio->server->config.values[GM_UPGRADES], 1);
    rc_metric_sub(&eio->server->config.values[GM_POLLING], 1);
    release(c);
    free(c);
    move_queue(p, ws);
    rc_polling_free(p);
    rc_eio_switch(eio, &rc_eio_ws_transport, ws);
    rc_ws_adopt(ws, &rc_eio_ws_user, eio);
    rc_ws_pause(ws, paused);
}

static bool is(const uint8_t *data, size_t len, const char *packet)
{
    return len == strlen(packet) && memcmp(data, packet, len) == 0;
}

static void on_message(void *self, bool text, uint8_t *data, size_t len)
{
    struct eio_candidate *c = self;
    if (!c->polling)
        return;
    if (text && is(data, len, "2probe")) {
        rc_ws_send(c->ws, rc_ws_frame(RC_WS_TEXT, "3probe", 6));
        c->polling->probed = true;
        rc_polling_flush(c->polling, "6");
    } else if (text && is(data, len, "5")) {
        change_over(c);
    } else {
        refuse(c);
    }
}

static void on_closed(void *self, enum rc_close why)
{
    struct eio_candidate *c = self;
    (void)why;
    release(c);
    free(c);
}

static const struct rc_ws_user candidate_user = {on_message, on_closed};

void rc_polling_upgrade(struct rc_polling *p, const struct rc_http_request *request, struct rc_response *response)
{
    const struct rc_eio_config *config = &p->eio->server->config;
    struct eio_candidate *c = calloc(1, sizeof(*c));
    if (!c) {
        rc_ws_refuse(response, 503, "Out of memory");
        return;
    }
    c->ws = rc_ws_open(request, response, config->max_payload, &candidate_user, c);
    if (!c->ws) {
        free(c);
    } else if (p->candidate) {
        refuse(c); /* one at a time */
    } else {
        c->polling = p;
        p->candidate = c;
        rc_timer_set(config->wheel, &c->timer, RC_EIO_UPGRADE_US, on_timer);
    }
}
