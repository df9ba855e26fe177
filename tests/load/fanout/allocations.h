/* Counts what the whole program asks malloc for, libraries included. */
#ifndef RC_FANOUT_ALLOCATIONS_H
#define RC_FANOUT_ALLOCATIONS_H

#include <stdbool.h>

/* Calls of malloc, calloc and realloc since the program began, of all threads. */
unsigned long rc_allocations(void);
/* Not under a sanitizer, which has these functions to itself; they count 0 then. */
bool rc_allocations_counted(void);

#endif
