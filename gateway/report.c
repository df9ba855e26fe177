/* What a gateway tells operators: readiness, metrics, status. */
#include "gateway/process_impl.h"

#include "broken.h"
#include "clock.h"
#include "log.h"

#include <stdlib.h>

static const char *state_text(enum rc_gateway_state state)
{
    static const char *const text[] = {"starting", "active", "serving", "draining"};
    return text[state];
}

static bool ready(void *arg, char *why, size_t size)
{
    const struct rc_gateway_process *g = arg;
    struct rc_router_stats s;
    rc_router_stats(g->router, &s);
    snprintf(why, size, "state is %s, sessions with %zu of %zu brokers", state_text(s.core.state), s.brokers,
             g->options->common.brokers.count);
    return s.core.state == RC_SERVING;
}

/* What happens at the bounds of protocol.md 10. */
static void refresh_bounds(struct rc_gateway_process *g, const struct rc_gateway_stats *s)
{
    rc_metric_set(&g->values[GM_INVARIANTS], s->broken.count);
    rc_metric_set(&g->values[GM_UNCONFIRMED_BYTES], s->unconfirmed_bytes);
    rc_metric_set(&g->values[GM_EMITS_BUSY], s->busy);
    rc_metric_set(&g->values[GM_PAYLOADS_DROPPED], s->stripped);
    rc_metric_set(&g->values[GM_SOCKET_PAUSES], s->pauses);
    rc_metric_set(&g->values[GM_CREDIT_WAITS], s->stalls);
    rc_metric_set(&g->values[GM_RECEIVER_ENTRIES], s->receiver_entries);
    rc_metric_set(&g->values[GM_RECEIVER_DROPPED], s->evicted);
    rc_metric_set(&g->values[GM_RECEIVER_FULL], s->full);
}

/* The link loop's own values; the workers keep theirs themselves. */
static void refresh(struct rc_gateway_process *g, struct rc_router_stats *s)
{
    rc_link_metrics_refresh(&g->link_values, rc_router_link(g->router));
    rc_router_stats(g->router, s);
    rc_metric_set(&g->values[GM_DELIVERIES_RECEIVED], s->core.delivers - s->core.duplicates);
    rc_metric_set(&g->values[GM_DELIVERIES_DUPLICATE], s->core.duplicates);
    rc_metric_set(&g->values[GM_FENCES], s->core.fences);
    rc_metric_set(&g->values[GM_RELAY_MOVES], s->relay_moves);
    rc_metric_set(&g->values[GM_RELAY_KEPT], s->relay_kept);
    rc_metric_set(&g->values[GM_JUMPS], s->jumps);
    rc_metric_set(&g->values[GM_RESENDS], s->core.resends);
    rc_metric_set(&g->values[GM_REFUSALS], s->core.refusals);
    rc_metric_set(&g->values[GM_EXPIRED], s->core.expired);
    rc_metric_set(&g->values[GM_NOT_STORED], s->core.not_stored);
    rc_metric_set(&g->values[GM_UNCONFIRMED], s->core.unconfirmed);
    rc_metric_set(&g->values[GM_VOTERS], s->core.voters);
    refresh_bounds(g, &s->core);
}

static void metrics(void *arg, FILE *out)
{
    struct rc_gateway_process *g = arg;
    struct rc_router_stats s;
    refresh(g, &s);
    for (unsigned i = 0; i < 2; i++)
        rc_metrics_write(&g->metrics[i], out);
}

static uint64_t value(const struct rc_gateway_process *g, enum rc_gateway_metric metric)
{
    return rc_metrics_value(&g->metrics[0], metric);
}

/* Rooms with one partition are as good as whole. */
static size_t partitioned(const struct rc_partitions *p, struct rc_status_room room[RC_PARTITION_RULES_MAX])
{
    size_t n = 0;
    for (unsigned i = 0; i < p->n; i++)
        if (p->rule[i].count > 1)
            room[n++] = (struct rc_status_room){p->rule[i].name, p->rule[i].count};
    return n;
}

static char *status(void *arg)
{
    struct rc_gateway_process *g = arg;
    struct rc_router_stats s;
    refresh(g, &s);
    struct rc_status_node *map = calloc(RC_ROSTER_MAX, sizeof *map);
    if (!map)
        return NULL;
    struct rc_status_room room[RC_PARTITION_RULES_MAX];
    struct rc_status report = {
        .partitioned = room,
        .partitioned_count = partitioned(&g->options->partitions, room),
        .name = g->self.id,
        .role = "gateway",
        .state = state_text(s.core.state),
        .address = g->url,
        .link = rc_router_address(g->router),
        .admin = g->self.admin,
        .incarnation = s.core.inc,
        .connections = value(g, GM_CONNECTIONS),
        .relayed = value(g, GM_RELAYED),
        .rooms = s.core.rooms,
        .messages_in = value(g, GM_EVENTS_IN),
        .messages_out = value(g, GM_COPIES_OUT),
        .messages_in_per_s = rc_rate_per_s(&g->in),
        .messages_out_per_s = rc_rate_per_s(&g->out),
        .queue_bytes = value(g, GM_QUEUE_BYTES) + s.out_bytes,
        .metrics = g->metrics,
        .metrics_count = 2,
        .map = map,
        .map_count = rc_roster_status(rc_router_roster(g->router), map, RC_ROSTER_MAX),
    };
    char *json = rc_status_json(&report);
    free(map);
    return json;
}

/* Told once a second while it lasts. */
static void tell_refusals(struct rc_gateway_process *g)
{
    uint64_t total = value(g, GM_HANDSHAKES_REFUSED);
    if (total > g->turned_away)
        rc_log(RC_WARN, "handshakes-refused",
               "clients=%llu total=%llu full=%llu under_way=%llu effect=\"503, they come back\"",
               (unsigned long long)(total - g->turned_away), (unsigned long long)total,
               (unsigned long long)value(g, GM_HANDSHAKES_FULL), (unsigned long long)value(g, GM_HANDSHAKES));
    g->turned_away = total;
}

/* Once a second at most: the persisters are away for longer than emits wait; or a bug shows. */
static void raise_alarms(struct rc_gateway_process *g)
{
    struct rc_router_stats s;
    rc_router_stats(g->router, &s);
    if (s.core.not_stored > g->not_stored)
        rc_log(RC_ERROR, "not-stored", "messages=%llu total=%llu effect=\"delivered, not confirmed as stored in time\"",
               (unsigned long long)(s.core.not_stored - g->not_stored), (unsigned long long)s.core.not_stored);
    g->not_stored = s.core.not_stored;
    rc_broken_report(&s.core.broken, &g->broken_seen);
    tell_refusals(g);
}

void rc_gateway_report_sample(struct rc_gateway_process *g)
{
    raise_alarms(g);
    rc_rate_sample(&g->in, value(g, GM_EVENTS_IN), rc_clock_now());
    rc_rate_sample(&g->out, value(g, GM_COPIES_OUT), rc_clock_now());
    rc_ebb_watch(&g->ebb, value(g, GM_CONNECTIONS) + value(g, GM_POLLING) + value(g, GM_GUESTS));
}

static bool drain(void *arg)
{
    return rc_gateway_process_drain(arg);
}

static bool admin_reload(void *arg, FILE *report)
{
    return rc_gateway_process_reload(arg, report);
}

enum rc_exit rc_gateway_report_open(struct rc_gateway_process *g, char why[RC_ADMIN_WHY])
{
    struct rc_admin_config config = {.listen = g->options->common.options.admin_listen,
                                     .token = &g->options->common.admin_token,
                                     .ready = ready,
                                     .metrics = metrics,
                                     .status = status,
                                     .drain = drain,
                                     .reload = admin_reload,
                                     .arg = g};
    enum rc_exit code = rc_admin_new(&g->admin, g->daemon.loop, &config, why);
    if (code == RC_EXIT_OK)
        snprintf(g->self.admin, sizeof g->self.admin, "%s", rc_admin_address(g->admin));
    return code;
}
