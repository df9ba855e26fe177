/* A whole worker on its thread: a raw client on one side, a recorded link loop on the other. */
#include "worker_world.h"

#include "exit.h"
#include "gateway/sio/payload.h"

static struct rc_worker *worker;
static char query_answer[32];

static void on_rows(void *self, const struct rc_buf *side)
{
    struct rc_response *response = self;
    snprintf(query_answer, sizeof(query_answer), "%.*s", side ? (int)side->len : 0,
             side ? (const char *)side->data : "");
    if (!side)
        snprintf(query_answer, sizeof(query_answer), "nobody");
    rc_response_full(response, 200, "text/plain", NULL, query_answer, strlen(query_answer));
}

static void on_ask(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self, (void)request;
    rc_worker_query(worker, rc_buf_copy("question", 8), on_rows, response);
}

static int setup(void **state)
{
    struct rc_worker_config c = config();
    char error[128] = "";
    int code;
    (void)state;
    posts = 0;
    worker = rc_worker_new(&c, &code, error, sizeof(error));
    if (!worker)
        return -1;
    rc_http_route(rc_worker_http(worker), "GET", "/ask", on_ask, NULL);
    return rc_worker_start(worker) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rc_worker_stop(worker);
    rc_worker_free(worker);
    return 0;
}

static int open_session(void)
{
    int fd = dial(worker);
    SAY(fd,
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        "\x81\x82\0\0\0\0"
        "40");
    hear(fd, "\"maxPayload\":1000000}");
    return fd;
}

static void down(struct rc_down d)
{
    assert_true(rc_worker_post(worker, &d, 0));
}

static struct rc_down delivery(const char *text)
{
    return (struct rc_down){.kind = RC_DOWN_DELIVER,
                            .msg = {.room = rc_buf_copy("/,all", 5), .payload = rc_payload_text(text, strlen(text))}};
}

static void test_deliver_and_barrier(void **state)
{
    (void)state;
    int barrier, one = open_session(), two = open_session();
    for (unsigned i = 1; i <= 2; i++)
        down((struct rc_down){.kind = RC_DOWN_OPENED, .socket = await(RC_UP_CONNECT, i).socket});
    hear(one, "0{\"sid\":\"");
    hear(two, "0{\"sid\":\"");
    down(delivery("2[\"first\"]"));
    down(delivery("2[\"second\"]"));
    down((struct rc_down){.kind = RC_DOWN_BARRIER, .barrier = &barrier});
    assert_ptr_equal(await(RC_UP_PASSED, 1).barrier, &barrier);
    assert_int_equal(rc_metric_get(&rc_worker_values(worker)[GM_COPIES_OUT]), 4); /* before PASSED was posted */
    hear(one, "42[\"first\"]\x81\x0c"
              "42[\"second\"]");
    hear(two, "42[\"first\"]\x81\x0c"
              "42[\"second\"]");
    close(one);
    await(RC_UP_DISCONNECT, 1);
    close(two);
    await(RC_UP_DISCONNECT, 2);
}

static void test_fence_closes_sockets_only(void **state)
{
    (void)state;
    int waiting = open_session(), web = dial(worker);
    await(RC_UP_CONNECT, 1);
    SAY(web, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n");
    struct rc_up query = await(RC_UP_QUERY, 1);
    down((struct rc_down){.kind = RC_DOWN_FENCED});
    assert_true(hear_end(waiting));
    await(RC_UP_DISCONNECT, 1);
    assert_int_equal(rc_metric_get(&rc_worker_values(worker)[GM_CLOSED + RC_CLOSE_FENCED]), 1);
    down((struct rc_down){.kind = RC_DOWN_ROWS, .query = query.query, .side = rc_buf_copy("rows", 4)});
    hear(web, "\r\n\r\nrows");
    close(waiting);
    close(web);
}

/* The handler's response outlives its client, and the worker's end answers what is open. */
static void test_query_outlives_client(void **state)
{
    (void)state;
    int web = dial(worker);
    SAY(web, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n");
    await(RC_UP_QUERY, 1);
    close(web);
    rc_worker_stop(worker);
    query_answer[0] = 0;
    rc_worker_free(worker);
    assert_string_equal(query_answer, "nobody");
    setup(NULL); /* for teardown */
}

static void test_stop_disconnects(void **state)
{
    (void)state;
    int fd = open_session();
    await(RC_UP_CONNECT, 1);
    close(fd); /* or the worker lingers for our FIN */
    rc_worker_stop(worker);
    await(RC_UP_DISCONNECT, 1);
}

/* Ends of sockets that were told to go, without a Socket.IO DISCONNECT ("41") in front. */
static void hear_transport_end(int fd)
{
    char got[256];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof(got) && (n = recv(fd, got + len, sizeof(got) - len, 0)) > 0)
        len += (size_t)n;
    assert_null(memmem(got, len, "41", 2));
    assert_memory_equal(got, "\x88\0", 2); /* a close frame alone */
    close(fd);
}

static void test_drain_closes_some(void **state)
{
    (void)state;
    int fd[3];
    for (unsigned i = 0; i < 3; i++) {
        fd[i] = open_session();
        down((struct rc_down){.kind = RC_DOWN_OPENED, .socket = await(RC_UP_CONNECT, i + 1).socket});
        hear(fd[i], "\"}"); /* the answer to its CONNECT */
    }
    assert_int_equal(rc_worker_clients(worker), 3);
    rc_worker_drain(worker, 2);
    hear_transport_end(fd[0]);
    hear_transport_end(fd[1]);
    await(RC_UP_DISCONNECT, 2);
    assert_int_equal(rc_worker_clients(worker), 1);
    assert_int_equal(rc_metric_get(&rc_worker_values(worker)[GM_CLOSED + RC_CLOSE_SHUTDOWN]), 2);
    down(delivery("2[\"still\"]")); /* who is left is served */
    hear(fd[2], "42[\"still\"]");
    rc_worker_drain(worker, 5);
    hear_transport_end(fd[2]);
    await(RC_UP_DISCONNECT, 3);
    while (rc_worker_clients(worker))
        usleep(1000);
    assert_false(rc_worker_ended(worker)); /* it still passes barriers */
    int barrier;
    down((struct rc_down){.kind = RC_DOWN_BARRIER, .barrier = &barrier});
    await(RC_UP_PASSED, 1);
}

static void test_drain_takes_nobody(void **state)
{
    (void)state;
    int late = open_session(), again = dial(worker), web = dial(worker);
    uint16_t port = rc_worker_port(worker);
    await(RC_UP_CONNECT, 1);
    SAY(web, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(web, "Not Found");
    rc_worker_drain(worker, 0);
    down((struct rc_down){.kind = RC_DOWN_BARRIER});
    await(RC_UP_PASSED, 1); /* so it has taken that */
    SAY(web, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(web, "Connection: close");
    assert_true(hear_end(web));
    SAY(again, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(again, "HTTP/1.1 503 ");
    hear(again, "Connection: close");
    assert_true(hear_end(again));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0); /* nobody listens */
    SAY(late, "\x81\x84\0\0\0\0"
              "40/x");
    assert_true(hear_end(late)); /* a CONNECT, even to a namespace that does not exist */
    await(RC_UP_DISCONNECT, 1);
    close(fd);
    close(again);
    close(web);
    close(late);
}

static void test_mailbox_bound(void **state)
{
    struct rc_worker_config c = config();
    char error[128];
    int code;
    (void)state;
    struct rc_worker *still = rc_worker_new(&c, &code, error, sizeof(error)); /* not started: nobody takes its mail */
    struct rc_down d = delivery("2[]");
    assert_true(rc_worker_post(still, &d, (1 << 20) - 1000));
    d = delivery("2[]");
    assert_false(rc_worker_post(still, &d, 1 << 20)); /* and was not taken */
    rc_msg_rele(&d.msg);
    assert_true(rc_worker_post(still, &(struct rc_down){.kind = RC_DOWN_FENCED}, 0)); /* never refused */
    rc_worker_free(still);
}

static void test_port_in_use(void **state)
{
    struct rc_worker_config c = config();
    char address[32], error[128] = "";
    int code = 0;
    (void)state;
    snprintf(address, sizeof(address), "127.0.0.1:%u", rc_worker_port(worker));
    c.listen = address;
    assert_null(rc_worker_new(&c, &code, error, sizeof(error))); /* SO_REUSEPORT would share it */
    assert_int_equal(code, RC_EXIT_UNAVAILABLE);
    assert_non_null(strstr(error, address));
    c.index = 1; /* another worker of this process does */
    struct rc_worker *second = rc_worker_new(&c, &code, error, sizeof(error));
    assert_non_null(second);
    rc_worker_free(second);
}

static void test_turns(void **state)
{
    (void)state;
    rc_time before = rc_clock_now();
    while (rc_worker_turned(worker) <= before) /* an idle worker turns by itself */
        assert_true(rc_clock_now() - before < 5000 * RC_MS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_deliver_and_barrier),
        TEST(test_fence_closes_sockets_only),
        TEST(test_query_outlives_client),
        TEST(test_stop_disconnects),
        TEST(test_drain_closes_some),
        TEST(test_drain_takes_nobody),
        TEST(test_mailbox_bound),
        TEST(test_port_in_use),
        TEST(test_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
