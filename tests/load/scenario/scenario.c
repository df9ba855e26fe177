/* The scenarios. */
#include "scenario/scenario.h"

#include <string.h>

static const struct rc_scenario scenarios[] = {
    {"connect", RC_TRAFFIC_NONE, {"--users=10000", "--connect_warm=500", "--seconds=0"}},
    {"idle", RC_TRAFFIC_NONE, {"--users=11000", "--connect_warm=1000", "--settle=3000"}},
    {"admins", RC_TRAFFIC_ROOM, {"--admins=1000", "--users=64", "--window=64"}},
    {"direct", RC_TRAFFIC_DIRECT, {"--users=200", "--window=200"}},
    {"reconnect", RC_TRAFFIC_NONE, {"--users=10000", "--waves=3", "--seconds=0", "--connect_pending=10000"}},
    {"mixed", RC_TRAFFIC_MIXED, {"--admins=50", "--users=1000", "--rate=200", "--churn=5", "--seconds=30"}},
    {"soak", RC_TRAFFIC_MIXED, {"--admins=50", "--users=1000", "--rate=100", "--churn=1", "--seconds=3600"}},
};

const struct rc_scenario *rc_scenario_find(const char *name)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            return &scenarios[i];
        }
    }
    return NULL;
}
