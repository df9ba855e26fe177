/* Allocation of small, fixed things inside the core: running out of memory for these ends the process. */
#ifndef RC_CLUSTER_MEM_H
#define RC_CLUSTER_MEM_H

#include <stdio.h>
#include <stdlib.h>

static inline _Noreturn void rc_out_of_memory(void)
{
    fputs("roomcast: out of memory\n", stderr);
    abort();
}

static inline void *rc_zalloc(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        rc_out_of_memory();
    return p;
}

/* An array of n zeroed elements; n may be 0. */
static inline void *rc_zarray(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p)
        rc_out_of_memory();
    return p;
}

#endif
