/* One run from its seed to its verdict. */
#include "world.h"

#include "brokers.h"
#include "check.h"
#include "clients.h"
#include "faults.h"
#include "gateways.h"
#include "persisters.h"

#include <stdlib.h>
#include <string.h>

#define SIM_AFTER  (4000 * SIM_MS)  /* traffic goes on so long after the last fault: who came back is used */
#define SIM_SETTLE (15000 * SIM_MS) /* P6: after the last fault everything is well again by then */
#define SIM_REST   (4000 * SIM_MS)  /* and this much later nothing is left over: more than W */

uint64_t sim_world_inc(struct sim_world *w)
{
    w->incs += SIM_INC_STEP;
    return w->incs;
}

int sim_room_index(const struct sim_world *w, const struct rc_buf *room)
{
    for (int i = 0; i < SIM_ROOMS; i++)
        if (w->room[i] == room || rc_buf_equal(w->room[i], room))
            return i;
    return -1;
}

uint64_t sim_message_id(const struct sim_world *w, const struct rc_buf *payload)
{
    uint64_t id;
    if (!payload || payload->len != sizeof(id))
        return 0;
    memcpy(&id, payload->data, sizeof(id));
    return id <= w->messages ? id : 0;
}

static unsigned choose(struct sim_rng *plan, unsigned asked, unsigned low, unsigned high)
{
    unsigned drawn = (unsigned)sim_between(plan, low, high); /* also when asked for: the rest stays the same */
    return asked ? asked : drawn;
}

static void draw_shape(struct sim_world *w)
{
    struct sim_shape *s = &w->shape;
    struct sim_rng *plan = &w->sim.plan;
    const struct sim_options *o = &w->options;
    s->brokers = choose(plan, o->brokers, 1, 5);
    s->gateways = choose(plan, o->gateways, 1, 4);
    s->persisters = choose(plan, o->persisters, 1, 3);
    s->k = choose(plan, o->k, 1, 3);
    s->k_mixed = sim_chance(plan, 100) && !o->k;
    s->quorum = choose(plan, o->quorum, 1, s->persisters);
    s->voter = sim_chance(plan, 150) && s->brokers >= 3;
    s->tight = sim_chance(plan, 100) || o->tight;
    s->commit_max = sim_between(plan, 1 * SIM_MS, 12 * SIM_MS);
    s->worker_lag = sim_chance(plan, 500) ? sim_between(plan, 0, 20 * SIM_MS) : 0;
    bool slow_lines = sim_chance(plan, 150);
    s->line_busy = sim_between(plan, 0, (slow_lines ? 40 : 3) * SIM_MS);
    s->batch_max = sim_chance(plan, 300) && !slow_lines ? 200 : 64 << 10;
    if (o->fine) {
        s->batch_max = 1;
        s->line_busy = 4 * SIM_MS;
    }
    s->topic_loss = sim_chance(plan, 100) ? 1000 : (unsigned)sim_between(plan, 0, 60);
    s->commit_fails = sim_chance(plan, 200) ? 50 : 0;
    rc_times_default(&s->times, 100);
    if (sim_chance(plan, 100) || o->hasty)
        s->times.e = 3 * s->times.w + 350 * RC_MS; /* as short as it may be: emits are given up */
    if (o->plant == SIM_EARLY_ACK || o->plant == SIM_REORDER)
        s->worker_lag = 20 * SIM_MS;
}

static struct sim_host *add_host(struct sim_world *w, size_t size, const struct sim_role *role, const char *prefix,
                                 unsigned i)
{
    char id[16];
    struct sim_host *h = sim_alloc(size);
    snprintf(id, sizeof(id), "%s%u", prefix, i);
    sim_host_init(h, w, role, id, w->hosts);
    w->host[w->hosts++] = h;
    return h;
}

static struct sim_host *make_broker(struct sim_world *w, unsigned i, uint32_t weight)
{
    w->broker[i] = (struct sim_broker *)add_host(w, sizeof(struct sim_broker), &sim_broker_role, "B", i);
    w->member[i].weight = weight;
    memcpy(w->member[i].id, w->broker[i]->host.node.id, sizeof(w->member[i].id));
    w->broker[i]->host.self.weight = weight;
    return &w->broker[i]->host;
}

struct sim_host *sim_world_add_broker(struct sim_world *w)
{
    struct sim_host *b = make_broker(w, w->shape.brokers++, 100);
    b->brokers = ((uint64_t)1 << w->shape.brokers) - 1;
    for (unsigned i = 0; i < w->hosts; i++)
        if (w->host[i] != b)
            sim_host_dials(w->host[i], b);
    return b;
}

static void make_nodes(struct sim_world *w)
{
    const struct sim_shape *s = &w->shape;
    bool weighted = sim_chance(&w->sim.plan, 200);
    w->broker = sim_alloc(sizeof(*w->broker) * (s->brokers + 1));
    w->gateway = sim_alloc(sizeof(*w->gateway) * s->gateways);
    w->persister = sim_alloc(sizeof(*w->persister) * s->persisters);
    for (unsigned i = 0; i < s->brokers; i++) {
        uint32_t weight = weighted ? (uint32_t)sim_between(&w->sim.plan, 1, 300) : 100;
        make_broker(w, i, s->voter && i == s->brokers - 1 ? 0 : weight);
    }
    for (unsigned i = 0; i < s->gateways; i++)
        w->gateway[i] = (struct sim_gateway *)add_host(w, sizeof(struct sim_gateway), &sim_gateway_role, "G", i);
    for (unsigned i = 0; i < s->persisters; i++) {
        w->persister[i] =
            (struct sim_persister *)add_host(w, sizeof(struct sim_persister), &sim_persister_role, "P", i);
        memcpy(w->persister_id[i], w->persister[i]->host.node.id, sizeof(w->persister_id[i]));
        sim_persister_init(w->persister[i]);
    }
}

/* Gateways and persisters dial every broker; of two brokers the smaller id dials, and of two persisters. */
static void connect_nodes(struct sim_world *w)
{
    for (unsigned i = 0; i < w->hosts; i++)
        for (unsigned b = 0; b < w->shape.brokers; b++) {
            w->host[i]->brokers |= (uint64_t)1 << b;
            struct sim_host *broker = &w->broker[b]->host;
            if (w->host[i]->role->role != RC_BROKER || i < broker->node.index)
                sim_host_dials(w->host[i], broker);
        }
    for (unsigned i = 0; i < w->shape.persisters; i++)
        for (unsigned j = i + 1; j < w->shape.persisters; j++)
            sim_host_dials(&w->persister[i]->host, &w->persister[j]->host);
}

static void start(void *on, void *arg, uint64_t num)
{
    (void)arg, (void)num;
    sim_node_start(on);
}

static void build(struct sim_world *w)
{
    draw_shape(w);
    for (unsigned i = 0; i < SIM_ROOMS; i++) {
        char name[16];
        int len = i == SIM_ROOM_ADMINS ? snprintf(name, sizeof(name), "/,admins")
                                       : snprintf(name, sizeof(name), "/,user:%u", i);
        w->room[i] = rc_buf_copy(name, (size_t)len);
    }
    sim_net_init(&w->net, &w->sim, &sim_host_ear, w->shape.brokers + 1 + w->shape.gateways + w->shape.persisters);
    make_nodes(w);
    connect_nodes(w);
    for (unsigned i = 0; i < w->hosts; i++)
        sim_at(&w->sim, sim_between(&w->sim.plan, 0, 300 * SIM_MS),
               (struct sim_task){.run = start, .on = &w->host[i]->node});
    sim_clients_init(w);
    sim_faults_plan(w);
}

void sim_world_describe(const struct sim_world *w, FILE *out)
{
    const struct sim_shape *s = &w->shape;
    fprintf(out, "B%u G%u P%u k%u%s q%u%s%s [", s->brokers, s->gateways, s->persisters, s->k, s->k_mixed ? "*" : "",
            s->quorum, s->voter ? " voter" : "", s->tight ? " tight" : "");
    for (unsigned i = 0; i < w->faults; i++)
        fprintf(out, "%s%s", i ? "; " : "", w->fault[i]);
    fprintf(out, "]");
}

void sim_world_run(struct sim_world *w, uint64_t seed, const struct sim_options *options)
{
    *w = (struct sim_world){.seed = seed, .options = *options, .incs = 100 * SIM_INC_STEP};
    w->options.partitions |= options->plant == SIM_SCATTER;
    sim_init(&w->sim, seed, options->trace);
    build(w);
    if (options->trace) {
        sim_world_describe(w, options->trace);
        fputc('\n', options->trace);
    }
    rc_time silence = w->fault_end + SIM_AFTER;
    sim_run(&w->sim, silence);
    w->quiet = true;
    while (!sim_check_settled(w) && w->sim.now < w->fault_end + SIM_SETTLE)
        sim_run(&w->sim, w->sim.now + 10 * SIM_MS);
    w->totals.settle = w->sim.now - silence;
    sim_run(&w->sim, w->sim.now + SIM_REST);
    sim_check_end(w);
    w->totals.events = w->sim.ran;
}

void sim_world_fini(struct sim_world *w)
{
    w->sim.trace = NULL; /* what ends now is no part of the run */
    for (unsigned i = 0; i < w->hosts; i++)
        sim_host_fini(w->host[i]);
    for (unsigned i = 0; i < w->shape.persisters; i++)
        sim_persister_fini(w->persister[i]);
    sim_fini(&w->sim);
    for (unsigned i = 0; i < w->hosts; i++)
        free(w->host[i]);
    free(w->broker);
    free(w->gateway);
    free(w->persister);
    sim_net_fini(&w->net);
    sim_clients_fini(w);
    for (unsigned i = 0; i < SIM_ROOMS; i++)
        rc_buf_rele(w->room[i]);
}
