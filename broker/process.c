/*
 * The broker as a process.
 *
 *   link fd / tick -> host -> core -> kicks, publishes -> host flush, topic flush       all on one loop
 */
#include "broker/process.h"
#include "broken.h"
#include "broker/process_impl.h"
#include "clock.h"

#include <stdlib.h>
#include <string.h>

/* A fan-out to relayed clients comes all at once; while it drains, rooms with that gateway are busy, and nobody is closed. */
#define RELAYS_BOUND 4 /* times queue.gateway */

/* ---- the core's world -------------------------------------------------------------------------------------------- */

static void world_kick(void *arg, struct rc_session *s)
{
    struct rc_broker_process *b = arg;
    rc_host_kick(b->host, s);
}

static void leave(struct rc_broker_process *b, struct rc_session *s)
{
    TAILQ_REMOVE(&b->sessions, s, link);
    rc_roster_note(&b->roster, RC_ROSTER_SELF, &s->peer, false, rc_clock_now());
    rc_relays_lost(&b->relays, s);
}

static void world_end(void *arg, struct rc_session *s, enum rc_end why)
{
    struct rc_broker_process *b = arg;
    leave(b, s);
    rc_host_end(b->host, s, why);
}

static void publish(void *arg, const struct rc_op *record)
{
    struct rc_broker_process *b = arg;
    rc_topic_pub_record(b->topic, record);
}

static void state_changed(void *arg, enum rc_broker_state from, enum rc_broker_state to)
{
    struct rc_broker_process *b = arg;
    rc_metric_add(&b->values[BM_STATE_CHANGES], 1);
    rc_log(RC_INFO, "state", "from=%s to=%s", rc_broker_state_text(from), rc_broker_state_text(to));
    if (to == RC_FIT || to == RC_OPEN)
        rc_daemon_ready(&b->daemon);
}

static void gateway_gone(void *arg, const char *gateway, uint64_t inc)
{
    (void)arg;
    rc_log(RC_INFO, "gateway-gone", "gateway=%s incarnation=%llu", gateway, (unsigned long long)inc);
}

/* ---- the host's node --------------------------------------------------------------------------------------------- */

static enum rc_hello node_hello(void *arg, const struct rc_peer *peer, uint64_t *known_inc)
{
    struct rc_broker_process *b = arg;
    enum rc_hello verdict = rc_broker_hello(b->core, peer, known_inc);
    if (verdict == RC_HELLO_OLD && peer->role == RC_GATEWAY && *known_inc == peer->inc)
        rc_log(RC_ERROR, "hello-of-gone", "gateway=%s incarnation=%llu effect=\"it closes its clients\"", peer->id,
               (unsigned long long)peer->inc);
    return verdict;
}

static enum rc_broker_state node_state(void *arg)
{
    const struct rc_broker_process *b = arg;
    return rc_broker_state(b->core);
}

static struct rc_session *node_up(void *arg, const struct rc_peer *peer, uint64_t session, enum rc_broker_state state)
{
    struct rc_broker_process *b = arg;
    (void)state;
    struct rc_session *s = rc_broker_up(b->core, peer, session);
    if (!s)
        return NULL;
    TAILQ_INSERT_TAIL(&b->sessions, s, link);
    rc_roster_note(&b->roster, RC_ROSTER_SELF, peer, true, rc_clock_now());
    struct rc_buf *map = rc_roster_pack(&b->roster);
    if (map)
        rc_host_side(b->host, s, map);
    return s;
}

/* protocol.md S1. A broker's state is soft: its next incarnation begins with a restart. */
static void node_refused(void *arg, const char *id, enum rc_hello reason, uint64_t known_inc)
{
    struct rc_broker_process *b = arg;
    if (reason == RC_HELLO_TWIN) {
        rc_log(RC_ERROR, "twin", "broker=%s reason=\"another process with our node.id has a session there\"", id);
        b->twin = true;
    } else if (reason == RC_HELLO_OLD && known_inc >= b->self.inc) {
        rc_log(RC_WARN, "incarnation-raised", "broker=%s incarnation=%llu reason=\"was the clock set back?\"", id,
               (unsigned long long)known_inc + 1);
        b->next_inc = known_inc + 1;
    } else {
        return;
    }
    rc_loop_stop(b->daemon.loop);
}

static void node_down(void *arg, struct rc_session *s)
{
    struct rc_broker_process *b = arg;
    leave(b, s);
    rc_broker_down(b->core, s);
}

static void node_take(void *arg, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    struct rc_broker_process *b = arg;
    rc_broker_take(b->core, s, max_bytes, batch);
}

static bool node_receive(void *arg, struct rc_session *s, const struct rc_batch *batch)
{
    struct rc_broker_process *b = arg;
    return rc_broker_receive(b->core, s, batch);
}

static void node_side(void *arg, struct rc_session *s, struct rc_buf *bytes)
{
    struct rc_broker_process *b = arg;
    rc_relays_side(&b->relays, s, bytes);
}

static bool send_side(void *arg, struct rc_session *s, struct rc_buf *side)
{
    struct rc_broker_process *b = arg;
    return rc_host_side(b->host, s, side);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void send_map(struct rc_broker_process *b)
{
    b->roster.changed = false;
    struct rc_buf *map = rc_roster_pack(&b->roster);
    struct rc_session *s;
    size_t bytes = 0;
    if (!map)
        return;
    TAILQ_FOREACH (s, &b->sessions, link) {
        rc_host_side(b->host, s, rc_buf_hold(map));
        bytes += map->len;
    }
    b->map_next = rc_roster_next(rc_clock_now(), bytes);
    rc_buf_rele(map);
}

static void finish_pass(struct rc_broker_process *b)
{
    if (b->roster.changed && rc_clock_now() >= b->map_next)
        send_map(b);
    rc_host_flush(b->host);
    rc_topic_pub_flush(b->topic);
}

/* What every pass begins with, before anything is read (protocol.md 2). */
static void begin_pass(struct rc_broker_process *b)
{
    if (rc_suspend_slept(&b->suspend))
        rc_broker_suspended(b->core);
}

static void on_link(void *arg)
{
    struct rc_broker_process *b = arg;
    begin_pass(b);
    rc_host_process(b->host);
    finish_pass(b);
}

/* C4: the gateways have heard that we drain; we go when nothing waits for us any more and the others can do without us. */
static void leave_when_idle(struct rc_broker_process *b)
{
    rc_time now = rc_clock_now();
    bool idle = rc_broker_idle(b->core) && rc_broker_spare(b->core) && rc_host_dry(b->host);
    if ((idle && now - b->leaving > 2 * b->options->common.times.h) || now > b->leave_by)
        rc_loop_stop(b->daemon.loop);
}

static void on_tick(void *arg)
{
    struct rc_broker_process *b = arg;
    begin_pass(b);
    rc_host_process(b->host);
    if (b->leaving)
        leave_when_idle(b); /* before this tick's heartbeats are under way, with which we would never be dry */
    rc_broker_tick(b->core);
    finish_pass(b);
}

static void on_second(void *arg)
{
    struct rc_broker_process *b = arg;
    struct rc_broker_stats stats;
    rc_broker_stats(b->core, &stats);
    rc_broken_report(&stats.broken, &b->broken_seen);
    rc_rate_sample(&b->in, stats.emits, rc_clock_now());
    rc_rate_sample(&b->out, stats.delivers, rc_clock_now());
    rc_ebb_watch(&b->ebb, stats.rooms);
    rc_roster_sweep(&b->roster, rc_clock_now());
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static struct rc_broker *core_new(struct rc_broker_process *b)
{
    const struct rc_broker_options *o = b->options;
    struct rc_member member[RC_BROKERS_MAX];
    struct rc_broker_config config = {
        .inc = b->self.inc,
        .times = o->common.times,
        .n = rc_brokers_members(&o->common.brokers, member),
        .broker = member,
        .persisters = o->persister_count,
        .persister = o->persister,
        .quorum = o->quorum,
        .topic_bound = (size_t)o->topic_buffer,
        .waiting_bound = (size_t)o->waiting_bytes,
        .gateway_bound = (size_t)o->gateway_bytes,
    };
    memcpy(config.id, b->self.id, sizeof config.id);
    struct rc_world world = {b, rc_host_now, rc_host_random, world_kick, world_end};
    struct rc_broker_events events = {publish, state_changed, gateway_gone};
    return rc_broker_new(&config, &world, &events);
}

static enum rc_exit open_links(struct rc_broker_process *b, char why[RC_LINK_WHY])
{
    const struct rc_common *common = &b->options->common;
    b->topic = rc_topic_pub_new(b->options->topic_listen, &common->secret, b->self.id, b->self.inc, why);
    if (!b->topic)
        return RC_EXIT_UNAVAILABLE;
    snprintf(b->self.topic, sizeof b->self.topic, "%s", rc_topic_pub_address(b->topic));
    struct rc_link_config config = {.self = b->self, .secret = &common->secret};
    snprintf(config.listen, sizeof config.listen, "%s", common->options.cluster_listen);
    static const struct rc_host_node node = {.hello = node_hello,
                                             .state = node_state,
                                             .up = node_up,
                                             .refused = node_refused,
                                             .down = node_down,
                                             .take = node_take,
                                             .receive = node_receive,
                                             .side = node_side};
    b->host = rc_host_new(&config, &node, b, why);
    if (!b->host)
        return RC_EXIT_UNAVAILABLE;
    snprintf(b->self.link, sizeof b->self.link, "%s", rc_link_address(rc_host_link(b->host)));
    return RC_EXIT_OK;
}

static enum rc_roll roll(void *arg, const struct rc_member *broker, uint32_t n)
{
    struct rc_broker_process *b = arg;
    return rc_broker_brokers(b->core, broker, n);
}

/* Of two brokers the smaller id dials. */
static enum rc_exit dial_brokers(struct rc_broker_process *b, char why[RC_LINK_WHY])
{
    struct rc_common *common = &b->options->common;
    b->discovery = (struct rc_discovery){.brokers = &common->brokers,
                                         .link = rc_host_link(b->host),
                                         .roster = &b->roster,
                                         .dialler = b->self.id,
                                         .roll = roll,
                                         .node = b};
    common->discovery = &b->discovery;
    return rc_discovery_dial(&b->discovery, why) ? RC_EXIT_OK : RC_EXIT_CONFIG;
}

static enum rc_exit start(struct rc_broker_process *b)
{
    char why[RC_ADMIN_WHY > RC_LINK_WHY ? RC_ADMIN_WHY : RC_LINK_WHY] = "";
    enum rc_exit code = rc_broker_report_open(b, why);
    if (code == RC_EXIT_OK)
        code = open_links(b, why);
    if (code == RC_EXIT_OK) {
        rc_roster_init(&b->roster, &b->options->common.brokers, &b->self);
        b->core = core_new(b);
        code = b->core ? dial_brokers(b, why) : RC_EXIT_INTERNAL;
    }
    struct rc_loop *loop = b->daemon.loop;
    if (code == RC_EXIT_OK && !(rc_loop_fd(loop, rc_link_fd(rc_host_link(b->host)), on_link, b) &&
                                rc_loop_every(loop, b->options->common.times.tick / RC_MS, on_tick, b) &&
                                rc_loop_every(loop, 1000, on_second, b)))
        code = RC_EXIT_INTERNAL;
    return code == RC_EXIT_OK ? RC_EXIT_OK : rc_daemon_refuse(code, "%s", *why ? why : "out of memory");
}

/* A second call may only shorten the time. */
static void begin_to_leave(struct rc_broker_process *b, int64_t longest_ms)
{
    rc_time now = rc_clock_now(), by = now + longest_ms * RC_MS;
    if (!b->leaving || by < b->leave_by)
        b->leave_by = by;
    if (b->leaving)
        return;
    b->leaving = now;
    rc_log(RC_INFO, "draining", "longest_ms=%lld", (long long)longest_ms);
    rc_broker_drain(b->core);
    finish_pass(b);
}

static void stop(void *arg)
{
    struct rc_broker_process *b = arg;
    begin_to_leave(b, b->options->drain_term_timeout);
}

bool rc_broker_process_drain(struct rc_broker_process *b)
{
    if (b->leaving)
        return false;
    begin_to_leave(b, b->options->drain_timeout);
    return true;
}

bool rc_broker_process_drain_stay(struct rc_broker_process *b)
{
    if (rc_broker_state(b->core) == RC_DRAINING)
        return false;
    rc_log(RC_INFO, "draining", "stays=yes");
    rc_broker_drain(b->core);
    finish_pass(b);
    return true;
}

bool rc_broker_process_reload(struct rc_broker_process *b, FILE *report)
{
    bool done = rc_broker_options_reload(b->options, report);
    finish_pass(b);
    return done;
}

static void hangup(void *arg)
{
    rc_broker_process_reload(arg, NULL);
}

static void set_up(struct rc_broker_process *b, struct rc_broker_options *options, uint64_t inc)
{
    static const struct rc_metric_info info[] = {RC_BROKER_METRICS(RC_METRIC_INFO)};
    *b = (struct rc_broker_process){.options = options,
                                    .daemon = {.role = "broker", .stop = stop, .hangup = hangup, .arg = b}};
    b->copies[0] = b->values;
    b->metrics[0] = (struct rc_metrics){"broker", info, BM_COUNT, b->copies, 1};
    b->metrics[1] = rc_link_metrics_list(&b->link_values, "broker");
    b->self.role = RC_BROKER;
    b->self.inc = inc;
    const char *id = options->common.options.node_id;
    b->self.weight = rc_brokers_find(&options->common.brokers, id)->weight; /* it is there: rc_common_check, roll */
    memcpy(b->self.id, id, strlen(id) + 1);
    TAILQ_INIT(&b->sessions);
    b->relays = (struct rc_relays){.sessions = &b->sessions,
                                   .bound = RELAYS_BOUND * (size_t)options->gateway_bytes,
                                   .values = b->values,
                                   .host = b,
                                   .side = send_side};
}

enum rc_exit rc_broker_run(struct rc_broker_options *options, uint64_t *next_inc)
{
    struct rc_broker_process b;
    uint64_t wall = (uint64_t)rc_clock_wall_ms(), least = (uint64_t)options->incarnation;
    set_up(&b, options, wall > least ? wall : least);
    rc_common_log(&options->common);
    enum rc_exit code = rc_daemon_init(&b.daemon);
    if (code == RC_EXIT_OK)
        code = start(&b);
    if (code == RC_EXIT_OK)
        code = rc_daemon_run(&b.daemon);
    if (b.twin)
        code = RC_EXIT_CONFIG;
    *next_inc = b.next_inc;
    options->common.discovery = NULL;
    rc_admin_free(b.admin);
    rc_host_free(b.host);
    rc_topic_pub_free(b.topic);
    rc_broker_free(b.core);
    rc_roster_fini(&b.roster);
    return rc_daemon_fini(&b.daemon, code);
}
