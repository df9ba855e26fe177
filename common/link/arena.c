/* Bump memory in blocks. */
#include "link/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)64 << 10)

struct rc_arena_block {
    struct rc_arena_block *older;
    size_t size; /* bytes of data */
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

static void *take(struct rc_arena *arena, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (size > arena->cap - arena->used)
        return NULL;
    struct rc_arena_block *b = arena->block;
    if (!b || b->size - b->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;
        b = malloc(sizeof *b + room);
        if (!b)
            return NULL;
        *b = (struct rc_arena_block){.older = arena->block, .size = room};
        arena->block = b;
    }
    void *p = b->data + b->used;
    b->used += size;
    arena->used += size;
    return p;
}

static void *pb_alloc(void *arena, size_t size)
{
    return size > ((struct rc_arena *)arena)->cap ? NULL : take(arena, size);
}

static void pb_free(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

void rc_arena_init(struct rc_arena *arena, size_t cap)
{
    *arena = (struct rc_arena){.cap = cap, .pb = {pb_alloc, pb_free, arena}};
}

static void keep(struct rc_arena *arena, struct rc_arena_block *last)
{
    while (arena->block != last) {
        struct rc_arena_block *b = arena->block;
        arena->block = b->older;
        free(b);
    }
}

void rc_arena_fini(struct rc_arena *arena)
{
    keep(arena, NULL);
}

void rc_arena_reset(struct rc_arena *arena)
{
    struct rc_arena_block *oldest = arena->block;
    while (oldest && oldest->older)
        oldest = oldest->older;
    if (oldest && oldest->size > BLOCK)
        oldest = NULL; /* made for one large thing */
    keep(arena, oldest);
    if (oldest)
        oldest->used = 0;
    arena->used = 0;
}

void *rc_arena_alloc(struct rc_arena *arena, size_t n, size_t size)
{
    if (size && n > arena->cap / size)
        return NULL;
    void *p = take(arena, n * size);
    return p ? memset(p, 0, n * size) : NULL;
}
