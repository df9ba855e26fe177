/* What a broker tells operators: readiness, metrics, status. */
#include "broker/process_impl.h"

#include <stdlib.h>

const char *rc_broker_state_text(enum rc_broker_state state)
{
    static const char *const text[] = {"unfit", "fit", "open", "draining"};
    return text[state];
}

static bool admin_ready(void *arg, char *why, size_t size)
{
    const struct rc_broker_process *b = arg;
    enum rc_broker_state state = rc_broker_state(b->core);
    snprintf(why, size, "state is %s", rc_broker_state_text(state));
    return state == RC_FIT || state == RC_OPEN;
}

static void refresh(struct rc_broker_process *b, struct rc_broker_stats *s)
{
    rc_link_metrics_refresh(&b->link_values, rc_host_link(b->host));
    rc_broker_stats(b->core, s);
    const struct {
        enum rc_broker_metric metric;
        uint64_t value;
    } now[] = {
        {BM_EMITS, s->emits},
        {BM_DELIVERS, s->delivers},
        {BM_CONFIRMS, s->confirms},
        {BM_REFUSED, s->refused},
        {BM_BUSY_WAITING, s->busy_waiting},
        {BM_BUSY_GATEWAY, s->busy_gateway},
        {BM_BUSY_TOPIC, s->busy_topic},
        {BM_STUCK, s->stuck},
        {BM_HELLO_GONE, s->hello_gone},
        {BM_INVARIANTS, s->broken.count},
        {BM_RECORDS, s->records},
        {BM_RESENDS, s->resends},
        {BM_HOLES, s->holes},
        {BM_GONE, s->gone},
        {BM_MATURE, s->mature},
        {BM_GATEWAYS, s->gateways},
        {BM_BROKERS, s->brokers},
        {BM_VOTERS, s->voters},
        {BM_PERSISTERS, s->persisters},
        {BM_LIVE, s->live},
        {BM_ROOMS, s->rooms},
        {BM_MEMBERSHIPS, s->memberships},
        {BM_WAITING, s->waiting},
        {BM_WAITING_BYTES, s->waiting_bytes},
        {BM_OUT_BYTES, s->out_bytes},
        {BM_JUMPS, b->suspend.jumps},
        {BM_TOPIC_RECORDS, s->topic_records},
        {BM_TOPIC_BYTES, s->topic_bytes},
    };
    for (size_t i = 0; i < sizeof now / sizeof now[0]; i++)
        rc_metric_set(&b->values[now[i].metric], now[i].value);
}

static void admin_metrics(void *arg, FILE *out)
{
    struct rc_broker_process *b = arg;
    struct rc_broker_stats stats;
    refresh(b, &stats);
    for (unsigned i = 0; i < 2; i++)
        rc_metrics_write(&b->metrics[i], out);
}

static char *admin_status(void *arg)
{
    struct rc_broker_process *b = arg;
    struct rc_broker_stats s;
    refresh(b, &s);
    struct rc_status_node *map = calloc(RC_ROSTER_MAX, sizeof *map);
    if (!map)
        return NULL;
    struct rc_status status = {
        .name = b->self.id,
        .role = "broker",
        .state = rc_broker_state_text(s.state),
        .address = b->self.link,
        .link = b->self.link,
        .admin = b->self.admin,
        .incarnation = s.inc,
        .connections = s.gateways + s.brokers + s.persisters,
        .rooms = s.rooms,
        .messages_in = s.emits,
        .messages_out = s.delivers,
        .messages_in_per_s = rc_rate_per_s(&b->in),
        .messages_out_per_s = rc_rate_per_s(&b->out),
        .queue_bytes = s.out_bytes + s.topic_bytes,
        .metrics = b->metrics,
        .metrics_count = 2,
        .map = map,
        .map_count = rc_roster_status(&b->roster, map, RC_ROSTER_MAX),
    };
    char *json = rc_status_json(&status);
    free(map);
    return json;
}

static bool admin_drain(void *arg)
{
    return rc_broker_process_drain(arg);
}

static bool admin_drain_stay(void *arg)
{
    return rc_broker_process_drain_stay(arg);
}

static bool admin_reload(void *arg, FILE *report)
{
    return rc_broker_process_reload(arg, report);
}

enum rc_exit rc_broker_report_open(struct rc_broker_process *b, char why[RC_ADMIN_WHY])
{
    struct rc_admin_config config = {.listen = b->options->common.options.admin_listen,
                                     .token = &b->options->common.admin_token,
                                     .ready = admin_ready,
                                     .metrics = admin_metrics,
                                     .status = admin_status,
                                     .drain = admin_drain,
                                     .drain_stay = admin_drain_stay,
                                     .reload = admin_reload,
                                     .arg = b};
    enum rc_exit code = rc_admin_new(&b->admin, b->daemon.loop, &config, why);
    if (code == RC_EXIT_OK)
        snprintf(b->self.admin, sizeof b->self.admin, "%s", rc_admin_address(b->admin));
    return code;
}
