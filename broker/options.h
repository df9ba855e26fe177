/* The options of roomcast-broker, and what they mean. */
#ifndef RC_BROKER_OPTIONS_H
#define RC_BROKER_OPTIONS_H

#include "common_options.h"

struct rc_broker_options {
    struct rc_common common;
    char **argv; /* main's, to read the options again */
    char *topic_listen;
    char *persisters;
    char *ack_quorum;
    char *durability;
    int64_t incarnation; /* lowest to start with */
    int64_t topic_buffer, waiting_bytes, gateway_bytes;
    int64_t drain_timeout, drain_term_timeout; /* ms */

    /* made by the check */
    uint32_t persister_count;
    char persister[RC_PERSISTERS_MAX][RC_ID_MAX + 1];
    uint32_t quorum; /* 0: emits are confirmed without storage */
};

/* RC_OPTIONS_RUN, or the code to exit with. Call rc_broker_options_fini in either case. o is zeroed. */
int rc_broker_options_parse(struct rc_broker_options *o, char **argv);
/* Reads again what SIGHUP may change. The loop's thread. */
bool rc_broker_options_reload(struct rc_broker_options *o, FILE *report);
void rc_broker_options_fini(struct rc_broker_options *o);

#endif
