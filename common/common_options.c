/* The options that every daemon has, and what they become. */
#include "common_options.h"

#include <string.h>

#include "addr.h"
#include "admin.h"

#define SECRET_ENV "ROOMCAST_CLUSTER_SECRET"
#define TOKEN_ENV  "ROOMCAST_ADMIN_TOKEN"

#define AT(field) offsetof(struct rc_common_options, field)
#define HOUR_MS   3600000
#define TIME(name, field, help)                                                                                        \
    {"times." #name, RC_OPT_MS, AT(times_##name), 0, HOUR_MS, "0", "ms", false, help " (0: default times scale)"},

/* The same lines for every role, but for the ports. */
#define COMMON_LINES(link, admin)                                                                                      \
    {                                                                                                                  \
        {"node.id",                                                                                                    \
         RC_OPT_STRING,                                                                                                \
         AT(node_id),                                                                                                  \
         1,                                                                                                            \
         RC_ID_MAX,                                                                                                    \
         NULL,                                                                                                         \
         "ID",                                                                                                         \
         false,                                                                                                        \
         "Name of this node, unlike that of any other in the cluster: letters, digits, '.', '_', '-'"},                \
            {"log.level",                                                                                              \
             RC_OPT_STRING,                                                                                            \
             AT(log_level),                                                                                            \
             0,                                                                                                        \
             0,                                                                                                        \
             "info",                                                                                                   \
             "error|warn|info|debug",                                                                                  \
             true,                                                                                                     \
             "Least important lines that are logged"},                                                                 \
            {"log.format", RC_OPT_STRING, AT(log_format), 0, 0, "text", "text|json", false, "Form of the log"},        \
            {"admin.listen",                                                                                           \
             RC_OPT_ADDR,                                                                                              \
             AT(admin_listen),                                                                                         \
             0,                                                                                                        \
             0,                                                                                                        \
             admin,                                                                                                    \
             "host:port",                                                                                              \
             false,                                                                                                    \
             "Where probes, metrics and status are answered; beyond loopback only with a token"},                      \
            {"admin.token_file",                                                                                       \
             RC_OPT_STRING,                                                                                            \
             AT(admin_token_file),                                                                                     \
             0,                                                                                                        \
             0,                                                                                                        \
             "",                                                                                                       \
             "FILE",                                                                                                   \
             false,                                                                                                    \
             "File with the operator token that metrics and status then need; or " TOKEN_ENV},                         \
            {"cluster.listen",                                                                                         \
             RC_OPT_ADDR,                                                                                              \
             AT(cluster_listen),                                                                                       \
             1,                                                                                                        \
             0,                                                                                                        \
             link,                                                                                                     \
             "host:port",                                                                                              \
             false,                                                                                                    \
             "Where the other nodes reach this one"},                                                                  \
            {"cluster.secret_file",                                                                                    \
             RC_OPT_STRING,                                                                                            \
             AT(cluster_secret_file),                                                                                  \
             0,                                                                                                        \
             0,                                                                                                        \
             "",                                                                                                       \
             "FILE",                                                                                                   \
             false,                                                                                                    \
             "File with the secret that all nodes share, mode 0600; or " SECRET_ENV},                                  \
            {"cluster.brokers",                                                                                        \
             RC_OPT_LIST,                                                                                              \
             AT(cluster_brokers),                                                                                      \
             0,                                                                                                        \
             0,                                                                                                        \
             NULL,                                                                                                     \
             "ID=host:port[*weight],...",                                                                              \
             true,                                                                                                     \
             "All brokers of the cluster, the same list on every node; weight 0 votes only"},                          \
            {"times.scale",                                                                                            \
             RC_OPT_INT,                                                                                               \
             AT(times_scale),                                                                                          \
             10,                                                                                                       \
             10000,                                                                                                    \
             "100",                                                                                                    \
             "percent",                                                                                                \
             false,                                                                                                    \
             "All times of the cluster protocol, in percent of their defaults; the same on every node"},               \
            RC_TIMES_LIST(TIME)                                                                                        \
    }

static const struct rc_option gateway_lines[] = COMMON_LINES("127.0.0.1:7400", "127.0.0.1:7401");
static const struct rc_option broker_lines[] = COMMON_LINES("127.0.0.1:7410", "127.0.0.1:7412");
static const struct rc_option persister_lines[] = COMMON_LINES("127.0.0.1:7420", "127.0.0.1:7421");

struct rc_option_table rc_common_table(struct rc_common *c, enum rc_role role)
{
    c->role = role;
    return (struct rc_option_table){
        .lines = role == RC_GATEWAY  ? gateway_lines
                 : role == RC_BROKER ? broker_lines
                                     : persister_lines,
        .count = sizeof gateway_lines / sizeof gateway_lines[0],
        .values = &c->options,
    };
}

static void check_times(struct rc_common *c, struct rc_option_errors *errors)
{
    rc_times_default(&c->times, (unsigned)c->options.times_scale);
#define X(name, field, help)                                                                                           \
    if (c->options.times_##name > 0) {                                                                                 \
        c->times.field = c->options.times_##name * RC_MS;                                                              \
    }
    RC_TIMES_LIST(X)
#undef X
    const char *broken = rc_times_check(&c->times);
    if (broken) {
        rc_option_fail(errors, "%s", broken);
    }
}

/* False: told. */
static bool parse_brokers(const struct rc_common *c, const char *text, struct rc_brokers *out,
                          struct rc_option_errors *errors)
{
    char why[512];
    if (!rc_brokers_parse(text, out, why, sizeof why)) {
        rc_option_fail(errors, "cluster.brokers: %s", why);
        return false;
    }
    if (c->role == RC_BROKER && !rc_brokers_find(out, c->options.node_id)) {
        rc_option_fail(
            errors,
            "cluster.brokers: this broker, node.id %s, is not in the list; one that is to be removed keeps the "
            "list with itself until it is stopped",
            c->options.node_id);
        return false;
    }
    return true;
}

static void check_secrets(struct rc_common *c, struct rc_option_errors *errors)
{
    char why[RC_SECRET_WHY];
    const struct rc_common_options *o = &c->options;
    if (!rc_secret_load(&c->secret, "cluster.secret_file", o->cluster_secret_file, SECRET_ENV, why)) {
        rc_option_fail(errors, "%s", why);
    }
    if (rc_secret_given(o->admin_token_file, TOKEN_ENV)) {
        if (!rc_secret_load(&c->admin_token, "admin.token_file", o->admin_token_file, TOKEN_ENV, why)) {
            rc_option_fail(errors, "%s", why);
        }
    } else if (rc_admin_needs_token(o->admin_listen)) {
        rc_option_fail(errors, "admin.listen: %s can be reached from other machines, so set admin.token_file or %s",
                       o->admin_listen, TOKEN_ENV);
    }
}

void rc_common_check(struct rc_common *c, struct rc_option_errors *errors)
{
    rc_level_parse(c->options.log_level, &c->level);
    if (!rc_id_valid(c->options.node_id)) {
        rc_option_fail(errors, "node.id: \"%s\" must be 1 to 63 letters, digits, '.', '_' or '-'", c->options.node_id);
    }
    check_times(c, errors);
    parse_brokers(c, c->options.cluster_brokers, &c->brokers, errors);
    check_secrets(c, errors);
}

void rc_common_log(const struct rc_common *c)
{
    rc_log_init(c->level, strcmp(c->options.log_format, "json") == 0, c->options.node_id);
}

/* Of what is reloadable only the brokers can be refused for what they mean. */
static void take_brokers(void *arg, const void *fresh, struct rc_option_errors *errors)
{
    struct rc_common *c = arg;
    const struct rc_common_options *o = fresh;
    struct rc_brokers to;
    char why[RC_LINK_WHY];
    if (strcmp(o->cluster_brokers, c->options.cluster_brokers) != 0 &&
        parse_brokers(c, o->cluster_brokers, &to, errors) && !rc_discovery_offer(c->discovery, &to, why)) {
        rc_option_fail(errors, "cluster.brokers: %s", why);
    }
}

bool rc_common_reload(struct rc_common *c, const struct rc_option_set *set, char **argv, FILE *report)
{
    struct rc_option_set with = *set;
    with.take = c->discovery ? take_brokers : NULL;
    with.arg = c;
    bool done = rc_options_reload(&with, argv, report);
    if (done && rc_level_parse(c->options.log_level, &c->level)) {
        rc_log_level(c->level);
    }
    return done;
}

void rc_common_fini(struct rc_common *c)
{
    rc_secret_fini(&c->secret);
    rc_secret_fini(&c->admin_token);
}
