/*
 * A power cut is a moment. The disk then has all entries of the journal before the last sync that was over, all writes with
 * O_DSYNC that were over, and of the others that had begun any part: none, all, or some blocks of 512 or 4096 bytes.
 */
#include "cuts.h"

#include "image.h"
#include "storecheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOWN      5 /* bad cuts whose faults are told */
#define MAKING_DIR "making/"
#define MAKING     10 /* calls that make a store, and the first commits */

struct work {
    const struct rc_cuts *cuts;
    uint64_t *moment;      /* of each cut, in order of time */
    size_t synced;         /* entries that are in base */
    struct rc_image base;  /* what is on the disk for sure, up to the last sync */
    struct rc_image image; /* with a part of the rest */
    uint64_t named;        /* when the file got its name; before that it is in the folder `making` */
    size_t bad;
};

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Just before a sync ends, when whatever was told too early has been told, or when any other call has begun. One in six is while
 * the store is made. */
static void choose(struct work *w)
{
    const struct rc_journal *j = w->cuts->journal;
    uint64_t seed = w->cuts->seed;
    for (size_t i = 0; i < w->cuts->count; i++) {
        uint64_t among = rc_random_below(&seed, 6) || j->n < MAKING ? j->n : MAKING;
        const struct rc_journal_head *head = &j->entry[rc_random_below(&seed, among)].head;
        bool sync = head->kind == RC_JOURNAL_SYNC || head->kind == RC_JOURNAL_SYNCED;
        w->moment[i] = sync ? head->end - 1 : head->begin + 1;
    }
    qsort(w->moment, w->cuts->count, sizeof *w->moment, by_time);
}

/* Takes into base what a sync that ended before `at` covers. */
static void advance(struct work *w, uint64_t at)
{
    const struct rc_journal *j = w->cuts->journal;
    size_t covered = w->synced;
    for (size_t i = w->synced; i < j->n && j->entry[i].head.begin < at; i++)
        if (j->entry[i].head.kind == RC_JOURNAL_SYNC && j->entry[i].head.end <= at)
            covered = i + 1;
    for (; w->synced < covered; w->synced++)
        rc_image_apply(&w->base, &j->entry[w->synced]);
}

static void build(struct work *w, uint64_t at, uint64_t *seed)
{
    const struct rc_journal *j = w->cuts->journal;
    const unsigned percents[] = {0, 100, 50, 50, 90, 10};
    unsigned percent = percents[rc_random_below(seed, sizeof percents / sizeof percents[0])];
    unsigned block = rc_random_below(seed, 2) ? 512 : 4096;
    advance(w, at);
    rc_image_copy(&w->image, &w->base);
    for (size_t i = w->synced; i < j->n && j->entry[i].head.begin < at; i++) {
        if (j->entry[i].head.kind == RC_JOURNAL_SYNCED && j->entry[i].head.end <= at)
            rc_image_apply(&w->image, &j->entry[i]);
        else
            rc_image_tear(&w->image, &j->entry[i], block, percent, seed);
    }
}

/* In a process of its own: a file that is badly broken makes LMDB crash. */
static bool judge(struct work *w, uint64_t at, const char *title)
{
    FILE *report = tmpfile();
    char path[4096];
    snprintf(path, sizeof path, "%s/%sdata.mdb", w->cuts->dir, at < w->named ? MAKING_DIR : "");
    if (!report || !rc_image_write(&w->image, path))
        abort();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        size_t faults = rc_storecheck(w->cuts->dir, w->cuts->facts, at, true, report);
        fflush(report);
        _exit(faults > 0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!good && w->bad++ < SHOWN) {
        char line[1024];
        printf("%s:\n", title);
        if (WIFSIGNALED(status))
            printf("  it crashes whoever opens it: signal %d\n", WTERMSIG(status));
        rewind(report);
        while (fgets(line, sizeof line, report))
            printf("  %s", line);
    }
    (void)fclose(report);
    return good;
}

static void clear(const struct work *w)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "persister.lock", MAKING_DIR "data.mdb"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", w->cuts->dir, names[i]);
        unlink(path);
    }
    char making[4096];
    snprintf(making, sizeof making, "%s/" MAKING_DIR, w->cuts->dir);
    mkdir(making, 0700);
}

static void cut(struct work *w, size_t i)
{
    char title[160];
    uint64_t at = w->moment[i], seed = w->cuts->seed + 1 + i;
    build(w, at, &seed);
    clear(w);
    snprintf(title, sizeof title, "cut %zu of seed %llu, %.3f ms after the first call", i,
             (unsigned long long)w->cuts->seed, (double)(at - w->cuts->journal->entry[0].head.begin) / 1e6);
    judge(w, at, title);
}

size_t rc_cuts_judge(const struct rc_cuts *cuts)
{
    struct work w = {.cuts = cuts, .moment = calloc(cuts->count + 1, sizeof *w.moment)};
    if (!w.moment || !rc_image_init(&w.base, cuts->journal->size) || !rc_image_init(&w.image, cuts->journal->size))
        abort();
    choose(&w);
    for (size_t i = 0; i < cuts->journal->n; i++)
        if (cuts->journal->entry[i].head.kind == RC_JOURNAL_NAMED)
            w.named = cuts->journal->entry[i].head.begin;
    for (size_t i = 0; i < cuts->count; i++)
        cut(&w, i);
    rc_image_fini(&w.base);
    rc_image_fini(&w.image);
    free(w.moment);
    return w.bad;
}
