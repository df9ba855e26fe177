/* What the writer of SQL counts: one line per metric. */
#ifndef RC_SQL_METRICS_H
#define RC_SQL_METRICS_H

#include "metric.h"

#define RC_SQL_METRICS(X)                                                                                              \
    X(SM_ROWS, "rows", RC_COUNTER, "rows", "Rows added to table mensajes.")                                            \
    X(SM_KNOWN, "rows_known", RC_COUNTER, "rows", "Rows read that were in the table already.")                         \
    X(SM_MALFORMED, "rows_malformed", RC_COUNTER, "rows", "Records left out because they are no message.")             \
    X(SM_COMMITS, "commits", RC_COUNTER, "commits", "Transactions that the server committed.")                         \
    X(SM_CONNECTS, "connects", RC_COUNTER, "times", "Connections to the server opened.")                               \
    X(SM_FAILURES, "failures", RC_COUNTER, "times", "Attempts to connect or write that failed.")                       \
    X(SM_CONNECTED, "connected", RC_GAUGE, "0 or 1", "There is a connection to the server.")                           \
    X(SM_WAITING_MS, "waiting_ms", RC_GAUGE, "ms", "Age of the transaction under way.")                                \
    X(SM_BEHIND, "behind", RC_GAUGE, "rows", "Rows of the persister's log that are not in the table yet.")             \
    X(SM_PERSISTERS, "persisters", RC_GAUGE, "persisters", "Persisters with a session; one is followed.")              \
    X(SM_SWITCHES, "switches", RC_COUNTER, "times", "Times another persister was followed than before.")               \
    X(SM_LOG_PULLS, "log_pulls", RC_COUNTER, "pages", "Pages of its log asked for.")                                   \
    X(SM_LOG_BYTES, "log_bytes", RC_COUNTER, "bytes", "Bytes of these pages.")                                         \
    X(SM_LOG_RESTARTS, "log_restarts", RC_COUNTER, "logs", "Its store read from the beginning: new or put back.")

enum rc_sql_metric { RC_SQL_METRICS(RC_METRIC_ENUM) SM_COUNT };

#endif
