/*
 * The glue between lines (link/link.h) and the sessions of a core (cluster/node.h) that the three daemons
 * share.
 *
 *   core kicks -> remembered -> rc_host_flush at the end of the loop pass -> take -> line, if it is free
 *   line writable -> take -> line                     (so batches grow by themselves under load)
 *   line up / frame / down -> up / receive / down     core ends a session -> its line is closed
 *
 * Everything happens on the owner's thread. A loop pass is: rc_host_process (or what else calls the core),
 * then rc_host_flush. Kicks between two flushes cost one batch.
 */
#ifndef RC_LINK_HOST_H
#define RC_LINK_HOST_H

#include "link/link.h"

struct rc_host;

/* The core's functions behind one signature; `node` is the pointer given to rc_host_new (the daemon, or the
 * core itself). */
struct rc_host_node {
    enum rc_hello (*hello)(void *node, const struct rc_peer *peer, uint64_t *known_inc);
    enum rc_broker_state (*state)(void *node); /* NULL: not a broker */
    /* NULL result: the core does not want this peer; the line is closed. */
    struct rc_session *(*up)(void *node, const struct rc_peer *peer, uint64_t session, enum rc_broker_state state);
    void (*refused)(void *node, const char *id, enum rc_hello reason, uint64_t known_inc); /* may be NULL */
    void (*down)(void *node, struct rc_session *s);
    void (*take)(void *node, struct rc_session *s, size_t max_bytes, struct rc_batch *batch);
    bool (*receive)(void *node, struct rc_session *s, const struct rc_batch *batch);
    /* A RC_OP_SIDE came in a batch that the core accepted; bytes stay the host's (hold them to keep them).
     * Called after receive, while the session is open. May be NULL: ignored. */
    void (*side)(void *node, struct rc_session *s, struct rc_buf *bytes);
};

/* Opens the link of cfg. NULL with a sentence in why, as rc_link_new. fns is copied. */
struct rc_host *rc_host_new(const struct rc_link_config *cfg, const struct rc_host_node *fns, void *node,
                            char why[RC_LINK_WHY]);
/* Closes all lines without telling the core (free the core before or after, its sessions are its own). NULL
 * is allowed. */
void rc_host_free(struct rc_host *host);

/* For rc_link_dial, rc_link_set_inc, rc_link_stats, rc_link_fd, rc_link_address. */
struct rc_link *rc_host_link(struct rc_host *host);

/* When rc_link_fd is readable, and at least every 50 ms: events of the link, then a flush. */
void rc_host_process(struct rc_host *host);
/* Sends what kicked sessions have, on lines that are free. At the end of every loop pass that called the
 * core. */
void rc_host_flush(struct rc_host *host);

/* For struct rc_world: now and random of this machine; the argument is not looked at. */
rc_time rc_host_now(void *any);
uint64_t rc_host_random(void *any);
/* For struct rc_world: kick and end. Safe inside every call into the core; they only note (end also closes
 * the line). */
void rc_host_kick(struct rc_host *host, struct rc_session *s);
void rc_host_end(struct rc_host *host, struct rc_session *s, enum rc_end why);

/* Sends bytes beside the core: queued on the session, flushed as usual. Takes over the reference. False (and
 * released): above RC_LINK_SIDE_MAX. */
bool rc_host_side(struct rc_host *host, struct rc_session *s, struct rc_buf *bytes);

/* Nothing of any session waits to be sent or is on its way to the kernel: lines have run dry (for an orderly
 * exit). */
bool rc_host_dry(const struct rc_host *host);

#endif
