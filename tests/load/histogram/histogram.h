/*
 * A histogram of durations with buckets that grow with the value: 128 to each power of two, so that a value read back is
 * at most 0.8 % too high. It has one writer; others, in processes that share its memory, may read at any time and see
 * counts that are a moment old. All zero bytes are an empty histogram.
 */
#ifndef RC_HISTOGRAM_H
#define RC_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RC_HISTOGRAM_SUB   7  /* bits: buckets to a power of two */
#define RC_HISTOGRAM_BITS  42 /* a value of more bits, 73 minutes, counts as the largest */
#define RC_HISTOGRAM_SLOTS ((RC_HISTOGRAM_BITS - RC_HISTOGRAM_SUB + 1) << RC_HISTOGRAM_SUB)

struct rc_histogram {
    _Atomic uint64_t count;
    _Atomic uint64_t sum; /* ns */
    _Atomic uint64_t max; /* ns */
    _Atomic uint64_t slot[RC_HISTOGRAM_SLOTS];
};

/* Counts a duration in ns. */
void rc_histogram_add(struct rc_histogram *h, uint64_t value);

/* Adds what `more` counted; a copy when into is empty. */
void rc_histogram_merge(struct rc_histogram *into, const struct rc_histogram *more);

/* Takes away what `part`, an earlier copy of the same histogram, had counted; max stays. */
void rc_histogram_subtract(struct rc_histogram *from, const struct rc_histogram *part);

/* The duration that a share of 0 to 1 of all does not exceed, in ns; 0 when empty. */
uint64_t rc_histogram_at(const struct rc_histogram *h, double share);

/* In ns; 0 when empty. */
double rc_histogram_mean(const struct rc_histogram *h);

#endif
