/*
 * The persister as a process: the core (cluster/persister.h) on links, topic, store, admin listener and clock.
 *
 *   topic, links ---> core ---> writer thread ---> store         (one commit at a time; STORED after it)
 *   persisters <----> exchange thread <----> store              (pages of commit logs, both ways; cluster/follow.h)
 *   gateways -------> readers ---> history thread ---> store     (answers go back on the gateway's session)
 *   operators ------> admin listener ---> history thread, backup thread ---> store     (keeper.h)
 *
 * All but these threads runs on one loop, which never waits for the disk once it runs.
 */
#ifndef RC_PERSISTER_PROCESS_H
#define RC_PERSISTER_PROCESS_H

#include "broker/persister/options.h"
#include "exit.h"

/* Runs until a signal ends it; returns the exit code. */
enum rc_exit rc_persister_run(struct rc_persister_options *options);

#endif
