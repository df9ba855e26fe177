/* The commit thread of the persister and the health that its results tell. */
#include "broker/persister/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

struct rc_writer {
    struct rc_store *store;
    pthread_t thread;
    int fd;                         /* eventfd: the outcome was set */
    struct rc_writer_health health; /* the owner's */

    pthread_mutex_t lock;           /* guards what follows */
    pthread_cond_t wake;            /* commit or stop was set */
    const struct rc_commit *commit; /* to be done, NULL: none; NULL again when outcome is set */
    struct rc_store_outcome outcome;
    bool ended;                    /* outcome is set and not taken */
    bool keep;                     /* retention is set, and the thread's */
    struct rc_retention retention; /* the owner's until keep */
    bool stop;
};

/* Waits for a commit, the end, or the time of retention's next turn. */
static void wait_for_work(struct rc_writer *w)
{
    struct timespec at;
    rc_time left = w->keep ? w->retention.next - rc_clock_now() : 0;
    if (!w->keep) {
        pthread_cond_wait(&w->wake, &w->lock);
    } else if (left > 0) {
        clock_gettime(CLOCK_MONOTONIC, &at);
        at.tv_nsec += (long)(left % 1000000) * 1000;
        at.tv_sec += (time_t)(left / 1000000) + at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&w->wake, &w->lock, &at);
    }
}

static bool has_work(const struct rc_writer *w)
{
    return w->commit || w->stop || (w->keep && w->retention.next <= rc_clock_now());
}

/* Both with the lock, which they let go of meanwhile. */
static void commit_one(struct rc_writer *w)
{
    struct rc_store_outcome outcome;
    const struct rc_commit *commit = w->commit;
    pthread_mutex_unlock(&w->lock);
    rc_store_commit(w->store, commit, &outcome);
    pthread_mutex_lock(&w->lock);
    w->commit = NULL;
    w->outcome = outcome;
    w->ended = true;
    (void)!write(w->fd, &(uint64_t){1}, sizeof(uint64_t)); /* cannot fail: at most one result waits */
}

static void delete_some(struct rc_writer *w)
{
    pthread_mutex_unlock(&w->lock);
    rc_retention_turn(&w->retention);
    pthread_mutex_lock(&w->lock);
}

static void *work(void *arg)
{
    struct rc_writer *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!has_work(w))
            wait_for_work(w);
        if (w->commit)
            commit_one(w);
        else if (w->stop)
            break;
        if (w->keep && !w->stop)
            delete_some(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct rc_writer *rc_writer_new(struct rc_store *store)
{
    struct rc_writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->store = store;
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &clock);
    pthread_condattr_destroy(&clock);
    int error = w->fd < 0 ? errno : pthread_create(&w->thread, NULL, work, w);
    if (!error)
        return w;
    if (w->fd >= 0)
        close(w->fd);
    free(w);
    errno = error;
    return NULL;
}

void rc_writer_free(struct rc_writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    close(w->fd);
    free(w);
}

void rc_writer_commit(struct rc_writer *w, const struct rc_commit *commit)
{
    pthread_mutex_lock(&w->lock);
    w->commit = commit;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void rc_writer_keep(struct rc_writer *w, const struct rc_store_keep *keep)
{
    pthread_mutex_lock(&w->lock);
    rc_retention_init(&w->retention, w->store, keep);
    w->keep = rc_retention_on(&w->retention);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

uint64_t rc_writer_deleted(const struct rc_writer *w)
{
    return atomic_load(&w->retention.deleted);
}

int rc_writer_fd(const struct rc_writer *w)
{
    return w->fd;
}

const struct rc_writer_health *rc_writer_health(const struct rc_writer *w)
{
    return &w->health;
}

/* ---- health ------------------------------------------------------------------------------------ */

static void note_failure(struct rc_writer_health *h, const struct rc_store_outcome *out)
{
    if (!h->degraded || h->result != out->result)
        rc_log(RC_ERROR, "store-degraded",
               "reason=\"%s\" cause=\"%s\" effect=\"nothing is stored until it works again\"",
               rc_store_result_text(out->result), out->why);
    if (!h->degraded)
        *h = (struct rc_writer_health){.degraded = true, .since = rc_clock_wall_ms()};
    h->result = out->result;
    memcpy(h->why, out->why, sizeof h->why);
    h->failures++;
}

static void note_success(struct rc_writer_health *h, const struct rc_store_outcome *out)
{
    if (h->degraded)
        rc_log(RC_INFO, "store-recovered", "failures=%llu after_ms=%lld", (unsigned long long)h->failures,
               (long long)(rc_clock_wall_ms() - h->since));
    *h = (struct rc_writer_health){0};
    if (out->malformed)
        rc_log(RC_ERROR, "records-malformed",
               "count=%zu first_origin=%s first_inc=%llu first_seq=%llu effect=\"left out of the store\"",
               out->malformed, out->culprit.origin, (unsigned long long)out->culprit.origin_inc,
               (unsigned long long)out->culprit.seq);
}

bool rc_writer_result(struct rc_writer *w, struct rc_store_outcome *out)
{
    uint64_t count;
    (void)!read(w->fd, &count, sizeof count);
    pthread_mutex_lock(&w->lock);
    bool ended = w->ended;
    *out = w->outcome;
    w->ended = false;
    pthread_mutex_unlock(&w->lock);
    if (ended)
        (out->result == RC_STORE_OK ? note_success : note_failure)(&w->health, out);
    return ended;
}
