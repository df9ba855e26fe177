/* The link loop: links with brokers and persisters, the clock, start and stop. Everything here runs on its thread. */
#include "gateway/router_impl.h"

#include "clock.h"
#include "cluster/mem.h"
#include "log.h"

#include <string.h>

#define MAILBOX_BOUND ((size_t)64 << 20) /* requests of all workers */
#define LEAVE_LONGEST (5000 * RC_MS)     /* for what is unconfirmed at the end */
#define DRY_LONGEST   (1000 * RC_MS)     /* for the last batches */
#define DELIVERIES    ((size_t)16 << 20) /* what one broker may have unacknowledged (protocol.md 10) */

size_t rc_router_mailbox(const struct rc_gateway_options *o)
{
    return 2 * DELIVERIES * o->common.brokers.count;
}

/* ---- the core's world -------------------------------------------------------------------------------------------- */

static void world_kick(void *arg, struct rc_session *s)
{
    struct rc_router *r = arg;
    rc_host_kick(r->host, s);
}

static unsigned source_of(const struct rc_router *r, const struct rc_peer *broker)
{
    return rc_roster_source(&r->roster, broker->id);
}

static void session_over(struct rc_router *r, struct rc_session *s)
{
    rc_time now = rc_clock_now();
    rc_roster_note(&r->roster, RC_ROSTER_SELF, &s->peer, false, now);
    if (s->peer.role == RC_BROKER) {
        rc_trunk_down(r->trunk, s);
        rc_roster_lost(&r->roster, source_of(r, &s->peer), now);
    } else {
        rc_queries_lost(r->queries, s);
    }
}

static void world_end(void *arg, struct rc_session *s, enum rc_end why)
{
    struct rc_router *r = arg;
    session_over(r, s);
    rc_host_end(r->host, s, why);
}

/* ---- the host's node --------------------------------------------------------------------------------------------- */

static enum rc_hello node_hello(void *arg, const struct rc_peer *peer, uint64_t *known_inc)
{
    (void)arg;
    (void)peer;
    (void)known_inc;
    return RC_HELLO_UNKNOWN; /* gateways dial, nobody dials them */
}

static struct rc_session *node_up(void *arg, const struct rc_peer *peer, uint64_t session, enum rc_broker_state state)
{
    struct rc_router *r = arg;
    struct rc_session *s = peer->role == RC_PERSISTER ? rc_aside_up(r->aside, peer, session)
                                                      : rc_gateway_up(r->core, peer, session, state);
    if (!s)
        return NULL;
    rc_roster_note(&r->roster, RC_ROSTER_SELF, peer, true, rc_clock_now());
    if (peer->role == RC_BROKER)
        rc_trunk_up(r->trunk, s);
    return s;
}

static void node_refused(void *arg, const char *id, enum rc_hello reason, uint64_t known_inc)
{
    struct rc_router *r = arg;
    if (r->bye)
        return; /* what we said good-bye to takes us for gone */
    if (reason == RC_HELLO_OLD) {
        rc_gateway_refused(r->core, known_inc);
    } else if (reason == RC_HELLO_TWIN) {
        rc_log(RC_ERROR, "twin", "broker=%s reason=\"another process with our node.id has a session there\"", id);
        r->config.twin(r->config.arg);
    }
}

static void node_down(void *arg, struct rc_session *s)
{
    struct rc_router *r = arg;
    session_over(r, s);
    if (s->peer.role == RC_PERSISTER)
        rc_aside_down(r->aside, s);
    else
        rc_gateway_down(r->core, s);
}

static void node_take(void *arg, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    struct rc_router *r = arg;
    if (s->peer.role == RC_PERSISTER)
        rc_aside_take(r->aside, s, max_bytes, batch);
    else
        rc_gateway_take(r->core, s, max_bytes, batch);
}

static bool node_receive(void *arg, struct rc_session *s, const struct rc_batch *batch)
{
    struct rc_router *r = arg;
    if (s->peer.role == RC_PERSISTER)
        return rc_aside_receive(r->aside, s, batch);
    return rc_gateway_receive(r->core, s, batch);
}

static void node_side(void *arg, struct rc_session *s, struct rc_buf *bytes)
{
    struct rc_router *r = arg;
    if (s->peer.role == RC_PERSISTER)
        rc_queries_rows(r->queries, s, bytes);
    else if (!rc_trunk_side(r->trunk, s, bytes))
        rc_roster_unpack(&r->roster, source_of(r, &s->peer), bytes, rc_clock_now());
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* rc_link_dial ignores a node that it dials already at this address. */
static void dial_persisters(struct rc_router *r)
{
    r->roster.changed = false;
    for (size_t i = 0; i < r->roster.count; i++) {
        const struct rc_peer *p = &r->roster.node[i].peer;
        char why[RC_LINK_WHY], quoted[2 * RC_LINK_WHY];
        if (p->role == RC_PERSISTER && *p->link && !rc_link_dial(rc_host_link(r->host), p->id, p->role, p->link, why))
            rc_log(RC_WARN, "link-dial-failed", "id=%s reason=%s", p->id,
                   rc_log_quote(quoted, sizeof quoted, why, strlen(why)));
    }
}

static void finish_pass(struct rc_router *r)
{
    if (r->alone)
        rc_router_pass_barriers(r);
    if (r->roster.changed)
        dial_persisters(r);
    struct rc_gateway_stats stats;
    rc_gateway_stats(r->core, &stats);
    bool serving = stats.state == RC_SERVING;
    if (serving && !r->was_serving)
        r->config.serving(r->config.arg);
    r->was_serving = serving;
    rc_trunk_pump(r->trunk);
    rc_host_flush(r->host);
}

/* What every pass begins with, before anything is read (section 2, G6). */
static void begin_pass(struct rc_router *r)
{
    if (rc_suspend_slept(&r->suspend))
        rc_gateway_suspended(r->core);
    rc_gateway_check_fence(r->core);
}

static void on_link(void *arg)
{
    struct rc_router *r = arg;
    begin_pass(r);
    rc_host_process(r->host);
    finish_pass(r);
}

static void on_mail(void *arg)
{
    struct rc_router *r = arg;
    begin_pass(r);
    rc_router_take_mail(r);
    finish_pass(r);
}

/* G8 */
static bool workers_turn(const struct rc_router *r, rc_time now)
{
    for (unsigned i = 0; i < r->workers; i++)
        if (now - rc_worker_turned(r->worker[i]) > r->times.s / 2)
            return false;
    return true;
}

/* Clients first, so that they reconnect elsewhere at once; then what they sent; then BYE. */
static void leave(struct rc_router *r, rc_time now)
{
    if (!r->alone) {
        r->alone = true;
        for (unsigned i = 0; i < r->workers; i++)
            r->alone &= rc_worker_ended(r->worker[i]);
        r->leaving = now;
        return;
    }
    struct rc_gateway_stats stats;
    rc_gateway_stats(r->core, &stats);
    if (!r->bye && (!stats.unconfirmed || now - r->leaving > LEAVE_LONGEST)) {
        r->bye = now;
        rc_gateway_bye(r->core);
        rc_host_flush(r->host);
    }
    if (r->bye && (rc_host_dry(r->host) || now - r->bye > DRY_LONGEST))
        r->config.dry(r->config.arg);
}

static void on_tick(void *arg)
{
    struct rc_router *r = arg;
    begin_pass(r);
    rc_host_process(r->host);
    rc_router_take_mail(r);
    rc_time now = rc_clock_now();
    if (!r->leaving)
        rc_gateway_alive(r->core, workers_turn(r, now));
    rc_gateway_tick(r->core);
    rc_aside_tick(r->aside);
    rc_queries_expire(r->queries, now);
    rc_roster_sweep(&r->roster, now);
    finish_pass(r);
    if (r->leaving)
        leave(r, now);
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static struct rc_gateway *core_new(struct rc_router *r)
{
    const struct rc_gateway_options *o = r->config.options;
    struct rc_member member[RC_BROKERS_MAX];
    struct rc_gateway_config config = {
        .inc = r->config.self.inc,
        .times = r->times,
        .k = (uint32_t)o->k,
        .n = rc_brokers_members(&o->common.brokers, member),
        .broker = member,
        .bound = (size_t)o->queue_unconfirmed,
        .socket_bound = (size_t)o->queue_socket,
        .credit = (size_t)o->queue_credit,
        .receiver_max = (size_t)o->queue_receiver,
    };
    memcpy(config.id, r->config.self.id, sizeof config.id);
    struct rc_world world = {r, rc_host_now, rc_host_random, world_kick, world_end};
    return rc_gateway_new(&config, &world, &rc_router_events);
}

static enum rc_exit open_links(struct rc_router *r, char why[RC_LINK_WHY])
{
    const struct rc_common *common = &r->config.options->common;
    struct rc_link_config config = {.self = r->config.self, .secret = &common->secret};
    snprintf(config.listen, sizeof config.listen, "%s", common->options.cluster_listen);
    static const struct rc_host_node node = {.hello = node_hello,
                                             .up = node_up,
                                             .refused = node_refused,
                                             .down = node_down,
                                             .take = node_take,
                                             .receive = node_receive,
                                             .side = node_side};
    r->host = rc_host_new(&config, &node, r, why);
    if (!r->host)
        return RC_EXIT_UNAVAILABLE;
    snprintf(r->config.self.link, sizeof r->config.self.link, "%s", rc_router_address(r));
    return RC_EXIT_OK;
}

static enum rc_roll roll(void *arg, const struct rc_member *broker, uint32_t n)
{
    struct rc_router *r = arg;
    return rc_gateway_brokers(r->core, broker, n);
}

static enum rc_exit dial_brokers(struct rc_router *r, char why[RC_LINK_WHY])
{
    struct rc_common *common = &r->config.options->common;
    rc_roster_init(&r->roster, &common->brokers, &r->config.self);
    r->discovery = (struct rc_discovery){
        .brokers = &common->brokers, .link = rc_host_link(r->host), .roster = &r->roster, .roll = roll, .node = r};
    common->discovery = &r->discovery;
    return rc_discovery_dial(&r->discovery, why) ? RC_EXIT_OK : RC_EXIT_CONFIG;
}

static enum rc_exit start(struct rc_router *r, char why[RC_LINK_WHY])
{
    r->mailbox = rc_mailbox_new(MAILBOX_BOUND);
    r->core = core_new(r);
    enum rc_exit code = r->mailbox && r->core ? open_links(r, why) : RC_EXIT_INTERNAL;
    if (code == RC_EXIT_OK)
        code = dial_brokers(r, why);
    if (code != RC_EXIT_OK)
        return code;
    struct rc_loop *loop = r->config.loop;
    bool watched = rc_loop_fd(loop, rc_link_fd(rc_host_link(r->host)), on_link, r) &&
                   rc_loop_fd(loop, rc_mailbox_fd(r->mailbox), on_mail, r) &&
                   rc_loop_every(loop, r->times.tick / RC_MS, on_tick, r);
    return watched ? RC_EXIT_OK : RC_EXIT_INTERNAL;
}

struct rc_router *rc_router_new(const struct rc_router_config *config, enum rc_exit *code, char why[RC_LINK_WHY])
{
    struct rc_router *r = rc_zalloc(sizeof *r);
    r->config = *config;
    r->times = config->options->common.times;
    r->queries = rc_queries_new(rc_router_rows, r);
    TAILQ_INIT(&r->barriers);
    r->trunk = rc_trunk_new(&(struct rc_trunk_config){
        .id = r->config.self.id, .roster = &r->roster, .host = r, .down = rc_router_relay, .side = rc_router_side});
    struct rc_world world = {r, rc_host_now, rc_host_random, world_kick, world_end};
    r->aside = rc_aside_new(config->self.inc, &r->times, &world);
    snprintf(why, RC_LINK_WHY, "out of memory");
    *code = start(r, why);
    if (*code == RC_EXIT_OK)
        return r;
    rc_router_free(r);
    return NULL;
}

void rc_router_free(struct rc_router *r)
{
    if (!r)
        return;
    rc_host_free(r->host);
    rc_gateway_free(r->core);
    rc_aside_free(r->aside);
    rc_queries_free(r->queries);
    rc_trunk_free(r->trunk);
    rc_mailbox_free(r->mailbox, rc_router_drop_mail);
    rc_router_drop_barriers(r);
    rc_roster_fini(&r->roster);
    free(r);
}

struct rc_uplink rc_router_uplink(struct rc_router *r)
{
    return (struct rc_uplink){r, rc_router_post};
}

void rc_router_workers(struct rc_router *r, struct rc_worker *const *worker, unsigned count)
{
    r->workers = count < RC_WORKERS_MAX ? count : RC_WORKERS_MAX;
    for (unsigned i = 0; i < r->workers; i++)
        r->worker[i] = worker[i];
    rc_trunk_workers(r->trunk, r->workers);
}

bool rc_router_reload(struct rc_router *r, FILE *report)
{
    bool done = rc_gateway_options_reload(r->config.options, report);
    for (unsigned i = 0; i < r->workers; i++)
        rc_worker_set_mailbox(r->worker[i], rc_router_mailbox(r->config.options));
    finish_pass(r);
    return done;
}

void rc_router_drain(struct rc_router *r)
{
    rc_gateway_drain(r->core);
}

void rc_router_leave(struct rc_router *r)
{
    r->leaving = rc_clock_now();
    rc_trunk_workers(r->trunk, 0); /* nobody would take the requests of guests */
    rc_gateway_drain(r->core);
}

void rc_router_stats(const struct rc_router *r, struct rc_router_stats *out)
{
    *out = (struct rc_router_stats){.jumps = r->suspend.jumps};
    rc_gateway_stats(r->core, &out->core);
    out->out_bytes = out->core.unconfirmed_bytes;
    out->persisters = rc_aside_count(r->aside);
    for (size_t i = 0; i < r->roster.count; i++)
        out->brokers += r->roster.node[i].peer.role == RC_BROKER && r->roster.node[i].up_here;
}

const struct rc_roster *rc_router_roster(const struct rc_router *r)
{
    return &r->roster;
}

const struct rc_link *rc_router_link(const struct rc_router *r)
{
    return rc_host_link(r->host);
}

const char *rc_router_address(const struct rc_router *r)
{
    return rc_link_address(rc_host_link(r->host));
}
