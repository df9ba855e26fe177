/* The links of one node: dialling, the handshake, and batches. */
#include "world.h"

#include "brokers.h"
#include "timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SIM_REDIAL_MIN (60 * RC_MS)
#define SIM_REDIAL_MAX (250 * RC_MS)

enum sim_frame_kind { SIM_HELLO, SIM_HELLO_OK, SIM_HELLO_NO, SIM_BATCH };

struct sim_frame {
    enum sim_frame_kind kind;
    struct rc_peer peer;        /* HELLO, HELLO_OK: who says so */
    uint64_t session;           /* HELLO_OK */
    enum rc_broker_state state; /* HELLO_OK */
    uint64_t known;             /* HELLO_NO */
    struct rc_batch batch;      /* BATCH */
};

static struct sim_frame *frame_new(enum sim_frame_kind kind)
{
    struct sim_frame *f = sim_alloc(sizeof(*f));
    f->kind = kind;
    rc_batch_init(&f->batch);
    return f;
}

static void frame_drop(void *frame)
{
    struct sim_frame *f = frame;
    rc_batch_fini(&f->batch);
    free(f);
}

static struct sim_host *host_of(struct sim_node *n)
{
    return (struct sim_host *)n; /* node is its first member */
}

static rc_time now_of(const struct sim_host *h)
{
    return sim_node_now(&h->node);
}

/* ---- lines */

static struct sim_line *line_new(struct sim_host *h, struct sim_conn *c, int side, struct sim_target *target)
{
    struct sim_line *l = sim_alloc(sizeof(*l));
    *l = (struct sim_line){.conn = c, .side = side, .target = target, .since = now_of(h)};
    l->peer = host_of(c->end[1 - side]);
    c->user[side] = l;
    if (target)
        target->line = l;
    TAILQ_INSERT_TAIL(&h->lines, l, link);
    return l;
}

static void line_free(struct sim_host *h, struct sim_line *l)
{
    TAILQ_REMOVE(&h->lines, l, link);
    l->conn->user[l->side] = NULL;
    if (l->target)
        l->target->line = NULL;
    free(l);
}

/* Closes the line; a session on it is told to the core. */
static void line_end(struct sim_host *h, struct sim_line *l)
{
    struct rc_session *s = l->session;
    l->session = NULL;
    sim_conn_close(l->conn, l->side);
    if (s)
        h->role->down(h, s);
    line_free(h, l);
}

static void reap(struct sim_host *h)
{
    for (struct sim_line *l = TAILQ_FIRST(&h->lines), *next; l; l = next) {
        next = TAILQ_NEXT(l, link);
        if (l->ended)
            line_end(h, l);
    }
}

void sim_host_forget(struct sim_host *h)
{
    for (struct sim_line *l = TAILQ_FIRST(&h->lines); l; l = TAILQ_NEXT(l, link))
        if (!l->session)
            l->ended = true;
}

/* ---- what the core sees */

static rc_time core_now(void *host)
{
    return now_of(host);
}

static uint64_t core_random(void *host)
{
    return sim_rng_next(&((struct sim_host *)host)->node.sim->dice);
}

static void core_kick(void *host, struct rc_session *s)
{
    struct sim_line *l = s->line;
    (void)host;
    if (l) /* not yet set while the session is being brought up: open_line kicks then */
        l->kicked = true;
}

static void core_end(void *host, struct rc_session *s, enum rc_end why)
{
    struct sim_host *h = host;
    struct sim_line *l = s->line;
    sim_trace(h->node.sim, h->node.id, "ends the session with %s: %s", s->peer.id, rc_end_text(why));
    if (l) {
        l->session = NULL;
        l->ended = true;
    }
}

/* ---- sending */

static void line_idle(void *on, void *arg, uint64_t side)
{
    struct sim_conn *c = on;
    struct sim_line *l = c->user[side];
    (void)arg;
    if (l)
        l->busy = false; /* flush follows, as after each task */
}

static void send_batch(struct sim_host *h, struct sim_line *l)
{
    struct sim_frame *f = frame_new(SIM_BATCH);
    h->role->take(h, l->session, h->w->shape.batch_max, &f->batch);
    sim_timeline_batch(h->w, h, l->peer, &f->batch);
    h->w->totals.batches++;
    sim_conn_send(l->conn, l->side, f);
    l->busy = true;
    sim_node_timer(&h->node, sim_between(&h->node.sim->dice, 10, h->w->shape.line_busy),
                   (struct sim_task){.run = line_idle, .on = l->conn, .num = (uint64_t)l->side});
}

static void flush(struct sim_host *h)
{
    struct sim_line *l;
    TAILQ_FOREACH (l, &h->lines, link) {
        if (!l->kicked || l->busy || !l->session)
            continue;
        if (rc_session_wants(l->session))
            send_batch(h, l);
        else
            l->kicked = false;
    }
}

/* ---- the handshake */

static void dial(struct sim_host *h, struct sim_target *t)
{
    t->again = now_of(h) + sim_between(&h->node.sim->dice, SIM_REDIAL_MIN, SIM_REDIAL_MAX);
    struct sim_conn *c = sim_net_dial(&h->w->net, &h->node, &t->to->node);
    if (!c)
        return;
    line_new(h, c, 0, t);
    struct sim_frame *f = frame_new(SIM_HELLO);
    f->peer = h->self;
    sim_conn_send(c, 0, f);
}

static void open_line(struct sim_host *h, struct sim_line *l, const struct rc_peer *peer, uint64_t session,
                      enum rc_broker_state state)
{
    l->session = h->role->up(h, peer, session, state);
    if (!l->session) {
        l->ended = true;
        return;
    }
    l->session->line = l;
    l->kicked = true;
    h->w->totals.sessions++;
    sim_trace(h->node.sim, h->node.id, "has a session with %s %" PRIu64, peer->id, peer->inc);
}

static void hear_hello(struct sim_host *h, struct sim_conn *c, int side, const struct sim_frame *hello)
{
    uint64_t known = 0;
    enum rc_hello verdict = h->role->hello ? h->role->hello(h, &hello->peer, &known) : RC_HELLO_UNKNOWN;
    struct sim_frame *f = frame_new(verdict == RC_HELLO_OK ? SIM_HELLO_OK : SIM_HELLO_NO);
    f->peer = h->self;
    f->known = known;
    if (verdict != RC_HELLO_OK) {
        sim_trace(h->node.sim, h->node.id, "refuses %s %" PRIu64 ": knows %" PRIu64, hello->peer.id, hello->peer.inc,
                  known);
        sim_conn_send(c, side, f);
        sim_conn_close(c, side);
        return;
    }
    f->session = sim_rng_next(&h->node.sim->dice);
    f->state = h->role->state ? h->role->state(h) : RC_UNFIT;
    uint64_t session = f->session;
    sim_conn_send(c, side, f);
    open_line(h, line_new(h, c, side, NULL), &hello->peer, session, RC_UNFIT);
}

/* ---- receiving */

static void hear(struct sim_node *n, struct sim_conn *c, int side, void *frame)
{
    struct sim_host *h = host_of(n);
    struct sim_frame *f = frame;
    struct sim_line *l = c->user[side];
    if (f->kind == SIM_HELLO && !l) {
        hear_hello(h, c, side, f);
    } else if (!l || l->ended) {
        /* a line that is over: what still comes is nobody's */
    } else if (f->kind == SIM_HELLO_OK && !l->session) {
        open_line(h, l, &f->peer, f->session, f->state);
    } else if (f->kind == SIM_HELLO_NO && !l->session) {
        l->ended = true;
        h->role->refused(h, f->known);
    } else if (f->kind == SIM_BATCH && l->session) {
        h->role->receive(h, l->session, &f->batch);
    }
    frame_drop(f);
}

static void hangup(struct sim_node *n, struct sim_conn *c, int side)
{
    struct sim_line *l = c->user[side];
    if (!l)
        return;
    if (l->session)
        sim_trace(n->sim, n->id, "lost the session with %s", l->peer->node.id);
    line_end(host_of(n), l);
}

const struct sim_ear sim_host_ear = {.hear = hear, .hangup = hangup, .drop = frame_drop};

/* ---- the node's life */

/* Persisters find each other in the brokers' map, which the simulator does not have. */
static bool configured(const struct sim_host *h, const struct sim_host *broker)
{
    if (broker->role->role != RC_BROKER)
        return true;
    for (unsigned i = 0; i < h->w->shape.brokers; i++)
        if (&h->w->broker[i]->host == broker)
            return h->brokers >> i & 1;
    return false;
}

static void tick(void *on, void *arg, uint64_t num)
{
    struct sim_host *h = on;
    (void)arg, (void)num;
    sim_node_timer(&h->node, h->w->shape.times.tick, (struct sim_task){.run = tick, .on = h});
    h->role->tick(h);
    reap(h);
    for (unsigned i = 0; i < h->targets; i++) {
        struct sim_target *t = &h->target[i];
        if (t->line && !t->line->session && now_of(h) - t->line->since > h->w->shape.times.s)
            line_end(h, t->line);
        if (!t->line && now_of(h) >= t->again && configured(h, t->to))
            dial(h, t);
    }
}

static void boot(struct sim_node *n)
{
    struct sim_host *h = host_of(n);
    for (unsigned i = 0; i < h->targets; i++)
        h->target[i].again = RC_NEVER;
    h->role->boot(h);
    sim_trace(n->sim, n->id, "is incarnation %" PRIu64, h->self.inc);
    sim_node_timer(n, sim_between(&n->sim->dice, 0, h->w->shape.times.tick), (struct sim_task){.run = tick, .on = h});
}

static void crash(struct sim_node *n)
{
    struct sim_host *h = host_of(n);
    h->role->crash(h);
    for (struct sim_line *l = TAILQ_FIRST(&h->lines), *next; l; l = next) {
        next = TAILQ_NEXT(l, link);
        line_free(h, l);
    }
}

static void before(struct sim_node *n)
{
    struct sim_host *h = host_of(n);
    h->role->before(h);
    reap(h);
}

static void after(struct sim_node *n)
{
    struct sim_host *h = host_of(n);
    h->role->after(h);
    flush(h);
    reap(h);
}

static const struct sim_kind kind = {.boot = boot, .crash = crash, .before = before, .after = after};

void sim_host_init(struct sim_host *h, struct sim_world *w, const struct sim_role *role, const char *id, unsigned index)
{
    *h = (struct sim_host){.w = w, .role = role};
    sim_node_init(&h->node, &w->sim, &kind, id, index);
    h->self.role = role->role;
    memcpy(h->self.id, h->node.id, sizeof(h->self.id));
    h->world = (struct rc_world){.host = h, .now = core_now, .random = core_random, .kick = core_kick, .end = core_end};
    h->target = sim_alloc(sizeof(*h->target) * SIM_NODES_MAX);
    TAILQ_INIT(&h->lines);
}

void sim_host_dials(struct sim_host *h, struct sim_host *to)
{
    h->target[h->targets++] = (struct sim_target){.to = to};
}

uint32_t sim_host_brokers(const struct sim_host *h, struct rc_member out[RC_BROKERS_MAX])
{
    const struct sim_world *w = h->w;
    uint32_t n = 0;
    for (unsigned i = 0; i < w->shape.brokers; i++) {
        unsigned b = (i + h->node.index) % w->shape.brokers;
        if (h->brokers >> b & 1)
            out[n++] = w->member[b];
    }
    return n;
}

static void reload(void *on, void *arg, uint64_t num)
{
    struct sim_host *h = on;
    struct rc_member member[RC_BROKERS_MAX];
    (void)arg, (void)num;
    uint32_t n = sim_host_brokers(h, member);
    sim_trace(h->node.sim, h->node.id, "is configured with %u brokers", n);
    h->role->roll(h, member, n);
    for (unsigned i = 0; i < h->targets; i++) {
        struct sim_line *l = h->target[i].line;
        if (l && !l->session && !configured(h, h->target[i].to))
            l->ended = true;
    }
}

void sim_host_configure(struct sim_host *h, uint64_t brokers)
{
    if (h->brokers == brokers)
        return;
    h->brokers = brokers;
    sim_node_do(&h->node, (struct sim_task){.run = reload, .on = h});
}

void sim_host_kill(struct sim_host *h, bool quiet)
{
    if (!h->node.up)
        return;
    sim_node_crash(&h->node);
    sim_net_lost(&h->w->net, &h->node, quiet);
}

void sim_host_fini(struct sim_host *h)
{
    sim_host_kill(h, true);
    sim_node_fini(&h->node);
    free(h->target);
}
