/* roomcastctl: what operators ask a cluster from a shell. */
#ifndef RC_CTL_H
#define RC_CTL_H

#include "exit.h"

/* The whole program but for main: reads the command line, prints, returns the exit code. */
enum rc_exit rc_ctl_run(int argc, char **argv);

#endif
