/* A worker's listening socket. One thread, the worker's. */
#ifndef RC_GATEWAY_LISTENER_H
#define RC_GATEWAY_LISTENER_H

#include "gateway/metrics.h"
#include "gateway/net/wheel.h"

#define RC_ACCEPT_PAUSE_US (100 * RC_MS) /* after descriptors or memory ran out */

struct event_base;
struct sockaddr;
struct rc_listener;

struct rc_listener_config {
    struct event_base *base;
    struct rc_wheel *wheel;
    _Atomic uint64_t *values;
    const char *address; /* "host:port" */
    bool first;          /* the first of the process on this address: makes sure that no other process has it, since
                            SO_REUSEPORT would share it silently */
    void (*accepted)(void *self, int fd, const struct sockaddr *peer); /* fd is non-blocking and the callee's */
    void *self;
};

/* NULL: error names option and address and says what is wrong, *exit_code is its class (exit.h). */
struct rc_listener *rc_listener_new(const struct rc_listener_config *config, int *exit_code, char *error, size_t size);
uint16_t rc_listener_port(const struct rc_listener *listener);
/* Closes the socket. NULL is allowed. */
void rc_listener_free(struct rc_listener *listener);

#endif
