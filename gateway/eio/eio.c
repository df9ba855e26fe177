/* Engine.IO sessions of a worker. */
#include "gateway/eio/eio_impl.h"

#include "clock.h"
#include "cluster/mem.h"
#include "gateway/eio/eio_polling.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The table */

struct rc_eio_server *rc_eio_server_new(const struct rc_eio_config *config)
{
    struct rc_eio_server *server = rc_zalloc(sizeof(*server));
    server->config = *config;
    return server;
}

void rc_eio_server_free(struct rc_eio_server *server)
{
    if (!server)
        return;
    rc_eio_server_close_polling(server, RC_CLOSE_SHUTDOWN);
    rc_polling_sweep(server);
    rc_timer_stop(&server->end);
    free(server->table);
    free(server);
}

/* A quarter stays free, so that a free slot is near. */
static bool make_room(struct rc_eio_server *server)
{
    if (server->used < server->slots - server->slots / 4)
        return true;
    uint32_t slots = server->slots ? server->slots * 2 : 64;
    struct rc_eio **table = slots <= RC_SID_SLOTS ? realloc(server->table, slots * sizeof(struct rc_eio *)) : NULL;
    if (!table)
        return false;
    memset(table + server->slots, 0, (slots - server->slots) * sizeof(struct rc_eio *));
    server->table = table;
    server->slots = slots;
    return true;
}

static bool enlist(struct rc_eio_server *server, struct rc_eio *eio)
{
    uint64_t random[2] = {rc_random64(), rc_random64()};
    if (!make_room(server))
        return false;
    while (server->table[server->next])
        server->next = (server->next + 1) % server->slots;
    eio->slot = server->next;
    server->next = (server->next + 1) % server->slots;
    memcpy(eio->random, random, RC_SID_RANDOM);
    server->table[eio->slot] = eio;
    server->used++;
    return true;
}

static void delist(struct rc_eio *eio)
{
    eio->server->table[eio->slot] = NULL;
    eio->server->used--;
}

/* The ping timeout is over, though the wheel has not come to it yet. */
static bool overdue(const struct rc_eio *eio)
{
    const struct rc_eio_config *config = &eio->server->config;
    return config->now() >= eio->heartbeat.at + (eio->awaits_pong ? 0 : config->ping_timeout);
}

struct rc_eio *rc_eio_find(const struct rc_eio_server *server, const struct rc_sid *sid)
{
    struct rc_eio *eio = sid->slot < server->slots ? server->table[sid->slot] : NULL;
    if (!eio || memcmp(eio->random, sid->random, RC_SID_RANDOM) != 0)
        return NULL;
    if (!overdue(eio))
        return eio;
    rc_eio_close(eio, RC_CLOSE_PING_TIMEOUT);
    return NULL;
}

size_t rc_eio_server_count(const struct rc_eio_server *server)
{
    return server->used;
}

void rc_eio_server_full(struct rc_eio_server *server, bool full)
{
    server->full = full;
}

void rc_eio_server_drain(struct rc_eio_server *server)
{
    server->draining = true;
}

size_t rc_eio_server_close_some(struct rc_eio_server *server, size_t max, enum rc_close why)
{
    size_t closed = 0;
    for (uint32_t i = 0; i < server->slots && closed < max; i++) {
        struct rc_eio *eio = server->table[i];
        if (eio) {
            rc_eio_close(eio, why);
            closed++;
        }
    }
    return closed;
}

void rc_eio_server_close_polling(struct rc_eio_server *server, enum rc_close why)
{
    for (uint32_t i = 0; i < server->slots; i++) {
        struct rc_eio *eio = server->table[i];
        if (eio && eio->transport == &rc_polling_transport)
            rc_eio_close(eio, why);
    }
}

void rc_eio_sid(const struct rc_eio *eio, char text[RC_SID_LEN + 1])
{
    const struct rc_eio_config *config = &eio->server->config;
    struct rc_sid sid = {.gateway = config->gateway, .worker = config->worker, .slot = eio->slot};
    memcpy(sid.random, eio->random, sizeof(sid.random));
    rc_sid_write(&sid, text);
}

/* A session */

void *rc_eio_host(const struct rc_eio *eio)
{
    return eio->server->config.host;
}

static void on_heartbeat(struct rc_timer *timer)
{
    struct rc_eio *eio = (struct rc_eio *)((char *)timer - offsetof(struct rc_eio, heartbeat));
    const struct rc_eio_config *config = &eio->server->config;
    rc_time late = config->wheel->now - timer->at; /* up to a tick, and what the loop was busy with */
    if (eio->awaits_pong) {
        rc_eio_close(eio, RC_CLOSE_PING_TIMEOUT);
        return;
    }
    if (late > config->ping_timeout / 4)
        late = 0; /* we stood still: the client gets its whole time */
    eio->awaits_pong = true;
    eio->prolonged = false;
    rc_timer_set(config->wheel, &eio->heartbeat, config->ping_timeout - late, on_heartbeat);
    eio->transport->packet(eio->below, "2");
}

static void send_open(struct rc_eio *eio)
{
    char text[256], sid[RC_SID_LEN + 1];
    const struct rc_eio_config *c = &eio->server->config;
    rc_eio_sid(eio, sid);
    snprintf(text, sizeof(text),
             "0{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%" PRId64 ",\"pingTimeout\":%" PRId64
             ",\"maxPayload\":%" PRIu32 "}",
             sid, eio->transport->upgrades ? "\"websocket\"" : "", c->ping_interval / RC_MS, c->ping_timeout / RC_MS,
             c->max_payload);
    eio->transport->packet(eio->below, text);
}

struct rc_eio *rc_eio_open(struct rc_eio_server *server, const struct rc_eio_transport *transport, void *self,
                           const char *cookie)
{
    const struct rc_eio_config *config = &server->config;
    struct rc_eio *eio = calloc(1, sizeof(*eio));
    if (!eio)
        return NULL;
    eio->server = server;
    eio->transport = transport;
    eio->below = self;
    if (!enlist(server, eio)) {
        free(eio);
        return NULL;
    }
    eio->self = config->user->open(config->host, eio, cookie);
    if (!eio->self) {
        delist(eio);
        free(eio);
        return NULL;
    }
    send_open(eio);
    rc_timer_set(config->wheel, &eio->heartbeat, config->ping_interval, on_heartbeat);
    return eio;
}

void rc_eio_switch(struct rc_eio *eio, const struct rc_eio_transport *transport, void *self)
{
    eio->transport = transport;
    eio->below = self;
}

static void take_pong(struct rc_eio *eio)
{
    const struct rc_eio_config *config = &eio->server->config;
    if (!eio->awaits_pong)
        return;
    eio->awaits_pong = false;
    rc_timer_set(config->wheel, &eio->heartbeat, config->ping_interval, on_heartbeat);
}

/* As the reference: the first other packet behind a ping is a sign of life, later ones are not. */
static void prolong(struct rc_eio *eio)
{
    const struct rc_eio_config *config = &eio->server->config;
    if (!eio->awaits_pong || eio->prolonged)
        return;
    eio->prolonged = true;
    rc_timer_set(config->wheel, &eio->heartbeat, config->ping_timeout, on_heartbeat);
}

void rc_eio_text(struct rc_eio *eio, const char *data, size_t len)
{
    if (eio->closing)
        return;
    switch (len ? *data : 0) {
    case '4':
        prolong(eio);
        eio->server->config.user->text(eio->self, data + 1, len - 1);
        break;
    case '3':
        take_pong(eio);
        break;
    case '0': /* what only servers or other transports send means nothing here */
    case '1':
    case '5':
    case '6':
        prolong(eio);
        break;
    default:
        rc_eio_close(eio, RC_CLOSE_EIO_PACKET);
    }
}

void rc_eio_binary(struct rc_eio *eio, const uint8_t *data, size_t len)
{
    if (eio->closing)
        return;
    prolong(eio);
    eio->server->config.user->binary(eio->self, data, len);
}

void rc_eio_gone(struct rc_eio *eio, enum rc_close why)
{
    rc_timer_stop(&eio->heartbeat);
    if (!eio->closing)
        delist(eio);
    eio->closing = true;
    eio->server->config.user->closed(eio->self, why);
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
    delist(eio);
    rc_timer_stop(&eio->heartbeat);
    eio->transport->close(eio->below, why);
}
