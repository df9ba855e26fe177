/* Client connections over real sockets: order, bounds, pauses and ends. */
#include "gateway/net/net.h"

#include "clock.h"
#include "log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { QUEUE_MAX = 1 << 20 };

static struct event_base *base;
static struct event *tick;
static struct rc_wheel wheel;
static rc_gateway_values values;
static struct rc_net *net;
static int peer = -1; /* the client's end */
static struct rc_stream *stream;
static char got[1 << 17]; /* what the user saw */
static size_t got_len, use_at_most, drains, closes;
static enum rc_close why;
static bool pause_after;

static size_t on_input(void *self, struct rc_stream *s, uint8_t *data, size_t len)
{
    (void)self;
    if (len > use_at_most)
        len = use_at_most;
    memcpy(got + got_len, data, len);
    got_len += len;
    if (pause_after)
        rc_stream_pause(s, true);
    return len;
}

static void on_drained(void *self, struct rc_stream *s)
{
    (void)self;
    (void)s;
    drains++;
}

static void on_closed(void *self, enum rc_close reason)
{
    (void)self;
    closes++;
    why = reason;
    stream = NULL;
}

static const struct rc_stream_user user = {on_input, on_drained, on_closed};

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static int setup(void **state)
{
    static const struct timeval every = {0, 10000};
    int pair[2];
    (void)state;
    base = event_base_new();
    tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
    event_add(tick, &every);
    rc_wheel_init(&wheel, rc_clock_now());
    memset(values, 0, sizeof(values));
    net = rc_net_new(&(struct rc_net_config){.base = base,
                                             .wheel = &wheel,
                                             .values = values,
                                             .queue_max = QUEUE_MAX,
                                             .pass_us = 20 * RC_MS,
                                             .pass_bytes = 4 << 20});
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    peer = pair[0];
    got_len = drains = closes = 0;
    use_at_most = sizeof(got);
    pause_after = false;
    stream = rc_net_adopt(net, pair[1], NULL);
    stream->user = &user;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rc_net_free(net);
    assert_int_equal(closes, 1);
    assert_int_equal(values[GM_CONNECTIONS], 0);
    assert_int_equal(values[GM_CLOSED + why], 1);
    if (peer >= 0)
        close(peer);
    event_free(tick);
    event_base_free(base);
    return 0;
}

/* Turns the loop until the condition holds, 5 s at most. */
#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        for (rc_time end = rc_clock_now() + 5000 * RC_MS; !(condition);) {                                             \
            assert_true(rc_clock_now() < end);                                                                         \
            pass();                                                                                                    \
        }                                                                                                              \
    } while (0)

static void pass(void)
{
    event_base_loop(base, EVLOOP_ONCE);
    rc_wheel_advance(&wheel, rc_clock_now());
    while (rc_net_turn(net))
        continue;
}

static void say(const void *data, size_t len)
{
    assert_int_equal(write(peer, data, len), len);
}

/* Reads what is there; true at the end of the stream. */
static bool hear(char *into, size_t size, size_t *len)
{
    ssize_t n = read(peer, into + *len, size - *len);
    if (n > 0)
        *len += (size_t)n;
    return n == 0;
}

static void test_echo_of_bytes(void **state)
{
    (void)state;
    char heard[64];
    size_t len = 0;
    say("hello", 5);
    UNTIL(got_len == 5);
    assert_memory_equal(got, "hello", 5);
    for (int i = 0; i < 10; i++)
        rc_stream_send(stream, rc_buf_copy(&(char){(char)('0' + i)}, 1));
    assert_int_equal(stream->queued, 10);
    UNTIL(len == 10 || hear(heard, sizeof(heard), &len));
    assert_memory_equal(heard, "0123456789", 10);
    assert_int_equal(values[GM_WRITES], 1); /* one system call for all of a pass */
    assert_int_equal(stream->queued, 0);
}

static size_t count_input(void *self, struct rc_stream *s, uint8_t *data, size_t len)
{
    (void)s, (void)data;
    ++*(size_t *)self;
    return len;
}

static void count_end(void *self, enum rc_close reason)
{
    (void)self, (void)reason;
}

static const struct rc_stream_user counts = {count_input, NULL, count_end};

/* A net whose passes have had their share after one byte. */
static struct rc_net *open_strict(void)
{
    return rc_net_new(&(struct rc_net_config){
        .base = base, .wheel = &wheel, .values = values, .pass_us = 1000 * RC_MS, .pass_bytes = 1});
}

/* A connection to it on which a byte waits, what is read of it counted in *read. Returns the client's end. */
static int join_strict(struct rc_net *strict, size_t *read)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    struct rc_stream *s = rc_net_adopt(strict, pair[1], NULL);
    s->user = &counts;
    s->self = read;
    assert_int_equal(write(pair[0], "x", 1), 1);
    return pair[0];
}

static void close_strict(struct rc_net *strict, const int *client, int clients)
{
    rc_net_free(strict);
    memset(values, 0, sizeof values);
    values[GM_CONNECTIONS] = 1; /* that of the fixture */
    for (int i = 0; i < clients; i++)
        close(client[i]);
}

/* A pass that has had its share leaves the input of the other connections to the next. */
static void test_share_of_a_pass(void **state)
{
    enum { CONNECTIONS = 100 };
    size_t read = 0;
    int client[CONNECTIONS];
    struct rc_net *strict = open_strict();
    (void)state;
    for (int i = 0; i < CONNECTIONS; i++)
        client[i] = join_strict(strict, &read);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        while (read == i)
            event_base_loop(base, EVLOOP_ONCE);
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        assert_int_equal(read, i + 1);
        rc_net_turn(strict);
    }
    close_strict(strict, client, CONNECTIONS);
}

/* Those who always have more to say, and came first, do not keep the others from being read. */
static void test_the_loud_leave_their_turn_to_the_quiet(void **state)
{
    enum { CONNECTIONS = 10, LOUD = 9 };
    size_t read[CONNECTIONS] = {0};
    int client[CONNECTIONS];
    struct rc_net *strict = open_strict();
    (void)state;
    for (int i = 0; i < CONNECTIONS; i++)
        client[i] = join_strict(strict, &read[i]);
    for (unsigned passes = 0; !read[LOUD]; passes++) {
        assert_in_range(passes, 0, 50 * CONNECTIONS); /* by chance in all but 1 of 10^22 runs */
        event_base_loop(base, EVLOOP_ONCE);
        for (int i = 0; i < LOUD; i++)
            assert_int_equal(write(client[i], "x", 1), 1);
        rc_net_turn(strict);
    }
    close_strict(strict, client, CONNECTIONS);
}

/* What the user does not take is shown again with more. */
static void test_unused_input_is_kept(void **state)
{
    (void)state;
    use_at_most = 0;
    say("abc", 3);
    for (int i = 0; i < 3; i++)
        pass();
    assert_int_equal(got_len, 0);
    use_at_most = 100;
    say("def", 3);
    UNTIL(got_len == 6);
    assert_memory_equal(got, "abcdef", 6);
}

static void test_pause(void **state)
{
    (void)state;
    static char much[100000];
    memset(much, 'x', sizeof(much));
    use_at_most = 10;
    pause_after = true;
    say(much, sizeof(much));
    UNTIL(got_len == 10);
    for (int i = 0; i < 5; i++)
        pass();
    assert_int_equal(got_len, 10); /* paused: the rest waits, here or in the kernel */
    pause_after = false;
    use_at_most = sizeof(got);
    rc_stream_pause(stream, false);
    UNTIL(got_len == sizeof(much));
    assert_false(stream->closing);
}

static void test_slow_client_is_closed(void **state)
{
    (void)state;
    size_t sent = 0;
    while (stream && !stream->closing) { /* nobody reads at the other end */
        rc_stream_send(stream, rc_buf_new(10000));
        sent += 10000;
        assert_true(sent < (size_t)100 * QUEUE_MAX);
        if (sent % 100000 == 0)
            rc_net_turn(net);
        if (stream)
            assert_true(stream->queued <= QUEUE_MAX);
    }
    UNTIL(closes);
    assert_int_equal(why, RC_CLOSE_SLOW);
    assert_true(sent > QUEUE_MAX);
    assert_int_equal(values[GM_QUEUE_BYTES], 0);
}

/* A burst in one pass is not slowness: the kernel is asked before the bound is called. */
static void test_burst(void **state)
{
    (void)state;
    static char heard[2 << 20];
    size_t len = 0;
    int size = 4 << 20;
    socklen_t option = sizeof(size);
    setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &size, option);
    rc_stream_send(stream, rc_buf_new(QUEUE_MAX * 3 / 2)); /* alone: above the bound is let in */
    assert_false(stream->closing);
    UNTIL(len == QUEUE_MAX * 3 / 2 || hear(heard, sizeof(heard), &len));
    UNTIL(drains == 1);
    assert_false(stream->closing);
}

static void test_close_flushes(void **state)
{
    (void)state;
    static char heard[1 << 20], block[600000];
    size_t len = 0;
    bool over = false;
    memset(block, 'b', sizeof(block));
    rc_stream_send(stream, rc_buf_copy(block, sizeof(block)));
    rc_stream_send(stream, rc_buf_copy("last", 4));
    rc_stream_close(stream, RC_CLOSE_HTTP_DONE);
    rc_stream_close(stream, RC_CLOSE_PEER);         /* the first reason counts */
    rc_stream_send(stream, rc_buf_copy("late", 4)); /* dropped */
    UNTIL(closes);
    assert_int_equal(why, RC_CLOSE_HTTP_DONE);
    UNTIL(over || (over = hear(heard, sizeof(heard), &len)));
    assert_int_equal(len, sizeof(block) + 4);
    assert_memory_equal(heard + len - 4, "last", 4);
    assert_int_equal(rc_net_count(net), 1); /* lingers for our FIN */
    close(peer);
    peer = -1;
    UNTIL(rc_net_count(net) == 0);
}

/* A client that never closes its end is cut. */
static void test_linger_ends(void **state)
{
    (void)state;
    rc_time began = rc_clock_now();
    rc_stream_close(stream, RC_CLOSE_HTTP_DONE);
    UNTIL(closes && rc_net_count(net) == 0);
    assert_true(rc_clock_now() - began >= RC_NET_LINGER_US - 2 * RC_WHEEL_TICK);
}

static void test_peer_closes(void **state)
{
    (void)state;
    say("bye", 3);
    close(peer);
    peer = -1;
    UNTIL(closes);
    assert_int_equal(why, RC_CLOSE_PEER);
    assert_int_equal(got_len, 3);
    UNTIL(rc_net_count(net) == 0);
}

static void test_write_to_the_dead(void **state)
{
    (void)state;
    close(peer);
    peer = -1;
    rc_stream_pause(stream, true); /* so that only the write can notice */
    rc_stream_send(stream, rc_buf_copy("x", 1));
    UNTIL(closes);
    assert_int_equal(why, RC_CLOSE_ERROR);
}

/* A paused stream hears of the peer's end only if it wants to, and then without reading what lies before it. */
static void test_watched_end(void **state)
{
    (void)state;
    stream->watched = true;
    rc_stream_pause(stream, true);
    say("more", 4);
    for (int i = 0; i < 3; i++)
        pass();
    assert_int_equal(closes, 0);
    shutdown(peer, SHUT_WR);
    UNTIL(closes);
    assert_int_equal(why, RC_CLOSE_PEER);
    assert_int_equal(got_len, 0);
}

/* libevent shows a reset otherwise than a FIN. */
static void test_watched_reset(void **state)
{
    (void)state;
    rc_stream_send(stream, rc_buf_copy("x", 1)); /* a peer that goes without having read it resets the connection */
    pass();
    stream->watched = true;
    rc_stream_pause(stream, true);
    close(peer);
    peer = -1;
    UNTIL(closes);
    assert_int_equal(why, RC_CLOSE_ERROR);
    UNTIL(rc_net_count(net) == 0);
}

static void test_watched_and_read_again(void **state)
{
    (void)state;
    stream->watched = true;
    rc_stream_pause(stream, true);
    say("abc", 3);
    pass();
    rc_stream_pause(stream, false);
    UNTIL(got_len == 3);
    say("def", 3);
    UNTIL(got_len == 6);
    assert_memory_equal(got, "abcdef", 6);
}

/* What one connection's end writes to standard error; debug: from when it came. */
static const char *story(bool debug)
{
    static char caught[1024];
    struct sockaddr_in from = {
        .sin_family = AF_INET, .sin_port = htons(4711), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rc_net *other = rc_net_new(
        &(struct rc_net_config){.base = base, .wheel = &wheel, .values = values, .pass_us = RC_MS, .pass_bytes = 1});
    static const struct rc_stream_user nobody = {on_input, NULL, count_end};
    int pair[2], out[2], kept = dup(STDERR_FILENO);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe2(out, O_NONBLOCK), 0);
    rc_log_init(debug ? RC_DEBUG : RC_INFO, false, "g");
    rc_net_adopt(other, pair[1], (struct sockaddr *)&from)->user = &nobody;
    rc_log_init(RC_DEBUG, false, "g");
    dup2(out[1], STDERR_FILENO);
    rc_net_free(other);
    dup2(kept, STDERR_FILENO);
    ssize_t len = read(out[0], caught, sizeof(caught) - 1);
    caught[len > 0 ? len : 0] = '\0';
    rc_log_init(RC_INFO, false, "g");
    close(kept), close(out[0]), close(out[1]), close(pair[0]);
    memset(values, 0, sizeof(values));
    values[GM_CONNECTIONS] = 1; /* that of the fixture */
    return caught;
}

/* Who it was is kept only if it will be told. */
static void test_ends_are_logged(void **state)
{
    (void)state;
    assert_non_null(strstr(story(true), "client-closed peer=127.0.0.1:4711 in=0 out=0 age_s=0 reason="));
    assert_non_null(strstr(story(false), "client-closed out=0 reason="));
}

static void test_close_all(void **state)
{
    (void)state;
    rc_net_close_all(net, RC_CLOSE_FENCED);
    UNTIL(closes);
    assert_int_equal(why, RC_CLOSE_FENCED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_echo_of_bytes),
        TEST(test_share_of_a_pass),
        TEST(test_the_loud_leave_their_turn_to_the_quiet),
        TEST(test_unused_input_is_kept),
        TEST(test_pause),
        TEST(test_slow_client_is_closed),
        TEST(test_burst),
        TEST(test_close_flushes),
        TEST(test_linger_ends),
        TEST(test_peer_closes),
        TEST(test_write_to_the_dead),
        TEST(test_watched_end),
        TEST(test_watched_reset),
        TEST(test_watched_and_read_again),
        TEST(test_ends_are_logged),
        TEST(test_close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
