/*
 * roomcast-conformance: a server for protocol suites that links the gateway's own layers. One worker, no brokers: the
 * uplink is a loopback that grants every CONNECT at once.
 */
#include "echo_app.h"
#include "eio_echo.h"
#include "exit.h"
#include "gateway/worker.h"
#include "log.h"
#include "ws_echo.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: roomcast-conformance --listen HOST:PORT --profile socketio|engineio|ws-echo\n"
    "           [--ping-interval MS] [--ping-timeout MS] [--connect-timeout MS] [--max-payload BYTES] [--debug]\n"
    "Prints `listening on PORT` when ready; ends at SIGTERM or SIGINT.\n";

struct arguments {
    struct rc_worker_config worker;
    bool ws_echo;
};

/* Every CONNECT is granted; there is no other gateway. */
static bool post(void *host, struct rc_up *up)
{
    struct rc_worker *worker = *(struct rc_worker **)host;
    struct rc_relay gone = {.kind = RC_RELAY_CLOSE, .stream = up->relay.stream, .why = RC_CLOSE_RELAY};
    if (up->kind == RC_UP_CONNECT)
        rc_worker_post(worker, &(struct rc_down){.kind = RC_DOWN_OPENED, .socket = up->socket}, 0);
    if (up->kind == RC_UP_RELAY && up->relay.kind == RC_RELAY_OPEN)
        rc_worker_post(worker, &(struct rc_down){.kind = RC_DOWN_RELAY, .relay = gone}, 0);
    rc_buf_rele(up->relay.data);
    return true;
}

static int64_t number(const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 10);
    if (end == text || *end || n <= 0 || n > 1000000000) {
        fprintf(stderr, "roomcast-conformance: '%s' must be a number from 1 to 1000000000\n%s", text, usage);
        exit(RC_EXIT_USAGE);
    }
    return n;
}

static void parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"listen", 1, NULL, 'l'},          {"profile", 1, NULL, 'p'},
        {"ping-interval", 1, NULL, 'i'},   {"ping-timeout", 1, NULL, 't'},
        {"connect-timeout", 1, NULL, 'c'}, {"max-payload", 1, NULL, 'm'},
        {"debug", 0, NULL, 'd'},           {NULL, 0, NULL, 0},
    };
    const char *profile = "";
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'l')
            a->worker.listen = optarg;
        else if (c == 'p')
            profile = optarg;
        else if (c == 'i')
            a->worker.ping_interval = number(optarg);
        else if (c == 't')
            a->worker.ping_timeout = number(optarg);
        else if (c == 'c')
            a->worker.connect_timeout = number(optarg);
        else if (c == 'm')
            a->worker.max_payload = (uint32_t)number(optarg);
        else if (c == 'd')
            rc_log_level(RC_DEBUG);
        else
            profile = "";
    }
    a->ws_echo = strcmp(profile, "ws-echo") == 0;
    if (a->ws_echo)
        a->worker.path = "/"; /* the echo takes it over */
    if (strcmp(profile, "engineio") == 0) {
        a->worker.path = "/engine.io/";
        a->worker.engine = &rc_eio_echo;
    }
    if (optind != argc || !a->worker.listen || (!a->ws_echo && !a->worker.engine && strcmp(profile, "socketio") != 0)) {
        fputs(usage, stderr);
        exit(RC_EXIT_USAGE);
    }
}

int main(int argc, char **argv)
{
    static const char *const namespaces[] = {"/", "/custom", NULL};
    static struct rc_worker *worker;
    struct arguments a = {.worker = {.path = "/socket.io/",
                                     .ping_interval = 25000,
                                     .ping_timeout = 20000,
                                     .connect_timeout = 45000,
                                     .max_payload = 1000000,
                                     .queue_max = 4 * RC_WS_ECHO_MAX,
                                     .mailbox_max = RC_WS_ECHO_MAX,
                                     .nsp = namespaces,
                                     .app = &rc_echo_app,
                                     .uplink = {&worker, post}}};
    sigset_t signals;
    char error[256];
    int caught, code;
    parse(argc, argv, &a);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    worker = rc_worker_new(&a.worker, &code, error, sizeof(error));
    if (!worker) {
        fprintf(stderr, "roomcast-conformance: %s\n", error);
        return code;
    }
    if (a.ws_echo)
        rc_http_route(rc_worker_http(worker), NULL, "/*", rc_ws_echo, NULL);
    printf("listening on %u\n", rc_worker_port(worker));
    fflush(stdout);
    if (!rc_worker_start(worker))
        return RC_EXIT_INTERNAL;
    sigwait(&signals, &caught);
    rc_worker_stop(worker);
    rc_worker_free(worker);
    return 0;
}
