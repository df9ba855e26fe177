/*
 * One client: a TCP connection, its WebSocket, its Engine.IO session and its Socket.IO socket. A state machine without a loop
 * or timers: the worker says what time it is and what a descriptor is ready for.
 *
 *     IDLE --dial--> DIALLING --101--> OPENING --0{--> JOINING --40--> LIVE
 *       ^________________|______________|_____________|_____________|   every end is told to the events
 *
 * Output is queued and written once a pass, by rc_client_flush_all. A connection is never ended in the middle of reading it:
 * `ended` comes from the functions that say so. Single-threaded; one host a worker.
 */
#ifndef RC_CLIENT_H
#define RC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/bytes.h"
#include "client/frames.h"
#include "client/target.h"
#include "oracle/ledger.h"
#include "secret.h"
#include "shared/shared.h"

#define RC_CLIENT_OUT_MAX (1u << 20) /* bytes that wait for a socket; a client with more gets nothing to send */

enum rc_client_state { RC_CLIENT_IDLE, RC_CLIENT_DIALLING, RC_CLIENT_OPENING, RC_CLIENT_JOINING, RC_CLIENT_LIVE };

struct rc_sender; /* the scenario's part of a client that writes */

struct rc_client {
    int fd; /* -1: none */
    uint32_t index;
    uint8_t state; /* enum rc_client_state */
    bool admin;
    bool dirty;      /* in the list of those with output */
    bool want_write; /* epoll waits for room in the socket */
    uint8_t tries;   /* connects that failed since it was live */
    bool given_up;
    uint32_t silence; /* ms: ping interval and timeout of the session */
    uint64_t due;     /* ns: when the connect under way, or to be tried again, was due at first */
    uint64_t retry;   /* ns: when it is to be tried again */
    uint64_t heard;   /* ns: when something was read */
    struct rc_frames frames;
    struct rc_bytes in;  /* the HTTP answer until it is whole */
    struct rc_bytes out; /* not written yet */
    struct rc_client *next_dirty;
    struct rc_ledger ledger;
    struct rc_sender *sender; /* NULL: does not write */
};

/* What happens to a client. None may end it. */
struct rc_client_events {
    void (*live)(void *arg, struct rc_client *client);
    /* Its connection ended, in `was`; `why` is for people; retry_after in s, 0 unless the server said so. */
    void (*ended)(void *arg, struct rc_client *client, enum rc_client_state was, const char *why, unsigned retry_after);
    /* The JSON array of `mensaje_recibido`. */
    void (*message)(void *arg, struct rc_client *client, const char *json, size_t len);
    /* The arguments of an ack, a JSON array. */
    void (*ack)(void *arg, struct rc_client *client, uint64_t id, const char *json, size_t len);
};

/* What the clients of a worker share. */
struct rc_client_host {
    int epoll; /* data.ptr is the client */
    uint16_t run;
    uint64_t now; /* ns: set by the worker before it calls */
    const struct rc_targets *targets;
    const struct rc_secret *secret;
    struct rc_share *share;
    struct rc_frame_pool *pool;
    struct rc_client *dirty; /* those with output */
    const struct rc_client_events *events;
    void *arg;
    char key[32], accept[32]; /* of the WebSocket handshake, the same for all: servers keep neither */
    uint8_t *scratch;         /* RC_CLIENT_SCRATCH bytes to read into */
    char why[RC_REASON_MAX];  /* why the client that is being read has to end; "": it has not */
    unsigned retry_after;
};

#define RC_CLIENT_SCRATCH 262144u

/* Fills the rest of host, whose first six fields and events are set. False: out of memory. */
bool rc_client_host_init(struct rc_client_host *host);
void rc_client_host_fini(struct rc_client_host *host);

/* Begins a connection. May tell `ended` at once. */
void rc_client_dial(struct rc_client_host *host, struct rc_client *client);

/* A descriptor is ready. May tell `ended`. */
void rc_client_ready(struct rc_client_host *host, struct rc_client *client, uint32_t events);

/* Queues a frame. False: too much waits already. */
bool rc_client_write(struct rc_client_host *host, struct rc_client *client, enum rc_frame_kind kind, const void *data,
                     size_t len);

/* Writes what was queued. May tell `ended`. */
void rc_client_flush_all(struct rc_client_host *host);

/* Ends the connection for this reason and tells `ended`; not from within events. */
void rc_client_end(struct rc_client_host *host, struct rc_client *client, const char *why);

/* Closes without a word. */
void rc_client_close(struct rc_client_host *host, struct rc_client *client);

/* The parts of reading, each in its file. False: the client has to end, host->why says why. */
bool rc_client_http(struct rc_client_host *host, struct rc_client *client, const uint8_t *data, size_t len);
bool rc_client_frames(struct rc_client_host *host, struct rc_client *client, const uint8_t *data, size_t len);

/* The socket, with a source address of its own on loopback; and the request. -1: errno says why. */
int rc_client_socket(const struct rc_client_host *host, const struct rc_client *client);
bool rc_client_request(struct rc_client_host *host, struct rc_client *client);

#endif
