/*
 * A worker: one thread, one loop, its own listener (SO_REUSEPORT) and client sockets; shares nothing. It
 * speaks with the link loop through uplink.h and with the application through app.h.
 *
 *   accept -> net -> http -> ws -> eio -> sio -> app          (upwards: bytes become events)
 *                                          |  rc_up           CONNECT, EMIT, DISCONNECT, QUERY, PASSED
 *   mailbox of rc_down -> rooms -> encode once -> queues -> one writev per dirty socket and pass
 *
 * A pass is bounded (RC_PASS_US of time, RC_PASS_BYTES of input); what is left waits for the next one.
 */
#ifndef RC_GATEWAY_WORKER_H
#define RC_GATEWAY_WORKER_H

#include "gateway/app/app.h"
#include "gateway/eio/eio.h"
#include "gateway/http/http.h"
#include "gateway/http/origin.h"
#include "gateway/metrics.h"
#include "gateway/uplink.h"

#define RC_PASS_US    (20 * RC_MS)
#define RC_PASS_BYTES ((size_t)4 << 20)

struct rc_worker_config {
    unsigned index;        /* number of this worker, in its sockets' numbers and its sessions' ids */
    unsigned workers;      /* of the process */
    const char *listen;    /* "host:port"; port 0: any free one, see rc_worker_port */
    const char *path;      /* of Engine.IO, begins and ends with '/': "/socket.io/" */
    uint64_t gateway;      /* of its node id (rc_sid_gateway): the sessions' ids name it */
    int64_t ping_interval; /* ms, all three */
    int64_t ping_timeout;
    int64_t connect_timeout;
    uint32_t max_payload;    /* bytes of one Engine.IO message from a client */
    size_t queue_max;        /* bytes queued for one client; above: closed (RC_CLOSE_SLOW) */
    uint64_t handshakes_max; /* under way; above, 503. 0: without a bound */
    int descriptors;         /* a client whose descriptor is this or above gets no session; 0: without a bound */
    size_t mailbox_max;      /* bytes of deliveries posted and not yet taken */
    const char *const *nsp;  /* namespaces that clients may enter; NULL-terminated */
    const struct rc_app *app;
    const struct rc_eio_user *engine; /* in place of Socket.IO; NULL: Socket.IO. For the conformance program */
    struct rc_origin_guard *guard;    /* set before start; NULL: pages of any site */
    struct rc_uplink uplink;
};

struct rc_worker;

/* Binds and listens; everything in config is copied except nsp, path and app, which must outlive it. NULL:
 * *exit_code (exit.h) says the class and error (if size > 0) what was wrong and with which address. */
struct rc_worker *rc_worker_new(const struct rc_worker_config *config, int *exit_code, char *error, size_t size);

/* The port that it listens on. */
uint16_t rc_worker_port(const struct rc_worker *worker);

/* Where handlers are registered (rc_http_route), before start. The Engine.IO path is already there. */
struct rc_http_server *rc_worker_http(struct rc_worker *worker);

/* Starts the thread. False: errno. */
bool rc_worker_start(struct rc_worker *worker);

/* Takes no clients from now on (no listener, no sessions, no sockets) and closes `count` of those that it has
 * (RC_CLOSE_SHUTDOWN), sessions first; the others go on. May be called again, to close more. The link loop. */
void rc_worker_drain(struct rc_worker *worker, size_t count);
/* Connections, sessions on long-polling and relayed requests; a client may count twice. 0: it has no client. Any
 * thread. */
size_t rc_worker_clients(struct rc_worker *worker);

/* Begins the end without waiting: the worker closes its listener and all sockets (RC_CLOSE_SHUTDOWN), lets them read
 * what is queued, posts their DISCONNECTs, and has ended then. The link loop, which must not stand still, asks by the
 * second. */
void rc_worker_end(struct rc_worker *worker);
bool rc_worker_ended(const struct rc_worker *worker);

/* The same, and waits for the thread. */
void rc_worker_stop(struct rc_worker *worker);

/* After stop (or when it never started). Open queries are answered with NULL. */
void rc_worker_free(struct rc_worker *worker);

/* Link loop only. Takes over the references in *down and copies the struct; bytes: what it holds in memory.
 * Only DELIVER can be refused (false: the mailbox is at its bound, nothing was taken). */
bool rc_worker_post(struct rc_worker *worker, const struct rc_down *down, size_t bytes);

/* Any thread: another bound of its mailbox, in bytes. */
void rc_worker_set_mailbox(struct rc_worker *worker, size_t bound);

/* When the loop last turned (rc_clock_now). Any thread. A worker turns at least every second, so an old value
 * means that it is stuck. */
rc_time rc_worker_turned(const struct rc_worker *worker);

/* GM_COUNT values, written by this worker (gauges and counters). Any thread may read. */
_Atomic uint64_t *rc_worker_values(struct rc_worker *worker);

/* Posts side (a packed Side{Query}; takes the reference) and calls rows exactly once, later, on this worker's
 * thread, with the packed Side{Rows} (the callee's to hold only during the call) or NULL: no persister can be
 * asked, or the worker ends. From this worker's thread. */
typedef void (*rc_rows_cb)(void *self, const struct rc_buf *side);
void rc_worker_query(struct rc_worker *worker, struct rc_buf *side, rc_rows_cb rows, void *self);

#endif
