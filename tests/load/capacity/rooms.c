/* Costs of one broker and two gateways as rooms grow: of a JOIN, of a message to one of them, of all said again to a new session. */
#include "mesh.h"

#include <malloc.h>
#include <stdio.h>

#define UNDER_WAY 100 /* messages a step */

static double us(double seconds, double n)
{
    return n > 0 ? seconds * 1e6 / n : 0;
}

static const struct mesh_count *of_broker(const struct mesh *m)
{
    return &m->node[0].count;
}

static struct mesh_count of_gateways(const struct mesh *m)
{
    struct mesh_count sum = m->node[1].count;
    const struct mesh_count *other = &m->node[2].count;
    sum.cpu += other->cpu;
    sum.joins += other->joins;
    sum.bytes += other->bytes;
    sum.longest = other->longest > sum.longest ? other->longest : sum.longest;
    return sum;
}

static void run_steady(struct mesh *m)
{
    mesh_reset(m);
    do
        mesh_step(m);
    while (!mesh_steady(m));
}

static void print_joins(const struct mesh *m, const char *what)
{
    struct mesh_count g = of_gateways(m);
    double n = (double)g.joins;
    printf("%-22s %9.0f joins   broker %6.3f us   gateway %6.3f us   %5.1f bytes each; longest turn: broker %.1f ms, "
           "gateway %.1f "
           "ms\n",
           what, n, us(of_broker(m)->cpu, n), us(g.cpu, n), (double)g.bytes / n, of_broker(m)->longest * 1e3,
           g.longest * 1e3);
}

/* From clients of one gateway to random ones of the other. */
static void write_some(struct mesh *m, size_t emits)
{
    mesh_reset(m);
    while (m->confirmed + m->failed < emits) {
        for (unsigned i = 0; i < UNDER_WAY && m->sent < emits; i++)
            mesh_write(m, 0, (uint32_t)(mesh_random(m) % m->clients), false);
        mesh_step(m);
    }
    double n = (double)m->confirmed;
    struct mesh_count g = of_gateways(m);
    printf("%-22s %9.0f emits   broker %6.3f us   gateways %6.3f us (origin and member)\n", "messages", n,
           us(of_broker(m)->cpu, n), us(g.cpu, n));
}

static size_t in_use(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* What a node's end gives back. */
static double weigh(struct mesh *m, struct mesh_node *n)
{
    size_t before = in_use();
    mesh_kill(m, n);
    return (double)(before - in_use());
}

int rooms_run(size_t rooms, size_t emits)
{
    struct mesh *m = mesh_new(2, 1, (uint32_t)((rooms + 1) / 2));
    m->free = true;
    run_steady(m);
    printf("%zu rooms\n", rooms);
    print_joins(m, "clients connect");
    write_some(m, emits);
    double broker = weigh(m, &m->node[0]);
    mesh_start(m, &m->node[0]);
    run_steady(m);
    print_joins(m, "broker starts again");
    mesh_kill(m, &m->node[1]);
    mesh_reset(m);
    for (rc_time begin = m->now; m->now - begin < 2 * m->times.l_d;)
        mesh_step(m);
    printf("%-22s longest turn: broker %.1f ms\n", "a gateway dies", of_broker(m)->longest * 1e3);
    double n = (double)m->clients;
    printf("memory: broker %.0f bytes a room, gateway %.0f bytes a client with one room (link loop only)\n",
           broker / (2 * n), weigh(m, &m->node[2]) / n);
    mesh_free(m);
    return 0;
}
