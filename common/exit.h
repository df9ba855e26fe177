/* Exit codes of every Roomcast program, after sysexits.h where it has the same meaning. */
#ifndef RC_EXIT_H
#define RC_EXIT_H

enum rc_exit {
    RC_EXIT_OK = 0,
    RC_EXIT_USAGE = 64,       /* unknown flag, bad value of a flag */
    RC_EXIT_INPUT = 65,       /* a file that was to be read in is wrong */
    RC_EXIT_UNAVAILABLE = 69, /* an address is in use or cannot be reached */
    RC_EXIT_INTERNAL = 70,    /* out of memory or descriptors, or a fault of ours */
    RC_EXIT_DATA = 73,        /* the data directory cannot be used */
    RC_EXIT_CONFIG = 78,      /* configuration file, environment or a secret */
};

#endif
