/*
 * Hash table of objects that carry their key themselves: some 14 bytes an object where map.h takes 60, for what there is one of per
 * client or room. Objects are the caller's. Not for concurrent use.
 */
#ifndef RC_CLUSTER_INDEX_H
#define RC_CLUSTER_INDEX_H

#include "cluster/types.h"

/* The key of an object; it must not change while the object is in an index. */
typedef const void *(*rc_index_key)(const void *object, size_t *len);

struct rc_index {
    void **place;  /* open addressing, linear; NULL: free, or the whole array before the first put */
    size_t places; /* a power of two */
    size_t count;
    rc_index_key key;
    uint64_t seed; /* secret in daemons, so that peers cannot aim at one place */
};

void rc_index_init(struct rc_index *index, rc_index_key key, uint64_t seed);
void rc_index_fini(struct rc_index *index);

void *rc_index_get(const struct rc_index *index, const void *key, size_t len); /* NULL: absent */
/* Its key must be absent. Aborts when memory is short. */
void rc_index_put(struct rc_index *index, void *object);
/* It must be in the index. */
void rc_index_del(struct rc_index *index, const void *object);

/* Walks over all objects: *at starts at 0; NULL at the end. Nothing may be put or deleted meanwhile. */
void *rc_index_next(const struct rc_index *index, size_t *at);

#endif
