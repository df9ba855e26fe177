/* The thread that writes into PostgreSQL. */
#include "broker/persister/sql/scribe.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "cluster/mem.h"

#define ANSWER_MS 30000 /* longest wait for the server: to connect, and for each statement */
#define PAUSE_MIN 100   /* ms between attempts, doubled from one to the next and made uneven */
#define PAUSE_MAX 2000

struct rc_scribe {
    struct rc_scribe_config config;
    pthread_t thread;
    int stop;                 /* eventfd, readable once all is to be given up */
    struct rc_mailbox *jobs;  /* loop -> thread: one, and one of an earlier life */
    struct rc_mailbox *notes; /* thread -> loop: a DONE, and OPEN and DOWN as slow as connecting is */
    /* the thread's: */
    struct rc_pg *pg;
    uint64_t life;
    int64_t pause; /* before the next attempt, ms */
};

struct rc_scribe_job *rc_scribe_job_new(size_t rows)
{
    struct rc_scribe_job *job = rc_zalloc(sizeof *job);
    job->commit.cap = rows;
    job->commit.record = rc_zarray(rows, sizeof *job->commit.record);
    return job;
}

void rc_scribe_job_free(struct rc_scribe_job *job)
{
    if (!job)
        return;
    for (size_t i = 0; i < job->commit.n; i++)
        rc_buf_rele(job->commit.record[i].row);
    free(job->commit.record);
    free(job);
}

void rc_scribe_note_free(struct rc_scribe_note *note)
{
    rc_scribe_job_free(note->job);
    free(note);
}

static void drop_job(struct rc_mail *mail)
{
    rc_scribe_job_free((struct rc_scribe_job *)mail);
}

static void drop_note(struct rc_mail *mail)
{
    rc_scribe_note_free((struct rc_scribe_note *)mail);
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static struct rc_scribe_note *note_new(const struct rc_scribe *x, enum rc_scribe_kind kind)
{
    struct rc_scribe_note *note = rc_zalloc(sizeof *note);
    note->kind = kind;
    note->life = x->life;
    return note;
}

static void post(struct rc_scribe *x, struct rc_scribe_note *note)
{
    rc_mailbox_post(x->notes, &note->mail, sizeof *note, true);
}

static void post_down(struct rc_scribe *x, enum rc_pg_result result, const char *why)
{
    struct rc_scribe_note *note = note_new(x, RC_SCRIBE_DOWN);
    note->refused = result == RC_PG_REFUSED;
    memcpy(note->why, why, sizeof note->why);
    post(x, note);
}

/* True: a note says that it is open, else one says why it is not. */
static bool open_life(struct rc_scribe *x)
{
    char why[RC_PG_WHY] = "";
    struct rc_pg_config config = {.url = x->config.url,
                                  .password = x->config.password,
                                  .name = x->config.name,
                                  .stop = x->stop,
                                  .timeout = ANSWER_MS};
    x->life++;
    struct rc_scribe_note *note = note_new(x, RC_SCRIBE_OPEN);
    enum rc_pg_result result = rc_pg_open(&x->pg, &config, why);
    if (result == RC_PG_OK)
        result = rc_sql_table_open(x->pg, &note->made, &note->cursors, why);
    if (result == RC_PG_OK) {
        memcpy(note->place, rc_pg_place(x->pg), strlen(rc_pg_place(x->pg)) + 1);
        post(x, note);
        return true;
    }
    rc_scribe_note_free(note);
    post_down(x, result, why);
    return false;
}

/* False: this life is over. */
static bool do_job(struct rc_scribe *x, struct rc_scribe_job *job)
{
    char why[RC_PG_WHY] = "";
    enum rc_pg_result result = rc_sql_table_put(x->pg, &job->commit, &job->written, why);
    if (result != RC_PG_OK) {
        rc_scribe_job_free(job);
        post_down(x, result, why);
        return false;
    }
    struct rc_scribe_note *note = note_new(x, RC_SCRIBE_DONE);
    note->job = job;
    x->pause = PAUSE_MIN;
    post(x, note);
    return true;
}

static bool do_jobs(struct rc_scribe *x)
{
    bool alive = true;
    struct rc_mail *next, *mail = rc_mailbox_take_all(x->jobs);
    for (; mail; mail = next) {
        struct rc_scribe_job *job = (struct rc_scribe_job *)mail;
        next = mail->next;
        if (alive && job->life == x->life)
            alive = do_job(x, job);
        else
            rc_scribe_job_free(job);
    }
    return alive;
}

/* Until this life is over, or stop. */
static void live(struct rc_scribe *x)
{
    for (;;) {
        struct pollfd fd[] = {{.fd = x->stop, .events = POLLIN},
                              {.fd = rc_mailbox_fd(x->jobs), .events = POLLIN},
                              {.fd = rc_pg_fd(x->pg), .events = POLLIN}};
        poll(fd, 3, -1);
        if (fd[0].revents)
            return;
        if (fd[2].revents && !rc_pg_alive(x->pg)) {
            post_down(x, RC_PG_LOST, (char[RC_PG_WHY]){"the server has closed the connection"});
            return;
        }
        if (fd[1].revents && !do_jobs(x))
            return;
    }
}

/* False: stop. */
static bool rest(struct rc_scribe *x)
{
    struct pollfd fd = {.fd = x->stop, .events = POLLIN};
    int64_t half = x->pause / 2;
    x->pause = 2 * x->pause < PAUSE_MAX ? 2 * x->pause : PAUSE_MAX;
    poll(&fd, 1, (int)(half + (int64_t)(rc_random64() % (uint64_t)half)));
    return fd.revents == 0;
}

static void *work(void *arg)
{
    struct rc_scribe *x = arg;
    do {
        if (open_life(x))
            live(x);
        rc_pg_close(x->pg);
        x->pg = NULL;
    } while (rest(x));
    return NULL;
}

/* ---- the owner --------------------------------------------------------------------------------------------------- */

struct rc_scribe *rc_scribe_new(const struct rc_scribe_config *config)
{
    struct rc_scribe *x = rc_zalloc(sizeof *x);
    x->config = *config;
    x->pause = PAUSE_MIN;
    x->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = x->stop < 0 ? errno : 0;
    if (!error && (!(x->jobs = rc_mailbox_new(1)) || !(x->notes = rc_mailbox_new(1))))
        error = errno;
    if (!error)
        error = pthread_create(&x->thread, NULL, work, x);
    if (!error)
        return x;
    rc_mailbox_free(x->jobs, NULL);
    rc_mailbox_free(x->notes, NULL);
    if (x->stop >= 0)
        close(x->stop);
    free(x);
    errno = error;
    return NULL;
}

void rc_scribe_free(struct rc_scribe *x)
{
    if (!x)
        return;
    (void)!write(x->stop, &(uint64_t){1}, sizeof(uint64_t)); /* cannot fail: it is written once */
    pthread_join(x->thread, NULL);
    rc_mailbox_free(x->jobs, drop_job);
    rc_mailbox_free(x->notes, drop_note);
    close(x->stop);
    free(x);
}

void rc_scribe_put(struct rc_scribe *x, struct rc_scribe_job *job)
{
    rc_mailbox_post(x->jobs, &job->mail, sizeof *job, true);
}

int rc_scribe_fd(const struct rc_scribe *x)
{
    return rc_mailbox_fd(x->notes);
}

struct rc_scribe_note *rc_scribe_take(struct rc_scribe *x)
{
    return (struct rc_scribe_note *)rc_mailbox_take_all(x->notes);
}
