/*
 * Between a worker (client sockets, one thread each) and the link loop (cluster core, one thread): two one-way streams
 * of small structs, each a bounded mailbox (common/mailbox.h). Neither side touches the other's state.
 *
 *   worker --- struct rc_up ---> link loop        worker <--- struct rc_down --- link loop
 *
 * Order is kept per direction and worker. A socket number is (worker << 48 | the worker's own counter): never used
 * twice in a process. Buffers in a posted struct belong to the receiver, who releases them.
 */
#ifndef RC_GATEWAY_UPLINK_H
#define RC_GATEWAY_UPLINK_H

#include "cluster/gateway.h"
#include "gateway/relay/relay.h"

#define RC_SOCKET_WORKER(socket) ((unsigned)((socket) >> 48))

enum rc_up_kind {
    RC_UP_CONNECT,    /* socket, room[], rooms: put it into its rooms; answered by OPENED or CLOSED */
    RC_UP_DISCONNECT, /* socket: it is gone */
    RC_UP_EMIT,       /* emit: answered by RESULT (always, also when nothing was asked for) */
    RC_UP_QUERY,      /* query, side: a packed Side{Query}; answered by ROWS with the same query number */
    RC_UP_RELAY,      /* relay: of a client connected here, or of a guest */
    RC_UP_MOVE,       /* connection: goes to `worker`; answered by ARRIVE there */
    RC_UP_PASSED,     /* barrier: everything posted before this DOWN barrier is in the sockets' queues */
};
struct rc_up {
    enum rc_up_kind kind;
    uint64_t socket;
    unsigned rooms;
    struct rc_buf *room[RC_SOCKET_ROOMS_MAX];
    struct rc_emit emit;
    uint64_t query;
    struct rc_buf *side;
    struct rc_relay relay;
    struct rc_stream *connection; /* left its net (rc_net_move) */
    unsigned worker;
    void *barrier; /* opaque, from RC_DOWN_BARRIER */
};

enum rc_down_kind {
    RC_DOWN_OPENED,  /* socket: answer its CONNECT; from now on deliveries reach it */
    RC_DOWN_CLOSED,  /* socket, end: close it with this reason */
    RC_DOWN_FENCED,  /* close every socket of this worker (G6) */
    RC_DOWN_DELIVER, /* msg: to the opened members of msg.room, less those in msg.except */
    RC_DOWN_BARRIER, /* barrier: post PASSED with it when the deliveries before it are in the sockets' queues */
    RC_DOWN_RESULT,  /* socket, token, outcome: of an emit */
    RC_DOWN_PAUSE,   /* socket, stop: stop or go on reading from it */
    RC_DOWN_DRAIN,   /* count: take no more clients, and close so many of those that are there */
    RC_DOWN_RELAY,   /* relay: of a client connected here, or of a guest */
    RC_DOWN_ARRIVE,  /* connection: from another worker */
    RC_DOWN_ROWS,    /* query, side: a packed Side{Rows}; side NULL: no persister can be asked */
};
struct rc_down {
    enum rc_down_kind kind;
    uint64_t socket;
    enum rc_socket_end end;
    struct rc_msg msg;
    void *barrier;
    uint64_t token;
    enum rc_outcome outcome;
    bool stop;
    size_t count;
    uint64_t query;
    struct rc_buf *side;
    struct rc_relay relay;
    struct rc_stream *connection;
};

/* What a worker needs of the link loop; a test or the conformance program puts a loopback here. */
struct rc_uplink {
    void *host;
    /* False: the mailbox is at its bound; nothing was taken. CONNECT, EMIT and the OPEN of a relay are then refused as busy; the
     * others never fail. Any thread. */
    bool (*post)(void *host, struct rc_up *up);
};

#endif
