/*
 * The lanes of a gateway (lane.h) and the brokers that they go over.
 *
 *   edge:   no way --find one--> asked --the home answers--> settled       a broker lost, or one that drains: from the beginning
 *   home:   no way <--lost------ settled <--RelayWay of the edge           a new way replaces the one before
 *
 * The edge has as many lanes to a gateway as there are brokers, each with one that it prefers; new streams go to them in turns. A lane
 * without a way for RC_LANES_PATIENCE times the session timeout ends, at each end by its own clock, and with it its streams.
 *
 * Belongs to the link loop. Bounds: RC_LANES_MAX; RC_LANES_KEPT_MAX bytes kept, and RC_LANES_ENDS_MAX more; beyond
 * RC_LANES_UNDER_WAY unacknowledged bytes of a broker's session messages wait. A fan-out to many relayed clients is more at once than
 * that, and no reason to close them.
 */
#ifndef RC_GATEWAY_LANES_H
#define RC_GATEWAY_LANES_H

#include "cluster/map.h"
#include "gateway/relay/lane.h"
#include "roster.h"

#define RC_LANES_MAX       16384
#define RC_LANES_KEPT_MAX  (128u << 20) /* bytes of messages that the other ends have not got */
#define RC_LANES_ENDS_MAX  (8u << 20) /* more of them for the ends of streams: RC_TRUNK_STREAMS_MAX, and as many again */
#define RC_LANES_UNDER_WAY (4u << 20) /* bytes unsent or unacknowledged of a session, beyond which messages wait */
#define RC_LANES_PATIENCE  2          /* times the session timeout */

struct rc_lanes_config {
    const struct rc_roster *roster; /* who is where */
    rc_time silence;                /* times.session: a way on which nothing gets on for so long is tried anew */
    void *host;
    /* Sends a packed Side to a broker; takes the reference. */
    void (*side)(void *host, struct rc_session *s, struct rc_buf *side);
    /* This broker goes soon. */
    bool (*drains)(void *host, const struct rc_session *s);
    void *user;
    /* The lane's streams are over; it is not to be used any more. */
    void (*over)(void *user, struct rc_lane *lane, enum rc_close why);
};

TAILQ_HEAD(rc_lane_list, rc_lane);

struct rc_lanes {
    struct rc_lanes_config config;
    struct rc_session *broker[RC_BROKERS_MAX]; /* sessions, n of them */
    unsigned n, next;                          /* next: where the choice of a broker begins */
    struct rc_map lanes;                       /* struct place (lanes.c) -> struct rc_lane */
    struct rc_lane_list pending;               /* those with something to send */
    size_t kept;                               /* bytes, all lanes */
    uint64_t last;                             /* lane that we made */
    uint64_t moves;                            /* ways found after the first */
    rc_time now;                               /* of the last tick */
    bool hurry;                                /* some lane's */
};

void rc_lanes_init(struct rc_lanes *lanes, const struct rc_lanes_config *config);
void rc_lanes_fini(struct rc_lanes *lanes); /* `over` is not called */

/* A broker's session began, or ended; or the broker has none with this gateway. */
void rc_lanes_up(struct rc_lanes *lanes, struct rc_session *s);
void rc_lanes_down(struct rc_lanes *lanes, const struct rc_session *s);
void rc_lanes_lost(struct rc_lanes *lanes, const struct rc_session *s, const char *gateway);
/* Our incarnation is over, and so are all lanes. */
void rc_lanes_end(struct rc_lanes *lanes);

/* A lane for a new stream to the gateway whose sessions have this number in their ids; NULL: it is not there. */
struct rc_lane *rc_lanes_to(struct rc_lanes *lanes, uint64_t gateway);
/* Sends, over whatever way there will be; relay->data stays the caller's. False: the bound is reached, or memory is short; the other
 * end will miss it. force: also above the bound, up to RC_LANES_ENDS_MAX, for the message that tells so. */
bool rc_lanes_send(struct rc_lanes *lanes, struct rc_lane *lane, uint64_t wire, const struct rc_relay *relay,
                   bool force);

/* What came with a number: the lane that it is the next of. NULL: not to be taken. */
struct rc_lane *rc_lanes_take(struct rc_lanes *lanes, struct rc_session *s, const struct rc_trunk_address *from,
                              size_t len);
void rc_lanes_way(struct rc_lanes *lanes, struct rc_session *s, const struct rc_trunk_side *side);
void rc_lanes_got(struct rc_lanes *lanes, const struct rc_trunk_address *from);

/* At the end of a loop pass. */
void rc_lanes_pump(struct rc_lanes *lanes);
void rc_lanes_tick(struct rc_lanes *lanes, rc_time now);

#endif
