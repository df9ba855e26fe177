/* The clocks and the random numbers of a node. All functions: any thread, cannot fail. */
#ifndef RC_CLOCK_H
#define RC_CLOCK_H

#include "cluster/types.h"

#define RC_CLOCK_ISO 25 /* room for "2026-01-01T00:00:00.000Z" and its terminator */

/* Microseconds since boot, time asleep included (CLOCK_BOOTTIME): for leases and timeouts. */
rc_time rc_clock_now(void);

/* Milliseconds since 1970 UTC: for people, dates of messages and first incarnations; may step. */
int64_t rc_clock_wall_ms(void);

/* Writes wall_ms as ISO 8601 in UTC with milliseconds (years 0000 to 9999; a moment outside is brought to the
 * nearer end). Returns buf. */
char *rc_clock_iso(int64_t wall_ms, char buf[RC_CLOCK_ISO]);

/* From the kernel's generator, some in advance, fit for nonces; a child of fork() would get its parent's once more. Ends the
 * process with RC_EXIT_INTERNAL if the kernel has none. */
uint64_t rc_random64(void);

#endif
