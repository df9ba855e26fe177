/* Open addressing with linear probing; deleting moves back what probed past the place. */
#include "cluster/index.h"
#include "cluster/mem.h"

#include <string.h>
#include <xxhash.h>

#define LEAST 16 /* places */

void rc_index_init(struct rc_index *index, rc_index_key key, uint64_t seed)
{
    *index = (struct rc_index){.key = key, .seed = seed};
}

void rc_index_fini(struct rc_index *index)
{
    free(index->place);
    rc_index_init(index, index->key, index->seed);
}

/* Where a key belongs when nobody is in its way. */
static size_t home(const struct rc_index *index, const void *key, size_t len)
{
    return XXH3_64bits_withSeed(key, len, index->seed) & (index->places - 1);
}

static size_t home_of(const struct rc_index *index, const void *object)
{
    size_t len;
    const void *key = index->key(object, &len);
    return home(index, key, len);
}

static bool has_key(const struct rc_index *index, const void *object, const void *key, size_t len)
{
    size_t own_len;
    const void *own = index->key(object, &own_len);
    return own_len == len && memcmp(own, key, len) == 0;
}

void *rc_index_get(const struct rc_index *index, const void *key, size_t len)
{
    if (!index->count)
        return NULL;
    for (size_t i = home(index, key, len); index->place[i]; i = (i + 1) & (index->places - 1))
        if (has_key(index, index->place[i], key, len))
            return index->place[i];
    return NULL;
}

static void settle(struct rc_index *index, void *object)
{
    size_t i = home_of(index, object);
    while (index->place[i])
        i = (i + 1) & (index->places - 1);
    index->place[i] = object;
}

static void resize(struct rc_index *index, size_t places)
{
    void **old = index->place;
    size_t n = index->places;
    index->place = rc_zarray(places, sizeof(void *));
    index->places = places;
    for (size_t i = 0; i < n; i++)
        if (old[i])
            settle(index, old[i]);
    free(old);
}

void rc_index_put(struct rc_index *index, void *object)
{
    if (index->count + 1 > index->places - index->places / 4)
        resize(index, index->places ? index->places * 2 : LEAST);
    settle(index, object);
    index->count++;
}

/* Whoever stands behind the gap moves into it, unless that were before his home. */
static void close_gap(struct rc_index *index, size_t gap)
{
    size_t mask = index->places - 1;
    for (size_t i = (gap + 1) & mask; index->place[i]; i = (i + 1) & mask) {
        size_t far = (i - home_of(index, index->place[i])) & mask; /* steps from home */
        if (far < ((i - gap) & mask))
            continue;
        index->place[gap] = index->place[i];
        index->place[i] = NULL;
        gap = i;
    }
}

void rc_index_del(struct rc_index *index, const void *object)
{
    size_t i = home_of(index, object);
    while (index->place[i] != object)
        i = (i + 1) & (index->places - 1);
    index->place[i] = NULL;
    index->count--;
    close_gap(index, i);
    if (index->places > LEAST && index->count < index->places / 8)
        resize(index, index->places / 2);
}

void *rc_index_next(const struct rc_index *index, size_t *at)
{
    while (*at < index->places) {
        void *object = index->place[(*at)++];
        if (object)
            return object;
    }
    return NULL;
}
