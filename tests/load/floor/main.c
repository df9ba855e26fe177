/* roomcast-floor: options, sockets, and the passes. */
#include "floor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exit.h"
#include "option.h"

#define EVENTS 1024
#define INPUT  262144      /* bytes read at once; more than any frame that is taken */
#define OUTPUT (16u << 20) /* bytes that wait for a socket; one that is so far behind is ended */

static SLIST_HEAD(, rc_floor_conn) marked = SLIST_HEAD_INITIALIZER(marked);

static int fail(const char *what, int code)
{
    fprintf(stderr, "roomcast-floor: %s: %s\n", what, strerror(errno));
    return code;
}

char *rc_floor_room(struct rc_floor_buf *buf, size_t len)
{
    size_t from = buf->len;
    buf->len += len;
    if (buf->len > buf->cap) {
        buf->cap = buf->len * 2;
        buf->data = realloc(buf->data, buf->cap);
        if (!buf->data) {
            exit(fail("memory", RC_EXIT_INTERNAL));
        }
    }
    return buf->data + from;
}

void rc_floor_mark(struct rc_floor_conn *conn)
{
    if (!conn->marked) {
        conn->marked = true;
        SLIST_INSERT_HEAD(&marked, conn, mark);
    }
}

void rc_floor_end(struct rc_floor_conn *conn, const char *why)
{
    if (why) {
        fprintf(stderr, "roomcast-floor: \"%.*s\": connection ended: %s\n", (int)conn->user_len, conn->user, why);
    }
    conn->ended = true;
    rc_floor_mark(conn);
}

/* Everything that is there; `last`: up to the end of the stream. */
static void receive(struct rc_floor_conn *conn, bool last)
{
    static char input[INPUT];
    bool more = true;
    while (more && !conn->ended) {
        size_t len = conn->in.len;
        memcpy(input, conn->in.data ? conn->in.data : "", len);
        ssize_t n = recv(conn->fd, input + len, sizeof input - len, 0);
        if (n <= 0) {
            if (n == 0 || errno != EAGAIN) {
                rc_floor_end(conn, n == 0 || errno == ECONNRESET ? NULL : strerror(errno));
            }
            return;
        }
        more = last || len + (size_t)n == sizeof input; /* else no more is there, and epoll tells what comes */
        size_t taken = rc_floor_take(conn, input, len + (size_t)n);
        conn->in.len = 0;
        len += (size_t)n - taken;
        if (len > 0) {
            memcpy(rc_floor_room(&conn->in, len), input + taken, len);
        }
    }
}

/* Its own bytes, and then these. */
static ssize_t write_both(const struct rc_floor_conn *conn, const char *more, size_t more_len)
{
    const struct iovec both[] = {{conn->out.data, conn->out.len}, {(char *)more, more_len}};
    if (conn->full) {
        return 0;
    }
    if (conn->out.len > 0 && more_len > 0) {
        return writev(conn->fd, both, 2);
    }
    return more_len > 0 ? send(conn->fd, more, more_len, 0) : send(conn->fd, conn->out.data, conn->out.len, 0);
}

static void transmit(struct rc_floor_conn *conn, const char *more, size_t more_len)
{
    struct rc_floor_buf *out = &conn->out;
    ssize_t n = write_both(conn, more, more_len);
    if (n < 0 && errno != EAGAIN) {
        rc_floor_end(conn, errno == EPIPE || errno == ECONNRESET ? NULL : strerror(errno));
        return;
    }
    size_t done = n > 0 ? (size_t)n : 0, own = done < out->len ? done : out->len, left = more_len - (done - own);
    out->len -= own;
    conn->full = out->len + left > 0;
    if (out->len > 0) {
        memmove(out->data, out->data + own, out->len);
    }
    if (left > 0) {
        memcpy(rc_floor_room(out, left), more + more_len - left, left);
    }
    if (out->len > OUTPUT) {
        rc_floor_end(conn, "it reads too slowly, 16 MiB wait for it");
    }
}

static void end_pass(void)
{
    struct rc_floor_conn *conn;
    LIST_FOREACH (conn, &rc_floor_admins, fellow) {
        if (rc_floor_news.len > 0 && !conn->ended) {
            transmit(conn, rc_floor_news.data, rc_floor_news.len);
        }
    }
    rc_floor_news.len = 0;
    while ((conn = SLIST_FIRST(&marked))) {
        SLIST_REMOVE_HEAD(&marked, mark);
        conn->marked = false;
        if (conn->ended) {
            rc_floor_leave(conn);
            close(conn->fd);
            free(conn->in.data);
            free(conn->out.data);
            free(conn);
        } else if (conn->out.len > 0 && !conn->full) {
            transmit(conn, NULL, 0);
        }
    }
}

/* Edge-triggered: a change is told once, and no call is needed to ask for room in a socket or not. */
static bool watch(int epoll, int fd, struct rc_floor_conn *conn)
{
    uint32_t events = conn ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN;
    struct epoll_event event = {.events = events, .data.ptr = conn};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void accept_all(int epoll, int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct rc_floor_conn *conn = calloc(1, sizeof *conn);
        if (!conn || !watch(epoll, fd, conn)) {
            exit(fail("a new connection", RC_EXIT_INTERNAL));
        }
        conn->fd = fd;
    }
}

static int serve(int epoll, int listener)
{
    static struct epoll_event event[EVENTS];
    int n;
    while ((n = epoll_wait(epoll, event, EVENTS, -1)) >= 0 || errno == EINTR) {
        for (int i = 0; i < n; i++) {
            struct rc_floor_conn *conn = event[i].data.ptr;
            if (!conn) {
                accept_all(epoll, listener);
                continue;
            }
            if (event[i].events & EPOLLOUT && conn->full) {
                conn->full = false;
                rc_floor_mark(conn);
            }
            if (event[i].events & ~(uint32_t)EPOLLOUT) {
                receive(conn, event[i].events & ~(uint32_t)(EPOLLIN | EPOLLOUT));
            }
        }
        end_pass();
    }
    return fail("epoll_wait", RC_EXIT_INTERNAL);
}

static void end(int signal)
{
    (void)signal;
    _exit(RC_EXIT_OK);
}

/* On loopback only, since it lets in whoever comes. Prints where. -1: errno says why not. */
static int listen_at(uint16_t port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || /* those accepted inherit it */
        bind(fd, (const struct sockaddr *)&at, len) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        return -1;
    }
    printf("{\"url\":\"http://127.0.0.1:%u\"}\n", (unsigned)ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static int run(uint16_t port)
{
    struct rlimit files = {0};
    signal(SIGTERM, end);
    signal(SIGINT, end);
    signal(SIGPIPE, SIG_IGN);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    int epoll = epoll_create1(EPOLL_CLOEXEC), listener = listen_at(port);
    if (listener < 0 || !watch(epoll, listener, NULL)) {
        return fail("cannot listen on 127.0.0.1 at the given port", RC_EXIT_UNAVAILABLE);
    }
    return serve(epoll, listener);
}

int main(int argc, char **argv)
{
    int64_t port = 0;
    const struct rc_option line = {"port", RC_OPT_INT, 0, 0, 65535, "0", NULL, false, "0: any that is free"};
    const struct rc_option_table table = {&line, 1, &port};
    const struct rc_option_set set = {
        .program = "roomcast-floor",
        .summary = "a measuring instrument, not a server: the least of code that can serve roomcast-bench.\n"
                   "It verifies and stores nothing, pings nobody, listens on loopback, and prints its URL",
        .tables = &table,
        .table_count = 1,
    };
    (void)argc;
    int code = rc_options_parse(&set, argv);
    return code == RC_OPTIONS_RUN ? run((uint16_t)port) : code;
}
