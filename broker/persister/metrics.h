/* What a persister counts: one line per metric. */
#ifndef RC_PERSISTER_METRICS_H
#define RC_PERSISTER_METRICS_H

#include "metric.h"

#define RC_PERSISTER_METRICS(X)                                                                                        \
    X(PM_RECEIVED, "records_received", RC_COUNTER, "records", "Records taken in, each once per broker.")               \
    X(PM_COMMITTED, "records_committed", RC_COUNTER, "records", "Records that a commit has covered.")                  \
    X(PM_STORED, "records_stored", RC_COUNTER, "records", "Committed records that were new to the store.")             \
    X(PM_DUPLICATE, "records_duplicate", RC_COUNTER, "records", "Committed records that were there already.")          \
    X(PM_FORGOTTEN, "records_forgotten", RC_COUNTER, "records",                                                        \
      "Committed records that retention had deleted before.")                                                          \
    X(PM_DELETED, "store_deleted", RC_COUNTER, "messages", "Messages that retention deleted.")                         \
    X(PM_MALFORMED, "records_malformed", RC_COUNTER, "records", "Records left out because they are no message.")       \
    X(PM_COMMITS, "commits", RC_COUNTER, "commits", "Transactions synced to disk.")                                    \
    X(PM_COMMIT_FAILURES, "commit_failures", RC_COUNTER, "commits", "Transactions that failed and were tried again.")  \
    X(PM_GAPS, "gaps", RC_COUNTER, "gaps", "Records that came before an earlier one.")                                 \
    X(PM_RESENDS, "resends", RC_COUNTER, "requests", "Times a broker was asked for records again.")                    \
    X(PM_HOLES, "holes", RC_COUNTER, "holes",                                                                          \
      "Times a broker no longer had what was missing: the other persisters have it.")                                  \
    X(PM_TOPIC_RECEIVED, "topic_received", RC_COUNTER, "records", "Records that came by the topic.")                   \
    X(PM_TOPIC_DROPPED, "topic_dropped", RC_COUNTER, "messages", "Topic messages that were forged or replayed.")       \
    X(PM_LINK_RECEIVED, "link_received", RC_COUNTER, "records", "Records that came by a link, asked for.")             \
    X(PM_HISTORY_QUERIES, "history_queries", RC_COUNTER, "queries", "Queries of history answered.")                    \
    X(PM_HISTORY_ROWS, "history_rows", RC_COUNTER, "rows", "Messages and users in these answers.")                     \
    X(PM_HISTORY_BUSY, "history_busy", RC_COUNTER, "queries", "Queries refused because too many were under way.")      \
    X(PM_HISTORY_PENDING, "history_pending", RC_GAUGE, "queries", "Queries under way.")                                \
    X(PM_INVARIANTS, "invariants_broken", RC_COUNTER, "times", "Invariants of the protocol found broken: a bug.")      \
    X(PM_BROKERS, "brokers", RC_GAUGE, "brokers", "Brokers with a session.")                                           \
    X(PM_PERSISTERS, "persisters", RC_GAUGE, "persisters", "Other persisters with a session.")                         \
    X(PM_FOLLOWERS, "followers", RC_GAUGE, "followers", "Followers with a session, who copy the log elsewhere.")       \
    X(PM_FILLING, "filling", RC_GAUGE, "0 or 1", "What the others had before is still being read.")                    \
    X(PM_FILL_BEHIND, "fill_behind", RC_GAUGE, "rows", "Rows not yet read of the log that we are furthest behind.")    \
    X(PM_FILL_OF, "fill_of", RC_GAUGE, "rows", "Rows in that log; 0 when nothing is behind.")                          \
    X(PM_FILL_ROWS, "fill_rows", RC_COUNTER, "rows", "Rows stored that came from other persisters.")                   \
    X(PM_LOG_PULLS, "log_pulls", RC_COUNTER, "pages", "Pages of their logs asked for.")                                \
    X(PM_LOG_BYTES, "log_bytes", RC_COUNTER, "bytes", "Bytes of these pages.")                                         \
    X(PM_LOG_RESTARTS, "log_restarts", RC_COUNTER, "logs", "Their stores read from the beginning: new or put back.")   \
    X(PM_LOG_SERVED, "log_served", RC_COUNTER, "pages", "Pages of the own log given to them.")                         \
    X(PM_GATEWAYS, "gateways", RC_GAUGE, "gateways", "Gateways with a session.")                                       \
    X(PM_LAG, "lag", RC_GAUGE, "records", "Records that brokers announced and that are not committed.")                \
    X(PM_WAITING_BYTES, "waiting_bytes", RC_GAUGE, "bytes", "Bytes of records that wait for their commit.")            \
    X(PM_DEGRADED, "degraded", RC_GAUGE, "0 or 1", "The last commit failed.")                                          \
    X(PM_STORE_ROWS, "store_rows", RC_GAUGE, "messages", "Messages in the store.")                                     \
    X(PM_STORE_OLDEST, "store_oldest_ms", RC_GAUGE, "ms", "Time of the oldest message, since 1970; 0: none.")          \
    X(PM_STORE_BYTES, "store_bytes", RC_GAUGE, "bytes", "Size of the store.")                                          \
    X(PM_STORE_USED, "store_used_bytes", RC_GAUGE, "bytes",                                                            \
      "Of it, what holds something: store.keep_bytes counts it.")                                                      \
    X(PM_STORE_MAP_BYTES, "store_map_bytes", RC_GAUGE, "bytes", "Size that the store may grow to.")

enum rc_persister_metric { RC_PERSISTER_METRICS(RC_METRIC_ENUM) PM_COUNT };

#endif
