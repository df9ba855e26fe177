/*
 * Engine.IO sessions, protocol version 4, server side: ids, heartbeats and packet types over some transport.
 *
 *   eio_http.c  requests: checks them, finds their session          eio_ws.c       the WebSocket transport
 *   eio.c       sessions of a worker, heartbeats                    eio_polling.c  long-polling
 *   eio_body.c  packets in the bodies of long-polling               eio_upgrade.c  from long-polling to a WebSocket
 *
 *   transport -> session -> user (sio.c)
 *
 * The server pings `ping_interval` after the opening and after each pong, and closes a session that does not answer
 * within `ping_timeout`; other traffic prolongs that once. One thread, the worker's. A session is freed in rc_eio_gone,
 * after which the user's `closed` was called.
 */
#ifndef RC_GATEWAY_EIO_H
#define RC_GATEWAY_EIO_H

#include "gateway/eio/sid.h"
#include "gateway/http/http.h"
#include "gateway/http/origin.h"
#include "gateway/net/outgoing.h"
#include "gateway/net/wheel.h"

#define RC_EIO_UPGRADE_US (10000 * RC_MS) /* a WebSocket that wants to take over a session has so long */
#define RC_EIO_RETRY_S    5 /* the longest Retry-After of a refused handshake; each gets one of its own from 1 on */

struct rc_eio;
struct rc_eio_server;

/* The layer above. */
struct rc_eio_user {
    /* A session opened; cookie: the Cookie header of the request, NULL if it had none. Returns the session's self,
     * NULL when memory is short. */
    void *(*open)(void *host, struct rc_eio *eio, const char *cookie);
    void (*text)(void *self, const char *data, size_t len); /* of a message packet, UTF-8 */
    void (*binary)(void *self, const uint8_t *data, size_t len);
    void (*closed)(void *self, enum rc_close why); /* last call */
};

struct rc_eio_config {
    rc_time ping_interval;
    rc_time ping_timeout;
    uint32_t max_payload; /* bytes of one message, or of one POST, from a client */
    size_t queue_max;     /* bytes queued for a session on long-polling; above, it is closed (RC_CLOSE_SLOW) */
    /* With so many handshakes under way (GM_HANDSHAKES, which the user counts) requests for a session are answered 503 and
     * Retry-After, and counted in GM_HANDSHAKES_REFUSED; those of sessions never. 0: without a bound. */
    uint64_t handshakes_max;
    uint64_t gateway; /* both stand in the ids of sessions: sid.h */
    uint8_t worker;
    struct rc_wheel *wheel;
    rc_time (*now)(void); /* the wheel's clock, between its ticks */
    _Atomic uint64_t *values;
    const struct rc_eio_user *user;
    void *host;                    /* user's, for open */
    struct rc_origin_guard *guard; /* judges the pages that requests come from; NULL: pages of any site */
    /* A request whose session id names another worker or gateway: takes the response. NULL: there are none. */
    void (*elsewhere)(void *desk, const struct rc_sid *sid, const struct rc_http_request *request,
                      struct rc_response *response);
    void *desk;
};

/* Copies config, not what it points to. Aborts when memory is short. */
struct rc_eio_server *rc_eio_server_new(const struct rc_eio_config *config);
/* Ends the sessions that are on long-polling; the others must be gone with their connections. NULL is allowed. */
void rc_eio_server_free(struct rc_eio_server *server);
size_t rc_eio_server_count(const struct rc_eio_server *server); /* sessions that are not ending */
/* Whether requests for a session are answered 503 since the process has few descriptors left; what it has is for requests of
 * sessions. */
void rc_eio_server_full(struct rc_eio_server *server, bool full);
/* Opens no more sessions: requests for one are answered 503. */
void rc_eio_server_drain(struct rc_eio_server *server);
/* Ends up to max sessions, on whatever transport; returns how many. */
size_t rc_eio_server_close_some(struct rc_eio_server *server, size_t max, enum rc_close why);
/* Ends the sessions that are on long-polling, which no connection holds. */
void rc_eio_server_close_polling(struct rc_eio_server *server, enum rc_close why);

/* The layer below; the session never calls it after rc_eio_gone. */
struct rc_eio_transport {
    bool upgrades;                                     /* to a WebSocket */
    void (*packet)(void *transport, const char *text); /* a packet without payload bytes of its own: "2" */
    void (*message)(void *transport, struct rc_outgoing *out);
    void (*pause)(void *transport, bool stop);
    void (*close)(void *transport, enum rc_close why); /* leads to rc_eio_gone, later */
};

/* Opens a session on a transport and sends its open packet. NULL: memory is short, or there are RC_SID_SLOTS. */
struct rc_eio *rc_eio_open(struct rc_eio_server *server, const struct rc_eio_transport *transport, void *self,
                           const char *cookie);
/* From now on it is on another transport. */
void rc_eio_switch(struct rc_eio *eio, const struct rc_eio_transport *transport, void *self);

/* From the transport: one packet with its type in front, or a binary message. */
void rc_eio_text(struct rc_eio *eio, const char *data, size_t len);
void rc_eio_binary(struct rc_eio *eio, const uint8_t *data, size_t len);
/* From the transport: it is gone, and with it the session, which is freed. */
void rc_eio_gone(struct rc_eio *eio, enum rc_close why);

/* From the user. */
void rc_eio_send(struct rc_eio *eio, struct rc_outgoing *out);
void rc_eio_pause(struct rc_eio *eio, bool stop);
void rc_eio_close(struct rc_eio *eio, enum rc_close why);
void *rc_eio_host(const struct rc_eio *eio); /* config.host of its server */
void rc_eio_sid(const struct rc_eio *eio, char sid[RC_SID_LEN + 1]);

#endif
