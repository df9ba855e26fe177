/*
 * Mail is pushed onto a stack by compare-and-swap and taken all at once by an exchange, then turned round: no lock. A pusher only hangs
 * its mail before whatever is newest and reads nothing of it, so it does not matter whether that was taken and posted again meanwhile.
 */
#include "mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct rc_mailbox {
    _Atomic(struct rc_mail *) newest; /* NULL when empty */
    atomic_size_t bytes;              /* of all that waits */
    atomic_size_t bound;
    int fd; /* eventfd, above 0 from the first post until take_all */
};

struct rc_mailbox *rc_mailbox_new(size_t bound)
{
    struct rc_mailbox *mb = calloc(1, sizeof *mb);
    if (!mb) {
        return NULL;
    }
    mb->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mb->fd < 0) {
        int saved = errno;
        free(mb);
        errno = saved;
        return NULL;
    }
    atomic_init(&mb->newest, NULL);
    atomic_init(&mb->bytes, 0);
    atomic_init(&mb->bound, bound);
    return mb;
}

void rc_mailbox_set_bound(struct rc_mailbox *mb, size_t bound)
{
    atomic_store_explicit(&mb->bound, bound, memory_order_relaxed);
}

int rc_mailbox_fd(const struct rc_mailbox *mb)
{
    return mb->fd;
}

/* False: no room for so much, and nothing was counted. */
static bool count_in(struct rc_mailbox *mb, size_t bytes, bool force)
{
    size_t bound = atomic_load_explicit(&mb->bound, memory_order_relaxed);
    size_t before = atomic_fetch_add_explicit(&mb->bytes, bytes, memory_order_relaxed);
    bool fits = before <= bound && bytes <= bound - before; /* force may have passed the bound */
    bool empty = !atomic_load_explicit(&mb->newest, memory_order_relaxed);
    if (fits || empty || force)
        return true;
    atomic_fetch_sub_explicit(&mb->bytes, bytes, memory_order_relaxed);
    return false;
}

bool rc_mailbox_post(struct rc_mailbox *mb, struct rc_mail *mail, size_t bytes, bool force)
{
    if (!count_in(mb, bytes, force))
        return false;
    struct rc_mail *before = atomic_load_explicit(&mb->newest, memory_order_relaxed);
    mail->bytes = bytes;
    do {
        mail->next = before;
    } while (
        !atomic_compare_exchange_weak_explicit(&mb->newest, &before, mail, memory_order_release, memory_order_relaxed));
    if (!before) {
        /* It cannot fail: the counter stays far below its limit. */
        uint64_t one = 1;
        (void)!write(mb->fd, &one, sizeof one);
    }
    return true;
}

struct rc_mail *rc_mailbox_take_all(struct rc_mailbox *mb)
{
    /* First the eventfd, then the list: mail that comes in between is taken and leaves an empty wake-up,
     * never the reverse. */
    uint64_t count;
    (void)!read(mb->fd, &count, sizeof count);
    struct rc_mail *mail = atomic_exchange_explicit(&mb->newest, NULL, memory_order_acquire), *oldest = NULL;
    size_t bytes = 0;
    for (struct rc_mail *next; mail; mail = next) {
        next = mail->next;
        bytes += mail->bytes;
        mail->next = oldest;
        oldest = mail;
    }
    atomic_fetch_sub_explicit(&mb->bytes, bytes, memory_order_relaxed);
    return oldest;
}

void rc_mailbox_free(struct rc_mailbox *mb, void (*drop)(struct rc_mail *mail))
{
    if (!mb) {
        return;
    }
    for (struct rc_mail *mail = rc_mailbox_take_all(mb), *next; mail; mail = next) {
        next = mail->next;
        if (drop) {
            drop(mail);
        }
    }
    close(mb->fd);
    free(mb);
}
