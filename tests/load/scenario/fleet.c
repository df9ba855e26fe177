/* The worker processes: how many, their begin and end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenario/run.h"
#include "worker/worker.h"

#define DESCRIPTORS_MAX 20000         /* of a process */
#define OTHERS          ((rlim_t)128) /* descriptors that are no clients */
#define END_WAIT        600           /* times 50 ms */

/* Raises the soft limit of descriptors as far as we use it. Returns the limit in force. */
static rlim_t raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1024;
    }
    rlim_t wanted = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            (void)getrlimit(RLIMIT_NOFILE, &limit);
        }
    }
    return limit.rlim_cur < DESCRIPTORS_MAX ? limit.rlim_cur : DESCRIPTORS_MAX;
}

uint32_t rc_fleet_size(const struct rc_plan *plan, char *why, size_t why_size)
{
    rlim_t limit = raise_limit();
    uint64_t clients = rc_cast_clients(&plan->cast), wanted = (uint64_t)plan->options.workers;
    if (limit < 2 * OTHERS) {
        snprintf(why, why_size, "only %llu descriptors are allowed: raise the limit (ulimit -n)",
                 (unsigned long long)limit);
        return 0;
    }
    uint64_t each = limit - OTHERS;
    uint64_t needed = (clients + each - 1) / each;
    if (wanted && wanted < needed) {
        snprintf(why, why_size, "workers: %llu clients need %llu processes of %llu descriptors",
                 (unsigned long long)clients, (unsigned long long)needed, (unsigned long long)limit);
        return 0;
    }
    wanted = wanted ? wanted : needed;
    if (wanted > RC_WORKERS_MAX) {
        snprintf(why, why_size,
                 "%llu clients need more than %d processes of %llu descriptors: raise the limit (ulimit -n)",
                 (unsigned long long)clients, RC_WORKERS_MAX, (unsigned long long)limit);
        return 0;
    }
    return (uint32_t)(wanted < clients ? wanted : clients);
}

bool rc_fleet_start(const struct rc_plan *plan, struct rc_shared *shared)
{
    for (uint32_t i = 0; i < shared->workers; i++) {
        shared->share[i].wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (shared->share[i].wake < 0) {
            perror("roomcast-bench: eventfd");
            return false;
        }
    }
    fflush(NULL);
    for (uint32_t i = 0; i < shared->workers; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            _exit(rc_bench_worker_run(plan, shared, i));
        }
        if (pid < 0) {
            perror("roomcast-bench: fork");
            return false;
        }
        shared->share[i].pid = pid;
    }
    return true;
}

/* Takes the exits that there are. False: a worker failed, or ended before it had judged. */
static bool reap(struct rc_shared *shared)
{
    bool good = true;
    for (uint32_t i = 0; i < shared->workers; i++) {
        struct rc_share *share = &shared->share[i];
        int status;
        if (share->pid > 0 && waitpid(share->pid, &status, WNOHANG) == share->pid) {
            good = good && status == 0 && atomic_load(&share->judged);
            share->pid = 0;
        }
    }
    return good;
}

bool rc_fleet_whole(struct rc_shared *shared)
{
    return reap(shared);
}

static bool any_left(const struct rc_shared *shared)
{
    for (uint32_t i = 0; i < shared->workers; i++) {
        if (shared->share[i].pid > 0) {
            return true;
        }
    }
    return false;
}

bool rc_fleet_end(struct rc_shared *shared)
{
    const struct timespec pause = {0, 50000000};
    bool good = reap(shared);
    for (int tries = 0; any_left(shared) && tries < END_WAIT; tries++) {
        nanosleep(&pause, NULL);
        good = reap(shared) && good;
    }
    for (uint32_t i = 0; i < shared->workers; i++) {
        if (shared->share[i].pid > 0) {
            kill(shared->share[i].pid, SIGKILL);
            waitpid(shared->share[i].pid, NULL, 0);
            shared->share[i].pid = 0;
            good = false;
        }
        close(shared->share[i].wake);
    }
    return good;
}
