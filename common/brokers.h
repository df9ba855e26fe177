/* The static list of a cluster's brokers: `id=host:port[*weight]`, separated by commas. */
#ifndef RC_BROKERS_H
#define RC_BROKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cluster/op.h"

#define RC_WEIGHT_MAX 100

struct rc_broker_entry {
    char id[RC_ID_MAX + 1];
    char address[RC_ADDR_MAX + 1]; /* of its cluster listener */
    uint32_t weight;               /* share of rooms, 1 unless given; 0 votes only */
};

struct rc_brokers {
    size_t count;
    struct rc_broker_entry entry[RC_BROKERS_MAX]; /* in the order of the text */
};

/* Whether id is 1 to RC_ID_MAX bytes of [A-Za-z0-9._-]. */
bool rc_id_valid(const char *id);

/* False with a sentence in why that names the bad element and what would be right: bad or repeated id,
 * repeated or bad address, weight out of range, more than RC_BROKERS_MAX, none at all, or no broker of weight
 * above 0. *out is then undefined. */
bool rc_brokers_parse(const char *text, struct rc_brokers *out, char *why, size_t why_size);

/* The same for the core; returns how many. */
uint32_t rc_brokers_members(const struct rc_brokers *brokers, struct rc_member out[RC_BROKERS_MAX]);

/* The entry with this id, or NULL. */
const struct rc_broker_entry *rc_brokers_find(const struct rc_brokers *brokers, const char *id);

#endif
