/* When the clients of a worker connect. */
#include "worker/worker.h"

#define MS         1000000u
#define SECOND     1000000000u
#define TRIES      5 /* connects that fail in a row until a client is given up */
#define LOOK_EVERY ((uint64_t)10 * MS)

/* The worker's share of a number that is meant for all. */
static uint64_t share_of(const struct rc_bench_worker *worker, uint64_t all)
{
    uint64_t workers = worker->shared->workers;
    return all / workers + (worker->id < all % workers);
}

static void dial(struct rc_bench_worker *worker, struct rc_client *client)
{
    worker->pending++;
    rc_client_dial(&worker->host, client);
}

/* How many of the own clients may have been dialled by now. *due is set to when the last of them, or at a full rate the next, is
 * due. */
static uint32_t allowed(const struct rc_bench_worker *worker, uint32_t client, uint64_t *due)
{
    uint32_t admitted = atomic_load(&worker->shared->admitted), workers = worker->shared->workers;
    uint64_t from = atomic_load(&worker->shared->connect_from), rate = (uint64_t)worker->plan->options.connect_rate;
    uint32_t index = client * workers + worker->id;
    if (index >= admitted) {
        return 0;
    }
    *due = rate ? from + (uint64_t)index * SECOND / rate : worker->wave ? from : worker->host.now;
    return *due <= worker->host.now;
}

/* Clients that failed or were disconnected, when their time has come. */
static void dial_again(struct rc_bench_worker *worker, uint64_t limit)
{
    if (worker->again == 0 || worker->host.now < worker->again_looked + LOOK_EVERY) {
        return;
    }
    worker->again_looked = worker->host.now;
    for (uint32_t i = 0; i < worker->next && worker->again > 0 && worker->pending < limit; i++) {
        struct rc_client *client = &worker->clients[i];
        if (client->retry != 0 && client->retry <= worker->host.now) {
            client->retry = 0;
            worker->again--;
            dial(worker, client);
        }
    }
}

uint64_t rc_worker_dial(struct rc_bench_worker *worker)
{
    uint64_t limit = share_of(worker, (uint64_t)worker->plan->options.connect_pending), due = 0;
    limit = limit ? limit : 1;
    dial_again(worker, limit);
    while (worker->next < worker->count && worker->pending < limit && allowed(worker, worker->next, &due)) {
        struct rc_client *client = &worker->clients[worker->next++];
        client->due = due;
        dial(worker, client);
    }
    return due > worker->host.now ? due - worker->host.now : LOOK_EVERY;
}

void rc_worker_dialled(struct rc_bench_worker *worker, struct rc_client *client)
{
    worker->pending--;
    client->tries = 0;
    rc_count(&worker->share->counters.connects, 1);
    rc_histogram_add(&worker->share->connect, worker->host.now - client->due);
}

void rc_worker_dial_again(struct rc_bench_worker *worker, struct rc_client *client, uint64_t delay)
{
    client->retry = worker->host.now + delay;
    worker->again++;
}

void rc_worker_dial_failed(struct rc_bench_worker *worker, struct rc_client *client, unsigned retry_after)
{
    worker->pending--;
    if (retry_after > 0) {
        rc_count(&worker->share->counters.turned_away, 1);
        rc_worker_dial_again(worker, client, (uint64_t)retry_after * SECOND);
    } else if (++client->tries < TRIES) {
        rc_worker_dial_again(worker, client, client->tries * 200ull * MS);
    } else {
        client->given_up = true;
        worker->given_up++;
        rc_count(&worker->share->counters.unconnected, 1);
    }
}
