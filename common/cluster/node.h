/*
 * How a host (daemon or simulator) carries the core's sessions. Single-threaded: every call into the core and
 * every callback happens on the thread that owns the node. Callbacks must not call back into the core; they
 * note and return.
 *
 * A host brings a proven link up with rc_NODE_up, feeds arrived batches to rc_NODE_receive, and when `kick`
 * was called takes batches with rc_NODE_take as long as the line accepts them and rc_session_wants says so. A
 * session ends in one of two ways, and is freed by the core in both: the host tells rc_NODE_down, or the core
 * calls `end` (the host closes the line and does not touch the session again).
 */
#ifndef RC_CLUSTER_NODE_H
#define RC_CLUSTER_NODE_H

#include "cluster/invariant.h"
#include "cluster/session.h"
#include "cluster/times.h"

struct rc_world {
    void *host;                                                     /* first argument of every callback */
    rc_time (*now)(void *host);                                     /* the node's clock */
    uint64_t (*random)(void *host);                                 /* 64 random bits */
    void (*kick)(void *host, struct rc_session *s);                 /* s has something to send */
    void (*end)(void *host, struct rc_session *s, enum rc_end why); /* the core ended s: close its line */
};

/* Answer to a proven HELLO. */
enum rc_hello {
    RC_HELLO_OK,
    RC_HELLO_OLD,     /* a higher incarnation is known, or this one is gone: tell known_inc */
    RC_HELLO_TWIN,    /* a higher incarnation has an open session: another process has this id */
    RC_HELLO_UNKNOWN, /* no such node in our configuration, or a role that does not dial us */
};

#endif
