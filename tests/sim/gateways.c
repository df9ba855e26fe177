/* A simulated gateway: the core's host, what clients do at it, and draining. */
#include "gateways.h"

#include "check.h"
#include "clients.h"
#include "gateway/partition.h"
#include "squeeze.h"
#include "timeline.h"

#include <inttypes.h>
#include <stdlib.h>

static struct sim_gateway *gateway_of(void *host)
{
    return host; /* host is its first member */
}

/* ---- what the core tells */

static struct sim_socket *socket_of(struct sim_gateway *g, uint64_t id)
{
    struct sim_socket *s = g->host.w->sockets;
    while (s && s->id != id)
        s = s->next;
    return s;
}

static void post(struct sim_gateway *g, struct sim_job job)
{
    sim_worker_post(&g->worker, job);
}

static void on_opened(void *host, uint64_t socket)
{
    struct sim_gateway *g = gateway_of(host);
    post(g, (struct sim_job){.kind = SIM_OPENED, .socket = socket_of(g, socket)});
}

static void on_closed(void *host, uint64_t socket, enum rc_socket_end why)
{
    static const char *const text[] = {"fenced", "emit expired", "timed out", "busy"};
    struct sim_gateway *g = gateway_of(host);
    struct sim_socket *s = socket_of(g, socket);
    s->ending = true;
    if (why == RC_SOCKET_EXPIRED)
        sim_check_expired(g->host.w, s);
    post(g, (struct sim_job){.kind = SIM_CLOSE, .socket = s, .why = text[why]});
}

static void on_deliver(void *host, const struct rc_msg *msg)
{
    struct sim_gateway *g = gateway_of(host);
    struct sim_job job = {.kind = SIM_DELIVER, .msg = rc_partition_whole(msg)};
    post(g, job);
    sim_check_routed(g->host.w, g, &job.msg);
}

static void on_barrier(void *host, uint64_t session, uint64_t seq)
{
    post(gateway_of(host), (struct sim_job){.kind = SIM_BARRIER, .session = session, .seq = seq});
}

static void on_result(void *host, uint64_t socket, uint64_t token, enum rc_outcome outcome)
{
    struct sim_gateway *g = gateway_of(host);
    sim_check_result(g->host.w, g, socket_of(g, socket), token, outcome);
}

static void on_pause(void *host, uint64_t socket, bool stop)
{
    struct sim_gateway *g = gateway_of(host);
    post(g, (struct sim_job){.kind = SIM_STOP, .socket = socket_of(g, socket), .stop = stop});
}

static void on_fenced(void *host, uint64_t inc)
{
    struct sim_gateway *g = gateway_of(host);
    struct sim_world *w = g->host.w;
    unsigned n = 0;
    for (struct sim_socket *s = w->sockets; s && w->options.plant != SIM_DEAF_FENCE; s = s->next) {
        if (s->gateway != g || s->state == SIM_CLOSED || s->ending || !s->inc)
            continue;
        on_closed(g, s->id, RC_SOCKET_FENCED);
        n++;
    }
    sim_trace(&w->sim, g->host.node.id, "FENCED: closes %u sockets, is incarnation %" PRIu64, n, inc);
    for (unsigned i = 0; i < SIM_ROOMS; i++)
        g->had[i] = false;
    g->host.self.inc = inc;
    w->incs = inc > w->incs ? inc : w->incs;
    sim_host_forget(&g->host);
}

static const struct rc_gateway_events events = {
    .opened = on_opened,
    .closed = on_closed,
    .deliver = on_deliver,
    .barrier = on_barrier,
    .result = on_result,
    .pause = on_pause,
    .fenced = on_fenced,
};

/* ---- what clients do */

void sim_gateway_connect(struct sim_gateway *g, struct sim_socket *s)
{
    struct rc_buf *room[RC_SOCKET_ROOMS_MAX];
    uint32_t n = 0;
    for (unsigned i = 0; i < SIM_ROOMS; i++)
        if (sim_client_in(s->client, i)) {
            room[n++] = rc_buf_hold(g->host.w->room[i]);
            g->had[i] = true;
        }
    if (g->host.w->options.partitions)
        n = rc_partition_join(room, n);
    s->inc = g->host.self.inc;
    s->asked_at = g->host.w->sim.now;
    s->asked_frozen = g->host.node.frozen;
    s->asked_stuck = sim_worker_stuck(&g->worker);
    bool taken = rc_gateway_connect(g->core, s->id, room, n);
    for (uint32_t i = 0; i < n; i++)
        rc_buf_rele(room[i]);
    if (!taken)
        sim_worker_close(s, "refused");
    else if (g->host.w->options.plant == SIM_EARLY_OPEN)
        sim_client_opened(s);
}

void sim_gateway_disconnect(struct sim_gateway *g, struct sim_socket *s)
{
    rc_gateway_disconnect(g->core, s->id);
    sim_worker_close(s, "left");
}

/* Each gateway is configured with another number of partitions: that must not matter. */
static void partition(struct sim_gateway *g, struct rc_emit *e)
{
    struct sim_world *w = g->host.w;
    struct rc_partitions p = {.n = 1, .rule = {{"admins", 1 + (g->host.node.index + 3) % RC_PARTITIONS}}};
    uint64_t socket = e->socket;
    if (w->options.plant == SIM_SCATTER)
        e->socket = e->token;
    if (w->options.partitions)
        rc_partition_emit(&p, e);
    e->socket = socket;
}

void sim_gateway_read(struct sim_gateway *g, struct sim_socket *s, struct sim_message *m)
{
    struct sim_world *w = g->host.w;
    if (s->state != SIM_OPEN)
        return;
    if (s->stopped) {
        m->unread = NULL;
        *s->unread_tail = m;
        s->unread_tail = &m->unread;
        return;
    }
    struct rc_buf *bytes = rc_buf_copy(&m->id, sizeof(m->id));
    struct rc_emit e = {.socket = s->id, .token = m->id, .wants_ack = m->wants_ack, .payload = bytes, .n = m->rooms};
    for (unsigned i = 0; i < m->rooms; i++)
        e.room[i] = rc_buf_hold(w->room[m->room[i]]);
    partition(g, &e);
    e.fecha = 1700000000000 + w->sim.now / 1000 + sim_between(&w->sim.dice, -3, 3); /* wall clocks are set, too */
    e.row = m->row ? bytes : NULL;
    enum rc_outcome outcome = rc_gateway_emit(g->core, &e);
    rc_buf_rele(bytes);
    for (unsigned i = 0; i < m->rooms; i++)
        rc_buf_rele(e.room[i]);
    m->taken_at = w->sim.now;
    m->taken_frozen = g->host.node.frozen;
    if (outcome != RC_OUTCOME_OK)
        sim_check_refused(w, m, outcome);
}

/* ---- the role */

static void boot(struct sim_host *h)
{
    struct sim_gateway *g = gateway_of(h);
    struct sim_world *w = h->w;
    if (w->options.plant != SIM_SAME_INC || !h->self.inc)
        h->self.inc = g->set_back ? h->self.inc - SIM_INC_STEP / 2 : sim_world_inc(w);
    g->set_back = false;
    const struct sim_bounds *bounds = sim_bounds(w->shape.tight);
    struct rc_member member[RC_BROKERS_MAX];
    struct rc_gateway_config c = {
        .inc = h->self.inc,
        .times = w->shape.times,
        .k = w->shape.k_mixed ? 1 + h->node.index % 3 : w->shape.k,
        .n = sim_host_brokers(h, member),
        .broker = member,
        .bound = bounds->gateway,
        .socket_bound = bounds->socket,
        .credit = bounds->credit,
        .receiver_max = sim_bounds(false)->receivers,
    };
    snprintf(c.id, sizeof(c.id), "%s", h->node.id);
    sim_worker_init(&g->worker, g);
    g->draining = false;
    g->seen = (struct rc_gateway_stats){0};
    for (unsigned i = 0; i < SIM_ROOMS; i++)
        g->had[i] = false;
    g->core = rc_gateway_new(&c, &h->world, &events);
}

static void crash(struct sim_host *h)
{
    struct sim_gateway *g = gateway_of(h);
    sim_check_count_gateway(h->w, g);
    for (struct sim_socket *s = h->w->sockets; s; s = s->next)
        if (s->gateway == g)
            sim_worker_close(s, "crash");
    rc_gateway_free(g->core);
    g->core = NULL;
    sim_worker_fini(&g->worker);
}

static void before(struct sim_host *h)
{
    struct sim_gateway *g = gateway_of(h);
    if (h->node.slept) {
        h->node.slept = false;
        if (h->w->options.plant != SIM_STOPPED_CLOCK)
            rc_gateway_suspended(g->core);
    }
    rc_gateway_check_fence(g->core);
}

static void after(struct sim_host *h)
{
    struct sim_gateway *g = gateway_of(h);
    sim_worker_turn(&g->worker);
    sim_timeline_gateway(g);
}

/* G8: what cannot write to its sockets must not look alive. */
static void tick(struct sim_host *h)
{
    struct sim_gateway *g = gateway_of(h);
    if (g->worker.stuck && sim_node_now(&h->node) - g->worker.stuck_since > h->w->shape.times.s / 2)
        rc_gateway_alive(g->core, false);
    rc_gateway_tick(g->core);
}

static struct rc_session *up(struct sim_host *h, const struct rc_peer *peer, uint64_t session,
                             enum rc_broker_state state)
{
    return rc_gateway_up(gateway_of(h)->core, peer, session, state);
}

static void refused(struct sim_host *h, uint64_t known)
{
    rc_gateway_refused(gateway_of(h)->core, known);
}

static void down(struct sim_host *h, struct rc_session *s)
{
    rc_gateway_down(gateway_of(h)->core, s);
}

static void take(struct sim_host *h, struct rc_session *s, size_t max, struct rc_batch *batch)
{
    rc_gateway_take(gateway_of(h)->core, s, max, batch);
}

static bool receive(struct sim_host *h, struct rc_session *s, const struct rc_batch *batch)
{
    return rc_gateway_receive(gateway_of(h)->core, s, batch);
}

static void roll(struct sim_host *h, const struct rc_member *broker, uint32_t n)
{
    sim_check_roll(h, rc_gateway_brokers(gateway_of(h)->core, broker, n));
}

const struct sim_role sim_gateway_role = {
    .roll = roll,
    .role = RC_GATEWAY,
    .boot = boot,
    .crash = crash,
    .tick = tick,
    .before = before,
    .after = after,
    .up = up,
    .refused = refused,
    .down = down,
    .take = take,
    .receive = receive,
};

/* ---- draining */

static void restart(void *on, void *arg, uint64_t num)
{
    (void)arg, (void)num;
    sim_node_start(on);
}

static void leave(void *on, void *arg, uint64_t num)
{
    struct sim_gateway *g = on;
    struct sim *sim = &g->host.w->sim;
    (void)arg, (void)num;
    sim_host_kill(&g->host, true);
    if (!g->host.for_good)
        sim_at(sim, sim->now + sim_between(&sim->dice, 100 * SIM_MS, 1500 * SIM_MS),
               (struct sim_task){.run = restart, .on = &g->host.node});
}

static void drained(void *on, void *arg, uint64_t num)
{
    struct sim_gateway *g = on;
    (void)arg, (void)num;
    struct rc_gateway_stats stats;
    rc_gateway_stats(g->core, &stats);
    bool late = sim_node_now(&g->host.node) - g->drain_since > 10000 * RC_MS;
    if (stats.inc == g->drain_inc && stats.unconfirmed && !late) {
        sim_node_timer(&g->host.node, 20 * RC_MS, (struct sim_task){.run = drained, .on = g});
        return;
    }
    rc_gateway_bye(g->core);
    sim_node_timer(&g->host.node, 50 * RC_MS, (struct sim_task){.run = leave, .on = g});
}

/* Who is left keeps his rooms and deliveries until his turn comes. */
static void close_next(void *on, void *arg, uint64_t num)
{
    struct sim_gateway *g = on;
    struct sim_socket *s = g->host.w->sockets;
    (void)arg, (void)num;
    while (s && (s->gateway != g || s->state == SIM_CLOSED || !s->inc))
        s = s->next;
    if (s)
        sim_gateway_disconnect(g, s);
    sim_node_timer(&g->host.node, s ? g->drain_pace : 0, (struct sim_task){.run = s ? close_next : drained, .on = g});
}

void sim_gateway_drain(struct sim_gateway *g)
{
    if (g->draining)
        return;
    struct sim_rng *dice = &g->host.w->sim.dice;
    g->drain_pace = sim_chance(dice, 300) ? 0 : sim_between(dice, 5 * RC_MS, 400 * RC_MS);
    sim_trace_as(&g->host.w->sim, SIM_MARK_FAULT, g->host.node.id, "drains, a socket each %.0f ms",
                 (double)g->drain_pace / 1000);
    g->draining = true;
    g->drain_since = sim_node_now(&g->host.node);
    g->drain_inc = g->host.self.inc;
    rc_gateway_drain(g->core);
    close_next(g, NULL, 0);
}
