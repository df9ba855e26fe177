/*
 * Relays: a client may reach any gateway with any request (P7), but an Engine.IO session lives in one worker of one gateway.
 *
 *   other worker, same gateway     the connection itself moves there (rc_net_move), with the request in front of its input
 *   other gateway                  the request is relayed, RELAY of protocol.md 9:
 *
 *   client -- connection --> edge.c -- rc_relay --> trunk.c ==== broker ====> trunk.c -- rc_relay --> home.c -- stream --> http.c
 *            (worker of the gateway reached)     (its link loop)           (home's link loop)   (worker with the session)
 *
 * The home sees a stream like any other (net/stream.h), on which one request comes; its answer, or what follows an upgrade, goes
 * back as bytes that the edge passes on unread. A polling request is one such stream, a WebSocket one for its whole life. Both ways
 * have a window of RC_RELAY_WINDOW bytes; beyond it the home's queue is bounded like that of any client (RC_CLOSE_SLOW), and the edge
 * stops reading. When the broker is lost, the trunks go on over another one, and edge and home notice nothing; when there is no way for
 * long, both ends end what they have: the client connects again.
 */
#ifndef RC_GATEWAY_RELAY_H
#define RC_GATEWAY_RELAY_H

#include "cluster/buf.h"
#include "gateway/close.h"
#include "gateway/eio/sid.h"

#define RC_RELAY_WINDOW 65536 /* bytes under way in one direction of a stream */

enum rc_relay_kind { RC_RELAY_OPEN, RC_RELAY_DATA, RC_RELAY_CLOSE };

/* One message of a stream, between a worker and the link loop. */
struct rc_relay {
    enum rc_relay_kind kind;
    uint64_t stream;     /* its number in this gateway; never used twice in a process */
    struct rc_sid sid;   /* OPEN: the session */
    struct rc_buf *data; /* OPEN: the request's head; DATA: bytes, NULL: none. A reference for whom it is posted to */
    uint32_t credit;     /* DATA: so many more bytes does the sender take */
    enum rc_close why;   /* CLOSE; RC_CLOSE_ANSWERED: the connection may go on; RC_CLOSE_RELAY: nobody there */
};

/* A stream's number: worker << 48 | guest << 47 | counter. The edge's worker makes those of its clients, the link loop those of
 * guests (streams whose client is at another gateway). */
#define RC_RELAY_GUEST          ((uint64_t)1 << 47)
#define RC_RELAY_WORKER(stream) ((unsigned)((stream) >> 48))

/* How the wire names the reason: the metric's name. One that is not known is RC_CLOSE_RELAY. */
const char *rc_relay_reason(enum rc_close why);
enum rc_close rc_relay_reason_read(const void *name, size_t len);

#endif
