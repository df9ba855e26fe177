/* Inside Socket.IO: connections (sio_conn.c) and sockets (sio_socket.c). */
#ifndef RC_GATEWAY_SIO_IMPL_H
#define RC_GATEWAY_SIO_IMPL_H

#include "gateway/sio/room_set.h"
#include "gateway/sio/sio.h"
#include "gateway/sio/sio_packet.h"

struct rc_sio {
    struct rc_sio_config config;
    uint64_t last_number;     /* of the sockets made so far */
    struct rc_index sockets;  /* struct sio_socket by number */
    struct rc_room_set rooms; /* of opened sockets */
    bool draining;            /* no more sockets */
};

/* A CONNECT that waits for its rooms. */
struct sio_entry {
    unsigned rooms;
    struct rc_buf *room[RC_SOCKET_ROOMS_MAX];
};

struct sio_socket {
    struct rc_occupant occupant;  /* rooms that it is in, since OPENED */
    SLIST_ENTRY(sio_socket) link; /* in conn->sockets */
    struct sio_conn *conn;
    uint64_t number;              /* rc_up and rc_down call it so */
    struct rc_identity *identity; /* held; may be NULL */
    struct sio_entry *entry;      /* until OPENED */
    uint32_t expires;             /* wall clock (s) of its end, what is later as the latest; 0: never */
    uint8_t nsp;                  /* its place in config.nsp */
    bool paused;                  /* the link loop wants no events from it */
    bool greeted;                 /* app.greet was asked */
};
SLIST_HEAD(sio_sockets, sio_socket);
_Static_assert(sizeof(struct sio_socket) <= 72, "an idle client's memory is counted: tests/load/idle.mjs");

/* A binary packet whose attachments are not all there. */
struct sio_partial {
    struct rc_sio_packet packet; /* slices of text */
    char *text;
    unsigned have;
    struct rc_buf *attachment[RC_ATTACHMENTS_MAX];
};

struct sio_conn {
    struct rc_eio *eio;
    union {
        char *cookie;              /* of the request that opened the session; NULL: there was none */
        struct rc_identity *known; /* held: of the first socket that could enter */
    };
    struct sio_sockets sockets;
    struct rc_timer timer;       /* connect timeout; once a socket opened: greetings, or the end of the first token */
    struct sio_partial *partial; /* NULL: none is due */
    bool is_known;               /* known is valid, else cookie */
    bool entered;                /* a socket has opened */
    bool greeting;               /* timer is for greetings */
    bool counted;                /* in GM_HANDSHAKES */
    bool late;                   /* RC_SIO_HASTE_US is over; timer is for what is left of the connect timeout */
};

static inline struct rc_sio *sio_of(const struct sio_conn *conn)
{
    return rc_eio_host(conn->eio);
}

static inline const char *sio_nsp(const struct sio_socket *socket)
{
    return sio_of(socket->conn)->config.nsp[socket->nsp];
}

/* Sends a payload to one client and releases it. NULL: memory was short, the connection closes. */
void sio_conn_send(struct sio_conn *conn, struct rc_buf *payload);
void sio_conn_close(struct sio_conn *conn, enum rc_close why);
/* Stops or goes on with input, as the sockets of the connection want it. */
void sio_conn_pause(struct sio_conn *conn);

/* Its handshake is over, one way or the other; not twice. */
void sio_conn_uncount(struct sio_conn *conn);
/* Sets the timer to what its sockets need next. */
void sio_conn_schedule(struct sio_conn *conn);
/* A socket opened: it is greeted after RC_SIO_GREET_US. */
void sio_conn_greet_soon(struct sio_conn *conn);

/* A CONNECT to a namespace, by its place in config.nsp, that the connection is not in. */
void sio_socket_enter(struct sio_conn *conn, uint8_t nsp, const struct rc_sio_packet *packet);
/* Asks the application for its greeting, once. */
void sio_socket_greet(struct sio_socket *socket);
/* Its rooms are in place. */
void sio_socket_opened(struct sio_socket *socket);
/* Leaves its rooms and is freed. */
void sio_socket_leave(struct sio_socket *socket);
/* An event for an opened socket. */
void sio_socket_event(struct sio_socket *socket, const struct rc_sio_packet *packet, struct rc_buf *const *attachment);
/* What became of an event: token as in rc_emit. */
void sio_socket_result(struct sio_socket *socket, uint64_t token, enum rc_outcome outcome);

#endif
