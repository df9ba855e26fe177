/* A bounded queue from any number of threads to one loop: a list under a mutex, and an eventfd for "no longer
 * empty". */
#include "mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct rc_mailbox {
    pthread_mutex_t lock;
    struct rc_mail *first; /* oldest, NULL when empty */
    struct rc_mail **last; /* where the next one is hung */
    size_t bytes;          /* of all that waits */
    size_t bound;
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
    pthread_mutex_init(&mb->lock, NULL);
    mb->last = &mb->first;
    mb->bound = bound;
    return mb;
}

void rc_mailbox_set_bound(struct rc_mailbox *mb, size_t bound)
{
    pthread_mutex_lock(&mb->lock);
    mb->bound = bound;
    pthread_mutex_unlock(&mb->lock);
}

int rc_mailbox_fd(const struct rc_mailbox *mb)
{
    return mb->fd;
}

bool rc_mailbox_post(struct rc_mailbox *mb, struct rc_mail *mail, size_t bytes, bool force)
{
    mail->next = NULL;
    mail->bytes = bytes;
    pthread_mutex_lock(&mb->lock);
    bool empty = mb->first == NULL;
    bool fits = mb->bytes <= mb->bound && bytes <= mb->bound - mb->bytes; /* force may have passed the bound */
    if (!fits && !empty && !force) {
        pthread_mutex_unlock(&mb->lock);
        return false;
    }
    *mb->last = mail;
    mb->last = &mail->next;
    mb->bytes += bytes;
    pthread_mutex_unlock(&mb->lock);
    if (empty) {
        /* After the lock, so that the owner does not wake into it. It cannot fail: the counter stays far
         * below its limit. */
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
    pthread_mutex_lock(&mb->lock);
    struct rc_mail *list = mb->first;
    mb->first = NULL;
    mb->last = &mb->first;
    mb->bytes = 0;
    pthread_mutex_unlock(&mb->lock);
    return list;
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
    pthread_mutex_destroy(&mb->lock);
    free(mb);
}
