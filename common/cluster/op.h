/*
 * What nodes say to each other: the operations of protocol.md 9 and the batches that carry them.
 *
 * The core makes and reads these structs; common/link/wire_pack.c and wire_unpack.c turn them into protobuf and back.
 * Whatever is not the core's business (history, map of the cluster, relays, commands) travels as RC_OP_SIDE with bytes
 * that only the daemons read.
 */
#ifndef RC_CLUSTER_OP_H
#define RC_CLUSTER_OP_H

#include "cluster/buf.h"

#include <sys/queue.h>

enum rc_op_kind {
    RC_OP_JOIN = 1,  /* G>B  room */
    RC_OP_LEAVE,     /* G>B  room */
    RC_OP_COUNT,     /* G>B  room, members: status only, decides nothing */
    RC_OP_SYNCED,    /* G>B  version, view, k */
    RC_OP_EMIT,      /* G>B  msg, slot, generation, row? */
    RC_OP_DELIVERED, /* B>G  slot, seq: routed to all, waits for storage */
    RC_OP_CONFIRM,   /* B>G  slot, seq: done */
    RC_OP_REFUSED,   /* B>G  slot, generation, reason */
    RC_OP_DELIVER,   /* B>G  msg */
    RC_OP_BYE,       /* G>B  */
    RC_OP_LIST,      /* B>B  gateways that the sender heard lately */
    RC_OP_RECORD,    /* B>P  number, key, row */
    RC_OP_RESEND,    /* P>B  from number */
    RC_OP_STORED,    /* P>B  all up to number are committed */
    RC_OP_HOLE,      /* B>P  first..last are not to be had any more */
    RC_OP_SIDE,      /* any  opaque to the core */
};

enum rc_refusal { RC_NOT_OPEN = 1, RC_NOT_COVERED, RC_BUSY };

/* One message to one room. Holders of a copied struct hold its buffers (rc_msg_hold). */
struct rc_msg {
    char origin[RC_ID_MAX + 1]; /* gateway that made it; empty on EMIT (the session says it) */
    uint64_t origin_inc;        /* its incarnation; 0 on EMIT */
    uint64_t seq;               /* number within that incarnation, from 1 */
    struct rc_buf *room;        /* room key */
    struct rc_buf *except;      /* sockets that are also in this room get no copy; NULL: none */
    struct rc_buf *payload;     /* event bytes, opaque */
};
void rc_msg_hold(struct rc_msg *msg);
void rc_msg_rele(struct rc_msg *msg);

/* Identity of a stored message and its place in time order (protocol.md T1). */
struct rc_key {
    int64_t fecha; /* wall clock of the origin, ms since the epoch; never goes back within an incarnation */
    char origin[RC_ID_MAX + 1];
    uint64_t origin_inc;
    uint64_t seq;
};

struct rc_member { /* a broker in a view */
    char id[RC_ID_MAX + 1];
    uint32_t weight;
};
struct rc_alive { /* a gateway in a list */
    char id[RC_ID_MAX + 1];
    uint64_t inc;
};

struct rc_op {
    TAILQ_ENTRY(rc_op) link;
    enum rc_op_kind kind;
    uint64_t ordinal; /* place in the session's order, set by rc_session_push */
    size_t bytes;     /* what it counts for in bounds, set by rc_op_new and rc_op_weigh */
    union {
        struct {
            struct rc_buf *room;
            uint32_t members; /* COUNT */
        } room;               /* JOIN, LEAVE, COUNT */
        struct {
            uint64_t version;
            uint32_t k;
            uint32_t n;
            struct rc_member *member; /* owned array of n, ascending by id */
        } synced;
        struct {
            uint32_t slot;
            uint64_t generation;
            struct rc_msg msg;
            int64_t fecha;      /* valid with row */
            struct rc_buf *row; /* packed Row to store; NULL: nothing */
        } emit;
        struct {
            uint32_t slot;
            uint64_t number;        /* DELIVERED, CONFIRM: seq; REFUSED: generation */
            enum rc_refusal reason; /* REFUSED */
        } reply;
        struct rc_msg deliver;
        struct {
            uint32_t n;
            struct rc_alive *alive; /* owned array of n */
        } list;
        struct {
            uint64_t number;
            struct rc_key key;
            struct rc_buf *row;
        } record;
        struct {
            uint64_t first; /* RESEND: from; STORED: number; HOLE: first */
            uint64_t last;  /* HOLE */
        } range;
        struct rc_buf *side;
    };
};
TAILQ_HEAD(rc_op_list, rc_op);

/* A zeroed operation of this kind; aborts when memory is short (small and fixed). */
struct rc_op *rc_op_new(enum rc_op_kind kind);
/* Sets op->bytes from its contents; call it after filling. */
void rc_op_weigh(struct rc_op *op);
/* Releases the buffers and arrays it holds, and itself. */
void rc_op_free(struct rc_op *op);
const char *rc_op_name(enum rc_op_kind kind);

/* The unit of a link (protocol.md S3, S4). An empty one is the heartbeat. */
struct rc_batch {
    uint64_t session;           /* random name of the session */
    uint64_t from_inc;          /* sender's incarnation */
    uint64_t to_inc;            /* receiver's incarnation */
    uint64_t seq;               /* from 1, no gaps */
    uint64_t ack;               /* highest batch of the receiver that the sender has fully processed */
    rc_time t;                  /* sender's clock */
    rc_time echo;               /* newest t of the receiver that the sender's link loop read; RC_NEVER: none */
    bool active;                /* gateway: count me (G7) */
    bool mature;                /* broker: B2 */
    enum rc_broker_state state; /* broker: B4 */
    uint64_t topic_last;        /* broker to persister: number of the newest record */
    struct rc_op_list ops;      /* owned */
    size_t bytes;               /* sum of ops' bytes */
};
void rc_batch_init(struct rc_batch *batch);
/* Frees the operations; the struct is reusable after init. */
void rc_batch_fini(struct rc_batch *batch);

#endif
