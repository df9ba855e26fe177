/*
 * Notices that the machine slept with its clock standing still, or that somebody set the time (protocol.md 2): leases
 * are measured with CLOCK_BOOTTIME, and a clock that stood still makes a node sure of a lease that is long over.
 */
#ifndef RC_SUSPEND_H
#define RC_SUSPEND_H

#include "cluster/types.h"

enum rc_jump {
    RC_JUMP_NONE,
    RC_JUMP_AHEAD, /* the wall clock gained on ours: treat every lease as over */
    RC_JUMP_BACK,  /* the time was set back: log and count it, nothing more */
};

struct rc_suspend {
    int64_t offset; /* wall clock minus our clock at the last look, us */
    bool looked;
    uint64_t jumps; /* seen so far, in either direction */
};

/* Once a loop pass. The struct is zeroed at first. jump_us (may be NULL) gets the size of the jump. */
enum rc_jump rc_suspend_look(struct rc_suspend *s, rc_time now, int64_t wall_ms, int64_t *jump_us);

/* The same with this machine's clocks, logged and counted. True: it slept, every lease is over. */
bool rc_suspend_slept(struct rc_suspend *s);

#endif
