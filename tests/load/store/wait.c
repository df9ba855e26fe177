/*
 * What store.commit_wait does: messages at a fixed pace through the core, the writer's thread and the store, as in the
 * process of a persister, with the time from a message's arrival to its STORED.
 */
#include "tests/load/store/store_bench.h"

#include "broker/persister/writer.h"
#include "cluster/persister.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct paced {
    struct rc_store *store;
    struct rc_writer *writer;
    struct rc_persister *core;
    struct rc_session *session;
    uint64_t sent, stored, messages;
    rc_time begin;
    rc_time every; /* microseconds between two messages */
    struct bench_samples ack;
};

static rc_time now(void *host)
{
    (void)host;
    return rc_clock_now();
}

static uint64_t any(void *host)
{
    (void)host;
    return rc_random64();
}

static void kick(void *host, struct rc_session *s)
{
    (void)host;
    (void)s;
}

static void end(void *host, struct rc_session *s, enum rc_end why)
{
    (void)host;
    (void)s;
    bench_die("the session ended, for reason %d", (int)why);
}

static void commit(void *host, const struct rc_commit *c)
{
    struct paced *p = host;
    rc_writer_commit(p->writer, c);
}

static uint64_t position(void *host, const char *broker, uint64_t inc)
{
    (void)host;
    (void)broker;
    (void)inc;
    return 0;
}

static void open_core(struct paced *p, unsigned wait_ms)
{
    struct rc_persister_config config = {.id = "bench",
                                         .inc = 1,
                                         .commit_records = 1024,
                                         .commit_bytes = 1 << 20,
                                         .commit_wait = wait_ms * RC_MS,
                                         .intake_bound = 1 << 30};
    const struct rc_world world = {p, now, any, kick, end};
    const struct rc_persister_events events = {.commit = commit, .position = position};
    const struct rc_peer broker = {.role = RC_BROKER, .id = "broker-1", .inc = 1};
    rc_times_default(&config.times, 100);
    p->core = rc_persister_new(&config, &world, &events);
    p->session = rc_persister_up(p->core, &broker, 1);
}

static rc_time due_at(const struct paced *p, uint64_t n)
{
    return p->begin + (rc_time)(n - 1) * p->every;
}

static void send_one(struct paced *p)
{
    struct bench_message m;
    struct rc_op *op = rc_op_new(RC_OP_RECORD);
    bench_message(++p->sent, &m);
    op->record.number = p->sent;
    op->record.key = m.key;
    op->record.row = bench_row(&m);
    rc_persister_topic(p->core, "broker-1", 1, op);
    rc_op_free(op);
}

static void take_result(struct paced *p)
{
    struct rc_store_outcome out;
    struct rc_batch batch;
    if (!rc_writer_result(p->writer, &out))
        return;
    if (out.result != RC_STORE_OK)
        bench_die("commit: %s", out.why);
    rc_time at = rc_clock_now();
    for (size_t i = 0; i < out.stored; i++)
        bench_sample(&p->ack, at - due_at(p, ++p->stored));
    rc_persister_committed(p->core, true);
    rc_batch_init(&batch);
    rc_persister_take(p->core, p->session, 1 << 20, &batch); /* STORED, which nobody waits for here */
    rc_batch_fini(&batch);
}

/* Waits until the next message or commit is due, or a commit has ended. */
static void turn(struct paced *p)
{
    rc_time at = rc_clock_now();
    while (p->sent < p->messages && due_at(p, p->sent + 1) <= at)
        send_one(p);
    rc_time wake = rc_persister_due(p->core);
    if (p->sent < p->messages && (wake == RC_NEVER || due_at(p, p->sent + 1) < wake))
        wake = due_at(p, p->sent + 1);
    rc_time left = wake == RC_NEVER ? 1000 * RC_MS : wake - rc_clock_now();
    struct timespec t = {.tv_sec = left / 1000000, .tv_nsec = left > 0 ? left % 1000000 * 1000 : 0};
    struct pollfd fd = {.fd = rc_writer_fd(p->writer), .events = POLLIN};
    if (left > 0 && ppoll(&fd, 1, &t, NULL) < 0)
        bench_die("ppoll failed");
    take_result(p);
    rc_persister_wake(p->core);
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void print_line(struct paced *p, unsigned rate, unsigned wait_ms, double cpu)
{
    struct rc_persister_stats stats;
    double seconds = (double)(rc_clock_now() - p->begin) / 1e6;
    rc_persister_stats(p->core, &stats);
    printf("%8u /s  wait %u ms  %8.0f commits/s  %6.1f %% of a CPU  ack p50 %6.2f  p99 %6.2f  max %7.2f ms\n", rate,
           wait_ms, (double)stats.commits / seconds, cpu * 100 / seconds, (double)bench_percentile(&p->ack, 50) / 1000,
           (double)bench_percentile(&p->ack, 99) / 1000, (double)bench_percentile(&p->ack, 100) / 1000);
    fflush(stdout);
}

void bench_wait(const char *dir, unsigned rate, unsigned wait_ms, unsigned seconds)
{
    char why[512];
    struct paced p = {.messages = (uint64_t)rate * seconds, .every = 1000000 / (rc_time)rate};
    p.store = rc_store_open(dir, BENCH_MAP, why, sizeof why);
    p.writer = p.store ? rc_writer_new(p.store) : NULL;
    if (!p.writer)
        bench_die("%s", p.store ? "no thread" : why);
    open_core(&p, wait_ms);
    double cpu = cpu_seconds();
    p.begin = rc_clock_now();
    while (p.stored < p.messages)
        turn(&p);
    print_line(&p, rate, wait_ms, cpu_seconds() - cpu);
    rc_writer_free(p.writer);
    rc_persister_free(p.core);
    rc_store_close(p.store);
    bench_samples_free(&p.ack);
}
