/* A whole worker on its thread: a raw client on one side, a recorded link loop on the other. */
#include "gateway/worker.h"

#include "clock.h"
#include "exit.h"
#include "gateway/sio/payload.h"

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

/* What the worker posted, waited for by kind. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct rc_up posted[64];
static unsigned posts;

static bool post(void *host, struct rc_up *up)
{
    (void)host;
    for (unsigned i = 0; i < up->rooms; i++)
        rc_buf_rele(up->room[i]);
    rc_buf_rele(up->side);
    pthread_mutex_lock(&lock);
    if (posts < 64)
        posted[posts++] = *up;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return true;
}

/* The nth post (from 1) of this kind; waits 5 s at most. */
static struct rc_up await(enum rc_up_kind kind, unsigned nth)
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

static const struct rc_app app = {NULL, enter, NULL, rele, rooms, NULL, event};
static const char *const nsp[] = {"/", NULL};
static struct rc_worker *worker;
static char query_answer[32];

static struct rc_worker_config config(void)
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

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {5, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_port = htons(rc_worker_port(worker));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void say(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}
#define SAY(fd, text) say(fd, text, sizeof(text) - 1)

/* Reads until the text has come; what came after it is lost. */
static void hear(int fd, const char *text)
{
    char got[4096] = "";
    size_t len = 0;
    while (!memmem(got, len, text, strlen(text))) {
        ssize_t n = recv(fd, got + len, 1, 0);
        if (n != 1 || ++len == sizeof(got))
            fail_msg("waited in vain for %s, heard %s", text, got);
    }
}

static bool hear_end(int fd)
{
    char byte;
    ssize_t n;
    while ((n = recv(fd, &byte, 1, 0)) == 1)
        continue;
    return n == 0;
}

static int open_session(void)
{
    int fd = dial();
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
    int waiting = open_session(), web = dial();
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
    int web = dial();
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
        TEST(test_mailbox_bound),
        TEST(test_port_in_use),
        TEST(test_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
