/* The admin listener: its paths, who may ask, its limits. A client thread asks while the loop runs here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "admin.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static struct rc_loop *loop;
static struct rc_admin *admin;
static bool is_ready, has_status, can_drain;
static unsigned drains;
static char answer[80000];
static char why[RC_ADMIN_WHY];

static bool ready(void *arg, char *text, size_t size)
{
    (void)arg;
    snprintf(text, size, "no broker is open");
    return is_ready;
}

static void metrics(void *arg, FILE *out)
{
    (void)arg;
    fputs("roomcast_test_x 1\n", out);
}

static char *status(void *arg)
{
    (void)arg;
    return has_status ? strdup("{\"name\":\"n\"}") : NULL;
}

static bool drain(void *arg)
{
    (void)arg;
    return drains++ == 0;
}

static struct rc_secret token(void)
{
    return (struct rc_secret){(unsigned char *)TOKEN, 32};
}

static uint64_t waiting[RC_ADMIN_CALLS + 1]; /* calls of /later, not answered */
static size_t waits;

static void reply(uint64_t call, unsigned code, const char *body)
{
    rc_admin_reply(admin, call, code, "text/plain", body, strlen(body));
}

static void ask_now(void *arg, uint64_t call, const struct rc_admin_query *query)
{
    char text[128];
    const char *who = rc_admin_parameter(query, "who");
    (void)arg;
    snprintf(text, sizeof text, "hello %s, %s", who ? who : "nobody", rc_admin_parameter(query, "x") ? "x" : "no x");
    reply(call, 200, text);
}

static void ask_later(void *arg, uint64_t call, const struct rc_admin_query *query)
{
    (void)arg;
    (void)query;
    if (waits < sizeof waiting / sizeof waiting[0])
        waiting[waits++] = call;
}

static const struct rc_admin_route routes[] = {{"/now", false, ask_now}, {"/later", true, ask_later}};

static enum rc_exit open_admin(struct rc_admin **out, const char *listen, const struct rc_secret *secret)
{
    const struct rc_admin_config config = {.listen = listen,
                                           .token = secret,
                                           .ready = ready,
                                           .metrics = metrics,
                                           .status = status,
                                           .drain = can_drain ? drain : NULL,
                                           .routes = routes,
                                           .route_count = 2};
    return rc_admin_new(out, loop, &config, why);
}

static int set_up(void **state)
{
    (void)state;
    is_ready = has_status = true;
    can_drain = false;
    loop = rc_loop_new();
    return open_admin(&admin, "127.0.0.1:0", NULL) == RC_EXIT_OK ? 0 : -1;
}

static int set_up_with_token(void **state)
{
    static struct rc_secret secret;
    (void)state;
    can_drain = true;
    drains = 0;
    secret = token();
    loop = rc_loop_new();
    is_ready = has_status = true;
    return open_admin(&admin, "127.0.0.1:0", &secret) == RC_EXIT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rc_admin_free(admin);
    rc_loop_free(loop);
    return 0;
}

static struct sockaddr_in admin_address(void)
{
    struct rc_addr addr;
    assert_null(rc_addr_parse(rc_admin_address(admin), &addr));
    assert_int_not_equal(addr.port, 0);
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(addr.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int dial(void)
{
    struct sockaddr_in to = admin_address();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static int done_fd;

struct script {
    void *(*run)(void *arg);
    void *arg;
};

static void *run_script(void *arg)
{
    struct script *script = arg;
    script->run(script->arg);
    uint64_t one = 1;
    (void)!write(done_fd, &one, sizeof one);
    return NULL;
}

static void script_done(void *arg)
{
    rc_loop_stop(arg);
}

/* Runs a script of the client in a thread of its own, and the loop here until that is done. */
static void with_loop(void *(*run)(void *arg), void *arg)
{
    pthread_t thread;
    struct script script = {run, arg};
    done_fd = eventfd(0, EFD_CLOEXEC);
    struct rc_watch *watch = rc_loop_fd(loop, done_fd, script_done, loop);
    pthread_create(&thread, NULL, run_script, &script);
    assert_true(rc_loop_run(loop));
    pthread_join(thread, NULL);
    rc_watch_free(watch);
    close(done_fd);
}

/* Everything until the peer closes. */
static void read_answer(int fd)
{
    size_t len = 0;
    ssize_t got;
    while (len < sizeof answer - 1 && (got = recv(fd, answer + len, sizeof answer - 1 - len, 0)) > 0) {
        len += (size_t)got;
    }
    answer[len] = '\0';
}

static void *exchange(void *request)
{
    int fd = dial();
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    read_answer(fd);
    close(fd);
    return NULL;
}

/* One request; `code` and `words` must be in the answer. */
static void ask(const char *request, const char *code, const char *words)
{
    char copy[20000];
    snprintf(copy, sizeof copy, "%s", request);
    with_loop(exchange, copy);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, code, 3) != 0 || !strstr(answer, words)) {
        fail_msg("%.80s\nexpected %s and \"%s\" in\n%s", request, code, words, answer);
    }
}

#define GET(path, more) "GET " path " HTTP/1.1\r\nHost: x\r\n" more "\r\n"

static void answers_its_paths(void **state)
{
    (void)state;
    ask(GET("/healthz", ""), "200", "\r\n\r\nok\n");
    ask(GET("/readyz", ""), "200", "\r\n\r\nready\n");
    ask(GET("/metrics", ""), "200", "\r\n\r\nroomcast_test_x 1\n");
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4\r\n"));
    ask(GET("/status?pretty", ""), "200", "\r\n\r\n{\"name\":\"n\"}\n");
    assert_non_null(strstr(answer, "Content-Type: application/json\r\n"));
}

static void tells_why_it_is_not_ready(void **state)
{
    (void)state;
    is_ready = has_status = false;
    ask(GET("/readyz", ""), "503", "\r\n\r\nno broker is open\n");
    ask(GET("/healthz", ""), "200", "ok");
    ask(GET("/status", ""), "500", "error");
}

static void answers_head_without_a_body(void **state)
{
    (void)state;
    ask("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200", "Content-Length: 3\r\n");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

static void refuses_other_paths_and_methods(void **state)
{
    (void)state;
    ask(GET("/", ""), "404", "/healthz");
    ask(GET("/status/", ""), "404", "");
    ask("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405", "Allow: GET, HEAD\r\n");
    ask("DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "405", "Allow: GET, HEAD\r\n");
    ask("PUT /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "404", "");
    ask(GET("/status", "Origin: http://evil.example\r\n"), "403", "web pages");
}

static void asks_for_the_token(void **state)
{
    (void)state;
    ask(GET("/healthz", ""), "200", "ok");
    ask(GET("/readyz", ""), "200", "ready");
    ask(GET("/status", ""), "401", "WWW-Authenticate: Bearer\r\n");
    ask(GET("/metrics", ""), "401", "operator token");
    ask(GET("/status", "Authorization: Bearer 0123456789abcdef0123456789abcdeX\r\n"), "401", "");
    ask(GET("/status", "Authorization: Bearer \r\n"), "401", "");
    ask(GET("/status", "Authorization: Basic " TOKEN "\r\n"), "401", "");
    ask(GET("/status", "Authorization: " TOKEN "\r\n"), "401", "");
    ask(GET("/status", "Authorization: Bearer " TOKEN "0\r\n"), "401", "");
    ask(GET("/status", "authorization: bearer " TOKEN "\r\n"), "200", "{\"name\"");
    ask(GET("/metrics", "Authorization: Bearer " TOKEN "\r\n"), "200", "roomcast_test_x");
}

#define POST(path, more) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" more "\r\n"
#define BEARER           "Authorization: Bearer " TOKEN "\r\n"

static void answers_paths_of_the_node(void **state)
{
    (void)state;
    ask(GET("/now", BEARER), "200", "hello nobody, no x");
    ask(GET("/now?x=1&who=a%20%26b", BEARER), "200", "hello a &b, x");
    ask(GET("/now?x", BEARER), "400", "query string");
    ask(GET("/now", ""), "401", "operator token");
    ask(POST("/now", BEARER), "405", "Allow: GET, HEAD\r\n");
    ask(GET("/later", BEARER), "405", "Allow: POST\r\n");
}

static void answer_one(void *arg)
{
    (void)arg;
    if (waits) {
        reply(waiting[--waits], 202, "at last");
        reply(waiting[waits], 200, "twice is once");
    }
}

static void answers_later(void **state)
{
    (void)state;
    waits = 0;
    struct rc_watch *tick = rc_loop_every(loop, 20, answer_one, NULL);
    ask(POST("/later", BEARER), "202", "at last");
    assert_null(strstr(answer, "twice"));
    reply(12345, 200, "nobody asked");
    rc_watch_free(tick);
}

/* More ask than may wait, and go away; those that the listener's end finds waiting are let go of. */
static void *ask_too_often(void *arg)
{
    struct pollfd any[RC_ADMIN_CALLS + 1];
    const char request[] = POST("/later", BEARER);
    for (size_t i = 0; i <= RC_ADMIN_CALLS; i++) {
        any[i] = (struct pollfd){.fd = dial(), .events = POLLIN};
        send(any[i].fd, request, sizeof request - 1, MSG_NOSIGNAL);
    }
    *(int *)arg = poll(any, RC_ADMIN_CALLS + 1, 30000);
    for (size_t i = 0; i <= RC_ADMIN_CALLS; i++) {
        if (any[i].revents)
            read_answer(any[i].fd);
        close(any[i].fd);
    }
    return NULL;
}

static void refuses_more_calls_than_may_wait(void **state)
{
    int answered = 0;
    (void)state;
    waits = 0;
    with_loop(ask_too_often, &answered);
    assert_int_equal(answered, 1);
    assert_int_equal(strncmp(answer, "HTTP/1.1 503", 12), 0);
    assert_int_equal(waits, RC_ADMIN_CALLS);
    reply(waiting[0], 200, "to one who has gone");
}

static void drains_once_for_the_operator(void **state)
{
    (void)state;
    ask(POST("/drain", ""), "401", "operator token");
    ask(POST("/drain", "Authorization: Bearer 0123456789abcdef0123456789abcdeX\r\n"), "401", "");
    ask(POST("/drain", BEARER "Origin: http://evil.example\r\n"), "403", "web pages");
    ask(GET("/drain", BEARER), "405", "Allow: POST\r\n");
    ask("HEAD /drain HTTP/1.1\r\nHost: x\r\n" BEARER "\r\n", "405", "");
    assert_int_equal(drains, 0);
    ask(POST("/drain", BEARER), "202", "\r\n\r\n{\"name\":\"n\"}\n");
    assert_non_null(strstr(answer, "Content-Type: application/json\r\n"));
    ask(POST("/drain", BEARER), "409", "{\"name\"");
}

static void tells_that_it_cannot_drain(void **state)
{
    (void)state;
    ask(POST("/drain", ""), "501", "SIGTERM");
}

static void limits_headers_and_bodies(void **state)
{
    (void)state;
    static char request[20000];
    int len = snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nX: ");
    memset(request + len, 'a', 9000);
    strcpy(request + len + 9000, "\r\n\r\n");
    with_loop(exchange, request);
    assert_null(strstr(answer, "200 OK"));
    ask("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", "413", "");
    with_loop(exchange, "\x16\x03\x01 garbage\r\n\r\n");
    assert_null(strstr(answer, "200 OK"));
    ask(GET("/healthz", ""), "200", "ok");
}

static bool answered(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

/* Connects while the process may open no descriptor more; after a while it may again. */
static void *starve(void *arg)
{
    struct sockaddr_in to = admin_address();
    struct rlimit before, none;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)arg;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = (rlim_t)fd + 1; /* the lowest free one */
    setrlimit(RLIMIT_NOFILE, &none);
    int connected = connect(fd, (struct sockaddr *)&to, sizeof to);
    send(fd, GET("/healthz", ""), strlen(GET("/healthz", "")), MSG_NOSIGNAL);
    bool early = answered(fd, 300);
    setrlimit(RLIMIT_NOFILE, &before);
    bool late = answered(fd, 20000);
    snprintf(answer, sizeof answer, "%d %d %d", connected, early, late);
    close(fd);
    return NULL;
}

/* A loop that spins would say so thousands of times. */
static void does_not_spin_without_descriptors(void **state)
{
    (void)state;
    static char said[8192];
    FILE *log = tmpfile();
    int kept = dup(STDERR_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    with_loop(starve, NULL);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(log);
    said[fread(said, 1, sizeof said - 1, log)] = '\0';
    assert_int_equal(fclose(log), 0);
    assert_string_equal(answer, "0 0 1");
    char *first = strstr(said, "admin-accept-failed");
    assert_non_null(first);
    assert_null(strstr(first + 1, "admin-accept-failed"));
}

/* A silent connection is closed; 20 s is a bound for slow machines. */
static void *be_silent(void *arg)
{
    int fd = dial();
    (void)arg;
    snprintf(answer, sizeof answer, "%s", answered(fd, 20000) && recv(fd, answer, 1, 0) == 0 ? "closed" : "open");
    close(fd);
    return NULL;
}

static void closes_silent_connections(void **state)
{
    (void)state;
    with_loop(be_silent, NULL);
    assert_string_equal(answer, "closed");
}

static void tells_that_the_address_is_in_use(void **state)
{
    (void)state;
    struct rc_admin *second;
    assert_int_equal(open_admin(&second, rc_admin_address(admin), NULL), RC_EXIT_UNAVAILABLE);
    assert_null(second);
    assert_non_null(strstr(why, "admin.listen"));
    assert_non_null(strstr(why, rc_admin_address(admin)));
    assert_non_null(strstr(why, "in use"));
    assert_int_equal(open_admin(&second, "192.0.2.1:1", &(struct rc_secret){(unsigned char *)TOKEN, 32}),
                     RC_EXIT_UNAVAILABLE); /* not an address of this machine */
    assert_non_null(strstr(why, "192.0.2.1:1"));
}

static void is_open_to_others_with_a_token_only(void **state)
{
    (void)state;
    struct rc_admin *second;
    struct rc_secret secret = token();
    static const char *const open[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.org:80", "128.0.0.1:80"};
    static const char *const closed[] = {"127.0.0.1:0", "127.9.9.9:80", "[::1]:80", "localhost:80"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        assert_true(rc_admin_needs_token(open[i]));
        assert_int_equal(open_admin(&second, open[i], NULL), RC_EXIT_CONFIG);
        assert_non_null(strstr(why, "admin.token_file"));
    }
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        assert_false(rc_admin_needs_token(closed[i]));
    }
    assert_int_equal(open_admin(&second, "0.0.0.0:0", &secret), RC_EXIT_OK);
    rc_admin_free(second);
}

/* Connections are open when the admin and then the loop end; the sanitizers watch. */
static void *leave_open(void *fd)
{
    *(int *)fd = dial();
    send(*(int *)fd, "GET /hea", 8, MSG_NOSIGNAL);
    return exchange(GET("/healthz", "")); /* answered, so the one before was accepted too */
}

static void ends_with_open_connections(void **state)
{
    (void)state;
    int fd = -1;
    with_loop(leave_open, &fd);
    rc_admin_free(admin);
    admin = NULL;
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TOKEN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_with_token, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_its_paths),
        TEST(tells_why_it_is_not_ready),
        TEST(answers_head_without_a_body),
        TEST(refuses_other_paths_and_methods),
        TOKEN_TEST(asks_for_the_token),
        TOKEN_TEST(answers_paths_of_the_node),
        TOKEN_TEST(answers_later),
        TOKEN_TEST(refuses_more_calls_than_may_wait),
        TOKEN_TEST(drains_once_for_the_operator),
        TEST(tells_that_it_cannot_drain),
        TEST(limits_headers_and_bodies),
        TEST(does_not_spin_without_descriptors),
        TEST(closes_silent_connections),
        TEST(tells_that_the_address_is_in_use),
        TEST(is_open_to_others_with_a_token_only),
        TEST(ends_with_open_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
