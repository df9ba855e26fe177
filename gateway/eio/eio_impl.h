/* Inside Engine.IO: a session, and what its files share. */
#ifndef RC_GATEWAY_EIO_IMPL_H
#define RC_GATEWAY_EIO_IMPL_H

#include "gateway/eio/eio.h"
#include "gateway/ws/ws_conn.h"

struct rc_eio {
    struct rc_eio_server *server;
    const struct rc_eio_transport *transport;
    void *below; /* transport's */
    void *self;  /* user's */
    struct rc_timer heartbeat;
    uint32_t slot;                 /* in the server's table, while not closing */
    uint8_t random[RC_SID_RANDOM]; /* of its id */
    bool awaits_pong;              /* heartbeat is the ping timeout, else the time to the next ping */
    bool prolonged;                /* other traffic has put the ping timeout off */
    bool closing;                  /* packets are ignored from here on */
};

struct rc_eio_server {
    struct rc_eio_config config;
    struct rc_eio **table; /* slot -> session; NULL: free */
    uint32_t slots, used;
    uint32_t next;                 /* where the search for a free slot begins */
    bool draining;                 /* opens no more sessions */
    bool full;                     /* opens none now: descriptors are short */
    LIST_HEAD(, rc_polling) ended; /* their sessions are closing; freed at the next tick, by `end` */
    struct rc_timer end;
};

/* The session of this id, NULL: there is none. One whose ping timeout is over is closed by that. */
struct rc_eio *rc_eio_find(const struct rc_eio_server *server, const struct rc_sid *sid);

/* eio_ws.c: below is a struct rc_ws_conn, whose user is the session. */
extern const struct rc_eio_transport rc_eio_ws_transport;
extern const struct rc_ws_user rc_eio_ws_user;
/* Answers an upgrade request with a session. */
void rc_eio_ws_open(struct rc_eio_server *server, const struct rc_http_request *request, struct rc_response *response);
/* As the reference: the handshake is answered, and the connection closed, since its session is on a WebSocket already. */
void rc_eio_ws_turn_away(const struct rc_http_request *request, struct rc_response *response);

#endif
