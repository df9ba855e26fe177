/*
 * The admin HTTP listener of a node, for operators, probes and collectors; on the daemon's own loop, never for
 * clients.
 *
 *   GET /healthz   200 while the loop turns            open to all
 *   GET /readyz    200 ready, or 503 and the reason    open to all
 *   GET /metrics   Prometheus text                     with a token when one is configured
 *   GET /status    JSON (common/status.h)              likewise
 *   POST /drain    202 and the same JSON: the node     likewise
 *                  drains and ends; 409: it does so
 *                  already; 501: its kind cannot
 *   POST /drain/stay  the same, but it does not end
 *                  before it is told to (brokers)
 *   POST /reload   200 and what changed, a line        likewise
 *                  each; 422 and why nothing did
 *   the paths of rc_admin_config.routes                likewise
 *
 * HEAD is answered like GET without the body. Limits: one request per connection, 8 KiB of headers, 64 KiB of body,
 * 5 s without progress. The number of connections has no limit of its own, because evhttp tells nobody when a silent
 * one ends; when the process is out of descriptors, accepting pauses for a second (`admin-accept-failed`). So keep the
 * address on loopback or behind a firewall. Requests that a web page sent (they carry Origin) are refused. An address
 * that others can reach needs a token.
 */
#ifndef RC_ADMIN_H
#define RC_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "exit.h"
#include "loop.h"
#include "secret.h"

#define RC_ADMIN_WHY 512

#define RC_ADMIN_CALLS 64 /* requests that wait for rc_admin_reply */

struct rc_admin;
struct rc_admin_query;

struct rc_admin_route { /* a path that this kind of node has beside the common ones */
    const char *path;
    bool post; /* has the method POST alone, else GET and HEAD */
    /* Answers by rc_admin_reply, within the call or later. The query is valid within it. */
    void (*ask)(void *arg, uint64_t call, const struct rc_admin_query *query);
};
/* The decoded value of a parameter of the query string, NULL when it is not there. */
const char *rc_admin_parameter(const struct rc_admin_query *query, const char *name);

struct rc_admin_config {
    const char *listen;            /* host:port, port 0 for any free one */
    const struct rc_secret *token; /* for `Authorization: Bearer`; empty: none. Outlives the admin. */
    /* True when the node can do its work, else false with the reason in why. */
    bool (*ready)(void *arg, char *why, size_t why_size);
    /* Writes the body of /metrics. */
    void (*metrics)(void *arg, FILE *out);
    /* Makes the body of /status; malloc'd, NULL answers 500. */
    char *(*status)(void *arg);
    /* Begins to drain the node, which ends by itself then, though not within the call. False: it was begun before.
     * NULL: this node cannot be drained. */
    bool (*drain)(void *arg);
    /* The same for a node that is to be removed: it goes on until drain is called. NULL: this node cannot. */
    bool (*drain_stay)(void *arg);
    /* Reads the options again; says what changed, or why it was refused (false). */
    bool (*reload)(void *arg, FILE *report);
    const struct rc_admin_route *routes; /* outlive the admin; may be NULL */
    size_t route_count;
    void *arg;
};

/* Whether this address is open to other machines. */
bool rc_admin_needs_token(const char *listen);

/* Listens before it returns, so that a port in use is found at start. On failure *out is NULL, why names the
 * option and the address, and the answer is the exit code: RC_EXIT_UNAVAILABLE, RC_EXIT_CONFIG (the address needs
 * a token) or RC_EXIT_INTERNAL. */
enum rc_exit rc_admin_new(struct rc_admin **out, struct rc_loop *loop, const struct rc_admin_config *config,
                          char why[RC_ADMIN_WHY]);

/* host:port that it listens on, with the real port. Valid as long as the admin. */
const char *rc_admin_address(const struct rc_admin *admin);

/* Answers a call, each once; does nothing when that was done. From the loop's thread. body is copied. */
void rc_admin_reply(struct rc_admin *admin, uint64_t call, unsigned status, const char *type, const char *body,
                    size_t len);

/* Closes the listener and all its connections. Not from its callbacks. NULL is allowed. */
void rc_admin_free(struct rc_admin *admin);

#endif
