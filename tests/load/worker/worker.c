/* One worker process: its loop and what it does in it. */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "exit.h"

#define MS          1000000u
#define SECOND      1000000000u
#define EVENTS      512
#define SLEEP_MAX   ((uint64_t)10 * MS) /* shared memory is looked at as often */
#define CHORE_EVERY ((uint64_t)50 * MS)

static void on_live(void *arg, struct rc_client *client)
{
    struct rc_bench_worker *worker = arg;
    rc_worker_dialled(worker, client);
    rc_count(&worker->share->counters.connected, 1);
    rc_worker_expect(worker, client);
}

static void on_ended(void *arg, struct rc_client *client, enum rc_client_state was, const char *why,
                     unsigned retry_after)
{
    struct rc_bench_worker *worker = arg;
    char reason[RC_REASON_MAX];
    if (was != RC_CLIENT_LIVE) {
        snprintf(reason, sizeof reason, "connecting: %s", why);
        rc_shared_reason(worker->share, reason);
        rc_worker_dial_failed(worker, client, retry_after);
        return;
    }
    rc_shared_reason(worker->share, why);
    rc_count(&worker->share->counters.disconnects, 1);
    rc_count(&worker->share->counters.connected, (uint64_t)-1);
    rc_worker_settle(worker, client);
    if (client->sender) {
        rc_traffic_lost(&worker->traffic, client->sender);
    }
    client->due = worker->host.now;
    rc_worker_dial_again(worker, client, SECOND / 5);
}

static void on_message(void *arg, struct rc_client *client, const char *json, size_t len)
{
    rc_worker_take(arg, client, json, len);
}

static void on_ack(void *arg, struct rc_client *client, uint64_t id, const char *json, size_t len)
{
    struct rc_bench_worker *worker = arg;
    rc_traffic_ack(&worker->traffic, client->sender, id, json, len);
}

static const struct rc_client_events events = {on_live, on_ended, on_message, on_ack};

static bool make_clients(struct rc_bench_worker *worker)
{
    const struct rc_cast *cast = &worker->plan->cast;
    uint32_t total = rc_cast_clients(cast), workers = worker->shared->workers;
    worker->count = total / workers + (worker->id < total % workers);
    worker->clients = calloc(worker->count + 1, sizeof *worker->clients);
    for (uint32_t i = 0; worker->clients && i < worker->count; i++) {
        struct rc_client *client = &worker->clients[i];
        client->fd = -1;
        client->index = i * workers + worker->id;
        client->admin = rc_cast_is_admin(cast, client->index);
        if (!rc_ledger_init(&client->ledger, rc_cast_sources(cast, client->index))) {
            return false;
        }
    }
    return worker->clients;
}

static bool worker_init(struct rc_bench_worker *worker)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    worker->host = (struct rc_client_host){
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .run = worker->shared->run,
        .now = rc_bench_now(),
        .targets = &worker->plan->targets,
        .secret = &worker->plan->secret,
        .share = worker->share,
        .events = &events,
        .arg = worker,
    };
    return worker->host.epoll >= 0 && rc_client_host_init(&worker->host) && make_clients(worker) &&
           rc_traffic_init(&worker->traffic, worker->plan, worker->shared, worker->share, &worker->host,
                           worker->clients, worker->count) &&
           epoll_ctl(worker->host.epoll, EPOLL_CTL_ADD, worker->share->wake, &event) == 0;
}

static void worker_fini(struct rc_bench_worker *worker)
{
    for (uint32_t i = 0; worker->clients && i < worker->count; i++) {
        rc_client_close(&worker->host, &worker->clients[i]);
        rc_ledger_fini(&worker->clients[i].ledger);
    }
    rc_traffic_fini(&worker->traffic);
    free(worker->clients);
    rc_client_host_fini(&worker->host);
}

/* A session whose server says nothing for longer than it may is lost. */
static void end_silent(struct rc_bench_worker *worker)
{
    for (uint32_t i = 0; i < worker->count; i++) {
        struct rc_client *client = &worker->clients[i];
        uint64_t limit = client->silence ? client->silence : 20000;
        if (client->fd >= 0 && client->heard + limit * MS < worker->host.now) {
            rc_client_end(&worker->host, client, client->silence ? "no ping in time" : "no answer for 20 s");
        }
    }
}

static uint64_t count_unacked(const struct rc_traffic *traffic)
{
    uint64_t unacked = 0;
    for (uint32_t i = 0; i < traffic->count; i++) {
        unacked += traffic->senders[i].seq - traffic->senders[i].settled;
    }
    return unacked;
}

/* What need not be exact in time. */
static void do_chores(struct rc_bench_worker *worker)
{
    struct rc_counters *counters = &worker->share->counters;
    if (worker->host.now < worker->chores_done + CHORE_EVERY) {
        return;
    }
    if (worker->host.now / SECOND != worker->chores_done / SECOND) {
        end_silent(worker);
    }
    worker->chores_done = worker->host.now;
    rc_traffic_look(&worker->traffic);
    rc_gauge(&counters->unacked, count_unacked(&worker->traffic));
    if (worker->phase == RC_PHASE_DRAIN) {
        rc_gauge(&counters->behind, rc_worker_behind(worker));
    }
}

static void follow_phase(struct rc_bench_worker *worker)
{
    uint32_t wave = atomic_load(&worker->shared->wave);
    enum rc_phase phase = (enum rc_phase)atomic_load(&worker->shared->phase);
    if (wave != worker->wave) {
        rc_worker_drop_all(worker);
        worker->wave = wave;
        rc_gauge(&worker->share->counters.ready, 0);
        atomic_store(&worker->share->wave, wave);
    }
    if (phase == RC_PHASE_DRAIN && worker->phase != phase) {
        worker->chores_done = 0;
        rc_gauge(&worker->share->counters.behind, 1); /* until it was counted */
    }
    worker->phase = phase;
}

/* The work of one pass besides reading. Returns how long there is nothing to do, in ns. */
static uint64_t work(struct rc_bench_worker *worker)
{
    uint64_t sleep = SLEEP_MAX, next;
    follow_phase(worker);
    if (worker->phase == RC_PHASE_JUDGE) {
        return 0;
    }
    next = rc_worker_dial(worker);
    sleep = next < sleep ? next : sleep;
    if (worker->phase == RC_PHASE_TRAFFIC) {
        if (worker->plan->options.churn > 0) {
            rc_worker_churn(worker);
        }
        next = rc_traffic_run(&worker->traffic);
        sleep = next < sleep ? next : sleep;
    }
    do_chores(worker);
    rc_client_flush_all(&worker->host);
    rc_gauge(&worker->share->counters.ready,
             atomic_load_explicit(&worker->share->counters.connected, memory_order_relaxed) + worker->given_up);
    return sleep;
}

static void take_wake(struct rc_bench_worker *worker)
{
    uint64_t count;
    if (read(worker->share->wake, &count, sizeof count) == sizeof count) {
        rc_traffic_look(&worker->traffic);
    }
}

static int loop(struct rc_bench_worker *worker)
{
    struct epoll_event event[EVENTS];
    while (worker->phase != RC_PHASE_JUDGE) {
        uint64_t sleep = work(worker);
        struct timespec timeout = {(time_t)(sleep / SECOND), (long)(sleep % SECOND)};
        int n = epoll_pwait2(worker->host.epoll, event, EVENTS, &timeout, NULL);
        worker->host.now = rc_bench_now();
        if (n < 0 && errno != EINTR) {
            perror("roomcast-bench: epoll_pwait2");
            return RC_EXIT_INTERNAL;
        }
        for (int i = 0; i < n; i++) {
            if (event[i].data.ptr) {
                rc_client_ready(&worker->host, event[i].data.ptr, event[i].events);
            } else {
                take_wake(worker);
            }
        }
    }
    rc_worker_judge(worker);
    return RC_EXIT_OK;
}

int rc_bench_worker_run(const struct rc_plan *plan, struct rc_shared *shared, uint32_t id)
{
    struct rc_bench_worker worker = {.plan = plan, .shared = shared, .share = &shared->share[id], .id = id};
    /* A terminal's interrupt reaches all; the director's word ends the workers, or its death. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = RC_EXIT_INTERNAL;
    if (worker_init(&worker)) {
        code = loop(&worker);
        atomic_store(&worker.share->judged, 1);
    } else {
        fprintf(stderr, "roomcast-bench: worker %u: out of memory or descriptors\n", id);
    }
    worker_fini(&worker);
    return code;
}
