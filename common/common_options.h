/* The options that every daemon has, in one place, and what they become. */
#ifndef RC_COMMON_OPTIONS_H
#define RC_COMMON_OPTIONS_H

#include "brokers.h"
#include "cluster/times.h"
#include "discovery.h"
#include "log.h"
#include "option.h"
#include "secret.h"

/* Overrides of the times of protocol.md 2: option times.NAME, field of struct rc_times, help. */
#define RC_TIMES_LIST(X)                                                                                               \
    X(heartbeat, h, "H: time between heartbeats on a link")                                                            \
    X(tick, tick, "time between rounds of housekeeping")                                                               \
    X(session, s, "S: a link is lost when nothing was heard for this long")                                            \
    X(gateway_lease, l_g, "L_g: a gateway serves while contact with a majority of brokers is younger")                 \
    X(member_lease, l_m, "L_m: what a broker learnt from another counts while contact is younger")                     \
    X(list_lease, l_d, "L_d: a broker lists a gateway for this long after it was heard of")                            \
    X(act_lease, l_a, "L_a: a broker may act for a gateway while contact is younger")                                  \
    X(wait, w, "W: a gateway waits this long before it relies on the silence of a lost broker")                        \
    X(retry, r, "R: pause after a broker refused")                                                                     \
    X(emit_give_up, e, "E: an emit that nobody confirmed is given up")                                                 \
    X(connect, connect, "a client's CONNECT that could not be answered is refused")                                    \
    X(recent, recent, "the highest number of an origin is kept after its last use")

struct rc_common_options {
    char *node_id;
    char *log_level;
    char *log_format;
    char *admin_listen;
    char *admin_token_file;
    char *cluster_listen;
    char *cluster_secret_file;
    char *cluster_brokers;
    int64_t times_scale;                           /* percent */
#define X(name, field, help) int64_t times_##name; /* ms; 0: the default times the scale */
    RC_TIMES_LIST(X)
#undef X
};

/* What the options mean. All but options and role is made by rc_common_check. */
struct rc_common {
    struct rc_common_options options;
    enum rc_role role;
    enum rc_level level;
    struct rc_times times;
    struct rc_brokers brokers;      /* in force */
    struct rc_discovery *discovery; /* the daemon's, once it has one: takes in other brokers */
    struct rc_secret secret;        /* of the cluster */
    struct rc_secret admin_token;   /* empty when none is configured */
};

/* Gives c (zeroed) its role and returns the table of its options, with that role's default ports. It stands
 * before the daemon's own table in the rc_option_set. */
struct rc_option_table rc_common_table(struct rc_common *c, enum rc_role role);

/* Fills the rest of c from c->options and tells what does not fit together. Call it first in the daemon's
 * check function. */
void rc_common_check(struct rc_common *c, struct rc_option_errors *errors);

/* Starts the log as the options say. */
void rc_common_log(const struct rc_common *c);

/* For SIGHUP and POST /reload: rc_options_reload on the set that c's table is part of, the first in it; puts log.level and
 * the brokers in force. False: refused, as the log and report say. */
bool rc_common_reload(struct rc_common *c, const struct rc_option_set *set, char **argv, FILE *report);

/* Wipes the secrets; the options' texts belong to rc_options_free. */
void rc_common_fini(struct rc_common *c);

#endif
