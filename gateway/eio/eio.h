/*
 * Engine.IO sessions, protocol version 4, server side: heartbeats and packet types over some transport.
 *
 *   transport (eio_http.c; long-polling has its place beside it) -> session -> user (sio.c)
 *
 * The server pings `ping_interval` after the opening and after each pong, and closes a session that does not answer
 * within `ping_timeout`; other traffic does not count. One thread, the worker's. A session is freed in rc_eio_gone,
 * after which the user's `closed` was called.
 */
#ifndef RC_GATEWAY_EIO_H
#define RC_GATEWAY_EIO_H

#include "gateway/close.h"
#include "gateway/net/outgoing.h"
#include "gateway/net/wheel.h"

#define RC_EIO_SID_LEN 20 /* characters of a session id, base64url */

struct rc_eio;

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
    size_t max_payload; /* bytes of one message from a client */
    struct rc_wheel *wheel;
    const struct rc_eio_user *user;
    void *host; /* user's, for open */
};

/* The layer below; the session never calls it after rc_eio_gone. */
struct rc_eio_transport {
    void (*packet)(void *transport, const char *text); /* a packet without payload bytes of its own: "2" */
    void (*message)(void *transport, struct rc_outgoing *out);
    void (*pause)(void *transport, bool stop);
    void (*close)(void *transport, enum rc_close why); /* leads to rc_eio_gone, later */
};

/* Opens a session on a transport and sends its open packet. config must outlive it. NULL: memory is short. */
struct rc_eio *rc_eio_open(const struct rc_eio_config *config, const struct rc_eio_transport *transport, void *self,
                           const char *cookie);

/* From the transport: one packet with its type in front, or a binary message. */
void rc_eio_text(struct rc_eio *eio, const char *data, size_t len);
void rc_eio_binary(struct rc_eio *eio, const uint8_t *data, size_t len);
/* From the transport: it is gone, and with it the session, which is freed. */
void rc_eio_gone(struct rc_eio *eio, enum rc_close why);

/* From the user. */
void rc_eio_send(struct rc_eio *eio, struct rc_outgoing *out);
void rc_eio_pause(struct rc_eio *eio, bool stop);
void rc_eio_close(struct rc_eio *eio, enum rc_close why);
const char *rc_eio_sid(const struct rc_eio *eio);

/* A fresh random id of RC_EIO_SID_LEN characters. */
void rc_eio_make_sid(char sid[RC_EIO_SID_LEN + 1]);

#endif
