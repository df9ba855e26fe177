/*
 * One worker process: a share of the clients, on one epoll loop. Client c belongs to worker c modulo workers. It does what the
 * phase in shared memory asks and writes what it counts there; it never waits for another process.
 */
#ifndef RC_WORKER_BENCH_H
#define RC_WORKER_BENCH_H

#include "client/client.h"
#include "options/options.h"
#include "scenario/traffic.h"
#include "shared/shared.h"

struct rc_bench_worker {
    const struct rc_plan *plan;
    struct rc_shared *shared;
    struct rc_share *share; /* its own */
    uint32_t id;
    struct rc_client_host host;
    struct rc_client *clients; /* [count] */
    uint32_t count;
    struct rc_traffic traffic;
    enum rc_phase phase; /* as last seen */
    uint32_t wave;       /* as last done */
    /* connecting */
    uint32_t next;         /* clients below were dialled in this wave */
    uint32_t pending;      /* connects under way */
    uint32_t again;        /* clients that wait to be tried again */
    uint64_t again_looked; /* ns: when those were looked for */
    uint32_t given_up;
    /* churn */
    uint32_t churn_next;  /* the client whose turn it is */
    uint64_t churn_done;  /* clients so far */
    uint64_t chores_done; /* ns: when the slow chores ran */
};

/* The whole life of the process; returns its exit code. */
int rc_bench_worker_run(const struct rc_plan *plan, struct rc_shared *shared, uint32_t id);

/* dialling.c: connects those that are due. Returns the ns until the next look. */
uint64_t rc_worker_dial(struct rc_bench_worker *worker);
void rc_worker_dialled(struct rc_bench_worker *worker, struct rc_client *client); /* it is live */
void rc_worker_dial_failed(struct rc_bench_worker *worker, struct rc_client *client, unsigned retry_after);
void rc_worker_dial_again(struct rc_bench_worker *worker, struct rc_client *client, uint64_t delay); /* ns */

/* leaving.c: clients that go because the scenario says so. */
void rc_worker_drop_all(struct rc_bench_worker *worker);
void rc_worker_churn(struct rc_bench_worker *worker);

/* judging.c: the oracle's part. */
void rc_worker_expect(struct rc_bench_worker *worker,
                      struct rc_client *client); /* it is live: what it is owed from now on */
void rc_worker_take(struct rc_bench_worker *worker, struct rc_client *client, const char *json, size_t len);
void rc_worker_settle(struct rc_bench_worker *worker, struct rc_client *client); /* its connection ends */
uint64_t rc_worker_behind(const struct rc_bench_worker *worker);
void rc_worker_judge(struct rc_bench_worker *worker); /* all that are connected, at the end */

#endif
