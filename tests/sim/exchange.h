/* How simulated persisters read each other's logs: sessions beside the core, pulls and pages on them, after a while of reading. */
#ifndef SIM_EXCHANGE_H
#define SIM_EXCHANGE_H

#include "persisters.h"

/* For struct rc_follow_events; host is the persister. */
void sim_exchange_pull(void *host, struct rc_session *s, const struct rc_pull *pull);
uint64_t sim_exchange_cursor(void *host, const char *peer, uint64_t store);

enum rc_hello sim_exchange_hello(struct sim_host *h, const struct rc_peer *peer, uint64_t *known);
struct rc_session *sim_exchange_up(struct sim_persister *p, const struct rc_peer *peer, uint64_t session);
void sim_exchange_down(struct sim_persister *p, struct rc_session *s);
bool sim_exchange_receive(struct sim_persister *p, struct rc_session *s, const struct rc_batch *batch);
/* What the host's world is for these sessions: the core's, and the log is followed no more when one ends. */
struct rc_world sim_exchange_world(struct sim_persister *p);

#endif
