/* The options that every daemon has, in one place, and what they become. */
#ifndef RC_COMMON_OPTIONS_H
#define RC_COMMON_OPTIONS_H

#include "brokers.h"
#include "cluster/times.h"
#include "log.h"
#include "option.h"
#include "secret.h"

struct rc_common_options {
    char *node_id;
    char *log_level;
    char *log_format;
    char *admin_listen;
    char *admin_token_file;
    char *cluster_listen;
    char *cluster_secret_file;
    char *cluster_brokers;
    int64_t times_scale; /* percent */
    /* Overrides of protocol.md 2 in ms; 0: the default times the scale. */
    int64_t heartbeat, tick, session, gateway_lease, member_lease, list_lease, act_lease, wait, retry,
        emit_give_up, connect, recent;
};

/* What the options mean, made by rc_common_check. */
struct rc_common {
    struct rc_common_options options;
    enum rc_role role;
    enum rc_level level;
    bool json;
    struct rc_times times;
    struct rc_brokers brokers;
    struct rc_secret secret;      /* of the cluster */
    struct rc_secret admin_token; /* empty when none is configured */
};

/* Gives c (zeroed) its role and returns the table of its lines with that role's default ports. Put it before
 * the daemon's own table in the rc_option_set. */
struct rc_option_table rc_common_table(struct rc_common *c, enum rc_role role);

/* Fills the rest of c from c->options and refuses what does not fit together: call it first in the daemon's
 * check function. */
void rc_common_check(struct rc_common *c, struct rc_option_errors *errors);

/* Starts the log as the options say. */
void rc_common_log(const struct rc_common *c);

/* After a reload: takes over log.level. */
void rc_common_reloaded(struct rc_common *c);

/* Wipes the secrets; the options' texts belong to rc_options_free. */
void rc_common_fini(struct rc_common *c);

#endif
