/* Hash table from byte strings to pointers: keys are copied, values are the caller's. Not for concurrent use.
 */
#ifndef RC_CLUSTER_MAP_H
#define RC_CLUSTER_MAP_H

#include "cluster/types.h"

struct rc_map_entry {
    struct rc_map_entry *next;
    void *value; /* caller's */
    uint64_t hash;
    uint32_t len;
    uint8_t key[];
};
struct rc_map {
    struct rc_map_entry **bucket; /* NULL until the first put */
    size_t buckets;               /* a power of two */
    size_t count;
    uint64_t seed; /* secret in daemons, so that peers cannot aim at one bucket */
};

void rc_map_init(struct rc_map *map, uint64_t seed);
/* Frees the table; values stay the caller's. */
void rc_map_fini(struct rc_map *map);

void *rc_map_get(const struct rc_map *map, const void *key, size_t len); /* NULL: absent */
/* The entry of this key, made with value NULL if absent. Aborts when memory is short. */
struct rc_map_entry *rc_map_put(struct rc_map *map, const void *key, size_t len);
/* Removes the key; returns its value or NULL. */
void *rc_map_del(struct rc_map *map, const void *key, size_t len);

/* Walks in table order. The current entry may be deleted inside the walk; nothing may be put. */
struct rc_map_entry *rc_map_first(const struct rc_map *map);
struct rc_map_entry *rc_map_next(const struct rc_map *map, const struct rc_map_entry *entry);
#define RC_MAP_FOREACH(map, entry, following)                                                                          \
    for ((entry) = rc_map_first(map); (entry) && ((following) = rc_map_next((map), (entry)), 1); (entry) = (following))

#endif
