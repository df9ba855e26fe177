/* Reads /proc. */
#include "probe/probe.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/shared.h"

/* The start of a file of a process; false: the process is gone. */
static bool slurp(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    size_t n = fread(text, 1, size - 1, file);
    fclose(file);
    text[n] = '\0';
    return n > 0;
}

/* proc(5): utime and stime are fields 14 and 15; the command, field 2, may hold blanks and brackets. */
static void read_cpu(struct rc_usage *usage, const char *stat)
{
    unsigned long long user = 0, system = 0;
    const char *at = strrchr(stat, ')');
    if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2) {
        return;
    }
    uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    usage->cpu = (user + system) * tick;
    usage->system = system * tick;
}

static uint64_t read_kib(const char *status, const char *key)
{
    unsigned long long kib = 0;
    const char *at = strstr(status, key);
    if (!at || sscanf(at + strlen(key), " %llu", &kib) != 1) {
        return 0;
    }
    return kib * 1024;
}

static bool take_one(struct rc_usage *usage, pid_t pid)
{
    char stat[1024], status[4096];
    if (!slurp(pid, "stat", stat, sizeof stat) || !slurp(pid, "status", status, sizeof status)) {
        return false;
    }
    read_cpu(usage, stat);
    usage->anon = read_kib(status, "\nRssAnon:");
    usage->rss = read_kib(status, "\nVmRSS:");
    return true;
}

void rc_probe_take(struct rc_probe *probe, const struct rc_plan *plan)
{
    memset(probe, 0, sizeof *probe);
    for (size_t i = 0; i < plan->pid_count; i++) {
        if (!take_one(&probe->of[i], plan->pid[i].pid)) {
            probe->gone++;
        }
        probe->sum.cpu += probe->of[i].cpu;
        probe->sum.anon += probe->of[i].anon;
        probe->sum.rss += probe->of[i].rss;
    }
    probe->time = rc_bench_now();
}
