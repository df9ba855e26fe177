/* What a gateway counts. Each worker, and the link loop, has its own copy of the values (metric.h). */
#ifndef RC_GATEWAY_METRICS_H
#define RC_GATEWAY_METRICS_H

#include "gateway/close.h"

#define RC_GATEWAY_METRIC_LIST(X)                                                                                      \
    X(GM_CONNECTIONS, "connections", RC_GAUGE, "connections", "Client connections that are open")                      \
    X(GM_CONNECTIONS_TOTAL, "connections_total", RC_COUNTER, "connections", "Client connections accepted")             \
    X(GM_ACCEPT_PAUSES, "accept_pauses_total", RC_COUNTER, "pauses", "Accepting paused: out of descriptors")           \
    X(GM_SOCKETS, "sockets", RC_GAUGE, "sockets", "Socket.IO sockets that are connected")                              \
    X(GM_HANDSHAKES, "handshakes", RC_GAUGE, "sessions", "Sessions that have not entered their first namespace yet")   \
    X(GM_HANDSHAKES_REFUSED, "handshakes_refused_total", RC_COUNTER, "requests",                                       \
      "Requests for a session answered 503 since queue.handshakes are under way or descriptors are short")             \
    X(GM_HANDSHAKES_FULL, "handshakes_refused_full_total", RC_COUNTER, "requests",                                     \
      "Of these, those for which descriptors were short")                                                              \
    X(GM_CONNECTS_REFUSED, "connects_refused_total", RC_COUNTER, "sockets", "Socket.IO CONNECTs refused")              \
    X(GM_POLLING, "polling_sessions", RC_GAUGE, "sessions", "Engine.IO sessions that are on long-polling")             \
    X(GM_UPGRADES, "upgrades_total", RC_COUNTER, "sessions", "Sessions that went from long-polling to a WebSocket")    \
    X(GM_MOVED, "moved_total", RC_COUNTER, "connections", "Connections that another worker took over")                 \
    X(GM_RELAYED, "relayed", RC_GAUGE, "connections", "Clients connected here whose session another gateway has")      \
    X(GM_RELAYED_TOTAL, "relayed_total", RC_COUNTER, "connections",                                                    \
      "Requests and WebSockets relayed to their gateway")                                                              \
    X(GM_GUESTS, "guests", RC_GAUGE, "connections", "Clients connected to another gateway whose session is here")      \
    X(GM_RELAY_BYTES, "relay_bytes_total", RC_COUNTER, "bytes", "Bytes of clients sent to other gateways")             \
    X(GM_RELAYS_LOST, "relays_lost_total", RC_COUNTER, "connections", "Relays that ended because the way was lost")    \
    X(GM_RELAY_MOVES, "relay_moves_total", RC_COUNTER, "moves",                                                        \
      "Times the relays to a gateway went on over another broker")                                                     \
    X(GM_RELAY_KEPT, "relay_kept_bytes", RC_GAUGE, "bytes", "Bytes of relays that no other gateway has got yet")       \
    X(GM_BYTES_IN, "bytes_in_total", RC_COUNTER, "bytes", "Bytes read from clients")                                   \
    X(GM_BYTES_OUT, "bytes_out_total", RC_COUNTER, "bytes", "Bytes written to clients")                                \
    X(GM_WRITES, "writes_total", RC_COUNTER, "calls", "System calls that wrote to clients")                            \
    X(GM_QUEUE_BYTES, "queue_bytes", RC_GAUGE, "bytes", "Bytes queued for clients, each copy counted")                 \
    X(GM_EVENTS_IN, "events_in_total", RC_COUNTER, "events", "Events from clients that were accepted")                 \
    X(GM_EVENTS_IGNORED, "events_ignored_total", RC_COUNTER, "events", "Events nobody knows")                          \
    X(GM_EVENTS_REFUSED, "events_refused_total", RC_COUNTER, "events", "Events with a bad payload")                    \
    X(GM_EVENTS_BUSY, "events_busy_total", RC_COUNTER, "events", "Events refused at a bound")                          \
    X(GM_ACKS_IGNORED, "acks_ignored_total", RC_COUNTER, "packets", "Acks nobody asked for")                           \
    X(GM_DELIVERIES_RECEIVED, "deliveries_received", RC_COUNTER, "messages",                                           \
      "Deliveries from brokers that were not duplicates")                                                              \
    X(GM_DELIVERIES_DUPLICATE, "deliveries_duplicate", RC_COUNTER, "messages",                                         \
      "Deliveries from brokers that were duplicates")                                                                  \
    X(GM_DELIVERIES_MALFORMED, "deliveries_malformed", RC_COUNTER, "messages",                                         \
      "Deliveries from brokers dropped because their payload is not one")                                              \
    X(GM_COPIES_OUT, "copies_out_total", RC_COUNTER, "messages", "Copies put into clients' queues")                    \
    X(GM_HTTP_REQUESTS, "http_requests_total", RC_COUNTER, "requests", "HTTP requests parsed")                         \
    X(GM_ORIGINS_REFUSED, "origins_refused_total", RC_COUNTER, "requests", "Requests of other sites' pages refused")   \
    X(GM_HISTORY_REQUESTS, "history_requests_total", RC_COUNTER, "requests", "History requests answered")              \
    X(GM_RESENDS, "resends_total", RC_COUNTER, "messages", "Messages sent again to another broker")                    \
    X(GM_REFUSALS, "refusals_total", RC_COUNTER, "refusals", "Slots that a broker refused")                            \
    X(GM_EXPIRED, "expired_total", RC_COUNTER, "messages", "Messages given up without knowing the outcome")            \
    X(GM_NOT_STORED, "not_stored_total", RC_COUNTER, "messages", "Messages delivered and given up unstored")           \
    X(GM_UNCONFIRMED, "unconfirmed", RC_GAUGE, "messages", "Messages that no broker has confirmed yet")                \
    X(GM_VOTERS, "voters", RC_GAUGE, "brokers", "Brokers that count in the majority")                                  \
    X(GM_UNCONFIRMED_BYTES, "unconfirmed_bytes", RC_GAUGE, "bytes", "Bytes of these, bounded by queue.unconfirmed")    \
    X(GM_EMITS_BUSY, "emits_busy_total", RC_COUNTER, "messages",                                                       \
      "Messages refused since unconfirmed ones reach a bound")                                                         \
    X(GM_PAYLOADS_DROPPED, "payloads_dropped_total", RC_COUNTER, "messages",                                           \
      "Messages delivered and not stored yet whose bytes were dropped for newer ones")                                 \
    X(GM_SOCKET_PAUSES, "socket_pauses_total", RC_COUNTER, "pauses",                                                   \
      "Times a client was not read until its messages were delivered")                                                 \
    X(GM_CREDIT_WAITS, "credit_waits_total", RC_COUNTER, "waits",                                                      \
      "Times messages waited since much is on its way to a broker")                                                    \
    X(GM_RECEIVER_ENTRIES, "receiver_entries", RC_GAUGE, "entries",                                                    \
      "Pairs of a sending gateway and a room whose number is kept")                                                    \
    X(GM_RECEIVER_DROPPED, "receiver_dropped_total", RC_COUNTER, "entries", "Idle ones of these dropped at the bound") \
    X(GM_RECEIVER_FULL, "receiver_full_total", RC_COUNTER, "sockets", "CONNECTs refused since none of these was idle") \
    X(GM_INVARIANTS, "invariants_broken_total", RC_COUNTER, "times", "Invariants of the protocol found broken: a bug") \
    X(GM_JUMPS, "clock_jumps_total", RC_COUNTER, "jumps", "Times the machine's clock jumped")                          \
    X(GM_FENCES, "fences_total", RC_COUNTER, "fences", "Times this gateway lost the brokers")

enum rc_gateway_metric {
    GM_CLOSED = 0, /* + enum rc_close */
    GM_CLOSED_LAST = RC_CLOSE_COUNT - 1,
    RC_GATEWAY_METRIC_LIST(RC_METRIC_ENUM) GM_COUNT
};

typedef _Atomic uint64_t rc_gateway_values[GM_COUNT];

/* The table's GM_COUNT lines; points to static storage. */
const struct rc_metric_info *rc_gateway_metric_info(void);

#endif
