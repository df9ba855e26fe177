/*
 * The map of the cluster as one node knows it: who exists, where, and whether somebody has a session with it. For
 * people and for addresses (a gateway finds the persisters here); decides nothing.
 *
 * A broker reports what it sees itself, and sends its roster as Side{Map} to all its sessions. The others take the
 * union of their brokers' maps: a node is up while any of its sources says so. One thread.
 */
#ifndef RC_ROSTER_H
#define RC_ROSTER_H

#include "brokers.h"
#include "cluster/buf.h"
#include "status.h"

#define RC_ROSTER_MAX  1024             /* nodes; beyond it new ones are not noted */
#define RC_ROSTER_KEEP (600000 * RC_MS) /* a node that is down is shown this long; configured ones for ever */

struct rc_roster_node {
    struct rc_peer peer;
    uint64_t up_by;  /* brokers that say so, by their numbers */
    bool up_here;    /* this node has a session with it, or is it */
    rc_time seen;    /* when it was last up */
    bool configured; /* in the static list */
};

struct rc_roster {
    struct rc_roster_node *node;
    size_t count;
    bool changed;                               /* since the owner last cleared it */
    char source[RC_BROKERS_MAX][RC_ID_MAX + 1]; /* the configured brokers; "": free */
};

/* Sources are numbers: RC_ROSTER_SELF for what this node sees, else the place of a configured broker, which it keeps until
 * it is removed. */
#define RC_ROSTER_SELF RC_BROKERS_MAX

/* The number of a broker; RC_ROSTER_SELF when it is not configured. */
unsigned rc_roster_source(const struct rc_roster *r, const char *id);

/* Begins with the configured brokers, all down, and with this node, up. */
void rc_roster_init(struct rc_roster *r, const struct rc_brokers *brokers, const struct rc_peer *self);
void rc_roster_fini(struct rc_roster *r);
/* The configured brokers are these from now on. What a removed one said is void. */
void rc_roster_configure(struct rc_roster *r, const struct rc_brokers *brokers, rc_time now);

void rc_roster_note(struct rc_roster *r, unsigned source, const struct rc_peer *peer, bool up, rc_time now);
/* Some broker that this node has a session with has one with this node in this role. */
bool rc_roster_vouched(const struct rc_roster *r, const char *id, enum rc_role role);
/* Everything that this source said is void: its session ended. */
void rc_roster_lost(struct rc_roster *r, unsigned source, rc_time now);
/* Forgets what was down for long, and brokers that are down and configured no more. Now and then. */
void rc_roster_sweep(struct rc_roster *r, rc_time now);

/* When the next maps may go out, after some of so many bytes in all went out now: each node that comes is a new map for all that are
 * there, and with hundreds of them their starts would be hundreds of gigabytes. */
#define RC_ROSTER_RATE (16 << 20) /* bytes a second */
rc_time rc_roster_next(rc_time now, size_t bytes);

/* A packed Side{Map}, or NULL when memory is short. */
struct rc_buf *rc_roster_pack(const struct rc_roster *r);
/* Takes a Side in if it is a Map. False: it is not (nothing changed). */
bool rc_roster_unpack(struct rc_roster *r, unsigned source, const struct rc_buf *side, rc_time now);

/* Rows for the status: fills out (at most max) and returns how many. Texts point into the roster. */
size_t rc_roster_status(const struct rc_roster *r, struct rc_status_node *out, size_t max);

#endif
