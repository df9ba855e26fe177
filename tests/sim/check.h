/*
 * The judge. It sees what clients and disks see, and nothing of what the cores think, except where it looks for leftovers at
 * the end. Kinds of violation:
 *
 *   P3dup P3order   a socket got a message twice, or one sender's messages to one room in the wrong order
 *   P4              acknowledged and not stored at the quorum; stored twice; stored in another order than sent
 *   P5              acknowledged, and a member socket lacks it although its gateway holds its lease
 *   P6              15 s after the last fault something is unacknowledged, or somebody is not connected; a message was
 *                   not given up after E; a delivery took longer than --max-delay, an acknowledgement than --max-ack
 *   ROUTE           delivered to a gateway that never had a member
 *   RESULT          a message ended twice, or one that nobody sent, or too early; a socket was closed for one that did not
 *                   fail, or not closed although nobody else could tell its client
 *   STATE           what a core says of itself does not fit what it should be at rest
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "gateways.h"

struct sim_broker;
struct sim_persister;

void sim_bad(struct sim_world *w, const char *kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same, of a message whose way the story of the seed shows. */
void sim_bad_message(struct sim_world *w, uint64_t message, const char *kind, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

void sim_check_receipt(struct sim_world *w, struct sim_socket *s, uint64_t message, unsigned room);
void sim_check_routed(struct sim_world *w, struct sim_gateway *g, const struct rc_msg *msg);
/* The core's result for a message; socket NULL: not one of ours. */
void sim_check_result(struct sim_world *w, struct sim_gateway *g, struct sim_socket *s, uint64_t token,
                      enum rc_outcome outcome);
/* rc_gateway_emit said no. */
void sim_check_refused(struct sim_world *w, struct sim_message *m, enum rc_outcome outcome);
/* A row became durable under a new key; message 0: not one of ours. */
void sim_check_stored(struct sim_world *w, const struct sim_persister *p, uint64_t message, const struct rc_key *key);

/* The core closes a socket since an emit of it was given up. */
void sim_check_expired(struct sim_world *w, const struct sim_socket *s);

/* A CONNECT is answered, or its socket closed, at last (G5). */
void sim_check_answered(struct sim_world *w, const struct sim_socket *s);

/* What the judge asks of a message: its copies in the stores; whether the socket should have it and has not; whether it should
 * have been given up (E). */
unsigned sim_check_copies(const struct sim_world *w, uint64_t message);
bool sim_check_lacks(const struct sim_socket *s, const struct sim_message *m);
bool sim_check_overdue(const struct sim_world *w, const struct sim_message *m);

/* Everybody is connected, and every message whose sender is still there has ended. */
bool sim_check_settled(const struct sim_world *w);
/* The whole run, after it settled or its time was up. */
/* The core's answer to a change of its configured brokers. */
void sim_check_roll(struct sim_host *h, enum rc_roll roll);
void sim_check_end(struct sim_world *w);

/* Adds a core's counters to the totals, before it is freed. */
void sim_check_count_gateway(struct sim_world *w, const struct sim_gateway *g);
void sim_check_count_broker(struct sim_world *w, const struct sim_broker *b);
void sim_check_count_persister(struct sim_world *w, const struct sim_persister *p);

#endif
