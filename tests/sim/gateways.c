/* A simulated gateway: callbacks of the core become jobs of the worker, which owns the sockets. */
#include "gateways.h"

#include "check.h"
#include "clients.h"
#include "timeline.h"

#include <inttypes.h>
#include <stdlib.h>

enum sim_job_kind { SIM_DELIVER, SIM_BARRIER, SIM_OPENED, SIM_CLOSE, SIM_STOP };

struct sim_job {
    TAILQ_ENTRY(sim_job) link;
    enum sim_job_kind kind;
    struct rc_msg msg;         /* DELIVER */
    uint64_t session, seq;     /* BARRIER: the batch */
    struct sim_socket *socket; /* OPENED, CLOSE, STOP */
    const char *why;           /* CLOSE */
    bool stop;                 /* STOP */
};

static struct sim_gateway *gateway_of(void *host)
{
    return host; /* host is its first member */
}

/* ---- the worker */

static bool in_room(const struct sim_world *w, const struct sim_socket *s, const struct rc_buf *room)
{
    int i = sim_room_index(w, room);
    return i >= 0 && sim_client_in(s->client, (unsigned)i);
}

static void write_to_sockets(struct sim_gateway *g, const struct rc_msg *msg)
{
    struct sim_world *w = g->host.w;
    bool all = w->options.plant == SIM_NO_EXCEPT || !msg->except;
    bool twice = w->options.plant == SIM_TWICE && sim_chance(&w->sim.dice, 5);
    int room = sim_room_index(w, msg->room);
    for (struct sim_socket *s = w->sockets; s; s = s->next) {
        if (s->gateway != g || s->state != SIM_OPEN || !in_room(w, s, msg->room))
            continue;
        if (!all && in_room(w, s, msg->except))
            continue;
        for (int copies = twice ? 2 : 1; copies; copies--)
            sim_check_receipt(w, s, sim_message_id(w, msg->payload), (unsigned)room);
    }
}

static void end_socket(struct sim_socket *s, const char *why)
{
    if (s->state == SIM_CLOSED)
        return;
    s->state = SIM_CLOSED;
    sim_client_closed(s, why);
}

static void read_backlog(struct sim_gateway *g, struct sim_socket *s)
{
    while (!s->stopped && s->unread) {
        struct sim_message *m = s->unread;
        s->unread = m->unread;
        if (!s->unread)
            s->unread_tail = &s->unread;
        sim_gateway_read(g, s, m);
    }
}

static void work(struct sim_gateway *g, struct sim_job *j)
{
    struct sim_socket *s = j->socket;
    switch (j->kind) {
    case SIM_DELIVER:
        write_to_sockets(g, &j->msg);
        break;
    case SIM_BARRIER:
        rc_gateway_processed(g->core, j->session, j->seq);
        break;
    case SIM_OPENED:
        if (s->state == SIM_PENDING)
            sim_client_opened(s);
        break;
    case SIM_CLOSE:
        end_socket(s, j->why);
        break;
    case SIM_STOP:
        s->stopped = j->stop;
        read_backlog(g, s);
        break;
    }
}

static void job_free(struct sim_job *j)
{
    rc_msg_rele(&j->msg);
    free(j);
}

/* Plant: the two oldest jobs, when both are deliveries, change places. */
static void maybe_swap(struct sim_gateway *g)
{
    struct sim_job *first = TAILQ_FIRST(&g->jobs), *second = first ? TAILQ_NEXT(first, link) : NULL;
    if (g->host.w->options.plant == SIM_REORDER && second && first->kind == SIM_DELIVER &&
        second->kind == SIM_DELIVER) {
        TAILQ_REMOVE(&g->jobs, first, link);
        TAILQ_INSERT_AFTER(&g->jobs, second, first, link);
    }
}

static void work_one(void *on, void *arg, uint64_t num)
{
    struct sim_gateway *g = on;
    (void)arg, (void)num;
    if (g->stalled)
        return;
    maybe_swap(g);
    struct sim_job *j = TAILQ_FIRST(&g->jobs);
    if (!j)
        return;
    TAILQ_REMOVE(&g->jobs, j, link);
    work(g, j);
    job_free(j);
}

static void work_all(struct sim_gateway *g)
{
    while (!g->stalled && !TAILQ_EMPTY(&g->jobs))
        work_one(g, NULL, 0);
}

static struct sim_job *add_job(struct sim_gateway *g, enum sim_job_kind kind)
{
    struct sim_job *j = sim_alloc(sizeof(*j));
    struct sim *sim = &g->host.w->sim;
    j->kind = kind;
    TAILQ_INSERT_TAIL(&g->jobs, j, link);
    if (g->host.w->shape.worker_lag) {
        rc_time at = sim->now + sim_between(&sim->dice, 0, g->host.w->shape.worker_lag);
        g->jobs_at = at > g->jobs_at ? at : g->jobs_at;
        sim_node_timer(&g->host.node, g->jobs_at - sim->now, (struct sim_task){.run = work_one, .on = g});
    }
    return j;
}

/* ---- what the core tells */

static struct sim_socket *socket_of(struct sim_gateway *g, uint64_t id)
{
    struct sim_socket *s = g->host.w->sockets;
    while (s && s->id != id)
        s = s->next;
    return s;
}

static void on_opened(void *host, uint64_t socket)
{
    struct sim_gateway *g = gateway_of(host);
    add_job(g, SIM_OPENED)->socket = socket_of(g, socket);
}

static const char *end_text(enum rc_socket_end why)
{
    static const char *const text[] = {"fenced", "emit expired", "timed out", "busy"};
    return text[why];
}

static void on_closed(void *host, uint64_t socket, enum rc_socket_end why)
{
    struct sim_gateway *g = gateway_of(host);
    struct sim_job *j = add_job(g, SIM_CLOSE);
    j->socket = socket_of(g, socket);
    j->socket->ending = true;
    j->why = end_text(why);
}

static void on_deliver(void *host, const struct rc_msg *msg)
{
    struct sim_gateway *g = gateway_of(host);
    struct sim_job *j = add_job(g, SIM_DELIVER);
    j->msg = *msg;
    rc_msg_hold(&j->msg);
    sim_check_routed(g->host.w, g, msg);
}

static void on_barrier(void *host, uint64_t session, uint64_t seq)
{
    struct sim_gateway *g = gateway_of(host);
    struct sim_job *j = add_job(g, SIM_BARRIER);
    j->session = session;
    j->seq = seq;
    if (g->host.w->options.plant != SIM_EARLY_ACK)
        return;
    TAILQ_REMOVE(&g->jobs, j, link); /* it overtakes what it should wait for */
    TAILQ_INSERT_HEAD(&g->jobs, j, link);
}

static void on_result(void *host, uint64_t socket, uint64_t token, enum rc_outcome outcome)
{
    struct sim_gateway *g = gateway_of(host);
    sim_check_result(g->host.w, g, socket_of(g, socket), token, outcome);
}

static void on_pause(void *host, uint64_t socket, bool stop)
{
    struct sim_gateway *g = gateway_of(host);
    struct sim_job *j = add_job(g, SIM_STOP);
    j->socket = socket_of(g, socket);
    j->stop = stop;
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
    struct rc_buf *room[2];
    uint32_t n = 0;
    for (unsigned i = 0; i < SIM_ROOMS; i++)
        if (sim_client_in(s->client, i)) {
            room[n++] = g->host.w->room[i];
            g->had[i] = true;
        }
    s->inc = g->host.self.inc;
    if (!rc_gateway_connect(g->core, s->id, room, n))
        end_socket(s, "refused");
    else if (g->host.w->options.plant == SIM_EARLY_OPEN)
        sim_client_opened(s);
}

void sim_gateway_disconnect(struct sim_gateway *g, struct sim_socket *s)
{
    rc_gateway_disconnect(g->core, s->id);
    end_socket(s, "left");
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
        e.room[i] = w->room[m->room[i]];
    e.fecha = 1700000000000 + w->sim.now / 1000 + sim_between(&w->sim.dice, -3, 3); /* wall clocks are set, too */
    e.row = m->row ? bytes : NULL;
    enum rc_outcome outcome = rc_gateway_emit(g->core, &e);
    rc_buf_rele(bytes);
    if (outcome != RC_OUTCOME_OK)
        sim_check_refused(w, m, outcome);
}

/* ---- the role */

static void boot(struct sim_host *h)
{
    struct sim_gateway *g = gateway_of(h);
    struct sim_world *w = h->w;
    if (w->options.plant != SIM_SAME_INC || !h->self.inc)
        h->self.inc = sim_world_inc(w);
    struct rc_gateway_config c = {
        .inc = h->self.inc,
        .times = w->shape.times,
        .k = w->shape.k_mixed ? 1 + h->node.index % 3 : w->shape.k,
        .n = w->shape.brokers,
        .broker = w->member,
        .bound = w->shape.tight ? 4000 : 64 << 20,
        .socket_bound = w->shape.tight ? 800 : 256 << 10,
        .credit = w->shape.tight ? 600 : 4 << 20,
        .receiver_max = 1 << 20,
    };
    snprintf(c.id, sizeof(c.id), "%s", h->node.id);
    TAILQ_INIT(&g->jobs);
    g->jobs_at = 0;
    g->draining = g->stalled = false;
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
            end_socket(s, "crash");
    rc_gateway_free(g->core);
    g->core = NULL;
    for (struct sim_job *j = TAILQ_FIRST(&g->jobs), *next; j; j = next) {
        next = TAILQ_NEXT(j, link);
        job_free(j);
    }
    TAILQ_INIT(&g->jobs);
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
    if (!h->w->shape.worker_lag)
        work_all(g);
    sim_timeline_gateway(g);
}

/* G8: what cannot write to its sockets must not look alive. */
static void tick(struct sim_host *h)
{
    struct sim_gateway *g = gateway_of(h);
    if (g->stalled && sim_node_now(&h->node) - g->stalled_since > h->w->shape.times.s / 2)
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

const struct sim_role sim_gateway_role = {
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

/* ---- stalling */

static void unstall(void *on, void *arg, uint64_t num)
{
    struct sim_gateway *g = on;
    (void)arg, (void)num;
    sim_trace(&g->host.w->sim, g->host.node.id, "its worker goes on");
    g->stalled = false;
    work_all(g);
    rc_gateway_alive(g->core, true);
}

void sim_gateway_stall(struct sim_gateway *g, rc_time dur)
{
    if (g->stalled)
        return;
    sim_trace(&g->host.w->sim, g->host.node.id, "its worker is stuck for %.0f ms", (double)dur / 1000);
    g->stalled = true;
    g->stalled_since = sim_node_now(&g->host.node);
    sim_node_timer(&g->host.node, dur, (struct sim_task){.run = unstall, .on = g});
}

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
    sim_at(sim, sim->now + sim_between(&sim->dice, 100 * SIM_MS, 1500 * SIM_MS),
           (struct sim_task){.run = restart, .on = &g->host.node});
}

static void drained(void *on, void *arg, uint64_t num)
{
    struct sim_gateway *g = on;
    (void)arg, (void)num;
    struct rc_gateway_stats stats;
    rc_gateway_stats(g->core, &stats);
    bool late = sim_node_now(&g->host.node) - g->drain_since > 5000 * RC_MS;
    if (stats.inc == g->drain_inc && stats.unconfirmed && !late) {
        sim_node_timer(&g->host.node, 20 * RC_MS, (struct sim_task){.run = drained, .on = g});
        return;
    }
    rc_gateway_bye(g->core);
    sim_node_timer(&g->host.node, 50 * RC_MS, (struct sim_task){.run = leave, .on = g});
}

void sim_gateway_drain(struct sim_gateway *g)
{
    if (g->draining)
        return;
    sim_trace(&g->host.w->sim, g->host.node.id, "drains");
    g->draining = true;
    g->drain_since = sim_node_now(&g->host.node);
    g->drain_inc = g->host.self.inc;
    rc_gateway_drain(g->core);
    for (struct sim_socket *s = g->host.w->sockets; s; s = s->next)
        if (s->gateway == g && s->state != SIM_CLOSED)
            sim_gateway_disconnect(g, s);
    drained(g, NULL, 0);
}
