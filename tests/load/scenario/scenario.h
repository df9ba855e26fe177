/* The scenarios: a line for each, with what it does and its defaults in the words of the command line. */
#ifndef RC_SCENARIO_H
#define RC_SCENARIO_H

#include "scenario/cast.h"

struct rc_scenario {
    const char *name;
    enum rc_traffic_kind traffic;
    const char *defaults[10]; /* NULL-terminated */
};

#define RC_SCENARIO_HELP                                                                                               \
    "Scenarios, with options that they change:\n"                                                                      \
    "  connect    users connect: how fast, and what it costs\n"                                                        \
    "  idle       users connect and stay: memory and CPU time of each\n"                                               \
    "  admins     users write, every admin gets a copy; --window saturates, --rate paces\n"                            \
    "  direct     every user writes to the next one\n"                                                                 \
    "  reconnect  all connections are dropped at once and come back, --waves times\n"                                  \
    "  mixed      all of this together, paced, with clients that come and go (--churn)\n"                              \
    "  soak       mixed for an hour, with the drift of memory and latency\n"

/* NULL: there is none of this name. */
const struct rc_scenario *rc_scenario_find(const char *name);

#endif
