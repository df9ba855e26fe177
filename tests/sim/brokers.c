/* A simulated broker: the core's host, the topic, and draining. */
#include "brokers.h"

#include "check.h"
#include "persisters.h"
#include "squeeze.h"
#include "timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct sim_broker *broker_of(void *host)
{
    return host; /* host is its first member */
}

/* ---- the topic */

struct sim_topic { /* a record on its way to one persister */
    struct sim_persister *to;
    struct sim_broker *from;
    uint64_t inc;
    struct rc_op *record;
};

static void topic_drop(void *arg)
{
    struct sim_topic *t = arg;
    rc_op_free(t->record);
    free(t);
}

static void topic_hear(void *on, void *arg, uint64_t num)
{
    struct sim_topic *t = arg;
    (void)num;
    sim_persister_topic(on, t->from->host.node.id, t->inc, t->record);
    topic_drop(t);
}

static void topic_arrive(void *on, void *arg, uint64_t num)
{
    struct sim_topic *t = arg;
    (void)on, (void)num;
    if (sim_net_blocked(&t->from->host.w->net, &t->from->host.node, &t->to->host.node))
        topic_drop(t);
    else
        sim_node_do(&t->to->host.node, (struct sim_task){.run = topic_hear, .on = t->to, .arg = t, .drop = topic_drop});
}

static void publish_to(struct sim_broker *b, unsigned i, const struct rc_op *record)
{
    struct sim_world *w = b->host.w;
    rc_time at = w->sim.now + sim_net_latency(&w->net, &b->host.node, &w->persister[i]->host.node);
    b->topic_at[i] = at > b->topic_at[i] ? at : b->topic_at[i];
    if (sim_chance(&w->sim.dice, w->shape.topic_loss)) {
        w->totals.lost_records++;
        b->hidden[i] += w->options.plant == SIM_HIDDEN_GAP;
        return;
    }
    struct sim_topic *t = sim_alloc(sizeof(*t));
    *t = (struct sim_topic){.to = w->persister[i], .from = b, .inc = b->host.self.inc};
    t->record = rc_op_new(RC_OP_RECORD);
    t->record->record = record->record;
    t->record->record.number -= b->hidden[i];
    rc_buf_hold(t->record->record.row);
    rc_op_weigh(t->record);
    sim_at(&w->sim, b->topic_at[i], (struct sim_task){.run = topic_arrive, .arg = t, .drop = topic_drop});
}

static void on_publish(void *host, const struct rc_op *record)
{
    struct sim_broker *b = broker_of(host);
    for (unsigned i = 0; i < b->host.w->shape.persisters; i++)
        publish_to(b, i, record);
}

static void on_state(void *host, enum rc_broker_state from, enum rc_broker_state to)
{
    static const char *const name[] = {"unfit", "fit", "open", "draining"};
    struct sim_broker *b = broker_of(host);
    sim_trace(&b->host.w->sim, b->host.node.id, "%s -> %s", name[from], name[to]);
}

static void on_gone(void *host, const char *gateway, uint64_t inc)
{
    struct sim_broker *b = broker_of(host);
    b->host.w->totals.gone++;
    sim_trace(&b->host.w->sim, b->host.node.id, "takes %s %" PRIu64 " for gone", gateway, inc);
}

static const struct rc_broker_events events = {.publish = on_publish, .state = on_state, .gone = on_gone};

/* ---- the role */

static void boot(struct sim_host *h)
{
    struct sim_broker *b = broker_of(h);
    struct sim_world *w = h->w;
    h->self.inc = sim_world_inc(w);
    const struct sim_bounds *bounds = sim_bounds(w->shape.tight);
    struct rc_member member[RC_BROKERS_MAX];
    struct rc_broker_config c = {
        .inc = h->self.inc,
        .times = w->shape.times,
        .n = sim_host_brokers(h, member),
        .broker = member,
        .persisters = w->shape.persisters,
        .persister = (const char(*)[RC_ID_MAX + 1]) w->persister_id,
        .quorum = w->shape.quorum,
        .topic_bound = bounds->topic,
        .waiting_bound = bounds->waiting,
        .gateway_bound = bounds->towards,
    };
    snprintf(c.id, sizeof(c.id), "%s", h->node.id);
    b->draining = false;
    memset(b->hidden, 0, sizeof(b->hidden));
    b->core = rc_broker_new(&c, &h->world, &events);
}

static void crash(struct sim_host *h)
{
    struct sim_broker *b = broker_of(h);
    sim_check_count_broker(h->w, b);
    h->w->broker_killed = true;
    rc_broker_free(b->core);
    b->core = NULL;
}

static void before(struct sim_host *h)
{
    if (!h->node.slept)
        return;
    h->node.slept = false;
    rc_broker_suspended(broker_of(h)->core);
}

static void after(struct sim_host *h)
{
    (void)h;
}

static void tick(struct sim_host *h)
{
    rc_broker_tick(broker_of(h)->core);
}

static enum rc_hello hello(struct sim_host *h, const struct rc_peer *peer, uint64_t *known)
{
    return rc_broker_hello(broker_of(h)->core, peer, known);
}

static struct rc_session *up(struct sim_host *h, const struct rc_peer *peer, uint64_t session,
                             enum rc_broker_state state)
{
    (void)state; /* brokers learn it from batches */
    return rc_broker_up(broker_of(h)->core, peer, session);
}

static void refused(struct sim_host *h, uint64_t known)
{
    sim_trace(&h->w->sim, h->node.id, "was told that %" PRIu64 " is known", known);
}

static void down(struct sim_host *h, struct rc_session *s)
{
    rc_broker_down(broker_of(h)->core, s);
}

/* Plant: the line loses one operation, and nobody can see it from the batch's number. */
static void swallow(struct sim_host *h, struct rc_batch *batch)
{
    struct rc_op *op = TAILQ_FIRST(&batch->ops);
    if (op && op->kind == RC_OP_DELIVER && sim_chance(&h->w->sim.dice, 5)) {
        TAILQ_REMOVE(&batch->ops, op, link);
        batch->bytes -= op->bytes;
        rc_op_free(op);
    }
}

static void take(struct sim_host *h, struct rc_session *s, size_t max, struct rc_batch *batch)
{
    rc_broker_take(broker_of(h)->core, s, max, batch);
    if (h->w->options.plant == SIM_SWALLOW)
        swallow(h, batch);
}

static bool receive(struct sim_host *h, struct rc_session *s, const struct rc_batch *batch)
{
    return rc_broker_receive(broker_of(h)->core, s, batch);
}

static enum rc_broker_state state(const struct sim_host *h)
{
    return rc_broker_state(((const struct sim_broker *)h)->core);
}

static void roll(struct sim_host *h, const struct rc_member *broker, uint32_t n)
{
    sim_check_roll(h, rc_broker_brokers(broker_of(h)->core, broker, n));
}

const struct sim_role sim_broker_role = {
    .roll = roll,
    .role = RC_BROKER,
    .boot = boot,
    .crash = crash,
    .tick = tick,
    .before = before,
    .after = after,
    .hello = hello,
    .up = up,
    .refused = refused,
    .down = down,
    .take = take,
    .receive = receive,
    .state = state,
};

/* ---- draining */

static void restart(void *on, void *arg, uint64_t num)
{
    (void)arg, (void)num;
    sim_node_start(on);
}

static void leave(void *on, void *arg, uint64_t num)
{
    struct sim_broker *b = on;
    struct sim *sim = &b->host.w->sim;
    (void)arg, (void)num;
    sim_host_kill(&b->host, false);
    if (!b->host.for_good)
        sim_at(sim, sim->now + sim_between(&sim->dice, 100 * SIM_MS, 1500 * SIM_MS),
               (struct sim_task){.run = restart, .on = &b->host.node});
}

static void drained(void *on, void *arg, uint64_t num)
{
    struct sim_broker *b = on;
    (void)arg, (void)num;
    bool late = sim_node_now(&b->host.node) - b->drain_since > 8000 * RC_MS;
    bool wait = !late && !rc_broker_idle(b->core);
    sim_node_timer(&b->host.node, (wait ? 30 : 400) * RC_MS, (struct sim_task){.run = wait ? drained : leave, .on = b});
}

void sim_broker_drain(struct sim_broker *b, bool stay)
{
    if (b->draining)
        return;
    sim_trace_as(&b->host.w->sim, SIM_MARK_FAULT, b->host.node.id, "drains");
    b->draining = true;
    b->drain_since = sim_node_now(&b->host.node);
    rc_broker_drain(b->core);
    if (!stay)
        sim_node_timer(&b->host.node, 300 * RC_MS, (struct sim_task){.run = drained, .on = b});
}
