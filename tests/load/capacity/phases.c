/* What a cluster of this size costs: at start, at rest, when a broker dies and comes back, when a tenth of the gateways do. */
#include "mesh.h"

#include <stdio.h>

struct sum {
    double cpu, most, longest; /* most: of one node */
    uint64_t batches, bytes, ops, joins, lists, ended, silent;
};

static struct sum sum_of(const struct mesh *m, uint32_t first, uint32_t n)
{
    struct sum s = {0};
    for (uint32_t i = first; i < first + n; i++) {
        const struct mesh_count *c = &m->node[i].count;
        s.cpu += c->cpu;
        s.most = c->cpu > s.most ? c->cpu : s.most;
        s.longest = c->longest > s.longest ? c->longest : s.longest;
        s.batches += c->batches;
        s.bytes += c->bytes;
        s.ops += c->ops;
        s.joins += c->joins;
        s.lists += c->lists;
        for (int why = 0; why < RC_END_COUNT; why++)
            s.ended += c->ended[why];
        s.silent += c->ended[RC_END_SILENT];
    }
    return s;
}

static void print_sum(const char *who, const struct sum *s, uint32_t n, double seconds)
{
    printf("  %-8s %9.0f batches/s %8.2f MB/s %9llu ops %9llu joins %7llu lists  CPU of one %6.2f %% (most %.2f %%)  "
           "longest "
           "%.1f ms  ended %llu (%llu silent)\n",
           who, (double)s->batches / seconds, (double)s->bytes / 1e6 / seconds, (unsigned long long)s->ops,
           (unsigned long long)s->joins, (unsigned long long)s->lists, s->cpu / n / seconds * 100,
           s->most / seconds * 100, s->longest * 1e3, (unsigned long long)s->ended, (unsigned long long)s->silent);
}

static void print(const struct mesh *m, const char *phase, rc_time took, bool steady)
{
    struct sum brokers = sum_of(m, 0, m->brokers), gateways = sum_of(m, m->brokers, m->gateways);
    double seconds = (double)took / 1e6;
    uint64_t fences = 0;
    for (uint32_t i = 0; i < m->gateways; i++)
        fences += m->node[m->brokers + i].fences;
    printf("%s: %.3f s%s, probes: %llu sent, %llu copies, %llu confirmed, %llu failed, slowest %.0f ms; clients closed "
           "%llu, "
           "fences so far %llu\n",
           phase, seconds, steady ? "" : " and NOT STEADY", (unsigned long long)m->sent,
           (unsigned long long)m->delivered, (unsigned long long)m->confirmed, (unsigned long long)m->failed,
           (double)m->slowest / 1e3, (unsigned long long)m->refused, (unsigned long long)fences);
    print_sum("brokers", &brokers, m->brokers, seconds);
    print_sum("gateways", &gateways, m->gateways, seconds);
    fflush(stdout);
}

/* Each gateway's first client writes every 100 ms. */
static void step(struct mesh *m, bool probes)
{
    mesh_step(m);
    uint32_t turn = (uint32_t)(m->now / MESH_STEP % 100);
    for (uint32_t g = turn; probes && g < m->gateways; g += 100)
        mesh_write(m, g, 0, false);
}

/* Until it is steady, 120 s at most, and in any case for `least`. */
static void phase(struct mesh *m, const char *name, rc_time least, bool probes)
{
    rc_time begin = m->now, steady = 0;
    mesh_reset(m);
    while ((m->now - begin < least || !steady) && m->now - begin < 120000 * RC_MS) {
        step(m, probes);
        if (m->now / MESH_STEP % 10 == 0)
            steady = mesh_steady(m) ? (steady ? steady : m->now) : 0;
    }
    print(m, name, steady && !least ? steady - begin : m->now - begin, steady);
    if (steady && least)
        printf("  steady after %.3f s\n", (double)(steady - begin) / 1e6);
}

/* A hundred messages a second that go to a user and all admins: there is one at each gateway. */
static void busy(struct mesh *m)
{
    rc_time begin = m->now;
    mesh_reset(m);
    for (uint32_t i = 0; m->now - begin < 5000 * RC_MS; i++) {
        mesh_step(m);
        if (i % 10 == 0)
            mesh_write(m, i / 10 % m->gateways, 0, true);
    }
    print(m, "100 messages/s to a user and all admins", m->now - begin, mesh_steady(m));
}

int phases_run(uint32_t gateways, uint32_t brokers, uint32_t clients, bool free)
{
    struct mesh *m = mesh_new(gateways, brokers, clients);
    m->free = free;
    printf("%u gateways, %u brokers, %u clients a gateway\n", gateways, brokers, clients);
    phase(m, "start", 0, false);
    phase(m, "at rest", 5000 * RC_MS, false);
    busy(m);
    mesh_kill(m, &m->node[0]);
    phase(m, "a broker dies", 5000 * RC_MS, true);
    mesh_start(m, &m->node[0]);
    phase(m, "it comes back", 5000 * RC_MS, true);
    m->node[brokers - 1].frozen = true;
    phase(m, "another one falls silent", 5000 * RC_MS, true);
    m->node[brokers - 1].frozen = false;
    phase(m, "it wakes up", 5000 * RC_MS, true);
    uint32_t tenth = gateways < 10 ? 1 : gateways / 10;
    for (uint32_t i = 0; i < tenth; i++)
        mesh_kill(m, &m->node[brokers + i]);
    phase(m, "a tenth of the gateways die", 5000 * RC_MS, true);
    for (uint32_t i = 0; i < tenth; i++)
        mesh_start(m, &m->node[brokers + i]);
    phase(m, "they come back", 5000 * RC_MS, true);
    mesh_free(m);
    return 0;
}
