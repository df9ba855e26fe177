/* Memory shared by the director and its workers. */
#include "shared/shared.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* Parts begin on a cache line of their own. */
static size_t take(size_t *at, size_t size)
{
    size_t begin = *at;
    *at += (size + 63) & ~(size_t)63;
    return begin;
}

struct rc_shared *rc_shared_new(uint32_t workers, uint32_t clients, uint32_t senders, uint32_t window_places)
{
    size_t size = 0;
    (void)take(&size, sizeof(struct rc_shared));
    size_t sent = take(&size, clients * sizeof(_Atomic uint32_t));
    size_t window = take(&size, (size_t)senders * window_places * sizeof(_Atomic uint64_t));
    size_t span = take(&size, RC_SPANS * sizeof(struct rc_span));
    size_t excused = take(&size, RC_EXCUSED_MAX * sizeof(struct rc_excuse));
    size_t share = take(&size, workers * sizeof(struct rc_share));
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    struct rc_shared *shared = (struct rc_shared *)(void *)base;
    shared->workers = workers;
    shared->window_places = window_places;
    shared->sent = (_Atomic uint32_t *)(void *)(base + sent);
    shared->window = (_Atomic uint64_t *)(void *)(base + window);
    shared->span = (struct rc_span *)(void *)(base + span);
    shared->excused = (struct rc_excuse *)(void *)(base + excused);
    shared->share = (struct rc_share *)(void *)(base + share);
    shared->size = size;
    atomic_store(&shared->measure_from, UINT64_MAX);
    return shared;
}

void rc_shared_free(struct rc_shared *shared)
{
    if (shared) {
        munmap(shared, shared->size);
    }
}

void rc_shared_totals(const struct rc_shared *shared, struct rc_totals *totals)
{
    memset(totals, 0, sizeof *totals);
    for (uint32_t i = 0; i < shared->workers; i++) {
        const struct rc_counters *counters = &shared->share[i].counters;
#define X(name, help) totals->name += atomic_load_explicit(&counters->name, memory_order_relaxed);
        RC_COUNTERS(X)
#undef X
    }
}

void rc_shared_reason(struct rc_share *share, const char *text)
{
    for (size_t i = 0; i < RC_REASONS; i++) {
        struct rc_reason *reason = &share->reasons[i];
        if (atomic_load_explicit(&reason->count, memory_order_relaxed) == 0) {
            snprintf(reason->text, sizeof reason->text, "%s", i + 1 < RC_REASONS ? text : "other reasons");
        } else if (i + 1 < RC_REASONS && strncmp(reason->text, text, sizeof reason->text - 1) != 0) {
            continue;
        }
        atomic_fetch_add(&reason->count, 1);
        return;
    }
}

void rc_shared_excuse(struct rc_shared *shared, uint32_t sender, uint32_t from, uint32_t to)
{
    uint32_t at = atomic_fetch_add(&shared->excused_count, 1);
    if (at < RC_EXCUSED_MAX) {
        shared->excused[at] = (struct rc_excuse){sender, from, to};
    }
}

/* Asked at the end only, and only about what is missing. */
bool rc_shared_excused(const struct rc_shared *shared, uint32_t sender, uint32_t seq)
{
    uint32_t count = atomic_load(&shared->excused_count);
    for (uint32_t i = 0; i < count && i < RC_EXCUSED_MAX; i++) {
        const struct rc_excuse *excuse = &shared->excused[i];
        if (excuse->sender == sender && seq >= excuse->from && seq <= excuse->to) {
            return true;
        }
    }
    return false;
}

uint64_t rc_bench_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
