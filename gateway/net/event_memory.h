/*
 * Memory for libevent. It makes a record of 16 bytes for every descriptor that it watches and keeps it for good. Between the
 * memory of ten thousand clients such records would each hold back a page when the clients are gone, so they have a place of
 * their own; everything else is malloc's.
 */
#ifndef RC_GATEWAY_EVENT_MEMORY_H
#define RC_GATEWAY_EVENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define RC_EVENT_RECORD  16        /* bytes of the largest that goes into the place of its own */
#define RC_EVENT_RECORDS (1 << 20) /* so many fit; address space, of which the used part is memory */

/* Tells libevent, before anything else is called of it. Once a process; any thread may use libevent then. */
void rc_event_memory_init(void);

/* What libevent calls, for the tests. */
void *rc_event_memory_take(size_t size);
void *rc_event_memory_resize(void *old, size_t size);
void rc_event_memory_free(void *memory);
bool rc_event_memory_apart(const void *memory); /* lies in the place of records */

#endif
