/* Requests whose session is not in the worker that they reached: two whole workers of a gateway, and a link loop that moves
 * connections between them. */
#include "worker_world.h"

#define GATEWAY "gateway-1"
#define GUEST   (RC_RELAY_GUEST | 1) /* of worker 0 */

static struct rc_worker *worker[2];

/* router_desk.c */
static bool link_loop(void *host, struct rc_up *up)
{
    post(host, up);
    if (up->kind == RC_UP_MOVE)
        rc_worker_post(worker[up->worker], &(struct rc_down){.kind = RC_DOWN_ARRIVE, .connection = up->connection}, 0);
    return true;
}

static struct rc_worker *make_worker(unsigned index)
{
    struct rc_worker_config c = config();
    char error[128] = "";
    int code;
    c.index = index;
    c.workers = 2;
    c.gateway = rc_sid_gateway(GATEWAY);
    c.uplink.post = link_loop;
    return rc_worker_new(&c, &code, error, sizeof(error));
}

static int setup(void **state)
{
    (void)state;
    posts = 0;
    worker[0] = make_worker(0);
    worker[1] = make_worker(1);
    return worker[0] && worker[1] && rc_worker_start(worker[0]) && rc_worker_start(worker[1]) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        rc_worker_stop(worker[i]);
    for (unsigned i = 0; i < 2; i++)
        rc_worker_free(worker[i]);
    return 0;
}

static uint64_t value(unsigned i, size_t metric)
{
    return rc_metric_get(&rc_worker_values(worker[i])[metric]);
}

/* Clients */

/* A session on long-polling in this worker. */
static void shake_hands(unsigned i, char sid[RC_SID_LEN + 1])
{
    char text[RC_SID_LEN + 1];
    int fd = dial(worker[i]);
    SAY(fd, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(fd, "0{\"sid\":\"");
    for (size_t n = 0; n < RC_SID_LEN; n++)
        assert_int_equal(recv(fd, &text[n], 1, 0), 1);
    text[RC_SID_LEN] = '\0';
    memcpy(sid, text, sizeof text);
    close(fd);
}

/* What asks for the session to enter the namespace. */
static void post_connect(char *out, size_t size, const char *sid)
{
    snprintf(out, size,
             "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n40", sid);
}

static void poll_session(char *out, size_t size, const char *sid)
{
    snprintf(out, size, "GET /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", sid);
}

static void sid_of(const char *gateway, unsigned at, char out[RC_SID_LEN + 1])
{
    struct rc_sid sid = {.gateway = rc_sid_gateway(gateway), .worker = (uint8_t)at};
    rc_sid_write(&sid, out);
}

/* The edge of a guest */

static void edge_opens(const char *request)
{
    struct rc_relay relay = {.kind = RC_RELAY_OPEN, .stream = GUEST, .data = rc_buf_copy(request, strlen(request))};
    rc_worker_post(worker[0], &(struct rc_down){.kind = RC_DOWN_RELAY, .relay = relay}, 0);
}

/* The first CLOSE that was posted of any relay. */
static struct rc_relay await_close(void)
{
    for (unsigned nth = 1;; nth++) {
        struct rc_relay relay = await(RC_UP_RELAY, nth).relay;
        if (relay.kind == RC_RELAY_CLOSE)
            return relay;
    }
}

/* One connection, three requests sent at once: it goes over, back, and over again, and nothing is lost or answered twice. */
static void test_move(void **state)
{
    char sid[2][RC_SID_LEN + 1], text[3][256], all[768];
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        shake_hands(i, sid[i]);
    post_connect(text[0], sizeof text[0], sid[0]);
    post_connect(text[1], sizeof text[1], sid[1]);
    poll_session(text[2], sizeof text[2], sid[0]);
    int n = snprintf(all, sizeof all, "%s%s%s", text[0], text[1], text[2]);
    int fd = dial(worker[1]);
    say(fd, all, (size_t)n);
    hear(fd, "\r\n\r\nok");
    hear(fd, "\r\n\r\nok");
    for (unsigned i = 1; i <= 2; i++) {
        struct rc_up up = await(RC_UP_CONNECT, i);
        assert_int_equal(RC_SOCKET_WORKER(up.socket), i - 1);
        rc_worker_post(worker[i - 1], &(struct rc_down){.kind = RC_DOWN_OPENED, .socket = up.socket}, 0);
    }
    hear(fd, "40{\"sid\":\""); /* the answer to the poll */
    assert_int_equal(value(0, GM_MOVED), 1);
    assert_int_equal(value(1, GM_MOVED), 2);
    assert_int_equal(await(RC_UP_MOVE, 3).worker, 0);
    close(fd);
}

static void test_worker_that_is_not(void **state)
{
    char sid[RC_SID_LEN + 1], text[256];
    (void)state;
    sid_of(GATEWAY, 2, sid);
    poll_session(text, sizeof text, sid);
    int fd = dial(worker[0]);
    say(fd, text, strlen(text));
    hear(fd, "Session ID unknown");
    close(fd);
}

/* Its new worker has begun its end: it is closed like the others there, and the client connects again elsewhere. */
static void test_move_to_a_worker_that_ends(void **state)
{
    char sid[RC_SID_LEN + 1], text[256];
    (void)state;
    shake_hands(1, sid);
    poll_session(text, sizeof text, sid);
    int lingers = dial(worker[1]), fd = dial(worker[0]);
    SAY(lingers, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(lingers, "404 Not Found"); /* it is accepted; until it closes the worker waits for it */
    rc_worker_end(worker[1]);
    assert_true(hear_end(lingers));
    say(fd, text, strlen(text));
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0); /* no answer */
    close(lingers);
    close(fd);
}

/* A gateway that relays a request to a worker other than its session's (it has the secret, and lies): a stream of no socket cannot
 * move. */
static void test_guest_cannot_move(void **state)
{
    char sid[RC_SID_LEN + 1], text[256];
    (void)state;
    sid_of(GATEWAY, 1, sid);
    poll_session(text, sizeof text, sid);
    edge_opens(text);
    struct rc_relay close = await_close();
    assert_int_equal(close.stream, GUEST);
    assert_int_equal(close.why, RC_CLOSE_HTTP_BAD);
    assert_int_equal(value(0, GM_MOVED), 0);
}

/* A guest's answer goes out without waiting for other events, and its poll ends with the worker. */
static void test_guest(void **state)
{
    char sid[RC_SID_LEN + 1], text[256];
    (void)state;
    shake_hands(0, sid);
    poll_session(text, sizeof text, sid);
    edge_opens(text);
    while (value(0, GM_GUESTS) == 0)
        assert_true(rc_worker_turned(worker[0]) > 0);
    rc_worker_end(worker[0]);
    assert_int_equal(await(RC_UP_RELAY, 1).relay.kind, RC_RELAY_DATA); /* the session's last word */
    assert_int_equal(await_close().stream, GUEST);
    rc_worker_stop(worker[0]);
    assert_int_equal(value(0, GM_GUESTS), 0);
}

/* Clients whose session another gateway has are closed with the worker, and their homes hear it. */
static void test_edge_ends_with_the_worker(void **state)
{
    char sid[RC_SID_LEN + 1], text[256];
    (void)state;
    sid_of("gateway-2", 0, sid);
    poll_session(text, sizeof text, sid);
    int fd = dial(worker[0]);
    say(fd, text, strlen(text));
    struct rc_relay open = await(RC_UP_RELAY, 1).relay;
    assert_int_equal(open.kind, RC_RELAY_OPEN);
    assert_int_equal(open.sid.gateway, rc_sid_gateway("gateway-2"));
    rc_worker_end(worker[0]);
    assert_true(hear_end(fd));
    close(fd);
    assert_int_equal(await_close().stream, open.stream);
    rc_worker_stop(worker[0]);
    assert_int_equal(value(0, GM_RELAYED), 0);
}

/* A session on long-polling ends with its worker though no connection holds it. */
static void test_polling_ends_with_the_worker(void **state)
{
    char sid[RC_SID_LEN + 1], text[256];
    (void)state;
    shake_hands(0, sid);
    post_connect(text, sizeof text, sid);
    int fd = dial(worker[0]);
    say(fd, text, strlen(text));
    await(RC_UP_CONNECT, 1);
    hear(fd, "\r\n\r\nok");
    close(fd);
    rc_worker_stop(worker[0]);
    await(RC_UP_DISCONNECT, 1);
    assert_int_equal(value(0, GM_POLLING), 0);
}

/* What nobody takes any more is freed with the mailbox. */
static void test_mail_of_the_dead(void **state)
{
    char sid[RC_SID_LEN + 1], text[256];
    (void)state;
    shake_hands(1, sid);
    poll_session(text, sizeof text, sid);
    rc_worker_stop(worker[1]);
    int fd = dial(worker[0]);
    say(fd, text, strlen(text));
    await(RC_UP_MOVE, 1);
    struct rc_relay relay = {.kind = RC_RELAY_OPEN, .stream = (uint64_t)1 << 48 | GUEST, .data = rc_buf_copy("GET", 3)};
    rc_worker_post(worker[1], &(struct rc_down){.kind = RC_DOWN_RELAY, .relay = relay}, 3);
    rc_worker_stop(worker[0]);
    rc_worker_free(worker[1]);
    assert_true(hear_end(fd));
    close(fd);
    rc_worker_free(worker[0]);
    setup(NULL); /* for teardown */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_move),
        TEST(test_worker_that_is_not),
        TEST(test_move_to_a_worker_that_ends),
        TEST(test_guest_cannot_move),
        TEST(test_guest),
        TEST(test_edge_ends_with_the_worker),
        TEST(test_polling_ends_with_the_worker),
        TEST(test_mail_of_the_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
