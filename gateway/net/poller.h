/*
 * Which client sockets have something to be read, or take more: an epoll set that an event base watches as one descriptor. One
 * `event` of libevent's a client would cost it 170 bytes, 128 of its own and the rest in the base's table, of some 900 that an
 * idle client has in a gateway.
 *
 * What is wanted of a socket are bits of <sys/epoll.h>: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLET. One thread, the base's.
 */
#ifndef RC_GATEWAY_POLLER_H
#define RC_GATEWAY_POLLER_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct rc_poller;

/* Tells of an item's socket, of several in no order; a broken one can be read and written, as far as that is wanted. Within the
 * call the item itself may be freed, and no other one. */
typedef void (*rc_poller_ready)(void *item, uint32_t what);

/* NULL: no memory or descriptors. base must outlive it. */
struct rc_poller *rc_poller_new(struct event_base *base, rc_poller_ready ready);
void rc_poller_free(struct rc_poller *poller); /* NULL is allowed */

/* What is wanted of a socket that `now` was wanted of; 0: nothing, it is not in the set, as a socket that was closed. False: no
 * memory or descriptors, nothing changed. */
bool rc_poller_want(struct rc_poller *poller, int fd, uint32_t now, uint32_t want, void *item);

#endif
