/* Processes that share the seeds. */
#include "jobs.h"

#include "report.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
    pid_t pid;
    uint64_t seed; /* under way */
    struct sim_sum sum;
};

struct board { /* in memory that all processes see */
    atomic_bool stop;
    int lock; /* a file; who holds its lock may print */
    struct job job[];
};

static void print_locked(const struct board *board, const char *text, size_t size)
{
    if (!size)
        return;
    if (board && lockf(board->lock, F_LOCK, 0))
        abort();
    (void)fwrite(text, 1, size, stdout);
    fflush(stdout);
    if (board && lockf(board->lock, F_ULOCK, 0))
        abort();
}

static void run_one(const struct sim_command *c, sim_seed_run *run, uint64_t seed, struct sim_sum *sum,
                    const struct board *board)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    run(c, seed, sum, out);
    if (fclose(out))
        abort();
    print_locked(board, text, size);
    free(text);
}

static void work(const struct sim_command *c, sim_seed_run *run, struct board *board, unsigned me)
{
    struct job *j = &board->job[me];
    for (j->seed = c->first + me; j->seed <= c->last && !board->stop; j->seed += c->jobs) {
        run_one(c, run, j->seed, &j->sum, board);
        if (c->stop && j->sum.failed)
            board->stop = true;
    }
}

static void start(const struct sim_command *c, sim_seed_run *run, struct board *board, unsigned me)
{
    pid_t pid = fork();
    if (pid < 0) {
        perror("roomcast-sim: fork");
        exit(1);
    }
    if (!pid) {
        work(c, run, board, me);
        fflush(stdout);
        _exit(0);
    }
    board->job[me].pid = pid;
}

/* How the process ended: a core that crashes or asserts is a failure like any other. */
static void finish(const struct sim_command *c, struct job *j)
{
    int status = 0;
    waitpid(j->pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    j->sum.failed++;
    printf("seed %" PRIu64 " FAILED  its process ended with %s %d\n  replay: roomcast-sim ", j->seed,
           WIFSIGNALED(status) ? "signal" : "code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    sim_command_print(&c->options, j->seed, stdout);
    printf(" --trace\n");
}

static struct board *board_new(unsigned jobs)
{
    FILE *file = tmpfile();
    struct board *b =
        mmap(NULL, sizeof(*b) + jobs * sizeof(b->job[0]), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!file || b == MAP_FAILED) {
        perror("roomcast-sim");
        exit(1);
    }
    b->lock = fileno(file); /* open until the end */
    return b;
}

static void run_here(const struct sim_command *c, sim_seed_run *run, struct sim_sum *sum)
{
    for (uint64_t seed = c->first; seed <= c->last && !(c->stop && sum->failed); seed++)
        run_one(c, run, seed, sum, NULL);
}

void sim_jobs_run(const struct sim_command *c, sim_seed_run *run, struct sim_sum *sum)
{
    *sum = (struct sim_sum){0};
    if (c->jobs == 1) {
        run_here(c, run, sum);
        return;
    }
    struct board *board = board_new(c->jobs);
    fflush(stdout);
    for (unsigned i = 0; i < c->jobs; i++)
        start(c, run, board, i);
    for (unsigned i = 0; i < c->jobs; i++) {
        const struct sim_sum *s = &board->job[i].sum;
        finish(c, &board->job[i]);
        sim_totals_add(&sum->totals, &s->totals);
        sum->passed += s->passed;
        sum->failed += s->failed;
    }
}
