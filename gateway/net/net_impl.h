/*
 * Inside of client connections: what net.c and net_end.c share.
 *
 *   net.c      connections of a worker: events, input, output      net_end.c   closing, lingering, moving to another worker
 */
#ifndef RC_GATEWAY_NET_IMPL_H
#define RC_GATEWAY_NET_IMPL_H

#include "gateway/net/frame_queue.h"
#include "gateway/net/inlet.h"
#include "gateway/net/net.h"
#include "gateway/net/poller.h"

#include <netinet/in.h>
#include <sys/queue.h>

enum net_state { OPEN, MOVING, CLOSING, LINGERING };

struct net_conn {
    struct rc_stream stream; /* first: a stream is its connection */
    struct rc_net *net;
    TAILQ_ENTRY(net_conn) link;      /* in net->all */
    TAILQ_ENTRY(net_conn) list_link; /* in net->dead while CLOSING or MOVING, else in net->dirty, valid with dirty */
    struct rc_frame_queue queue;     /* output; its bytes are stream.queued */
    struct rc_inlet inlet;
    union {
        struct departure *departure; /* while MOVING */
        struct farewell *farewell;   /* while LINGERING */
    };
    struct net_story *story; /* NULL: the log will not tell it */
    int fd;
    uint32_t wanted;   /* of the kernel: see net_interest() */
    uint8_t state : 2; /* enum net_state */
    uint8_t why : 6;   /* enum rc_close, valid from CLOSING */
    bool dirty : 1;    /* has chores for the next turn */
    bool waiting : 1;  /* the kernel took no more, and tells when it does */
    bool broken : 1;   /* nothing can be written any more */
    bool eof : 1;      /* the peer sent its FIN */
};
/* What the log tells of a connection at its end, if it told that much when the connection came. */
struct net_story {
    uint64_t bytes_in;
    rc_time since;           /* when it was accepted */
    struct in6_addr address; /* peer's; of IPv4 as it is mapped into IPv6 */
    uint16_t port;
};
struct departure {
    struct rc_buf *front; /* what comes before the input */
    unsigned worker;      /* where it goes */
};
struct farewell {
    struct rc_timer timer;
    struct net_conn *conn;
};
TAILQ_HEAD(conn_list, net_conn);
_Static_assert(RC_CLOSE_COUNT <= 64, "net_conn.why");
_Static_assert(sizeof(struct net_conn) <= 136, "an idle client's memory is counted: tests/load/idle.mjs");

struct rc_net {
    struct rc_net_config config;
    struct conn_list all, dirty, dead;
    size_t count;  /* in all */
    size_t queued; /* bytes in all queues, published at each turn */
    struct rc_poller *poller;
    rc_time began;     /* first input of this pass; 0: none yet */
    size_t pass_bytes; /* input of this pass */
    bool spent;        /* the pass has had its share of input */
    uint8_t buffer[RC_STREAM_KEEP + RC_NET_READ];
};

extern const struct rc_stream_ops net_conn_ops;

/* net.c */
void net_count(struct rc_net *net, size_t metric, uint64_t n);
void net_interest(struct net_conn *conn); /* tells the kernel what we wait for */
void net_enlist(struct rc_net *net, struct net_conn *conn);
void net_mark_dirty(struct net_conn *conn);
void net_flush(struct net_conn *conn); /* writes until the queue is empty or the kernel takes no more */

/* net_end.c */
void net_mark_clean(struct net_conn *conn);
void net_close(struct rc_stream *stream, enum rc_close why);
void net_release(struct net_conn *conn);
void net_bury(struct net_conn *conn);
void net_linger_on(struct net_conn *conn);
void net_depart(struct net_conn *conn);

#endif
