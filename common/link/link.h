/*
 * A node's end of every link: it listens for peers, keeps a connection to those it is told to dial, proves
 * both sides (protocol.md S2, link/handshake.h) and then moves batches.
 *
 *   dialler                                listener
 *      | ---- TCP connect -----------------> |   a stranger: 2 s, 2 KiB frames, at most 256 of them
 *      | ---- HELLO -----------------------> |   mac wrong: "cluster secret differs", closed
 *      | <--- CHALLENGE -------------------- |
 *      | ---- PROVE -----------------------> |   right: events.hello judges; before this nothing changed
 *      | <--- HELLO_OK or HELLO_NO --------- |
 *     up()                                  up()  a line: batches both ways, FIFO
 *      | <=== batches =====================> |
 *                                                 lost, garbage, oversized: down() on either side, the dialler redials
 *
 * A link is one TCP connection (docs/decisions/0002-links.md), each frame a big-endian 4-byte length and a
 * packed Frame.
 *
 * Threads: all functions and all events belong to the thread of the owner. He watches rc_link_fd (level
 * triggered) and calls rc_link_process when it is readable and at least every 50 ms (it also looks after
 * redials and time limits).
 *
 * Bounds: a line has one receive outstanding and reads on only after everything it read was handed to
 * events.frame, so a busy owner is felt by the peer through TCP; what waits here is at most one receive
 * buffer (64 KiB, or one frame) a line. A line sends one batch at a time; what waits for it is the caller's
 * (the core's queues).
 */
#ifndef RC_LINK_LINK_H
#define RC_LINK_LINK_H

#include "addr.h"
#include "cluster/node.h"
#include "secret.h"

#define RC_LINK_WHY       256          /* room for an error text of this module */
#define RC_LINK_FRAME_MAX (4u << 20)   /* bytes of a frame inside a session */
#define RC_LINK_BATCH_MAX (256u << 10) /* bytes of operations that a host puts into one batch, or one operation */
#define RC_LINK_SIDE_MAX  (3u << 20)   /* bytes of one RC_OP_SIDE */

struct rc_link;
struct rc_line; /* one proven connection; valid from up() until rc_line_close or down() */

/* Why a connection ended. One place logs it (`link-down`, `link-refused`); the number is counted under the short name. */
#define RC_WHY_LIST(X)                                                                                                 \
    X(RC_WHY_CLOSED, "closed", "connection closed")                                                                    \
    X(RC_WHY_ENDED, "session", "session ended here")                                                                   \
    X(RC_WHY_GARBAGE, "garbage", "not a roomcast frame")                                                               \
    X(RC_WHY_OVERSIZED, "oversized", "frame above the limit")                                                          \
    X(RC_WHY_SECRET, "secret", "cluster secret differs")                                                               \
    X(RC_WHY_PROOF, "proof", "proof of the cluster secret is wrong, a replay or a forgery")                            \
    X(RC_WHY_VERSION, "version", "other protocol version")                                                             \
    X(RC_WHY_IDENTITY, "identity", "another node answers at this address")                                             \
    X(RC_WHY_UNKNOWN, "unknown", "node not configured there")                                                          \
    X(RC_WHY_OLD, "old", "incarnation is out of date")                                                                 \
    X(RC_WHY_TWIN, "twin", "another process has this id")                                                              \
    X(RC_WHY_SLOW, "slow", "handshake took too long")                                                                  \
    X(RC_WHY_CROWD, "crowd", "too many unproven connections")

enum rc_why {
#define X(name, word, text) name,
    RC_WHY_LIST(X)
#undef X
        RC_WHY_COUNT
};
const char *rc_why_text(enum rc_why why); /* static string */

struct rc_link_events {
    /* Listener: a peer proved itself. Changes nothing yet; on RC_HELLO_OLD *known_inc is set (else it is 0).
     */
    enum rc_hello (*hello)(void *host, const struct rc_peer *peer, uint64_t *known_inc);
    /* Our broker state for HELLO_OK. May be NULL: RC_UNFIT, for nodes that are no brokers. */
    enum rc_broker_state (*state)(void *host);
    /* The session is open, on either side. state: the listener's, at the dialler; else RC_UNFIT. */
    void (*up)(void *host, struct rc_line *line, const struct rc_peer *peer, uint64_t session,
               enum rc_broker_state state);
    /* Dialler: the node `id` said HELLO_NO with RC_HELLO_OLD (known_inc: its higher number), TWIN or UNKNOWN.
     * It is dialled again all the same. May be NULL. */
    void (*refused)(void *host, const char *id, enum rc_hello reason, uint64_t known_inc);
    /* The connection is lost; the line is invalid when this returns. Not called for lines that the host
     * closed. */
    void (*down)(void *host, struct rc_line *line, enum rc_why why);
    /* A batch arrived; its operations become the callee's (rc_batch_fini). The host may close the line here.
     */
    void (*frame)(void *host, struct rc_line *line, struct rc_batch *batch);
    /* The previous send is complete, the line takes the next batch. */
    void (*writable)(void *host, struct rc_line *line);
};

struct rc_link_config {
    struct rc_peer self;            /* what HELLO says of us; link empty: the bound address is announced */
    const struct rc_secret *secret; /* the cluster's; must outlive the link */
    char listen[RC_ADDR_MAX + 1];   /* "host:port", port 0: any; empty: dial only */
    rc_time handshake;              /* longest handshake, connect included; 0: 2 s */
    rc_time redial_min, redial_max; /* random pause before dialling again; 0: 60 and 250 ms */
    uint32_t strangers;             /* most connections that have not proved themselves; 0: 256 */
};

struct rc_link_stats {
    size_t lines;     /* proven and open */
    size_t strangers; /* accepted, not yet proven */
    uint64_t accepted, dialled, proven;
    uint64_t batches_in, batches_out, bytes_in, bytes_out; /* inside sessions */
    uint64_t ended[RC_WHY_COUNT];
};

/* Binds and listens. NULL with a sentence in why that names option and address (programs end with
 * RC_EXIT_UNAVAILABLE). cfg and events are copied. Do not fork after this (nng). */
struct rc_link *rc_link_new(const struct rc_link_config *cfg, const struct rc_link_events *events, void *host,
                            char why[RC_LINK_WHY]);

/* Closes every connection without events and frees. Waits at most 1 s for nng; what nng then still holds is
 * leaked (nng can hang; the process is about to end). NULL is allowed. */
void rc_link_free(struct rc_link *link);

/* Keeps a connection to this node from now on: dials at once, and again after a random pause whenever it is
 * lost. The node at the address must prove that it is `id` in `role`. Already dialled at this address: nothing
 * changes; at another one: that is given up as by rc_link_undial. False with a sentence in why: bad address, or out of
 * memory. */
bool rc_link_dial(struct rc_link *link, const char *id, enum rc_role role, const char *address, char why[RC_LINK_WHY]);

/* Dials this node no more, and gives up a handshake under way. An open line is the host's to close. */
void rc_link_undial(struct rc_link *link, const char *id);

/* Our incarnation changed (fence): later handshakes say the new one. Open lines are the host's to close. */
void rc_link_set_inc(struct rc_link *link, uint64_t inc);

int rc_link_fd(const struct rc_link *link);
void rc_link_process(struct rc_link *link);

/* The address bound, "host:port" with the real port; empty when not listening. */
const char *rc_link_address(const struct rc_link *link);
void rc_link_stats(const struct rc_link *link, struct rc_link_stats *out);

/* The line can take a batch now. */
bool rc_line_ready(const struct rc_line *line);
/* Packs and sends the batch, which stays the caller's. False: not ready, or the batch is above
 * RC_LINK_FRAME_MAX when packed (an error in the caller, logged; nothing was sent and the session has a gap:
 * close the line). */
bool rc_line_send(struct rc_line *line, const struct rc_batch *batch);
/* Ends the connection without events; the peer sees it closed. What was not yet written is dropped. The line
 * is invalid afterwards. `why` goes into the log. */
void rc_line_close(struct rc_line *line, enum rc_end why);

/* The host's own pointer, NULL at first. */
void rc_line_set_user(struct rc_line *line, void *user);
void *rc_line_user(const struct rc_line *line);

#endif
