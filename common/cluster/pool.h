/*
 * Small blocks that come and go with every message: operations, letters, buffers. In a steady state none of them reaches malloc.
 *
 * Each thread keeps up to two magazines of RC_POOL_MAGAZINE blocks of each size. A thread that only frees (a worker, of what the
 * link loop made) gives whole magazines to a depot, and one that only allocates takes them from there: one atomic exchange for
 * RC_POOL_MAGAZINE blocks, no lock. What the depot has no place for goes back to malloc, so that a burst leaves little behind:
 * of each size two magazines a thread and RC_POOL_DEPOT bytes a process.
 *
 * Any thread; a block may be put by another one than got it. What a thread keeps when it ends is lost: for threads that live as
 * long as the process. Under a sanitizer every block comes from malloc and goes to free, or it would hide what is wrong.
 */
#ifndef RC_CLUSTER_POOL_H
#define RC_CLUSTER_POOL_H

#include <stddef.h>

#define RC_POOL_LARGEST  1048         /* bytes; larger blocks come from malloc */
#define RC_POOL_MAGAZINE 32           /* blocks */
#define RC_POOL_DEPOT    (128u << 10) /* bytes of each size, and at most 64 magazines */

/* size above 0. Contents are unset. NULL when memory is short. */
void *rc_pool_get(size_t size);
/* The same, unset or zeroed; running out of memory ends the process, as in mem.h. */
void *rc_pool_take(size_t size);
void *rc_pool_zget(size_t size);
/* size: as it was got. NULL is allowed. */
void rc_pool_put(void *block, size_t size);

/* Gives what lies in the depot back to malloc. For rare moments: the next magazines cost a malloc a block again. */
void rc_pool_empty_depot(void);

#endif
