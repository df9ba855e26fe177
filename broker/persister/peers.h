/*
 * The other persisters, whose commit logs this one follows and who follow its own (protocol.md T4).
 *
 *   brokers' map --> dial those with a larger id; take those with a smaller one
 *   core wants a page --> LogPull --> peer --> LogRows --> exchange thread --> core
 *   peer wants one   --> exchange thread --> LogRows
 *
 * Brokers take only persisters that they are configured with, so who is in their map is one: others are neither dialled nor let
 * in. The sessions go aside, like those with gateways. Loop's thread.
 */
#ifndef RC_PERSISTER_PEERS_H
#define RC_PERSISTER_PEERS_H

#include "cluster/persister.h"

struct rc_persister_process;

/* The core's callbacks; host argument: the process. */
void rc_peers_pull(void *process, struct rc_session *s, const struct rc_pull *pull);
uint64_t rc_peers_cursor(void *process, const char *peer, uint64_t store);

/* Whether a persister that dialled us may be let in. */
enum rc_hello rc_peers_hello(const struct rc_persister_process *p, const struct rc_peer *peer);
/* The same for a follower: one that only reads our log, and whom nobody configures. */
enum rc_hello rc_peers_follower(const struct rc_persister_process *p, const struct rc_peer *peer, uint64_t *known_inc);
/* The brokers' map changed: dials who is new, gives up who is gone. */
void rc_peers_dial(struct rc_persister_process *p);
/* A Side came from a persister or a follower. */
void rc_peers_side(struct rc_persister_process *p, struct rc_session *s, struct rc_buf *side);
/* The thread has results. */
void rc_peers_results(struct rc_persister_process *p);
/* Tells in the log how filling goes on. Once a second. */
void rc_peers_sample(struct rc_persister_process *p);

#endif
