/*
 * Weighted rendezvous hashing without floating point.
 *
 * A broker's score for a slot is weight / -log2(u) with u = (h + 1) / 2^32 in (0, 1], h the upper half of
 * XXH3 over (slot, id). Two scores are compared by cross-multiplication of integers, ties by id, so all nodes
 * agree whatever their libm.
 */
#include "cluster/placement.h"
#include "cluster/mem.h"

#include <string.h>
#include <xxhash.h>

struct rc_placement {
    uint32_t n;
    uint32_t owners; /* of them with weight above 0: the length of each list */
    uint8_t order[]; /* RC_SLOTS lists of `owners` indexes */
};

uint32_t rc_slot(const void *room, size_t len)
{
    return (uint32_t)(XXH3_64bits(room, len) & (RC_SLOTS - 1));
}

/* -log2((h + 1) / 2^32) in 1/2^32: digit by digit, by squaring (exact to the last but one digit, and the same
 * everywhere). */
static uint64_t minus_log2(uint32_t h)
{
    uint64_t x = (uint64_t)h + 1;
    unsigned top = 63u - (unsigned)__builtin_clzll(x);
    uint64_t log = (uint64_t)top << 32;
    uint64_t m = x << (31 - (top > 31 ? 31 : top)); /* mantissa in [2^31, 2^32) */
    if (top == 32)
        return 0;
    for (unsigned bit = 32; bit-- > 0;) {
        m = (m * m) >> 31;
        if (m >> 32) {
            m >>= 1;
            log |= (uint64_t)1 << bit;
        }
    }
    return ((uint64_t)32 << 32) - log;
}

struct score {
    uint64_t cost; /* -log2(u); smaller is better */
    const struct rc_member *member;
    uint8_t index;
};

/* a is before b: weight_a / cost_a > weight_b / cost_b. Costs need 38 bits, weights 32. */
static bool before(const struct score *a, const struct score *b)
{
    __extension__ typedef unsigned __int128 wide;
    wide left = (wide)a->member->weight * b->cost;
    wide right = (wide)b->member->weight * a->cost;
    if (left != right)
        return left > right;
    return strcmp(a->member->id, b->member->id) < 0;
}

static uint64_t cost_of(const struct rc_member *member, uint32_t slot)
{
    uint8_t key[4 + RC_ID_MAX];
    size_t len = strlen(member->id);
    for (unsigned i = 0; i < 4; i++)
        key[i] = (uint8_t)(slot >> (8 * i));
    memcpy(key + 4, member->id, len);
    return minus_log2((uint32_t)(XXH3_64bits(key, 4 + len) >> 32));
}

/* Writes the slot's list; returns its length. */
static uint32_t rank(const struct rc_member *member, uint32_t n, uint32_t slot, uint8_t *order)
{
    struct score list[RC_BROKERS_MAX];
    uint32_t len = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!member[i].weight)
            continue;
        struct score s = {cost_of(&member[i], slot), &member[i], (uint8_t)i};
        uint32_t at = len++;
        for (; at > 0 && before(&s, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = s;
    }
    for (uint32_t i = 0; i < len; i++)
        order[i] = list[i].index;
    return len;
}

struct rc_placement *rc_placement_new(const struct rc_member *member, uint32_t n)
{
    if (n > RC_BROKERS_MAX)
        return NULL;
    uint32_t owners = 0;
    for (uint32_t i = 0; i < n; i++)
        owners += member[i].weight > 0;
    struct rc_placement *p = malloc(sizeof *p + (size_t)RC_SLOTS * owners);
    if (!p)
        return NULL;
    p->n = n;
    p->owners = owners;
    for (uint32_t slot = 0; slot < RC_SLOTS; slot++)
        rank(member, n, slot, p->order + (size_t)slot * owners);
    return p;
}

void rc_placement_free(struct rc_placement *p)
{
    free(p);
}

uint32_t rc_placement_first(const struct rc_placement *p, uint32_t slot, uint64_t view, uint32_t k, uint8_t *out)
{
    const uint8_t *order = p->order + (size_t)slot * p->owners;
    uint32_t found = 0;
    for (uint32_t i = 0; i < p->owners && found < k; i++)
        if (view >> order[i] & 1)
            out[found++] = order[i];
    return found;
}

uint64_t rc_placement_set(const struct rc_placement *p, uint32_t slot, uint64_t view, uint32_t k)
{
    uint8_t first[RC_BROKERS_MAX];
    uint32_t n = rc_placement_first(p, slot, view, k < RC_BROKERS_MAX ? k : RC_BROKERS_MAX, first);
    uint64_t set = 0;
    for (uint32_t i = 0; i < n; i++)
        set |= (uint64_t)1 << first[i];
    return set;
}

bool rc_placement_covers(const struct rc_member *member, uint32_t n, uint32_t slot, uint32_t k, uint32_t me)
{
    uint8_t order[RC_BROKERS_MAX];
    uint32_t len = n <= RC_BROKERS_MAX ? rank(member, n, slot, order) : 0;
    for (uint32_t i = 0; i < len && i < k; i++)
        if (order[i] == me)
            return true;
    return false;
}
