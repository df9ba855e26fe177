/* Magazines of free blocks, as Bonwick describes them (Magazines and Vmem, USENIX 2001), with a depot of slots. */
#include "cluster/pool.h"

#include "cluster/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define POOLED 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define POOLED 0
#endif
#endif
#ifndef POOLED
#define POOLED 1
#endif

#define STEP    16 /* of sizes, and 8 more: what malloc's blocks hold without waste */
#define CLASSES (RC_POOL_LARGEST / STEP + 1)

struct block {
    struct block *next;
};

struct magazines {
    struct block *loaded; /* `n` blocks */
    struct block *spare;  /* RC_POOL_MAGAZINE blocks, or NULL */
    unsigned n;
};

#define SLOTS 64

/* Slots are searched from where the last one was found, so that they are used like a stack. */
struct depot {
    _Atomic(struct block *) slot[SLOTS]; /* each a full magazine, or NULL */
    atomic_uint full;                    /* how many of them are; a hint, right when nobody is in here */
};

static _Thread_local struct magazines mine[CLASSES];
static struct depot depot[CLASSES];

static size_t class_of(size_t size)
{
    return (size + STEP - 9) / STEP;
}

static size_t class_size(size_t class)
{
    return class * STEP + 8;
}

/* Slots that the depot of a size may use. */
static unsigned slots_of(size_t class)
{
    size_t n = RC_POOL_DEPOT / (RC_POOL_MAGAZINE * class_size(class));
    return n < SLOTS ? (unsigned)n : SLOTS;
}

static struct block *depot_take(size_t class)
{
    struct depot *d = &depot[class];
    unsigned full = atomic_load_explicit(&d->full, memory_order_relaxed), n = slots_of(class);
    for (unsigned i = 0; full && i < n; i++) {
        _Atomic(struct block *) *slot = &d->slot[(full - 1 + n - i) % n];
        struct block *magazine = NULL;
        if (atomic_load_explicit(slot, memory_order_relaxed))
            magazine = atomic_exchange_explicit(slot, NULL, memory_order_acquire);
        if (magazine) {
            atomic_fetch_sub_explicit(&d->full, 1, memory_order_relaxed);
            return magazine;
        }
    }
    return NULL;
}

static bool depot_give(size_t class, struct block *magazine)
{
    struct depot *d = &depot[class];
    unsigned full = atomic_load_explicit(&d->full, memory_order_relaxed), n = slots_of(class);
    for (unsigned i = 0; full < n && i < n; i++) {
        _Atomic(struct block *) *slot = &d->slot[(full + i) % n];
        struct block *none = NULL;
        if (!atomic_load_explicit(slot, memory_order_relaxed) &&
            atomic_compare_exchange_strong_explicit(slot, &none, magazine, memory_order_release,
                                                    memory_order_relaxed)) {
            atomic_fetch_add_explicit(&d->full, 1, memory_order_relaxed);
            return true;
        }
    }
    return false;
}

static void magazine_free(struct block *magazine)
{
    for (struct block *next; magazine; magazine = next) {
        next = magazine->next;
        free(magazine);
    }
}

/* The loaded magazine is empty: another one, if there is. */
static void reload(struct magazines *m, size_t class)
{
    m->loaded = m->spare ? m->spare : depot_take(class);
    m->spare = NULL;
    m->n = m->loaded ? RC_POOL_MAGAZINE : 0;
}

void *rc_pool_get(size_t size)
{
    size_t class = class_of(size);
    if (!POOLED || class >= CLASSES)
        return malloc(size);
    struct magazines *m = &mine[class];
    if (m->n == 0)
        reload(m, class);
    if (m->n == 0)
        return malloc(class_size(class));
    struct block *block = m->loaded;
    m->loaded = block->next;
    m->n--;
    return block;
}

void *rc_pool_take(size_t size)
{
    void *block = rc_pool_get(size);
    if (!block)
        rc_out_of_memory();
    return block;
}

void *rc_pool_zget(size_t size)
{
    return memset(rc_pool_take(size), 0, size);
}

void rc_pool_put(void *block, size_t size)
{
    size_t class = class_of(size);
    if (!POOLED || class >= CLASSES || !block) {
        free(block);
        return;
    }
    struct magazines *m = &mine[class];
    if (m->n == RC_POOL_MAGAZINE) {
        if (m->spare && !depot_give(class, m->spare))
            magazine_free(m->spare);
        m->spare = m->loaded;
        m->loaded = NULL;
        m->n = 0;
    }
    struct block *b = block;
    b->next = m->loaded;
    m->loaded = b;
    m->n++;
}

void rc_pool_empty_depot(void)
{
    for (size_t i = 0; i < CLASSES; i++)
        for (struct block *magazine; (magazine = depot_take(i));)
            magazine_free(magazine);
}
