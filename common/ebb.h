/*
 * Memory that a crowd leaves behind. malloc gives back the end of its heap by itself, but not the holes below what is still in
 * use: after a storm a process would stay as large as it was at its height. A count of what memory is for, clients or rooms, says
 * when many of them have left for good; then the holes go back to the kernel.
 */
#ifndef RC_EBB_H
#define RC_EBB_H

#include <stdbool.h>
#include <stdint.h>

#define RC_EBB_LEAST 1000 /* have left, and a quarter of all at least; else it is not worth it */
#define RC_EBB_MOST                                                                                                    \
    1000000           /* malloc takes up to 190 ms a million blocks, and a broker must not be silent: more is kept */
#define RC_EBB_CALM 5 /* samples in a row in which the count does not rise: who comes back needs the memory again */

struct rc_ebb {      /* zeroed */
    uint64_t height; /* the highest count since the last time */
    uint64_t last;   /* count of the last sample */
    unsigned calm;   /* samples since so many have left, and do not come back */
};

/* Call it once a second with the present count. True: now is the time. Pure. */
bool rc_ebb_sample(struct rc_ebb *ebb, uint64_t count);

/* Samples, and when it is time gives back the memory of all threads and logs `memory-returned`. The caller stands still then, and
 * others may wait for their memory: some 100 ms for a million blocks that were left. */
void rc_ebb_watch(struct rc_ebb *ebb, uint64_t count);

#endif
