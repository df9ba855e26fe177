/* Identities, time and limits that every part of the cluster protocol shares (docs/protocol.md). */
#ifndef RC_CLUSTER_TYPES_H
#define RC_CLUSTER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds on the node's own clock (CLOCK_BOOTTIME in daemons, virtual in the simulator). Never compared
 * between nodes. */
typedef int64_t rc_time;
#define RC_MS    ((rc_time)1000)
#define RC_NEVER (INT64_MIN / 2) /* older than any moment; differences with it do not overflow */

#define RC_ID_MAX           63    /* bytes of a node id, without the terminator */
#define RC_ROOM_MAX         512   /* bytes of a room key: namespace, comma, name */
#define RC_SLOTS            16384 /* rooms are hashed into this many slots */
#define RC_BROKERS_MAX      64    /* brokers of one cluster; views are 64-bit sets */
#define RC_PERSISTERS_MAX   16    /* persisters of one cluster */
#define RC_SOCKET_ROOMS_MAX 8

enum rc_role {
    RC_GATEWAY = 1,
    RC_BROKER = 2,
    RC_PERSISTER = 3,
    RC_FOLLOWER = 4 /* reads a persister's log, for others */
};

/* Broker states, protocol.md B4, in order of willingness. */
enum rc_broker_state {
    RC_UNFIT,    /* cannot know whether a member is missing: do not join or emit here */
    RC_FIT,      /* join here, emit to the next open broker */
    RC_OPEN,     /* join here, emit here */
    RC_DRAINING, /* told to go: as unfit, finishes what it has */
};

/* Why a session or connection ended. One place logs it; the number is counted. */
#define RC_END_LIST(X)                                                                                                 \
    X(RC_END_CLOSED, "closed by peer")                                                                                 \
    X(RC_END_SILENT, "nothing heard for the session timeout")                                                          \
    X(RC_END_GAP, "batch out of sequence")                                                                             \
    X(RC_END_STALE, "batch of another session or incarnation")                                                         \
    X(RC_END_REPLACED, "the same node said hello again")                                                               \
    X(RC_END_FENCE, "gateway fenced itself")                                                                           \
    X(RC_END_GONE, "peer's incarnation is gone")                                                                       \
    X(RC_END_BOUND, "peer does not acknowledge")                                                                       \
    X(RC_END_PROTOCOL, "message that this peer must not send")                                                         \
    X(RC_END_REMOVED, "removed from the configured brokers")                                                           \
    X(RC_END_INVARIANT, "an invariant of the protocol is broken")                                                      \
    X(RC_END_SHUTDOWN, "shutting down")

enum rc_end {
#define X(name, text) name,
    RC_END_LIST(X)
#undef X
        RC_END_COUNT
};
const char *rc_end_text(enum rc_end why); /* static string, never NULL */

/* Who is at the other end of a session, as its HELLO said and its MAC proved. */
struct rc_peer {
    enum rc_role role;
    char id[RC_ID_MAX + 1];
    uint64_t inc;    /* incarnation: larger at each start and each fence */
    uint32_t weight; /* brokers: share of rooms, 0 votes only; else 0 */
    char link[128];  /* address of its cluster listener, "host:port", may be empty */
    char admin[128]; /* address of its admin listener, "host:port", may be empty */
    char topic[128]; /* brokers: address of the message topic, may be empty */
};

#endif
