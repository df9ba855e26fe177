/* Spans of messages. */
#include "shared/span.h"

static void note_first(_Atomic uint64_t *first, uint64_t now)
{
    uint64_t before = atomic_load(first);
    while ((!before || now < before) && !atomic_compare_exchange_weak(first, &before, now)) {
    }
}

static void note_last(_Atomic uint64_t *last, uint64_t now)
{
    uint64_t before = atomic_load(last);
    while (now > before && !atomic_compare_exchange_weak(last, &before, now)) {
    }
}

bool rc_span_take(struct rc_span *spans, uint32_t sender, uint32_t seq, uint64_t now, uint32_t copies, uint64_t *span)
{
    uint64_t name = (uint64_t)sender << 32 | seq, nobody = 0;
    struct rc_span *s = &spans[(sender * 2654435761u + seq) % RC_SPANS];
    if (!atomic_compare_exchange_strong(&s->name, &nobody, name) && nobody != name) {
        return false;
    }
    note_first(&s->first, now);
    note_last(&s->last, now);
    if (atomic_fetch_add(&s->copies, 1) + 1 < copies) {
        return false;
    }
    *span = atomic_load(&s->last) - atomic_load(&s->first);
    atomic_store(&s->first, 0);
    atomic_store(&s->last, 0);
    atomic_store(&s->copies, 0);
    atomic_store(&s->name, 0);
    return true;
}
