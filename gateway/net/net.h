/*
 * Client connections of one worker as bytes: non-blocking sockets in an epoll set of its own below the worker's event base
 * (poller.h says why), no bufferevents (they cost eight times the memory and half the speed of a fan-out).
 *
 * Input is read into one buffer per worker; a connection owns memory only for an unfinished frame. Output is a queue of
 * shared frames, written by one sendmsg per connection and loop pass; the kernel is asked to tell when it can take more
 * only after it refused some. One thread, the worker's.
 *
 *   open -> closing -> lingering -> freed         closing: rc_stream_close was called, `closed` comes at the turn
 *     |                                           lingering: the rest is written, our side shut, FIN awaited
 *     +---> moving -> open in another net         moving: rc_net_move was called, it leaves at the turn
 */
#ifndef RC_GATEWAY_NET_H
#define RC_GATEWAY_NET_H

#include "gateway/metrics.h"
#include "gateway/net/stream.h"
#include "gateway/net/wheel.h"

#define RC_NET_READ      ((size_t)64 << 10) /* bytes read at once */
#define RC_NET_LINGER_US (2000 * RC_MS)     /* at most, from the close to the end of the socket */

struct event_base;
struct sockaddr;
struct rc_net;

struct rc_net_config {
    struct event_base *base;
    struct rc_wheel *wheel;
    _Atomic uint64_t *values;
    size_t queue_max;                                                     /* bytes queued for one connection */
    void (*moved)(void *host, struct rc_stream *stream, unsigned worker); /* see rc_net_move; may be NULL: never */
    void *host;
    rc_time pass_us; /* after this time or these bytes of input nothing more is read before the turn */
    size_t pass_bytes;
};

/* NULL: memory is short. What config points to must outlive it. */
struct rc_net *rc_net_new(const struct rc_net_config *config);

/* Takes over an accepted, non-blocking socket. Set the stream's user before returning to the loop. NULL: memory is
 * short, the socket is closed. */
struct rc_stream *rc_net_adopt(struct rc_net *net, int fd, const struct sockaddr *peer);

/* The chores of a loop pass: input that was kept while a connection paused, output, ends. Call it once after each round
 * of events. True: it stopped at its bound, call it again without waiting. */
bool rc_net_turn(struct rc_net *net);

/* Closes all that are open; the ends come with the next turns. */
void rc_net_close_all(struct rc_net *net, enum rc_close why);

/* Closes up to max of those that are open; returns how many. */
size_t rc_net_close_some(struct rc_net *net, size_t max, enum rc_close why);

/* Moves an open connection to another worker, whose session its last request was for: at the end of the pass it leaves this
 * net for config.moved. front: bytes that come before the input not used yet. Its user hears no more of it. */
void rc_net_move(struct rc_stream *stream, struct rc_buf *front, unsigned worker);
/* Whether it is a connection of a net, which alone can move. */
bool rc_net_owns(const struct rc_stream *stream);
/* Takes over what another worker's net gave to `moved`; set the stream's user before returning to the loop. */
void rc_net_arrive(struct rc_net *net, struct rc_stream *stream);
/* Nobody takes over what was given to `moved`: closes and frees it. Any thread. */
void rc_net_discard(struct rc_stream *stream);

/* Connections in any state. */
size_t rc_net_count(const struct rc_net *net);

/* Cuts what is left; users get their `closed`. */
void rc_net_free(struct rc_net *net);

#endif
