/* Clients that go because the scenario says so. */
#include "worker/worker.h"

#define SECOND 1000000000u

static void leave(struct rc_bench_worker *worker, struct rc_client *client)
{
    rc_worker_settle(worker, client);
    rc_count(&worker->share->counters.left, 1);
    rc_count(&worker->share->counters.connected, (uint64_t)-1);
    rc_client_close(&worker->host, client);
}

void rc_worker_drop_all(struct rc_bench_worker *worker)
{
    for (uint32_t i = 0; i < worker->count; i++) {
        struct rc_client *client = &worker->clients[i];
        if (client->state == RC_CLIENT_LIVE) {
            leave(worker, client);
        } else {
            rc_client_close(&worker->host, client);
        }
        client->tries = 0;
        client->retry = 0;
        client->given_up = false;
    }
    worker->next = worker->pending = worker->again = worker->given_up = 0;
}

/* One that can go: connected, and without messages whose end is open. */
static struct rc_client *next_to_leave(struct rc_bench_worker *worker)
{
    for (uint32_t tries = 0; tries < worker->count; tries++) {
        struct rc_client *client = &worker->clients[worker->churn_next++ % worker->count];
        if (client->state == RC_CLIENT_LIVE && (!client->sender || rc_sender_idle(client->sender))) {
            return client;
        }
    }
    return NULL;
}

void rc_worker_churn(struct rc_bench_worker *worker)
{
    uint64_t from = atomic_load(&worker->shared->traffic_from);
    uint64_t elapsed = worker->host.now > from ? worker->host.now - from : 0;
    uint64_t rate = (uint64_t)worker->plan->options.churn;
    uint64_t due = (uint64_t)((double)elapsed * (double)rate / SECOND / worker->shared->workers);
    for (; worker->churn_done < due; worker->churn_done++) {
        struct rc_client *client = next_to_leave(worker);
        if (!client) {
            return;
        }
        leave(worker, client);
        client->due = worker->host.now;
        rc_worker_dial_again(worker, client, 1);
    }
}
