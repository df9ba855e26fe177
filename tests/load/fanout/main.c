/*
 * roomcast-fanout: one worker of a gateway, alone: so many sockets in one room, so many messages to it, and what each copy costs.
 *
 *   roomcast-fanout SOCKETS MESSAGES BATCH [BYTES]
 *
 * The link loop's side is played here: BATCH deliveries and a barrier, again when the workers passed it, so that each pass of the
 * worker finds BATCH messages, as it would behind a busy broker. Prints the CPU time of the worker's thread a copy, kernel
 * included, and how often a delivery, with all its copies, asks for memory. Under `valgrind --tool=callgrind` the instructions of the thread tell the same without the kernel, and without
 * noise: tests/load/instructions holds them to a bound.
 */
#include "gateway/worker.h"

#include "allocations.h"

#include "gateway/sio/payload.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned passed;
static pthread_t thread;

static void die(const char *what)
{
    fprintf(stderr, "roomcast-fanout: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct rc_worker *worker;

/* CONNECTs are answered at once. */
static bool post(void *host, struct rc_up *up)
{
    (void)host;
    for (unsigned i = 0; i < up->rooms; i++)
        rc_buf_rele(up->room[i]);
    rc_buf_rele(up->side);
    rc_buf_rele(up->relay.data);
    if (up->kind == RC_UP_CONNECT)
        rc_worker_post(worker, &(struct rc_down){.kind = RC_DOWN_OPENED, .socket = up->socket}, 0);
    pthread_mutex_lock(&lock);
    thread = pthread_self();
    passed += up->kind == RC_UP_PASSED;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return true;
}

static bool enter(void *self, const char *nsp, const struct rc_visitor *visitor, const char *auth, size_t auth_len,
                  struct rc_identity **identity, int64_t *expires, const char **error)
{
    (void)self, (void)nsp, (void)visitor, (void)auth, (void)auth_len, (void)error;
    *identity = NULL;
    *expires = 0;
    return true;
}

static void rele(void *self, struct rc_identity *identity)
{
    (void)self, (void)identity;
}

static unsigned rooms(void *self, const char *nsp, const struct rc_identity *identity, struct rc_buf **room)
{
    (void)self, (void)nsp, (void)identity;
    room[0] = rc_buf_copy("/,all", 5);
    return 1;
}

static enum rc_verdict event(void *self, const struct rc_identity *identity, const struct rc_event *e,
                             struct rc_emit *emit, struct rc_reply *reply, const char **reason)
{
    (void)self, (void)identity, (void)e, (void)emit, (void)reply, (void)reason;
    return RC_EVENT_IGNORE;
}

static int open_socket(void)
{
    static const char hello[] =
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x82\0\0\0\0"
        "40";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons(rc_worker_port(worker));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        send(fd, hello, sizeof hello - 1, MSG_NOSIGNAL) < 0)
        die("cannot connect");
    char got[2048];
    size_t len = 0;
    while (!memmem(got, len, "40{", 3)) {
        ssize_t n = recv(fd, got + len, sizeof got - len, 0);
        if (n <= 0)
            die("no session");
        len += (size_t)n;
    }
    return fd;
}

static void drain(const int *fd, size_t n)
{
    static char trash[1 << 20];
    for (size_t i = 0; i < n; i++)
        while (recv(fd[i], trash, sizeof trash, MSG_DONTWAIT) == (ssize_t)sizeof trash)
            continue;
}

static void send_batch(struct rc_buf *room, struct rc_buf *payload, size_t batch)
{
    for (size_t i = 0; i < batch; i++) {
        struct rc_down d = {.kind = RC_DOWN_DELIVER, .msg = {.room = room, .payload = payload, .seq = i + 1}};
        rc_msg_hold(&d.msg);
        rc_worker_post(worker, &d, payload->len);
    }
    rc_worker_post(worker, &(struct rc_down){.kind = RC_DOWN_BARRIER, .barrier = NULL}, 0);
    pthread_mutex_lock(&lock);
    while (!passed)
        pthread_cond_wait(&changed, &lock);
    passed--;
    pthread_mutex_unlock(&lock);
}

static double cpu_of(pthread_t who)
{
    clockid_t clock;
    struct timespec t;
    if (pthread_getcpuclockid(who, &clock) || clock_gettime(clock, &t))
        die("no CPU clock");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    size_t sockets = argc > 3 ? strtoul(argv[1], NULL, 10) : 0, messages = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    size_t batch = argc > 3 ? strtoul(argv[3], NULL, 10) : 0, bytes = argc > 4 ? strtoul(argv[4], NULL, 10) : 100;
    if (!sockets || sockets > 9000 || !messages || !batch || bytes > 65536) {
        fputs("usage: roomcast-fanout SOCKETS (to 9000) MESSAGES BATCH [BYTES]\n", stderr);
        return 64;
    }
    static const struct rc_app app = {NULL, enter, NULL, rele, rooms, NULL, event};
    static const char *const nsp[] = {"/", NULL};
    struct rc_worker_config config = {.listen = "127.0.0.1:0",
                                      .path = "/socket.io/",
                                      .ping_interval = 600000,
                                      .ping_timeout = 600000,
                                      .connect_timeout = 45000,
                                      .max_payload = 1000000,
                                      .queue_max = 8 << 20,
                                      .mailbox_max = (size_t)1 << 30,
                                      .nsp = nsp,
                                      .app = &app,
                                      .uplink = {NULL, post}};
    char why[128] = "";
    int code;
    worker = rc_worker_new(&config, &code, why, sizeof why);
    int *fd = calloc(sockets, sizeof *fd);
    if (!worker || !fd || !rc_worker_start(worker))
        die(why);
    for (size_t i = 0; i < sockets; i++)
        fd[i] = open_socket();
    char *text = malloc(bytes + 1);
    memset(text, 'x', bytes);
    struct rc_buf *room = rc_buf_copy("/,all", 5), *payload = rc_payload_text(text, bytes);
    send_batch(room, payload, batch);
    drain(fd, sockets);
    unsigned long allocations = rc_allocations();
    double before = cpu_of(thread);
    for (size_t sent = 0; sent < messages; sent += batch) {
        send_batch(room, payload, batch);
        drain(fd, sockets);
    }
    double spent = cpu_of(thread) - before;
    allocations = rc_allocations() - allocations;
    size_t deliveries = (messages + batch - 1) / batch * batch, copies = deliveries * sockets;
    printf("%zu copies, %.3f us of CPU a copy\n", copies, spent * 1e6 / (double)copies);
    if (rc_allocations_counted())
        printf("%.4f allocations a delivery\n", (double)allocations / (double)deliveries);
    rc_worker_stop(worker);
    rc_worker_free(worker);
    rc_buf_rele(room);
    rc_buf_rele(payload);
    free(text);
    free(fd);
    return 0;
}
