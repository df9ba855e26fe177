/*
 * Inside of the link loop: one struct, and a file per direction.
 *
 *   router.c        links, loop, start and stop
 *   router_desk.c   the workers' requests to the core, the core's events to the workers
 */
#ifndef RC_GATEWAY_ROUTER_IMPL_H
#define RC_GATEWAY_ROUTER_IMPL_H

#include "aside.h"
#include "gateway/queries.h"
#include "gateway/relay/trunk.h"
#include "gateway/router.h"
#include "mailbox.h"
#include "suspend.h"

struct rc_barrier { /* the deliveries of one batch, until every worker has queued its share */
    TAILQ_ENTRY(rc_barrier) link;
    uint64_t session, seq;
    unsigned left;
};
TAILQ_HEAD(rc_barriers, rc_barrier);

struct rc_router {
    struct rc_router_config config;
    struct rc_times times;
    struct rc_gateway *core;
    struct rc_host *host;
    struct rc_mailbox *mailbox;
    struct rc_aside *aside; /* sessions with persisters */
    struct rc_queries *queries;
    struct rc_trunk *trunk; /* relays */
    struct rc_roster roster;
    struct rc_discovery discovery;
    struct rc_suspend suspend;
    struct rc_worker *worker[RC_WORKERS_MAX];
    unsigned workers;
    struct rc_barriers barriers; /* raised, not yet passed by all */
    bool alone;                  /* the workers have ended */
    bool was_serving;
    rc_time leaving, bye; /* when asked to leave, and when BYE was said; 0: not yet */
};

/* router_desk.c */
extern const struct rc_gateway_events rc_router_events; /* of the core; host is the router */
bool rc_router_post(void *router, struct rc_up *up);    /* for struct rc_uplink: any worker's thread */
void rc_router_take_mail(struct rc_router *r);
void rc_router_drop_mail(struct rc_mail *mail);        /* what nobody took */
struct rc_trunk *rc_router_trunk(struct rc_router *r); /* a new one */
/* Nobody passes them any more: the workers have ended, and with them their sockets. */
void rc_router_pass_barriers(struct rc_router *r);
void rc_router_drop_barriers(struct rc_router *r);
void rc_router_rows(void *router, uint64_t query, struct rc_buf *side); /* for the queries' answers */

#endif
