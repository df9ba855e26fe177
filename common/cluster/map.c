/* Chained hash table over byte strings. */
#include "cluster/map.h"
#include "cluster/mem.h"

#include <string.h>
#include <xxhash.h>

void rc_map_init(struct rc_map *map, uint64_t seed)
{
    memset(map, 0, sizeof *map);
    map->seed = seed;
}

void rc_map_fini(struct rc_map *map)
{
    for (size_t i = 0; i < map->buckets; i++) {
        struct rc_map_entry *e = map->bucket[i];
        while (e) {
            struct rc_map_entry *next = e->next;
            free(e);
            e = next;
        }
    }
    free(map->bucket);
    rc_map_init(map, map->seed);
}

static bool matches(const struct rc_map_entry *e, uint64_t hash, const void *key, size_t len)
{
    return e->hash == hash && e->len == len && memcmp(e->key, key, len) == 0;
}

/* The place that points at the entry of this key, or at the NULL that ends its chain. */
static struct rc_map_entry **place(const struct rc_map *map, uint64_t hash, const void *key, size_t len)
{
    struct rc_map_entry **at = &map->bucket[hash & (map->buckets - 1)];
    while (*at && !matches(*at, hash, key, len))
        at = &(*at)->next;
    return at;
}

static void grow(struct rc_map *map)
{
    size_t buckets = map->buckets ? map->buckets * 2 : 16;
    struct rc_map_entry **bucket = rc_zarray(buckets, sizeof(struct rc_map_entry *));
    for (size_t i = 0; i < map->buckets; i++) {
        struct rc_map_entry *e = map->bucket[i];
        while (e) {
            struct rc_map_entry *next = e->next;
            struct rc_map_entry **head = &bucket[e->hash & (buckets - 1)];
            e->next = *head;
            *head = e;
            e = next;
        }
    }
    free(map->bucket);
    map->bucket = bucket;
    map->buckets = buckets;
}

void *rc_map_get(const struct rc_map *map, const void *key, size_t len)
{
    if (!map->count)
        return NULL;
    struct rc_map_entry *e = *place(map, XXH3_64bits_withSeed(key, len, map->seed), key, len);
    return e ? e->value : NULL;
}

struct rc_map_entry *rc_map_put(struct rc_map *map, const void *key, size_t len)
{
    if (map->count >= map->buckets)
        grow(map);
    uint64_t hash = XXH3_64bits_withSeed(key, len, map->seed);
    struct rc_map_entry **at = place(map, hash, key, len);
    if (*at)
        return *at;
    struct rc_map_entry *e = rc_zalloc(sizeof *e + len);
    e->hash = hash;
    e->len = (uint32_t)len;
    memcpy(e->key, key, len);
    *at = e;
    map->count++;
    return e;
}

void *rc_map_del(struct rc_map *map, const void *key, size_t len)
{
    if (!map->count)
        return NULL;
    struct rc_map_entry **at = place(map, XXH3_64bits_withSeed(key, len, map->seed), key, len);
    struct rc_map_entry *e = *at;
    if (!e)
        return NULL;
    void *value = e->value;
    *at = e->next;
    free(e);
    map->count--;
    return value;
}

static struct rc_map_entry *first_from(const struct rc_map *map, size_t i)
{
    for (; i < map->buckets; i++)
        if (map->bucket[i])
            return map->bucket[i];
    return NULL;
}

struct rc_map_entry *rc_map_first(const struct rc_map *map)
{
    return first_from(map, 0);
}

struct rc_map_entry *rc_map_next(const struct rc_map *map, const struct rc_map_entry *entry)
{
    return entry->next ? entry->next : first_from(map, (entry->hash & (map->buckets - 1)) + 1);
}
