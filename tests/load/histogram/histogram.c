/* Histogram of durations with logarithmic buckets. */
#include "histogram/histogram.h"

#include <math.h>

/* One writer: no locked instruction is needed. */
static void raise_by(_Atomic uint64_t *field, uint64_t by)
{
    atomic_store_explicit(field, atomic_load_explicit(field, memory_order_relaxed) + by, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *field)
{
    return atomic_load_explicit(field, memory_order_relaxed);
}

/* Values below 2^(SUB+1) have a slot each; above, the SUB bits after the leading one choose among those of its power. */
static size_t slot_of(uint64_t value)
{
    if (value >> RC_HISTOGRAM_BITS) {
        return RC_HISTOGRAM_SLOTS - 1;
    }
    if (value >> (RC_HISTOGRAM_SUB + 1) == 0) {
        return (size_t)value;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - RC_HISTOGRAM_SUB;
    return ((size_t)shift << RC_HISTOGRAM_SUB) + (size_t)(value >> shift);
}

/* The largest value that goes into a slot. */
static uint64_t top_of(size_t slot)
{
    if (slot >> (RC_HISTOGRAM_SUB + 1) == 0) {
        return slot;
    }
    unsigned shift = (unsigned)(slot >> RC_HISTOGRAM_SUB) - 1;
    uint64_t lead = slot - ((uint64_t)shift << RC_HISTOGRAM_SUB);
    return ((lead + 1) << shift) - 1;
}

void rc_histogram_add(struct rc_histogram *h, uint64_t value)
{
    raise_by(&h->count, 1);
    raise_by(&h->sum, value);
    raise_by(&h->slot[slot_of(value)], 1);
    if (value > get(&h->max)) {
        atomic_store_explicit(&h->max, value, memory_order_relaxed);
    }
}

void rc_histogram_merge(struct rc_histogram *into, const struct rc_histogram *more)
{
    raise_by(&into->count, get(&more->count));
    raise_by(&into->sum, get(&more->sum));
    if (get(&more->max) > get(&into->max)) {
        atomic_store_explicit(&into->max, get(&more->max), memory_order_relaxed);
    }
    for (size_t i = 0; i < RC_HISTOGRAM_SLOTS; i++) {
        raise_by(&into->slot[i], get(&more->slot[i]));
    }
}

void rc_histogram_subtract(struct rc_histogram *from, const struct rc_histogram *part)
{
    raise_by(&from->count, 0 - get(&part->count));
    raise_by(&from->sum, 0 - get(&part->sum));
    for (size_t i = 0; i < RC_HISTOGRAM_SLOTS; i++) {
        raise_by(&from->slot[i], 0 - get(&part->slot[i]));
    }
}

uint64_t rc_histogram_at(const struct rc_histogram *h, double share)
{
    uint64_t total = 0, seen = 0;
    for (size_t i = 0; i < RC_HISTOGRAM_SLOTS; i++) {
        total += get(&h->slot[i]); /* not count: a writer may be between the two */
    }
    double wanted = ceil(share * (double)total);
    for (size_t i = 0; i < RC_HISTOGRAM_SLOTS; i++) {
        seen += get(&h->slot[i]);
        if (seen > 0 && (double)seen >= wanted) {
            return top_of(i) < get(&h->max) ? top_of(i) : get(&h->max);
        }
    }
    return 0;
}

double rc_histogram_mean(const struct rc_histogram *h)
{
    uint64_t count = get(&h->count);
    return count ? (double)get(&h->sum) / (double)count : 0;
}
