/*
 * Who the brokers are and where: the one place through which a node learns it, whatever the source.
 *
 *   source (the option cluster.brokers, at start and at each reload) --offer--> discovery --> core: may it be? (protocol.md 8)
 *                                                                                        --> links, roster
 *
 * A source says who exists, never who is alive, and offers whole lists. Voters are named (C5): a source that only knows
 * addresses offers the list in force with other addresses. One change of the names is taken at a time; all else is refused,
 * and nothing changes. One thread, the owner's.
 */
#ifndef RC_DISCOVERY_H
#define RC_DISCOVERY_H

#include "brokers.h"
#include "cluster/roll.h"
#include "link/link.h"
#include "roster.h"

struct rc_discovery {
    struct rc_brokers *brokers; /* in force */
    struct rc_link *link;
    struct rc_roster *roster;
    const char *dialler; /* a broker's id: it dials those with a larger one; NULL: dials all */
    enum rc_roll (*roll)(void *node, const struct rc_member *member, uint32_t n); /* the core's word */
    void *node;
};

/* Dials the brokers in force. False with a sentence in why: bad address, or out of memory. */
bool rc_discovery_dial(struct rc_discovery *d, char why[RC_LINK_WHY]);

/* Takes the list in: roll, links, roster, *brokers. False with a sentence in why: refused, nothing changed. */
bool rc_discovery_offer(struct rc_discovery *d, const struct rc_brokers *to, char why[RC_LINK_WHY]);

#endif
