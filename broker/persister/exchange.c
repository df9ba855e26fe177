/* The thread between the links to other persisters and the store. */
#include "broker/persister/exchange.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "broker/persister/log_wire.h"
#include "cluster/mem.h"

struct request {
    struct rc_mail mail;
    uint64_t session;
    struct rc_buf *side; /* a reference; NULL: stop */
};

struct rc_exchange {
    struct rc_store *store;
    pthread_t thread;
    struct rc_mailbox *requests; /* loop -> thread; bounded by pending */
    struct rc_mailbox *results;  /* thread -> loop; likewise */
    atomic_bool stop;
    struct rc_exchanged *taken; /* out of the mailbox, not yet given to the owner */
    size_t pending;             /* asked and not given; the owner's */
};

static void request_free(struct rc_mail *mail)
{
    struct request *r = (struct request *)mail;
    rc_buf_rele(r->side);
    free(r);
}

static void result_free(struct rc_mail *mail)
{
    rc_exchanged_free((struct rc_exchanged *)mail);
}

void rc_exchanged_free(struct rc_exchanged *result)
{
    if (!result)
        return;
    rc_buf_rele(result->side);
    rc_log_page_fini(&result->page);
    free(result);
}

static void work_on(struct rc_exchange *x, const struct request *r)
{
    struct rc_exchanged *out = rc_zalloc(sizeof *out);
    struct rc_pull pull;
    out->session = r->session;
    if (rc_pull_unpack(r->side, &pull))
        out->side = rc_log_answer(x->store, &pull);
    else
        out->has_page = rc_log_page_unpack(r->side, &out->page);
    /* When the store cannot be read the commit puts with NOOVERWRITE what it has. */
    if (out->has_page && out->page.n)
        rc_store_lacking(x->store, &out->page);
    rc_mailbox_post(x->results, &out->mail, sizeof *out, true);
}

static void *work(void *arg)
{
    struct rc_exchange *x = arg;
    struct pollfd fd = {.fd = rc_mailbox_fd(x->requests), .events = POLLIN};
    while (!atomic_load(&x->stop)) {
        poll(&fd, 1, -1);
        struct rc_mail *next, *mail = rc_mailbox_take_all(x->requests);
        for (; mail; mail = next) {
            struct request *r = (struct request *)mail;
            next = mail->next;
            if (r->side && !atomic_load(&x->stop))
                work_on(x, r);
            request_free(mail);
        }
    }
    return NULL;
}

static void post(struct rc_exchange *x, uint64_t session, struct rc_buf *side)
{
    struct request *r = rc_zalloc(sizeof *r);
    r->session = session;
    r->side = rc_buf_hold(side);
    rc_mailbox_post(x->requests, &r->mail, sizeof *r, true);
}

struct rc_exchange *rc_exchange_new(struct rc_store *store)
{
    struct rc_exchange *x = rc_zalloc(sizeof *x);
    int error = 0;
    x->store = store;
    atomic_init(&x->stop, false);
    if (!(x->requests = rc_mailbox_new(1)) || !(x->results = rc_mailbox_new(1)))
        error = errno;
    if (!error)
        error = pthread_create(&x->thread, NULL, work, x);
    if (!error)
        return x;
    rc_mailbox_free(x->requests, NULL);
    rc_mailbox_free(x->results, NULL);
    free(x);
    errno = error;
    return NULL;
}

void rc_exchange_free(struct rc_exchange *x)
{
    if (!x)
        return;
    atomic_store(&x->stop, true);
    post(x, 0, NULL);
    pthread_join(x->thread, NULL);
    while (x->taken)
        rc_exchanged_free(rc_exchange_take(x));
    rc_mailbox_free(x->requests, request_free);
    rc_mailbox_free(x->results, result_free);
    free(x);
}

bool rc_exchange_side(struct rc_exchange *x, uint64_t session, struct rc_buf *side)
{
    if (x->pending >= RC_EXCHANGE_PENDING)
        return false;
    x->pending++;
    post(x, session, side);
    return true;
}

int rc_exchange_fd(const struct rc_exchange *x)
{
    return rc_mailbox_fd(x->results);
}

struct rc_exchanged *rc_exchange_take(struct rc_exchange *x)
{
    if (!x->taken)
        x->taken = (struct rc_exchanged *)rc_mailbox_take_all(x->results);
    struct rc_exchanged *out = x->taken;
    if (out) {
        x->taken = (struct rc_exchanged *)out->mail.next;
        x->pending--;
    }
    return out;
}
