/* Deterministic kernel: random numbers, the heap of events, and the life of a node. */
#include "kernel.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct sim_event {
    rc_time at;
    uint64_t order;
    struct sim_node *node; /* NULL: the world's own; else lost unless epoch is still the node's */
    uint64_t epoch;
    struct sim_task task;
};

void *sim_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

void *sim_grow(void *array, size_t len, size_t *cap, size_t size)
{
    if (len < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 16;
    array = realloc(array, *cap * size);
    if (!array)
        abort();
    return array;
}

/* ---- random numbers */

void sim_rng_init(struct sim_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* splitmix64 spreads small seeds */
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->s[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t sim_rng_next(struct sim_rng *r)
{
    uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

int64_t sim_between(struct sim_rng *r, int64_t low, int64_t high)
{
    if (high <= low)
        return low;
    return low + (int64_t)(sim_rng_next(r) % ((uint64_t)(high - low) + 1));
}

bool sim_chance(struct sim_rng *r, unsigned permille)
{
    return sim_rng_next(r) % 1000 < permille;
}

/* ---- events */

void sim_init(struct sim *sim, uint64_t seed, FILE *trace)
{
    *sim = (struct sim){.hash = 0xcbf29ce484222325u, .trace = trace};
    sim_rng_init(&sim->plan, seed * 2 + 1);
    sim_rng_init(&sim->dice, seed * 2 + 2);
}

static void drop(const struct sim_task *task)
{
    if (task->drop)
        task->drop(task->arg);
}

void sim_fini(struct sim *sim)
{
    for (size_t i = 0; i < sim->len; i++)
        drop(&sim->heap[i].task);
    free(sim->heap);
    sim->heap = NULL;
    sim->len = sim->cap = 0;
}

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void push(struct sim *sim, struct sim_event e)
{
    sim->heap = sim_grow(sim->heap, sim->len, &sim->cap, sizeof(*sim->heap));
    size_t i = sim->len++;
    for (; i > 0 && earlier(&e, &sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
        sim->heap[i] = sim->heap[(i - 1) / 2];
    sim->heap[i] = e;
}

static struct sim_event pop(struct sim *sim)
{
    struct sim_event first = sim->heap[0], last = sim->heap[--sim->len];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < sim->len) {
        if (child + 1 < sim->len && earlier(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!earlier(&sim->heap[child], &last))
            break;
        sim->heap[i] = sim->heap[child];
        i = child;
    }
    sim->heap[i] = last;
    return first;
}

void sim_at(struct sim *sim, rc_time at, struct sim_task task)
{
    push(sim, (struct sim_event){.at = at > sim->now ? at : sim->now, .order = sim->made++, .task = task});
}

void sim_run(struct sim *sim, rc_time until)
{
    while (sim->len && sim->heap[0].at <= until) {
        struct sim_event e = pop(sim);
        sim->now = e.at;
        sim->ran++;
        sim_mix(sim, (uint64_t)e.at ^ e.order << 32);
        if (!e.node)
            e.task.run(e.task.on, e.task.arg, e.task.num);
        else if (e.node->epoch == e.epoch)
            sim_node_do(e.node, e.task);
        else
            drop(&e.task);
    }
    sim->now = until;
}

void sim_mix(struct sim *sim, uint64_t value)
{
    sim->hash = (sim->hash ^ value) * 0x100000001b3u;
    sim->hash ^= sim->hash >> 29;
}

static void trace(struct sim *sim, char mark, const char *who, const char *fmt, va_list ap)
{
    fprintf(sim->trace, "%10.3f  %c %-4s ", (double)sim->now / 1000, mark, who);
    vfprintf(sim->trace, fmt, ap);
    fputc('\n', sim->trace);
}

void sim_trace(struct sim *sim, const char *who, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (sim->trace)
        trace(sim, ' ', who, fmt, ap);
    va_end(ap);
}

void sim_trace_as(struct sim *sim, char mark, const char *who, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (sim->trace)
        trace(sim, mark, who, fmt, ap);
    va_end(ap);
}

/* ---- nodes */

void sim_node_init(struct sim_node *n, struct sim *sim, const struct sim_kind *kind, const char *id, unsigned index)
{
    *n = (struct sim_node){.sim = sim, .kind = kind, .index = index};
    snprintf(n->id, sizeof(n->id), "%s", id);
    n->offset = sim_between(&sim->plan, 0, 1000000 * SIM_MS);
    n->ppm = sim_between(&sim->plan, -4000, 4000);
}

static void drop_backlog(struct sim_node *n)
{
    for (size_t i = 0; i < n->backlog_len; i++)
        drop(&n->backlog[i]);
    n->backlog_len = 0;
}

void sim_node_fini(struct sim_node *n)
{
    drop_backlog(n);
    free(n->backlog);
}

rc_time sim_node_now(const struct sim_node *n)
{
    return n->offset - n->asleep + n->sim->now + n->sim->now * n->ppm / 1000000;
}

void sim_node_do(struct sim_node *n, struct sim_task task)
{
    if (!n->up) {
        drop(&task);
    } else if (n->paused) {
        n->backlog = sim_grow(n->backlog, n->backlog_len, &n->backlog_cap, sizeof(*n->backlog));
        n->backlog[n->backlog_len++] = task;
    } else {
        uint64_t epoch = n->epoch;
        n->kind->before(n);
        task.run(task.on, task.arg, task.num);
        if (n->epoch == epoch)
            n->kind->after(n);
    }
}

void sim_node_timer(struct sim_node *n, rc_time delay, struct sim_task task)
{
    rc_time at = n->sim->now + delay - delay * n->ppm / 1000000;
    push(n->sim, (struct sim_event){.at = at, .order = n->sim->made++, .node = n, .epoch = n->epoch, .task = task});
}

void sim_node_start(struct sim_node *n)
{
    if (n->up)
        return;
    n->up = true;
    sim_trace_as(n->sim, n->epoch ? SIM_MARK_FAULT : ' ', n->id, n->epoch ? "starts again" : "starts");
    n->epoch++;
    n->kind->boot(n);
}

void sim_node_crash(struct sim_node *n)
{
    if (!n->up)
        return;
    sim_trace_as(n->sim, SIM_MARK_FAULT, n->id, "is killed");
    n->up = n->paused = n->slept = false;
    n->epoch++;
    drop_backlog(n);
    n->kind->crash(n);
}

/* Wakes up: works off what came meanwhile, in order, unless that kills or freezes it again. */
static void wake(void *on, void *arg, uint64_t epoch)
{
    struct sim_node *n = on;
    (void)arg;
    if (n->epoch != epoch)
        return;
    n->paused = false;
    sim_trace_as(n->sim, SIM_MARK_FAULT, n->id, "goes on, %zu tasks late", n->backlog_len);
    struct sim_task *late = n->backlog;
    size_t len = n->backlog_len;
    n->backlog = NULL;
    n->backlog_len = n->backlog_cap = 0;
    for (size_t i = 0; i < len; i++) {
        if (n->epoch == epoch)
            sim_node_do(n, late[i]);
        else
            drop(&late[i]);
    }
    free(late);
}

void sim_node_pause(struct sim_node *n, rc_time dur, bool clock)
{
    if (!n->up || n->paused)
        return;
    n->paused = true;
    n->frozen += dur;
    if (clock) {
        n->slept = true;
        n->asleep += dur + dur * n->ppm / 1000000;
    }
    sim_trace_as(n->sim, SIM_MARK_FAULT, n->id, "freezes for %.0f ms%s", (double)dur / 1000,
                 clock ? ", its clock too" : "");
    sim_at(n->sim, n->sim->now + dur, (struct sim_task){.run = wake, .on = n, .num = n->epoch});
}
