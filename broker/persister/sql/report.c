/* What the writer of SQL tells operators: readiness, metrics, status. */
#include "broker/persister/sql/process_impl.h"
#include "clock.h"

#include <stdlib.h>

#define STALLED (5000 * RC_MS) /* age of a transaction under way that an operator should hear of */

static bool stalled(const struct rc_sql_process *p)
{
    return p->writing && rc_clock_now() - p->since > STALLED;
}

const char *rc_sql_unready(const struct rc_sql_process *p)
{
    if (!p->life)
        return p->why[0] ? p->why : "connecting to the server";
    if (stalled(p))
        return "the server does not answer";
    return p->read ? NULL : "no session with a persister of sql.persisters";
}

static const char *state_text(const struct rc_sql_process *p)
{
    struct rc_follow_stats s;
    rc_sql_reader_stats(p, &s);
    if (!p->life)
        return !p->why[0] ? "connecting" : p->refused ? "refused" : "unreachable";
    if (stalled(p))
        return "stalled";
    return !p->read ? "waiting" : s.filling ? "filling" : "serving";
}

static bool admin_ready(void *arg, char *why, size_t size)
{
    const char *reason = rc_sql_unready(arg);
    if (reason)
        snprintf(why, size, "%s", reason);
    return !reason;
}

static void refresh(struct rc_sql_process *p)
{
    struct rc_follow_stats s;
    rc_sql_reader_stats(p, &s);
    rc_link_metrics_refresh(&p->link_values, rc_host_link(p->host));
    const struct {
        enum rc_sql_metric metric;
        uint64_t value;
    } now[] = {
        {SM_CONNECTED, p->life != 0}, {SM_WAITING_MS, p->writing ? (uint64_t)((rc_clock_now() - p->since) / RC_MS) : 0},
        {SM_BEHIND, s.behind},        {SM_PERSISTERS, rc_aside_count(p->aside)},
        {SM_LOG_PULLS, s.pulls},      {SM_LOG_BYTES, s.bytes},
        {SM_LOG_RESTARTS, s.strange},
    };
    for (size_t i = 0; i < sizeof now / sizeof now[0]; i++)
        rc_metric_set(&p->values[now[i].metric], now[i].value);
}

static uint64_t rows_read(struct rc_sql_process *p)
{
    return rc_metric_get(&p->values[SM_ROWS]) + rc_metric_get(&p->values[SM_KNOWN]);
}

void rc_sql_sample(struct rc_sql_process *p)
{
    rc_rate_sample(&p->in, rows_read(p), rc_clock_now());
    rc_rate_sample(&p->out, rc_metric_get(&p->values[SM_ROWS]), rc_clock_now());
}

static void admin_metrics(void *arg, FILE *out)
{
    struct rc_sql_process *p = arg;
    refresh(p);
    for (unsigned i = 0; i < 2; i++)
        rc_metrics_write(&p->metrics[i], out);
}

static char *admin_status(void *arg)
{
    struct rc_sql_process *p = arg;
    struct rc_status_node *map = calloc(RC_ROSTER_MAX, sizeof *map);
    if (!map)
        return NULL;
    refresh(p);
    struct rc_status status = {
        .name = p->self.id,
        .role = "follower",
        .state = state_text(p),
        .address = p->self.admin,
        .link = "",
        .admin = p->self.admin,
        .incarnation = p->self.inc,
        .connections = rc_aside_count(p->aside),
        .messages_in = rows_read(p),
        .messages_out = rc_metric_get(&p->values[SM_ROWS]),
        .messages_in_per_s = rc_rate_per_s(&p->in),
        .messages_out_per_s = rc_rate_per_s(&p->out),
        .lag = rc_metric_get(&p->values[SM_BEHIND]),
        .metrics = p->metrics,
        .metrics_count = 2,
        .map = map,
        .map_count = rc_roster_status(&p->roster, map, RC_ROSTER_MAX),
    };
    char *json = rc_status_json(&status);
    free(map);
    return json;
}

static bool admin_reload(void *arg, FILE *report)
{
    return rc_sql_process_reload(arg, report);
}

enum rc_exit rc_sql_report_open(struct rc_sql_process *p, char why[RC_ADMIN_WHY])
{
    struct rc_admin_config config = {.listen = p->options->common.options.admin_listen,
                                     .token = &p->options->common.admin_token,
                                     .ready = admin_ready,
                                     .metrics = admin_metrics,
                                     .status = admin_status,
                                     .reload = admin_reload,
                                     .arg = p};
    enum rc_exit code = rc_admin_new(&p->admin, p->daemon.loop, &config, why);
    if (code == RC_EXIT_OK)
        snprintf(p->self.admin, sizeof p->self.admin, "%s", rc_admin_address(p->admin));
    return code;
}
