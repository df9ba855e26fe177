/*
 * Who owns a room: hash(room) names one of RC_SLOTS slots, and every slot has a preference list of brokers,
 * best first, by weighted rendezvous hashing of (broker id, slot). Integer arithmetic only, so that every
 * node computes the same list.
 */
#ifndef RC_CLUSTER_PLACEMENT_H
#define RC_CLUSTER_PLACEMENT_H

#include "cluster/op.h"

/* Slot of a room key: the low 14 bits of XXH3-64, seed 0. */
uint32_t rc_slot(const void *room, size_t len);

/* Preference lists of up to RC_BROKERS_MAX brokers. Immutable once made. */
struct rc_placement;

/* member[i] gets index i. Ids must differ. NULL when n is out of range or memory is short. O(slots * n). */
struct rc_placement *rc_placement_new(const struct rc_member *member, uint32_t n);
void rc_placement_free(struct rc_placement *p);

/* Writes the indexes of the first k brokers of the slot's list that are in the set `view` (bit i = index i)
 * and have a weight above 0; returns how many there are. out must have room for k. */
uint32_t rc_placement_first(const struct rc_placement *p, uint32_t slot, uint64_t view, uint32_t k, uint8_t *out);

/* The same as a set. */
uint64_t rc_placement_set(const struct rc_placement *p, uint32_t slot, uint64_t view, uint32_t k);

/* Whether member[me] is among the first k of the slot's list of these n, for few slots. O(n^2) at worst. */
bool rc_placement_covers(const struct rc_member *member, uint32_t n, uint32_t slot, uint32_t k, uint32_t me);

#endif
