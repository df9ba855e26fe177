/* What a disk may hold of the data file when the power goes: all that was synced, and any part of what came after. */
#ifndef RC_POWERLOSS_IMAGE_H
#define RC_POWERLOSS_IMAGE_H

#include "journal.h"

struct rc_image {
    uint8_t *byte; /* of the data file, `size` of them */
    uint64_t size;
    uint64_t capacity;
};

/* Zeros of no length that can grow to `capacity`. False: out of memory. */
bool rc_image_init(struct rc_image *image, uint64_t capacity);
void rc_image_fini(struct rc_image *image);
void rc_image_copy(struct rc_image *to, const struct rc_image *from);
/* All of an entry. */
void rc_image_apply(struct rc_image *image, const struct rc_journal_entry *entry);
/* A random part of an entry, in whole blocks of the file: each with a probability of percent. */
void rc_image_tear(struct rc_image *image, const struct rc_journal_entry *entry, unsigned block, unsigned percent,
                   uint64_t *seed);
bool rc_image_write(const struct rc_image *image, const char *path);

/* The next random number of a sequence (splitmix64), below n. */
uint64_t rc_random_below(uint64_t *seed, uint64_t n);

#endif
