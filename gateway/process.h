/* The gateway as a process: workers with the support chat, and the link loop on the main thread. */
#ifndef RC_GATEWAY_PROCESS_H
#define RC_GATEWAY_PROCESS_H

#include "exit.h"
#include "gateway/options.h"

/* Runs until a signal ends it; returns the exit code. */
enum rc_exit rc_gateway_run(struct rc_gateway_options *options);

#endif
