/* What a persister tells operators: readiness, metrics, status. */
#include "broken.h"
#include "broker/persister/keeper.h"
#include "broker/persister/process_impl.h"
#include "clock.h"
#include "log.h"

#include <stdlib.h>

static size_t majority(const struct rc_persister_process *p)
{
    return p->options->common.brokers.count / 2 + 1;
}

const char *rc_persister_unready(const struct rc_persister_process *p)
{
    struct rc_persister_stats s;
    rc_persister_stats(p->core, &s);
    if (rc_writer_health(p->writer)->degraded)
        return rc_store_result_text(rc_writer_health(p->writer)->result);
    return s.brokers < majority(p) ? "no session with a majority of the brokers" : NULL;
}

/* The same with the cause, which may name a path of any bytes. */
static bool tell_unready(const struct rc_persister_process *p, char *why, size_t size)
{
    const char *reason = rc_persister_unready(p);
    const struct rc_writer_health *health = rc_writer_health(p->writer);
    if (!reason)
        return false;
    snprintf(why, size, "%s%s%s", reason, health->degraded && health->why[0] ? ": " : "",
             health->degraded ? health->why : "");
    for (char *at = why; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
            *at = '?';
    return true;
}

static const char *state_text(const struct rc_persister_process *p)
{
    if (p->stopping)
        return "stopping";
    if (rc_writer_health(p->writer)->degraded)
        return "degraded";
    if (rc_persister_unready(p))
        return "waiting";
    struct rc_follow_stats follow;
    rc_follow_stats(rc_persister_follow(p->core), &follow);
    return follow.filling ? "filling" : "serving";
}

static bool admin_ready(void *arg, char *why, size_t size)
{
    return !tell_unready(arg, why, size);
}

/* From the core and the threads; cheap. */
static void refresh(struct rc_persister_process *p, struct rc_persister_stats *s)
{
    rc_link_metrics_refresh(&p->link_values, rc_host_link(p->host));
    struct rc_topic_stats topic;
    rc_persister_stats(p->core, s);
    rc_topic_sub_stats(p->topic, &topic);
    struct rc_follow_stats follow;
    rc_follow_stats(rc_persister_follow(p->core), &follow);
    const struct {
        enum rc_persister_metric metric;
        uint64_t value;
    } now[] = {
        {PM_RECEIVED, s->records + s->waiting},
        {PM_COMMITTED, s->records},
        {PM_COMMITS, s->commits},
        {PM_COMMIT_FAILURES, s->failed},
        {PM_DELETED, rc_writer_deleted(p->writer)},
        {PM_GAPS, s->gaps},
        {PM_RESENDS, s->resends},
        {PM_HOLES, s->holes},
        {PM_TOPIC_DROPPED, topic.forged + topic.replayed},
        {PM_HISTORY_PENDING, rc_history_pending(p->history)},
        {PM_INVARIANTS, s->broken.count},
        {PM_BROKERS, s->brokers},
        {PM_GATEWAYS, rc_aside_count(p->aside) - follow.peers - p->followers},
        {PM_PERSISTERS, follow.peers},
        {PM_FOLLOWERS, p->followers},
        {PM_FILLING, follow.filling},
        {PM_FILL_BEHIND, follow.behind},
        {PM_FILL_OF, follow.of},
        {PM_FILL_ROWS, follow.rows},
        {PM_LOG_PULLS, follow.pulls},
        {PM_LOG_BYTES, follow.bytes},
        {PM_LOG_RESTARTS, follow.strange},
        {PM_LAG, s->lag},
        {PM_WAITING_BYTES, s->waiting_bytes},
        {PM_DEGRADED, rc_writer_health(p->writer)->degraded},
    };
    for (size_t i = 0; i < sizeof now / sizeof now[0]; i++)
        rc_metric_set(&p->values[now[i].metric], now[i].value);
}

static void warn_near_limit(struct rc_persister_process *p, const struct rc_store_info *info)
{
    if (p->warned || info->bytes < info->map_bytes / 10 * 8)
        return;
    p->warned = true;
    rc_log(RC_WARN, "store-nearly-full", "bytes=%llu of=%llu advice=\"raise data.map_size and restart\"",
           (unsigned long long)info->bytes, (unsigned long long)info->map_bytes);
}

void rc_persister_sample(struct rc_persister_process *p)
{
    struct rc_persister_stats s;
    struct rc_store_info info;
    refresh(p, &s);
    rc_broken_report(&s.broken, &p->broken_seen);
    rc_rate_sample(&p->in, s.records + s.waiting, rc_clock_now());
    rc_rate_sample(&p->out, s.records, rc_clock_now());
    if (!rc_store_info(p->store, &info))
        return; /* the last numbers stay */
    rc_metric_set(&p->values[PM_STORE_ROWS], info.rows);
    rc_metric_set(&p->values[PM_STORE_OLDEST], (uint64_t)info.oldest);
    rc_metric_set(&p->values[PM_STORE_BYTES], info.bytes);
    rc_metric_set(&p->values[PM_STORE_USED], info.used);
    rc_metric_set(&p->values[PM_STORE_MAP_BYTES], info.map_bytes);
    warn_near_limit(p, &info);
}

static void admin_metrics(void *arg, FILE *out)
{
    struct rc_persister_process *p = arg;
    struct rc_persister_stats s;
    refresh(p, &s);
    for (unsigned i = 0; i < 2; i++)
        rc_metrics_write(&p->metrics[i], out);
}

static char *admin_status(void *arg)
{
    struct rc_persister_process *p = arg;
    struct rc_persister_stats s;
    refresh(p, &s);
    char why[512];
    struct rc_status_node *map = calloc(RC_ROSTER_MAX, sizeof *map);
    if (!map)
        return NULL;
    struct rc_status status = {
        .name = p->self.id,
        .role = "persister",
        .state = state_text(p),
        .reason = tell_unready(p, why, sizeof why) ? why : NULL,
        .address = p->self.link,
        .link = p->self.link,
        .admin = p->self.admin,
        .incarnation = p->self.inc,
        .connections = s.brokers + rc_aside_count(p->aside),
        .messages_in = s.records + s.waiting,
        .messages_out = s.records,
        .messages_in_per_s = rc_rate_per_s(&p->in),
        .messages_out_per_s = rc_rate_per_s(&p->out),
        .queue_bytes = s.waiting_bytes,
        .lag = s.lag,
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
    return rc_persister_process_reload(arg, report);
}

enum rc_exit rc_persister_report_open(struct rc_persister_process *p, char why[RC_ADMIN_WHY])
{
    struct rc_admin_config config = {.listen = p->options->common.options.admin_listen,
                                     .token = &p->options->common.admin_token,
                                     .ready = admin_ready,
                                     .metrics = admin_metrics,
                                     .status = admin_status,
                                     .reload = admin_reload,
                                     .routes = rc_keeper_routes,
                                     .route_count = RC_KEEPER_ROUTES,
                                     .arg = p};
    enum rc_exit code = rc_admin_new(&p->admin, p->daemon.loop, &config, why);
    if (code == RC_EXIT_OK)
        snprintf(p->self.admin, sizeof p->self.admin, "%s", rc_admin_address(p->admin));
    return code;
}
