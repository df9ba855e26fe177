/* What a broker counts: one line per metric. */
#ifndef RC_BROKER_METRICS_H
#define RC_BROKER_METRICS_H

#include "metric.h"

#define RC_BROKER_METRICS(X)                                                                                           \
    X(BM_EMITS, "emits_total", RC_COUNTER, "messages", "EMITs accepted.")                                              \
    X(BM_DELIVERS, "delivers_total", RC_COUNTER, "messages", "DELIVERs sent to gateways.")                             \
    X(BM_CONFIRMS, "confirms_total", RC_COUNTER, "messages", "EMITs confirmed to their origin.")                       \
    X(BM_REFUSED, "refused_total", RC_COUNTER, "refusals", "Slots refused to an origin, which goes on to the next.")   \
    X(BM_BUSY_WAITING, "busy_waiting_total", RC_COUNTER, "refusals", "Refused since queue.waiting is reached.")        \
    X(BM_BUSY_GATEWAY, "busy_gateway_total", RC_COUNTER, "refusals",                                                   \
      "Refused since a member gateway has queue.gateway unacknowledged.")                                              \
    X(BM_BUSY_TOPIC, "busy_topic_total", RC_COUNTER, "refusals",                                                       \
      "Refused since topic.buffer is full of what is not stored.")                                                     \
    X(BM_STUCK, "sessions_stuck_total", RC_COUNTER, "sessions", "Sessions ended since the peer acknowledged nothing.") \
    X(BM_RECORDS, "records_total", RC_COUNTER, "records", "Records published on the topic.")                           \
    X(BM_RESENDS, "resends_total", RC_COUNTER, "requests", "Times a persister asked for records again.")               \
    X(BM_HOLES, "holes_total", RC_COUNTER, "records", "Records dropped that some persister had not stored.")           \
    X(BM_GONE, "gateways_gone_total", RC_COUNTER, "gateways", "Gateway incarnations taken for gone.")                  \
    X(BM_RELAYED, "relay_messages_total", RC_COUNTER, "messages", "Messages of relays passed on between gateways.")    \
    X(BM_RELAYS_REFUSED, "relays_refused_total", RC_COUNTER, "messages",                                               \
      "Messages of relays to a gateway that is not here or that is full.")                                             \
    X(BM_STATE_CHANGES, "state_changes_total", RC_COUNTER, "changes", "Changes of this broker's state.")               \
    X(BM_HELLO_GONE, "hellos_of_gone_total", RC_COUNTER, "hellos",                                                     \
      "Gateways refused since all had taken them for gone.")                                                           \
    X(BM_INVARIANTS, "invariants_broken_total", RC_COUNTER, "times",                                                   \
      "Invariants of the protocol found broken: a bug.")                                                               \
    X(BM_JUMPS, "clock_jumps_total", RC_COUNTER, "jumps", "Times the machine's clock jumped.")                         \
    X(BM_MATURE, "mature", RC_GAUGE, "0 or 1", "Up for long enough to count in the brokers' majority.")                \
    X(BM_GATEWAYS, "gateways", RC_GAUGE, "gateways", "Gateways with a session.")                                       \
    X(BM_BROKERS, "brokers", RC_GAUGE, "brokers", "Other brokers with a session.")                                     \
    X(BM_VOTERS, "voters", RC_GAUGE, "brokers", "Brokers that count in the majority, this one included.")              \
    X(BM_PERSISTERS, "persisters", RC_GAUGE, "persisters", "Persisters with a session.")                               \
    X(BM_LIVE, "live_gateways", RC_GAUGE, "gateways", "Gateways that a majority of brokers takes for alive.")          \
    X(BM_ROOMS, "rooms", RC_GAUGE, "rooms", "Rooms with members.")                                                     \
    X(BM_MEMBERSHIPS, "memberships", RC_GAUGE, "pairs", "Pairs of a room and a gateway with members in it.")           \
    X(BM_WAITING, "waiting_emits", RC_GAUGE, "messages", "EMITs accepted and not yet confirmed.")                      \
    X(BM_WAITING_BYTES, "waiting_bytes", RC_GAUGE, "bytes", "Bytes of these.")                                         \
    X(BM_TOPIC_RECORDS, "topic_records", RC_GAUGE, "records", "Records kept until every persister has stored them.")   \
    X(BM_TOPIC_BYTES, "topic_bytes", RC_GAUGE, "bytes", "Bytes of these records.")                                     \
    X(BM_OUT_BYTES, "out_bytes", RC_GAUGE, "bytes", "Bytes unsent or unacknowledged on all sessions.")

enum rc_broker_metric { RC_BROKER_METRICS(RC_METRIC_ENUM) BM_COUNT };

#endif
