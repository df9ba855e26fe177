/* The mesh as a whole: nodes, time, who works when. */
#include "mesh.h"

#include "cluster/mem.h"
#include "link/wire.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double mesh_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* splitmix64 */
uint64_t mesh_random(struct mesh *m)
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void node_make(struct mesh *m, uint32_t i)
{
    struct mesh_node *n = &m->node[i];
    bool broker = i < m->brokers;
    n->mesh = m;
    n->self.role = broker ? RC_BROKER : RC_GATEWAY;
    n->self.weight = broker;
    n->self.inc = 1764115200000; /* as the clock of a daemon would have it */
    snprintf(n->self.id, sizeof n->self.id, "%s-%04u", broker ? "broker" : "gateway", broker ? i : i - m->brokers);
    if (broker) {
        memcpy(m->member[i].id, n->self.id, sizeof m->member[i].id);
        m->member[i].weight = 1;
    }
    TAILQ_INIT(&n->kicked);
}

struct mesh *mesh_new(uint32_t gateways, uint32_t brokers, uint32_t clients)
{
    struct mesh *m = rc_zalloc(sizeof *m);
    *m = (struct mesh){.now = 1000000 * RC_MS, .gateways = gateways, .brokers = brokers, .clients = clients};
    m->k = brokers < 2 ? brokers : 2;
    rc_times_default(&m->times, 100);
    rc_arena_init(&m->arena, RC_WIRE_ARENA);
    m->node = rc_zarray(brokers + gateways, sizeof *m->node);
    for (uint32_t i = 0; i < brokers + gateways; i++)
        node_make(m, i);
    mesh_lines_make(m);
    for (uint32_t i = 0; i < brokers + gateways; i++)
        mesh_node_boot(&m->node[i]);
    return m;
}

void mesh_free(struct mesh *m)
{
    for (uint32_t i = 0; i < m->brokers + m->gateways; i++)
        mesh_node_fini(&m->node[i]);
    mesh_lines_free(m);
    for (uint32_t i = 0; i < m->brokers + m->gateways; i++)
        free(m->node[i].missing);
    rc_arena_fini(&m->arena);
    free(m->node);
    free(m);
}

/* One turn of a node's loop at most, and frames until this step of time is used up. */
static void run(struct mesh_node *n)
{
    struct mesh *m = n->mesh;
    double begin = mesh_cpu(), spent = 0, before = 0;
    bool heard = true;
    if (n->busy < m->now)
        n->busy = m->now;
    while (heard && (m->free || n->busy + (rc_time)(spent * 1e6) < m->now + MESH_STEP)) {
        heard = mesh_hear(n);
        if (n->gateway && n->missing_count && !spent)
            mesh_node_fill(n);
        if (m->now >= n->tick) {
            mesh_node_tick(n);
            n->tick = m->now + m->times.tick;
        }
        before = spent;
        spent = mesh_cpu() - begin;
        if (spent - before > n->count.longest)
            n->count.longest = spent - before;
    }
    mesh_flush(n);
    spent = mesh_cpu() - begin;
    n->count.cpu += spent;
    if (!m->free)
        n->busy += (rc_time)(spent * 1e6);
}

/* Nothing to do: not even the clock is asked. */
static bool idle(const struct mesh_node *n)
{
    const struct mesh *m = n->mesh;
    if (m->now >= n->tick || !TAILQ_EMPTY(&n->kicked) || (n->gateway && n->missing_count))
        return false;
    for (uint32_t i = 0; i < n->lines; i++)
        if (!TAILQ_EMPTY(&n->end[i]->inbox))
            return false;
    return true;
}

void mesh_step(struct mesh *m)
{
    m->now += MESH_STEP;
    mesh_lines_turn(m);
    for (uint32_t i = 0; i < m->brokers + m->gateways; i++) {
        struct mesh_node *n = &m->node[i];
        if (n->up && !n->frozen && n->busy < m->now + MESH_STEP && !idle(n))
            run(n);
    }
}

void mesh_reset(struct mesh *m)
{
    for (uint32_t i = 0; i < m->brokers + m->gateways; i++)
        m->node[i].count = (struct mesh_count){0};
    m->slowest = 0;
    m->sent = m->delivered = m->confirmed = m->failed = m->refused = 0;
}

bool mesh_steady(const struct mesh *m)
{
    for (uint32_t i = 0; i < m->brokers + m->gateways; i++) {
        const struct mesh_node *n = &m->node[i];
        struct rc_gateway_stats stats;
        if (!n->up)
            continue;
        if (n->broker ? rc_broker_state(n->broker) != RC_OPEN : n->opened < m->clients)
            return false;
        if (n->gateway) {
            rc_gateway_stats(n->gateway, &stats);
            if (stats.state != RC_SERVING || !stats.settled)
                return false;
        }
    }
    return true;
}

void mesh_kill(struct mesh *m, struct mesh_node *n)
{
    (void)m;
    for (uint32_t i = 0; i < n->lines; i++)
        n->end[i]->s = NULL;
    mesh_node_fini(n);
}

void mesh_start(struct mesh *m, struct mesh_node *n)
{
    (void)m;
    mesh_node_boot(n);
}
