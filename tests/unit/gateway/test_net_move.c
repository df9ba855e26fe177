/* Connections that move from the loop of one worker to that of another, over real sockets. */
#include "gateway/net/net.h"

#include "clock.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct worker { /* what a worker has */
    struct event_base *base;
    struct event *tick;
    struct rc_wheel wheel;
    rc_gateway_values values;
    struct rc_net *net;
    char got[1024]; /* what its user saw */
    unsigned closes;
    enum rc_close why;
} from, to;

static int peer = -1; /* the client's end */
static struct rc_stream *stream;
static struct rc_stream *moved; /* on the way between the workers */
static unsigned moved_to;
static const char *front; /* not NULL: the first user moves the connection when it has read a byte */

static size_t on_input(void *self, struct rc_stream *s, uint8_t *data, size_t len)
{
    struct worker *w = self;
    if (front && w == &from) {
        struct rc_buf *bytes = rc_buf_copy(front, strlen(front));
        strncat(w->got, (const char *)data, 1);
        rc_net_move(s, bytes, 7);
        rc_buf_rele(bytes);
        return 1;
    }
    strncat(w->got, (const char *)data, len);
    return len;
}

static void on_closed(void *self, enum rc_close why)
{
    struct worker *w = self;
    w->closes++;
    w->why = why;
}

static const struct rc_stream_user user = {on_input, NULL, on_closed};

static void on_moved(void *host, struct rc_stream *s, unsigned worker)
{
    assert_ptr_equal(host, &from);
    moved = s;
    moved_to = worker;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

static void open_worker(struct worker *w)
{
    static const struct timeval every = {0, 10000};
    memset(w, 0, sizeof *w);
    w->base = event_base_new();
    w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, NULL);
    event_add(w->tick, &every);
    rc_wheel_init(&w->wheel, rc_clock_now());
    w->net = rc_net_new(&(struct rc_net_config){.base = w->base,
                                                .wheel = &w->wheel,
                                                .values = w->values,
                                                .queue_max = 1 << 20,
                                                .moved = on_moved,
                                                .host = w,
                                                .pass_us = 20 * RC_MS,
                                                .pass_bytes = 4 << 20});
}

static void close_worker(struct worker *w)
{
    rc_net_free(w->net);
    assert_int_equal(w->values[GM_CONNECTIONS], 0);
    event_free(w->tick);
    event_base_free(w->base);
}

static int setup(void **state)
{
    int pair[2];
    (void)state;
    open_worker(&from);
    open_worker(&to);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    peer = pair[0];
    moved = NULL;
    front = NULL;
    stream = rc_net_adopt(from.net, pair[1], NULL);
    stream->user = &user;
    stream->self = &from;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_worker(&from);
    close_worker(&to);
    close(peer);
    return 0;
}

static void pass(struct worker *w)
{
    event_base_loop(w->base, EVLOOP_ONCE);
    rc_wheel_advance(&w->wheel, rc_clock_now());
    while (rc_net_turn(w->net))
        continue;
}

/* Turns the worker's loop until the condition holds, 5 s at most. */
#define UNTIL(w, condition)                                                                                            \
    do {                                                                                                               \
        for (rc_time end = rc_clock_now() + 5000 * RC_MS; !(condition);) {                                             \
            assert_true(rc_clock_now() < end);                                                                         \
            pass(w);                                                                                                   \
        }                                                                                                              \
    } while (0)

static void say(const char *text)
{
    assert_int_equal(write(peer, text, strlen(text)), strlen(text));
}

/* Reads what is there. */
static size_t hear(char *into, size_t size)
{
    ssize_t n = read(peer, into, size);
    return n > 0 ? (size_t)n : 0;
}

static void arrives(void)
{
    rc_net_arrive(to.net, moved);
    moved->user = &user;
    moved->self = &to;
}

/* What stands in front, then what was not used, then what comes; in the end the other worker is told. */
static void test_input_in_order(void **state)
{
    (void)state;
    front = "HEAD ";
    say("xabc");
    UNTIL(&from, moved);
    assert_ptr_equal(moved, stream);
    assert_int_equal(moved_to, 7);
    assert_string_equal(from.got, "x");
    assert_int_equal(from.values[GM_CONNECTIONS], 0);
    assert_int_equal(rc_net_count(from.net), 0);
    say("def");
    arrives();
    assert_int_equal(rc_net_count(to.net), 1);
    UNTIL(&to, strlen(to.got) == 11);
    assert_string_equal(to.got, "HEAD abcdef");
    assert_int_equal(to.values[GM_CONNECTIONS], 1);
    assert_int_equal(from.values[GM_CONNECTIONS_TOTAL] + to.values[GM_CONNECTIONS_TOTAL], 1);
    shutdown(peer, SHUT_WR);
    UNTIL(&to, to.closes);
    assert_int_equal(to.why, RC_CLOSE_PEER);
    assert_int_equal(from.closes, 0);
    assert_int_equal(from.values[GM_CLOSED + RC_CLOSE_PEER], 0);
}

/* A paused connection, from a callback that is not its input's. */
static void test_paused(void **state)
{
    (void)state;
    struct rc_buf *bytes = rc_buf_copy("front ", 6);
    rc_stream_pause(stream, true);
    say("abc");
    pass(&from);
    rc_net_move(stream, bytes, 1);
    rc_buf_rele(bytes);
    UNTIL(&from, moved);
    arrives();
    UNTIL(&to, strlen(to.got) == 9);
    assert_string_equal(to.got, "front abc");
}

/* Output that the client has not taken goes with it, also when the kernel was full. */
static void test_queued_output(void **state)
{
    (void)state;
    static char much[400000], heard[sizeof much + 4];
    size_t len = 0;
    memset(much, 'm', sizeof much);
    rc_stream_send(stream, rc_buf_copy(much, sizeof much));
    pass(&from);
    assert_true(stream->queued > 0); /* waits for the client */
    size_t queued = stream->queued;
    front = "";
    say("x");
    UNTIL(&from, moved);
    assert_int_equal(moved->queued, queued);
    assert_int_equal(from.values[GM_QUEUE_BYTES], 0);
    arrives();
    rc_stream_send(moved, rc_buf_copy("last", 4));
    UNTIL(&to, (len += hear(heard + len, sizeof heard - len)) == sizeof heard);
    assert_memory_equal(heard, much, sizeof much);
    assert_memory_equal(heard + sizeof much, "last", 4);
    assert_int_equal(moved->queued, 0);
    UNTIL(&to, to.values[GM_QUEUE_BYTES] == 0);
}

/* Sent in the same pass, before it leaves. */
static void test_unwritten_output(void **state)
{
    (void)state;
    char heard[8] = "";
    rc_stream_send(stream, rc_buf_copy("bye", 3));
    struct rc_buf *bytes = rc_buf_copy("", 0);
    rc_net_move(stream, bytes, 1);
    rc_buf_rele(bytes);
    rc_stream_send(stream, rc_buf_copy("late", 4)); /* dropped: its user has left it */
    UNTIL(&from, moved);
    arrives();
    UNTIL(&to, hear(heard, sizeof heard) == 3);
    assert_string_equal(heard, "bye");
}

/* The client's end is seen where it arrives. */
static void test_gone_on_the_way(void **state)
{
    (void)state;
    front = "front ";
    say("xabc");
    UNTIL(&from, moved);
    shutdown(peer, SHUT_WR);
    arrives();
    UNTIL(&to, to.closes);
    assert_string_equal(to.got, "front abc");
    assert_int_equal(to.why, RC_CLOSE_PEER);
}

static void test_closed_before_it_leaves(void **state)
{
    (void)state;
    struct rc_buf *bytes = rc_buf_copy("front", 5);
    rc_net_move(stream, bytes, 1);
    rc_net_close_all(from.net, RC_CLOSE_SHUTDOWN);
    UNTIL(&from, from.values[GM_CLOSED + RC_CLOSE_SHUTDOWN] == 1);
    assert_null(moved);
    assert_int_equal(from.closes, 0); /* its user had left it */
    assert_int_equal(bytes->refs, 1);
    rc_buf_rele(bytes);
}

/* A connection that is closing already does not move, and its user hears no more. */
static void test_move_of_the_closing(void **state)
{
    (void)state;
    struct rc_buf *bytes = rc_buf_copy("front", 5);
    rc_stream_close(stream, RC_CLOSE_HTTP_BAD);
    rc_net_move(stream, bytes, 1);
    rc_buf_rele(bytes);
    UNTIL(&from, from.values[GM_CLOSED + RC_CLOSE_HTTP_BAD] == 1);
    assert_null(moved);
    assert_int_equal(from.closes, 0);
}

static void test_discard(void **state)
{
    (void)state;
    char heard[8];
    rc_stream_send(stream, rc_buf_copy("never", 5));
    front = "front";
    say("xabc");
    UNTIL(&from, moved);
    rc_net_discard(moved);
    ssize_t n;
    while ((n = read(peer, heard, sizeof heard)) > 0)
        continue; /* what was written before */
    assert_true(n == 0 || errno == ECONNRESET);
    assert_int_equal(rc_net_count(from.net), 0);
}

/* The net ends with a connection that was about to leave. */
static void test_end_while_moving(void **state)
{
    (void)state;
    struct rc_buf *bytes = rc_buf_copy("front", 5);
    rc_net_move(stream, bytes, 1);
    rc_buf_rele(bytes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_input_in_order),      TEST(test_paused),          TEST(test_queued_output),
        TEST(test_unwritten_output),    TEST(test_gone_on_the_way), TEST(test_closed_before_it_leaves),
        TEST(test_move_of_the_closing), TEST(test_discard),         TEST(test_end_while_moving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
