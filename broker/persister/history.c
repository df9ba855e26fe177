/* The thread that reads history, between two mailboxes. */
#include "broker/persister/history.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cluster/mem.h"

struct request {
    struct rc_mail mail;
    uint64_t asker;
    struct rc_buf *query;       /* a reference; a gateway's */
    struct rc_reading *reading; /* an operator's; neither of both: stop */
};

struct rc_history {
    struct rc_store *store;
    pthread_t thread;
    struct rc_mailbox *requests; /* loop -> thread; bounded by pending */
    struct rc_mailbox *answers;  /* thread -> loop; likewise */
    atomic_bool stop;
    struct rc_answer *taken; /* out of the mailbox, not yet given to the owner */
    size_t pending;          /* asked and not given; the owner's */
};

static void request_free(struct rc_mail *mail)
{
    struct request *r = (struct request *)mail;
    rc_buf_rele(r->query);
    free(r->reading);
    free(r);
}

static void answer_free(struct rc_mail *mail)
{
    rc_answer_free((struct rc_answer *)mail);
}

static void serve(struct rc_history *h, struct request *r)
{
    struct rc_answer *a =
        r->reading ? rc_answer_page(h->store, r->asker, r->reading) : rc_answer_new(h->store, r->asker, r->query);
    rc_mailbox_post(h->answers, &a->mail, sizeof *a, true);
}

static void *work(void *arg)
{
    struct rc_history *h = arg;
    struct pollfd fd = {.fd = rc_mailbox_fd(h->requests), .events = POLLIN};
    while (!atomic_load(&h->stop)) {
        poll(&fd, 1, -1);
        struct rc_mail *next, *mail = rc_mailbox_take_all(h->requests);
        for (; mail; mail = next) {
            struct request *r = (struct request *)mail;
            next = mail->next;
            if ((r->query || r->reading) && !atomic_load(&h->stop))
                serve(h, r);
            request_free(mail);
        }
    }
    return NULL;
}

static void ask(struct rc_history *h, uint64_t asker, struct rc_buf *query, const struct rc_reading *reading)
{
    struct request *r = rc_zalloc(sizeof *r);
    r->asker = asker;
    r->query = rc_buf_hold(query);
    if (reading) {
        r->reading = rc_zalloc(sizeof *r->reading);
        *r->reading = *reading;
    }
    rc_mailbox_post(h->requests, &r->mail, sizeof *r, true);
}

struct rc_history *rc_history_new(struct rc_store *store)
{
    struct rc_history *h = rc_zalloc(sizeof *h);
    int error = 0;
    h->store = store;
    atomic_init(&h->stop, false);
    if (!(h->requests = rc_mailbox_new(1)) || !(h->answers = rc_mailbox_new(1)))
        error = errno;
    if (!error)
        error = pthread_create(&h->thread, NULL, work, h);
    if (!error)
        return h;
    rc_mailbox_free(h->requests, NULL);
    rc_mailbox_free(h->answers, NULL);
    free(h);
    errno = error;
    return NULL;
}

void rc_history_free(struct rc_history *h)
{
    if (!h)
        return;
    atomic_store(&h->stop, true);
    ask(h, 0, NULL, NULL);
    pthread_join(h->thread, NULL);
    while (h->taken)
        rc_answer_free(rc_history_take(h));
    rc_mailbox_free(h->requests, request_free);
    rc_mailbox_free(h->answers, answer_free);
    free(h);
}

struct rc_answer *rc_history_ask(struct rc_history *h, uint64_t asker, struct rc_buf *query)
{
    if (h->pending >= RC_HISTORY_PENDING)
        return rc_answer_busy(asker, query);
    h->pending++;
    ask(h, asker, query, NULL);
    return NULL;
}

bool rc_history_read(struct rc_history *h, uint64_t asker, const struct rc_reading *reading)
{
    if (h->pending >= RC_HISTORY_PENDING)
        return false;
    h->pending++;
    ask(h, asker, NULL, reading);
    return true;
}

int rc_history_fd(const struct rc_history *h)
{
    return rc_mailbox_fd(h->answers);
}

struct rc_answer *rc_history_take(struct rc_history *h)
{
    if (!h->taken)
        h->taken = (struct rc_answer *)rc_mailbox_take_all(h->answers);
    struct rc_answer *a = h->taken;
    if (a) {
        h->taken = (struct rc_answer *)a->mail.next;
        h->pending--;
    }
    return a;
}

size_t rc_history_pending(const struct rc_history *h)
{
    return h->pending;
}
