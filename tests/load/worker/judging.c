/* What the clients of a worker are owed, got and lost. */
#include <unistd.h>

#include "oracle/message.h"
#include "worker/worker.h"

/* Whom the ledger asks about. */
struct asking {
    const struct rc_shared *shared;
    const struct rc_cast *cast;
    uint32_t client;
};

static bool excused(void *arg, uint32_t source, uint32_t seq)
{
    const struct asking *asking = arg;
    uint32_t sender = rc_cast_source(asking->cast, asking->client, source);
    return rc_shared_excused(asking->shared, sender, seq);
}

static uint32_t sent_by(const struct rc_bench_worker *worker, const struct rc_client *client, uint32_t source)
{
    uint32_t sender = rc_cast_source(&worker->plan->cast, client->index, source);
    return sender == RC_NOBODY ? 0 : atomic_load_explicit(&worker->shared->sent[sender], memory_order_acquire);
}

void rc_worker_expect(struct rc_bench_worker *worker, struct rc_client *client)
{
    for (uint32_t i = 0; i < client->ledger.count; i++) {
        rc_ledger_open(&client->ledger, i, sent_by(worker, client, i));
    }
}

/* Takes the message out of its sender's window, when this was its last copy. */
static void count_copy(struct rc_bench_worker *worker, const struct rc_message *message)
{
    const struct rc_shared *shared = worker->shared;
    uint32_t number = rc_cast_sender_number(&worker->plan->cast, message->sender), places = shared->window_places;
    _Atomic uint64_t *place = &shared->window[(size_t)number * places + message->seq % places];
    uint64_t before = atomic_fetch_sub(place, 1);
    if (before >> 32 != message->seq || (uint32_t)before == 0) {
        atomic_fetch_add(place, 1); /* one that was given up */
    } else if ((uint32_t)before == 1) {
        uint32_t owner = message->sender % shared->workers;
        if (owner == worker->id) {
            rc_traffic_free_place(&worker->traffic, number);
        } else {
            uint64_t one = 1;
            ssize_t n = write(shared->share[owner].wake, &one, sizeof one);
            (void)n; /* full: it will wake up anyway */
        }
    }
}

static void note_span(struct rc_bench_worker *worker, const struct rc_message *message)
{
    uint32_t copies = rc_cast_copies(&worker->plan->cast, message->sender);
    uint64_t span;
    if (copies > 1 &&
        rc_span_take(worker->shared->span, message->sender, message->seq, worker->host.now, copies, &span)) {
        rc_histogram_add(&worker->share->span, span);
    }
}

static void judge_one(struct rc_bench_worker *worker, struct rc_client *client, const struct rc_message *message)
{
    struct rc_counters *counters = &worker->share->counters;
    uint32_t source = rc_cast_source_number(&worker->plan->cast, client->index, message->sender);
    if (source == RC_NOBODY) {
        rc_count(&counters->stray, 1);
        return;
    }
    enum rc_verdict verdict = rc_ledger_take(&client->ledger, source, message->seq);
    if (verdict == RC_DOUBLED) {
        rc_count(&counters->doubled, 1);
        return;
    }
    if (verdict == RC_REORDERED) {
        rc_count(&counters->reordered, 1);
    }
    if (message->time >= atomic_load_explicit(&worker->shared->measure_from, memory_order_relaxed)) {
        rc_histogram_add(&worker->share->latency,
                         worker->host.now > message->time ? worker->host.now - message->time : 0);
        note_span(worker, message);
    }
    if (worker->shared->window_places) {
        count_copy(worker, message);
    }
}

void rc_worker_take(struct rc_bench_worker *worker, struct rc_client *client, const char *json, size_t len)
{
    struct rc_message message;
    switch (rc_message_read(&message, json, len, worker->host.run, (size_t)worker->plan->options.size)) {
    case RC_READ_OK:
        rc_count(&worker->share->counters.delivered, 1);
        judge_one(worker, client, &message);
        break;
    case RC_READ_FOREIGN:
        rc_count(&worker->share->counters.foreign, 1);
        break;
    case RC_READ_GARBLED:
    default:
        rc_count(&worker->share->counters.garbled, 1);
    }
}

void rc_worker_settle(struct rc_bench_worker *worker, struct rc_client *client)
{
    struct asking asking = {worker->shared, &worker->plan->cast, client->index};
    rc_count(&worker->share->counters.lost, rc_ledger_settle(&client->ledger, excused, &asking));
}

uint64_t rc_worker_behind(const struct rc_bench_worker *worker)
{
    uint64_t behind = 0;
    for (uint32_t i = 0; i < worker->count; i++) {
        const struct rc_client *client = &worker->clients[i];
        for (uint32_t s = 0; client->state == RC_CLIENT_LIVE && s < client->ledger.count; s++) {
            behind += rc_ledger_behind(&client->ledger, s, sent_by(worker, client, s));
        }
    }
    return behind;
}

void rc_worker_judge(struct rc_bench_worker *worker)
{
    for (uint32_t i = 0; i < worker->count; i++) {
        struct rc_client *client = &worker->clients[i];
        struct asking asking = {worker->shared, &worker->plan->cast, client->index};
        for (uint32_t s = 0; client->state == RC_CLIENT_LIVE && s < client->ledger.count; s++) {
            uint32_t sent = sent_by(worker, client, s);
            rc_count(&worker->share->counters.lost, rc_ledger_tail(&client->ledger, s, sent, excused, &asking));
        }
        rc_worker_settle(worker, client);
    }
}
