/* What a worker counts: a line for each, name in the code and in reports, and what it is. Each has one writer, its worker; the
 * director reads. */
#ifndef RC_COUNTERS_H
#define RC_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#define RC_COUNTERS(X)                                                                                                 \
    X(connects, "connects answered")                                                                                   \
    X(turned_away, "connects refused for a time (429, 503), tried again")                                              \
    X(unconnected, "clients given up after their last try")                                                            \
    X(disconnects, "connections ended by the server or the network")                                                   \
    X(left, "connections that the scenario ended")                                                                     \
    X(sent, "messages sent")                                                                                           \
    X(unsent, "messages that were due at a sender that was not connected or could not write")                          \
    X(stalled, "messages whose place in the window was given up")                                                      \
    X(acked, "acks that say ok")                                                                                       \
    X(refused, "acks that refuse")                                                                                     \
    X(delivered, "messages received, of this run")                                                                     \
    X(lost, "deliveries that did not come")                                                                            \
    X(doubled, "deliveries that came again")                                                                           \
    X(reordered, "deliveries that came after a later one of their sender")                                             \
    X(stray, "deliveries to a client that should not get them")                                                        \
    X(garbled, "packets that are not what was sent, or no packets at all")                                             \
    X(foreign, "messages of others than this run")                                                                     \
    X(bytes_in, "bytes read from sockets")                                                                             \
    X(pings, "pings answered")                                                                                         \
    /* these go up and down */                                                                                         \
    X(connected, "clients connected now")                                                                              \
    X(behind, "deliveries that are due yet")                                                                           \
    X(unacked, "acks that are due yet")                                                                                \
    X(ready, "clients that are where the phase wants them")

struct rc_counters {
#define X(name, help) _Atomic uint64_t name;
    RC_COUNTERS(X)
#undef X
};

/* A copy for those who calculate. */
struct rc_totals {
#define X(name, help) uint64_t name;
    RC_COUNTERS(X)
#undef X
};

static inline void rc_count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

static inline void rc_gauge(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

#endif
