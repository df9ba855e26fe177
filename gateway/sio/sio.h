/*
 * Socket.IO, protocol version 5, server side: namespaces, sockets, events, acks and the fan-out of deliveries,
 * for one worker and on its thread.
 *
 *   eio session = connection 1 --- 0..n sockets (one per namespace entered), each with a number of its own
 *
 * A CONNECT is answered in steps: app.enter and app.rooms say who and where, RC_UP_CONNECT asks for the rooms,
 * RC_DOWN_OPENED brings the answer. From then on the socket is in its rooms' sets; events before it close the
 * connection, as does every packet that a client must not send. Each RC_UP_CONNECT is followed by exactly one
 * RC_UP_DISCONNECT, when the socket leaves or its connection ends.
 */
#ifndef RC_GATEWAY_SIO_H
#define RC_GATEWAY_SIO_H

#include "gateway/app/app.h"
#include "gateway/eio/eio.h"
#include "gateway/metrics.h"
#include "gateway/uplink.h"

#define RC_NSP_MAX 128 /* bytes of a namespace that is answered at all */

#define RC_SIO_GREET_US (50 * RC_MS) /* from the answer of CONNECT to the application's greeting (app.h) */

/* A session is a handshake under way (GM_HANDSHAKES) until its first socket is in its rooms, or it ends. One that has not asked
 * for a namespace after this time makes no work, and is none: else strangers could keep others out for connect_timeout. */
#define RC_SIO_HASTE_US (5000 * RC_MS)

struct rc_sio;

struct rc_sio_config {
    unsigned worker;         /* number of the worker, in its sockets' numbers */
    rc_time connect_timeout; /* from the session's opening to its first socket's */
    const char *const *nsp;  /* namespaces that exist, RC_NAMESPACES_MAX at most; NULL-terminated */
    const struct rc_app *app;
    struct rc_uplink uplink;
    struct rc_wheel *wheel;
    _Atomic uint64_t *values;
};

/* Copies config, not what it points to. Aborts when memory is short. */
struct rc_sio *rc_sio_new(const struct rc_sio_config *config);
/* All sessions must be gone. NULL is allowed. */
void rc_sio_free(struct rc_sio *sio);

/* What Engine.IO calls; the host of rc_eio_config is the struct rc_sio. */
extern const struct rc_eio_user rc_sio_user;

/* OPENED, CLOSED, RESULT or PAUSE. What is not known any more is ignored. */
void rc_sio_down(struct rc_sio *sio, const struct rc_down *down);

/* From now on a CONNECT closes its connection, whose client then connects elsewhere. */
void rc_sio_drain(struct rc_sio *sio);

/* Closes every connection that has a socket, connected or not yet. */
void rc_sio_close_all(struct rc_sio *sio, enum rc_close why);

/* Puts one copy into the queue of every socket in msg->room that is not also in msg->except. Returns how many. */
size_t rc_sio_deliver(struct rc_sio *sio, const struct rc_msg *msg);

#endif
