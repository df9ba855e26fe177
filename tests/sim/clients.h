/* Users and admins, each with one or more tabs that connect, send, leave and come back. */
#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include "world.h"

/* Makes the clients of this world and their habits; they begin to send at 5 s. */
void sim_clients_init(struct sim_world *w);
void sim_clients_fini(struct sim_world *w);

bool sim_client_in(const struct sim_client *c, unsigned room);
/* From the worker: CONNECT was answered; the connection is closed (the socket's state says so already). */
void sim_client_opened(struct sim_socket *s);
void sim_client_closed(struct sim_socket *s, const char *why);

#endif
