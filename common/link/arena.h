/*
 * Bump memory for packing and unpacking frames: allocated in passing, given back all at once. Bounded, so that a
 * hostile frame that would unfold into much memory fails to unpack instead. One thread.
 */
#ifndef RC_LINK_ARENA_H
#define RC_LINK_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct rc_arena_block;

struct rc_arena {
    struct rc_arena_block *block; /* newest first; the oldest stays over resets */
    size_t used;                  /* bytes given out since the reset */
    size_t cap;                   /* most bytes between two resets */
    ProtobufCAllocator pb;        /* hands out of this arena; its free does nothing */
};

/* No memory is taken before the first allocation. */
void rc_arena_init(struct rc_arena *arena, size_t cap);
void rc_arena_fini(struct rc_arena *arena);
/* Everything handed out becomes invalid. */
void rc_arena_reset(struct rc_arena *arena);
/* Zeroed memory for n things of this size, aligned for anything; NULL beyond the cap or when memory is short. */
void *rc_arena_alloc(struct rc_arena *arena, size_t n, size_t size);

#endif
