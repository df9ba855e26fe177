/*
 * roomcast-store-bench: what the store of a persister costs, beside a bare LMDB loop that writes the same bytes.
 *
 *   write   messages a second at several batch sizes, as a ratio to the bare loop in the same run
 *   grow    writing, reading, opening and bytes at 10^5, 10^6, ... messages
 *   beside  time of a commit alone, beside a reader of everything, and beside retention
 *   wait    commits a second, CPU and ack latency with and without store.commit_wait
 *
 * Ratios mean something; absolute numbers belong to the machine and its disk.
 */
#include "tests/load/store/store_bench.h"

#include "broker/persister/retention.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] = "usage: roomcast-store-bench DIR write|grow|beside|wait [MESSAGES]\n"
                            "DIR must be empty or not there; what is made in it is removed at the end.\n"
                            "MESSAGES: write: 200000 for each batch size; grow: up to 1000000; beside: 300000.\n";

static const char *base; /* DIR */

/* ---- a directory for each store ---------------------------------------------------------------------------------- */

static void remove_store(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[4096];
    while (d && (e = readdir(d))) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

/* DIR/NAME, empty. */
static char *fresh_dir(const char *name)
{
    static char dir[4096];
    snprintf(dir, sizeof dir, "%s/%s", base, name);
    remove_store(dir);
    if (mkdir(dir, 0700) != 0)
        bench_die("%s cannot be made or emptied: %s", dir, strerror(errno));
    return dir;
}

static struct rc_store *open_store(const char *dir)
{
    char why[512];
    struct rc_store *store = rc_store_open(dir, BENCH_MAP, why, sizeof why);
    if (!store)
        bench_die("%s", why);
    return store;
}

static struct rc_store_info info_of(struct rc_store *store)
{
    struct rc_store_info info;
    if (!rc_store_info(store, &info))
        bench_die("the store cannot be read");
    return info;
}

static struct bench_time commit_timed(struct rc_store *store, uint64_t first, size_t n)
{
    struct bench_time took = {0, 0};
    struct rc_commit commit;
    struct rc_store_outcome out;
    bench_commit(&commit, first, n);
    struct bench_time begin = bench_now();
    if (rc_store_commit(store, &commit, &out) != RC_STORE_OK)
        bench_die("commit: %s", out.why);
    bench_add(&took, begin);
    bench_commit_free(&commit);
    return took;
}

/* Stores first to last; the time inside of commits. */
static rc_time fill(struct rc_store *store, uint64_t first, uint64_t last, size_t batch)
{
    rc_time took = 0;
    for (uint64_t n = first; n <= last; n += batch)
        took += commit_timed(store, n, last - n + 1 < batch ? (size_t)(last - n + 1) : batch).wall;
    return took;
}

static double per_second(uint64_t n, rc_time us)
{
    return (double)n * 1e6 / (double)us;
}

/* ---- write ------------------------------------------------------------------------------------------------------- */

static void sum_up(struct bench_time *sum, struct bench_time more)
{
    sum->wall += more.wall;
    sum->cpu += more.cpu;
}

static double percent(rc_time part, rc_time whole)
{
    return part ? (double)whole * 100 / (double)part : 0;
}

/* A transaction of each in turn, so that what disturbs the machine disturbs them alike. */
static void write_batch(size_t batch, uint64_t most)
{
    uint64_t n = batch == 1 ? most / 10 : most;
    struct rc_store *store = open_store(fresh_dir("store"));
    struct bench_bare *all = bench_bare_open(fresh_dir("all"), BENCH_ALL);
    struct bench_bare *rows = bench_bare_open(fresh_dir("rows"), BENCH_ROWS);
    struct bench_time took[3] = {{0, 0}, {0, 0}, {0, 0}};
    for (uint64_t first = 1; first + batch - 1 <= n; first += batch) {
        sum_up(&took[0], commit_timed(store, first, batch));
        sum_up(&took[1], bench_bare_put(all, first, batch));
        sum_up(&took[2], bench_bare_put(rows, first, batch));
    }
    struct rc_store_info info = info_of(store);
    printf("%6zu a batch  %8.0f messages/s  of bare with indexes %3.0f %% (CPU %3.0f %%)  of bare rows %3.0f %% (CPU "
           "%3.0f %%)  %5.0f bytes each\n",
           batch, per_second(info.rows, took[0].wall), percent(took[0].wall, took[1].wall),
           percent(took[0].cpu, took[1].cpu), percent(took[0].wall, took[2].wall), percent(took[0].cpu, took[2].cpu),
           (double)info.bytes / (double)info.rows);
    fflush(stdout);
    rc_store_close(store);
    bench_bare_close(all);
    bench_bare_close(rows);
}

static void bench_write(uint64_t messages)
{
    const size_t batch[] = {1, 32, 256, 1024};
    for (size_t i = 0; i < sizeof batch / sizeof batch[0]; i++)
        write_batch(batch[i], messages);
}

/* ---- grow -------------------------------------------------------------------------------------------------------- */

static void count_row(void *arg, const struct rc_store_row *row)
{
    (void)row;
    ++*(uint64_t *)arg;
}

/* Reads so many rows of a user in pages, in the order of keys or of the log; microseconds. */
static rc_time read_rows(struct rc_store *store, const char *user, uint64_t rows, bool by_log)
{
    struct rc_slice name = {(const uint8_t *)user, strlen(user)};
    struct rc_disk_key next = {0};
    struct rc_user_log_page page = {.more = true};
    uint64_t got = 0;
    bool begun = false;
    rc_time begin = rc_clock_now();
    while (got < rows && (by_log ? page.more : !begun || next.len)) {
        struct rc_disk_key from = next;
        struct rc_place place = page.next;
        const struct rc_store_query q = {.user = name, .from = {from.byte, from.len}, .limit = rows - got};
        const struct rc_user_log_query l = {.user = name, .from = begun ? &place : NULL, .limit = rows - got};
        if ((by_log ? rc_store_user_log_page(store, &l, count_row, &got, &page)
                    : rc_store_user_page(store, &q, count_row, &got, &next)) != RC_STORE_OK)
            bench_die("a page cannot be read");
        begun = true;
    }
    if (got < rows)
        fprintf(stderr, "(%s has %llu rows only)\n", user, (unsigned long long)got);
    return rc_clock_now() - begin;
}

static double reopen_ms(struct rc_store **store, const char *dir)
{
    rc_store_close(*store);
    rc_time begin = rc_clock_now();
    *store = open_store(dir);
    return (double)(rc_clock_now() - begin) / 1000;
}

static void grow_to(struct rc_store **store, const char *dir, uint64_t have, uint64_t to)
{
    const uint64_t last = to / 10; /* the last tenth is measured */
    fill(*store, have + 1, to - last, 1024);
    double rate = per_second(last, fill(*store, to - last + 1, to, 1024));
    double open = reopen_ms(store, dir);
    struct rc_store_info info = info_of(*store);
    uint64_t many = to / 2 / BENCH_ADMINS > 100000 ? 100000 : to / 2 / BENCH_ADMINS;
    printf(
        "%9llu messages  %7.0f messages/s  %5.0f bytes each (%.0f used)  open %5.1f ms  100 rows %5.2f ms (log %5.2f)  "
        "%llu rows %6.1f ms (log %6.1f)\n",
        (unsigned long long)to, rate, (double)info.bytes / (double)to, (double)info.used / (double)to, open,
        (double)read_rows(*store, "admin-03", 100, false) / 1000,
        (double)read_rows(*store, "admin-03", 100, true) / 1000, (unsigned long long)many,
        (double)read_rows(*store, "admin-03", many, false) / 1000,
        (double)read_rows(*store, "admin-03", many, true) / 1000);
    fflush(stdout);
}

static void bench_grow(uint64_t messages)
{
    const uint64_t at[] = {100000, 1000000, 5000000, 10000000};
    const char *dir = fresh_dir("store");
    struct rc_store *store = open_store(dir);
    uint64_t have = 0;
    for (size_t i = 0; i < sizeof at / sizeof at[0] && at[i] <= messages; i++) {
        grow_to(&store, dir, have, at[i]);
        have = at[i];
    }
    rc_store_close(store);
}

/* ---- beside ------------------------------------------------------------------------------------------------------ */

struct reader {
    struct rc_store *store;
    atomic_bool stop;
    uint64_t rows;
};

static void *read_all(void *arg)
{
    struct reader *r = arg;
    while (!atomic_load(&r->stop)) {
        read_rows(r->store, "admin-03", 10000, r->rows % 20000 == 0);
        r->rows += 10000;
    }
    return NULL;
}

enum beside { ALONE, BESIDE_READER, BESIDE_RETENTION };

/* A commit of 10 messages each 10 ms. */
static void commits_beside(struct rc_store *store, uint64_t *n, enum beside what, const char *name)
{
    struct bench_samples s = {0};
    struct reader r = {.store = store};
    struct rc_retention retention;
    pthread_t thread;
    uint64_t before = info_of(store).bytes;
    rc_retention_init(&retention, store, &(struct rc_store_keep){.ms = what == BESIDE_RETENTION});
    if (what == BESIDE_READER && pthread_create(&thread, NULL, read_all, &r) != 0)
        bench_die("no thread");
    rc_time begin = rc_clock_now();
    for (int i = 0; i < 500; i++, *n += 10) {
        while (rc_clock_now() < begin + (rc_time)i * 10 * RC_MS)
            usleep(200);
        rc_time wait = rc_clock_now();
        rc_retention_turn(&retention); /* in the same thread, before the commit that came meanwhile */
        wait = rc_clock_now() - wait;
        bench_sample(&s, wait + commit_timed(store, *n + 1, 10).wall);
    }
    atomic_store(&r.stop, true);
    if (what == BESIDE_READER)
        pthread_join(thread, NULL);
    printf("%-16s commit p50 %6.2f  p99 %6.2f  max %6.2f ms  read %llu  deleted %llu  file grew %llu KiB\n", name,
           (double)bench_percentile(&s, 50) / 1000, (double)bench_percentile(&s, 99) / 1000,
           (double)bench_percentile(&s, 100) / 1000, (unsigned long long)r.rows,
           (unsigned long long)atomic_load(&retention.deleted),
           (unsigned long long)(info_of(store).bytes - before) / 1024);
    fflush(stdout);
    bench_samples_free(&s);
}

static void bench_beside(uint64_t messages)
{
    struct rc_store *store = open_store(fresh_dir("store"));
    uint64_t n = messages;
    fill(store, 1, messages, 1024);
    commits_beside(store, &n, ALONE, "alone");
    commits_beside(store, &n, BESIDE_READER, "beside a reader");
    commits_beside(store, &n, ALONE, "alone");
    commits_beside(store, &n, BESIDE_RETENTION, "with retention");
    rc_store_close(store);
}

/* ---- wait -------------------------------------------------------------------------------------------------------- */

static void bench_waits(void)
{
    const unsigned rate[] = {100, 1000, 10000}, wait[] = {0, 1, 5};
    for (size_t i = 0; i < sizeof rate / sizeof rate[0]; i++)
        for (size_t k = 0; k < sizeof wait / sizeof wait[0]; k++)
            bench_wait(fresh_dir("store"), rate[i], wait[k], 4);
}

int main(int argc, char **argv)
{
    uint64_t messages = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (argc < 3 || argc > 4 || (argc == 4 && messages < 1000)) {
        fputs(usage, stderr);
        return 64;
    }
    base = argv[1];
    mkdir(base, 0700);
    if (strcmp(argv[2], "write") == 0)
        bench_write(messages ? messages : 200000);
    else if (strcmp(argv[2], "grow") == 0)
        bench_grow(messages ? messages : 1000000);
    else if (strcmp(argv[2], "beside") == 0)
        bench_beside(messages ? messages : 300000);
    else if (strcmp(argv[2], "wait") == 0)
        bench_waits();
    else
        return fputs(usage, stderr), 64;
    static const char *const made[] = {"store", "all", "rows"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        remove_store(fresh_dir(made[i]));
    rmdir(base);
    return 0;
}
