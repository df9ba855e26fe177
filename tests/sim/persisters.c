/* A simulated persister: commits take time, and what a crash leaves on the disk is decided here. */
#include "persisters.h"

#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct sim_persister *persister_of(void *host)
{
    return host; /* host is its first member */
}

/* ---- the disk */

static size_t row_key(const struct rc_key *k, char *out, size_t size)
{
    return (size_t)snprintf(out, size, "%" PRId64 "/%s/%" PRIu64 "/%" PRIu64, k->fecha, k->origin, k->origin_inc,
                            k->seq);
}

static size_t position_key(const char *broker, uint64_t inc, char *out, size_t size)
{
    return (size_t)snprintf(out, size, "%s/%" PRIu64, broker, inc);
}

unsigned sim_persister_has(const struct sim_persister *p, uint64_t message)
{
    return message && message <= p->stored_cap ? p->stored[message - 1] : 0;
}

static void put_row(struct sim_persister *p, const struct rc_record *r)
{
    struct sim_world *w = p->host.w;
    char key[160];
    size_t len = row_key(&r->key, key, sizeof(key));
    if (w->options.plant == SIM_STORE_TWICE)
        len += (size_t)snprintf(key + len, sizeof(key) - len, "+%zu", p->rows.count);
    if (rc_map_get(&p->rows, key, len))
        return; /* NOOVERWRITE */
    uint64_t id = sim_message_id(w, r->row);
    rc_map_put(&p->rows, key, len)->value = (void *)(uintptr_t)(id ? id : 1);
    size_t cap = p->stored_cap;
    while (id > p->stored_cap)
        p->stored = sim_grow(p->stored, p->stored_cap, &p->stored_cap, 1);
    if (p->stored_cap > cap)
        memset(p->stored + cap, 0, p->stored_cap - cap);
    if (id)
        p->stored[id - 1]++;
    sim_check_stored(w, p, id, &r->key);
}

static void put_position(struct sim_persister *p, const struct rc_position *pos)
{
    char key[100];
    size_t len = position_key(pos->broker, pos->inc, key, sizeof(key));
    struct rc_map_entry *e = rc_map_put(&p->positions, key, len);
    if ((uintptr_t)e->value < pos->number)
        e->value = (void *)(uintptr_t)pos->number;
}

/* All of it or nothing, as in one transaction; but for the plant. */
static void make_durable(struct sim_persister *p, const struct rc_commit *c)
{
    bool torn = p->host.w->options.plant == SIM_TORN_DISK && sim_chance(&p->host.w->sim.dice, 50);
    for (size_t i = 0; i + (torn ? 1 : 0) < c->n; i++)
        put_row(p, &c->record[i]);
    for (size_t i = 0; i < c->positions; i++)
        put_position(p, &c->position[i]);
}

static void commit_done(void *on, void *arg, uint64_t num)
{
    struct sim_persister *p = on;
    struct sim_world *w = p->host.w;
    (void)arg, (void)num;
    unsigned fails = p->failing > w->shape.commit_fails ? p->failing : w->shape.commit_fails;
    if (!p->durable && sim_chance(&w->sim.dice, fails)) {
        p->commit = NULL;
        rc_persister_committed(p->core, false);
        return;
    }
    if (!p->durable)
        make_durable(p, p->commit);
    p->durable = false;
    p->commit = NULL;
    rc_persister_committed(p->core, true);
}

/* The write reached the disk; the process learns it a moment later, unless it dies in between. */
static void commit_durable(void *on, void *arg, uint64_t num)
{
    struct sim_persister *p = on;
    (void)arg, (void)num;
    make_durable(p, p->commit);
    p->durable = true;
    sim_node_timer(&p->host.node, sim_between(&p->host.w->sim.dice, 0, 2 * RC_MS),
                   (struct sim_task){.run = commit_done, .on = p});
}

static void on_commit(void *host, const struct rc_commit *commit)
{
    struct sim_persister *p = persister_of(host);
    struct sim_world *w = p->host.w;
    bool early = sim_chance(&w->sim.dice, 500);
    rc_time shortest = p->slow ? 200 * SIM_MS : 500, longest = p->slow ? p->slow : w->shape.commit_max;
    p->commit = commit;
    p->durable = w->options.plant == SIM_LYING_DISK && sim_chance(&w->sim.dice, 50); /* it only says so */
    sim_node_timer(&p->host.node, sim_between(&w->sim.dice, shortest, longest),
                   (struct sim_task){.run = early && !p->durable ? commit_durable : commit_done, .on = p});
}

static uint64_t on_position(void *host, const char *broker, uint64_t inc)
{
    struct sim_persister *p = persister_of(host);
    char key[100];
    size_t len = position_key(broker, inc, key, sizeof(key));
    return (uintptr_t)rc_map_get(&p->positions, key, len);
}

static const struct rc_persister_events events = {.commit = on_commit, .position = on_position};

void sim_persister_slow(struct sim_persister *p, rc_time slow)
{
    sim_trace_as(&p->host.w->sim, SIM_MARK_FAULT, p->host.node.id,
                 slow ? "its disk is slow: %.0f ms" : "its disk is fast", (double)slow / 1000);
    p->slow = slow;
}

void sim_persister_fail(struct sim_persister *p, unsigned permille)
{
    sim_trace_as(&p->host.w->sim, SIM_MARK_FAULT, p->host.node.id, "%u in a thousand of its commits fail", permille);
    p->failing = permille;
}

/* ---- the topic */

void sim_persister_topic(struct sim_persister *p, const char *broker, uint64_t inc, const struct rc_op *record)
{
    rc_persister_topic(p->core, broker, inc, record);
}

/* ---- the role */

static void boot(struct sim_host *h)
{
    struct sim_persister *p = persister_of(h);
    struct sim_world *w = h->w;
    h->self.inc = sim_world_inc(w);
    struct rc_persister_config c = {
        .inc = h->self.inc,
        .times = w->shape.times,
        .commit_records = w->shape.tight ? 4 : 1024,
        .commit_bytes = w->shape.tight ? 500 : 1 << 20,
        .intake_bound = w->shape.tight ? 1500 : 16 << 20,
    };
    snprintf(c.id, sizeof(c.id), "%s", h->node.id);
    p->commit = NULL;
    p->durable = false;
    p->core = rc_persister_new(&c, &h->world, &events);
}

static void crash(struct sim_host *h)
{
    struct sim_persister *p = persister_of(h);
    sim_check_count_persister(h->w, p);
    rc_persister_free(p->core);
    p->core = NULL;
    p->commit = NULL;
}

static void before(struct sim_host *h)
{
    h->node.slept = false; /* it holds no lease */
}

static void after(struct sim_host *h)
{
    (void)h;
}

static void roll(struct sim_host *h, const struct rc_member *broker, uint32_t n)
{
    (void)broker, (void)n;
    for (unsigned i = 0; i < h->w->shape.brokers; i++)
        if (!(h->brokers >> i & 1))
            rc_persister_forget(persister_of(h)->core, h->w->member[i].id);
}

static void tick(struct sim_host *h)
{
    rc_persister_tick(persister_of(h)->core);
}

static struct rc_session *up(struct sim_host *h, const struct rc_peer *peer, uint64_t session,
                             enum rc_broker_state state)
{
    (void)state;
    return rc_persister_up(persister_of(h)->core, peer, session);
}

static void refused(struct sim_host *h, uint64_t known)
{
    sim_trace(&h->w->sim, h->node.id, "was told that %" PRIu64 " is known", known);
}

static void down(struct sim_host *h, struct rc_session *s)
{
    rc_persister_down(persister_of(h)->core, s);
}

static void take(struct sim_host *h, struct rc_session *s, size_t max, struct rc_batch *batch)
{
    rc_persister_take(persister_of(h)->core, s, max, batch);
}

static bool receive(struct sim_host *h, struct rc_session *s, const struct rc_batch *batch)
{
    return rc_persister_receive(persister_of(h)->core, s, batch);
}

const struct sim_role sim_persister_role = {
    .role = RC_PERSISTER,
    .roll = roll,
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

void sim_persister_init(struct sim_persister *p)
{
    rc_map_init(&p->rows, 1);
    rc_map_init(&p->positions, 2);
}

void sim_persister_fini(struct sim_persister *p)
{
    rc_map_fini(&p->rows);
    rc_map_fini(&p->positions);
    free(p->stored);
}
