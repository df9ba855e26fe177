/* What tests of whole workers share: the link loop's side, recorded; an application that lets everybody in; a raw client. One to a
 * test program. */
#ifndef RC_TESTS_WORKER_WORLD_H
#define RC_TESTS_WORKER_WORLD_H

#include "gateway/worker.h"

#include "clock.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

/* What workers posted, waited for by kind. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct rc_up posted[64];
static unsigned posts;

static inline bool post(void *host, struct rc_up *up)
{
    (void)host;
    for (unsigned i = 0; i < up->rooms; i++)
        rc_buf_rele(up->room[i]);
    rc_buf_rele(up->side);
    rc_buf_rele(up->relay.data);
    pthread_mutex_lock(&lock);
    if (posts < 64)
        posted[posts++] = *up;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return true;
}

/* The nth post (from 1) of this kind; waits 5 s at most. */
static inline struct rc_up await(enum rc_up_kind kind, unsigned nth)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 5;
    pthread_mutex_lock(&lock);
    for (;;) {
        unsigned seen = 0;
        for (unsigned i = 0; i < posts; i++) {
            if (posted[i].kind == kind && ++seen == nth) {
                struct rc_up up = posted[i];
                pthread_mutex_unlock(&lock);
                return up;
            }
        }
        if (pthread_cond_timedwait(&changed, &lock, &end) != 0)
            break;
    }
    pthread_mutex_unlock(&lock);
    fail_msg("nothing of kind %d was posted", kind);
    return (struct rc_up){0};
}

/* Everybody enters the room /,all. */

static inline bool enter(void *self, const char *nsp, const struct rc_visitor *visitor, const char *auth,
                         size_t auth_len, struct rc_identity **identity, int64_t *expires, const char **error)
{
    (void)self, (void)nsp, (void)visitor, (void)auth, (void)auth_len, (void)error;
    *identity = NULL;
    *expires = 0;
    return true;
}

static inline void rele(void *self, struct rc_identity *identity)
{
    (void)self, (void)identity;
}

static inline unsigned rooms(void *self, const char *nsp, const struct rc_identity *identity, struct rc_buf **room)
{
    (void)self, (void)nsp, (void)identity;
    room[0] = rc_buf_copy("/,all", 5);
    return 1;
}

static inline enum rc_verdict event(void *self, const struct rc_identity *identity, const struct rc_event *e,
                                    struct rc_emit *emit, struct rc_reply *reply, const char **reason)
{
    (void)self, (void)identity, (void)e, (void)emit, (void)reply, (void)reason;
    return RC_EVENT_IGNORE;
}

static const struct rc_app app = {NULL, enter, NULL, rele, rooms, NULL, event};
static const char *const nsp[] = {"/", NULL};
static inline struct rc_worker_config config(void)
{
    return (struct rc_worker_config){.listen = "127.0.0.1:0",
                                     .path = "/socket.io/",
                                     .ping_interval = 25000,
                                     .ping_timeout = 20000,
                                     .connect_timeout = 45000,
                                     .max_payload = 1000000,
                                     .queue_max = 1 << 20,
                                     .mailbox_max = 1 << 20,
                                     .nsp = nsp,
                                     .app = &app,
                                     .uplink = {NULL, post}};
}

static inline int dial(const struct rc_worker *worker)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {5, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_port = htons(rc_worker_port(worker));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static inline void say(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}
#define SAY(fd, text) say(fd, text, sizeof(text) - 1)

/* Reads until the text has come; what came after it is lost. */
static inline void hear(int fd, const char *text)
{
    char got[4096] = "";
    size_t len = 0;
    while (!memmem(got, len, text, strlen(text))) {
        ssize_t n = recv(fd, got + len, 1, 0);
        if (n != 1 || ++len == sizeof(got))
            fail_msg("waited in vain for %s, heard %s", text, got);
    }
}

static inline bool hear_end(int fd)
{
    char byte;
    ssize_t n;
    while ((n = recv(fd, &byte, 1, 0)) == 1)
        continue;
    return n == 0;
}

#endif
