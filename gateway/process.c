/*
 * The gateway as a process.
 *
 *   main thread: link loop (router.h) and admin listener        one more thread per worker (worker.h)
 */
#include "gateway/process.h"
#include "gateway/process_impl.h"

#include "addr.h"
#include "clock.h"
#include "gateway/app/chat.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DESCRIPTORS_KEPT 32 /* one of so many */

static void serving(void *arg)
{
    struct rc_gateway_process *g = arg;
    rc_log(RC_INFO, "serving", "address=%s", g->url);
    rc_daemon_ready(&g->daemon);
}

static void dry(void *arg)
{
    struct rc_gateway_process *g = arg;
    rc_loop_stop(g->daemon.loop);
}

static void twin(void *arg)
{
    struct rc_gateway_process *g = arg;
    g->twin = true;
    rc_loop_stop(g->daemon.loop);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* The clients are gone, or have to go now; what they sent is confirmed before we go. */
static void end(struct rc_gateway_process *g)
{
    rc_watch_free(g->pacing);
    g->pacing = NULL;
    for (unsigned i = 0; i < g->workers; i++)
        rc_worker_end(g->worker[i]);
    rc_router_leave(g->router);
}

static size_t clients(const struct rc_gateway_process *g)
{
    size_t sum = 0;
    for (unsigned i = 0; i < g->workers; i++)
        sum += rc_worker_clients(g->worker[i]);
    return sum;
}

/* A worker that is empty waits for the others: it must pass on the barriers of their deliveries. */
static void on_pace(void *arg)
{
    struct rc_gateway_process *g = arg;
    rc_time now = rc_clock_now();
    size_t left = clients(g);
    if (!left || now >= g->drain.until) {
        end(g);
        return;
    }
    size_t due = rc_drain_due(&g->drain, left, now);
    for (unsigned i = 0; i < g->workers && due; i++) {
        size_t share = rc_drain_share(&due, &left, rc_worker_clients(g->worker[i]));
        if (share)
            rc_worker_drain(g->worker[i], share);
    }
}

/* Clients go at a pace at which the others can take them, by the end of their transport alone, since a Socket.IO
 * DISCONNECT would keep them from connecting again. */
static void leave(struct rc_gateway_process *g, int64_t longest_ms)
{
    rc_time now = rc_clock_now();
    g->leaving = true;
    rc_drain_begin(&g->drain, (uint64_t)g->options->drain_pace, now, now + longest_ms * RC_MS);
    rc_log(RC_INFO, "draining", "clients=%zu pace=%lld longest_ms=%lld", clients(g), (long long)g->options->drain_pace,
           (long long)longest_ms);
    rc_router_drain(g->router);
    for (unsigned i = 0; i < g->workers; i++)
        rc_worker_drain(g->worker[i], 0);
    g->pacing = rc_loop_every(g->daemon.loop, RC_DRAIN_STEP_MS, on_pace, g);
    if (!g->pacing || !longest_ms)
        end(g);
}

bool rc_gateway_process_drain(struct rc_gateway_process *g)
{
    if (g->leaving)
        return false;
    leave(g, g->options->drain_timeout);
    return true;
}

/* A signal in the middle of a drain leaves it the time that a signal has. */
static void stop(void *arg)
{
    struct rc_gateway_process *g = arg;
    rc_time until = rc_clock_now() + g->options->drain_term_timeout * RC_MS;
    if (!g->leaving)
        leave(g, g->options->drain_term_timeout);
    else if (until < g->drain.until)
        g->drain.until = until;
}

bool rc_gateway_process_reload(struct rc_gateway_process *g, FILE *report)
{
    return rc_router_reload(g->router, report);
}

static void hangup(void *arg)
{
    rc_gateway_process_reload(arg, NULL);
}

static void on_second(void *arg)
{
    rc_gateway_report_sample(arg);
}

/* ---- start ------------------------------------------------------------------------------------------------------- */

static unsigned worker_count(const struct rc_gateway_options *o)
{
    long cores = o->workers ? (long)o->workers : sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > RC_WORKERS_MAX ? RC_WORKERS_MAX : (unsigned)cores;
}

/* A part stays for requests of sessions that there are. */
static int descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return 0;
    return (int)(limit.rlim_cur - limit.rlim_cur / DESCRIPTORS_KEPT);
}

/* All workers listen on one port: the first one takes it, also when it is any free one. */
static void address_of(struct rc_gateway_process *g, char *listen, size_t size)
{
    struct rc_addr addr;
    if (rc_addr_parse(g->options->listen, &addr))
        return; /* checked as an option */
    if (g->workers)
        addr.port = rc_worker_port(g->worker[0]);
    snprintf(listen, size, addr.v6 ? "[%s]:%u" : "%s:%u", addr.host, addr.port);
    snprintf(g->url, sizeof g->url, "http://%s", listen);
}

static enum rc_exit add_worker(struct rc_gateway_process *g, char *why, size_t size)
{
    const struct rc_gateway_options *o = g->options;
    char listen[RC_ADDR_MAX + 1];
    address_of(g, listen, sizeof listen);
    struct rc_worker_config config = {
        .index = g->workers,
        .workers = worker_count(o),
        .gateway = rc_sid_gateway(g->self.id),
        .listen = listen,
        .path = o->eio_path,
        .ping_interval = o->ping_interval,
        .ping_timeout = o->ping_timeout,
        .connect_timeout = o->connect_timeout,
        .max_payload = (uint32_t)o->max_payload,
        .queue_max = (size_t)o->queue_client,
        .handshakes_max = (uint64_t)o->queue_handshakes,
        .descriptors = descriptors(),
        .mailbox_max = rc_router_mailbox(o),
        .nsp = o->namespaces,
        .app = g->app,
        .guard = &g->guard[g->workers],
        .uplink = rc_router_uplink(g->router),
    };
    int code = RC_EXIT_INTERNAL;
    struct rc_worker *w = rc_worker_new(&config, &code, why, size);
    if (!w)
        return (enum rc_exit)code;
    unsigned i = g->workers++;
    g->worker[i] = w;
    g->guard[i] = (struct rc_origin_guard){.origins = o->origins, .values = rc_worker_values(w)};
    g->copies[g->metrics[0].copy_count++] = rc_worker_values(w);
    g->history[i] = rc_history_on(w, g->auth, &g->guard[i]);
    rc_script_routes(g->script, rc_worker_http(w));
    if (g->demo)
        rc_demo_routes(g->demo, rc_worker_http(w));
    return g->history[i] ? RC_EXIT_OK : RC_EXIT_INTERNAL;
}

static enum rc_exit make_app(struct rc_gateway_process *g, char *why, size_t size)
{
    g->auth = rc_auth_new(g->options->jwt);
    g->app = g->auth ? rc_chat_new(g->auth) : NULL;
    if (!g->app)
        return RC_EXIT_INTERNAL;
    g->script = rc_script_new(g->options->client_dir, g->options->eio_path, why, size);
    if (!g->script)
        return RC_EXIT_CONFIG;
    if (!g->options->demo)
        return RC_EXIT_OK;
    g->demo = rc_demo_new(g->options->jwt, g->self.id, g->options->eio_path, g->script);
    return g->demo ? RC_EXIT_OK : RC_EXIT_INTERNAL;
}

static enum rc_exit open_router(struct rc_gateway_process *g, char why[RC_LINK_WHY])
{
    struct rc_router_config config = {.options = g->options,
                                      .loop = g->daemon.loop,
                                      .self = g->self,
                                      .serving = serving,
                                      .dry = dry,
                                      .twin = twin,
                                      .arg = g};
    enum rc_exit code;
    g->router = rc_router_new(&config, &code, why);
    return code;
}

static enum rc_exit start_workers(struct rc_gateway_process *g, char *why, size_t size)
{
    enum rc_exit code = RC_EXIT_OK;
    unsigned wanted = worker_count(g->options);
    while (code == RC_EXIT_OK && g->workers < wanted)
        code = add_worker(g, why, size);
    if (code != RC_EXIT_OK)
        return code;
    char listen[RC_ADDR_MAX + 1];
    address_of(g, listen, sizeof listen);
    rc_router_workers(g->router, g->worker, g->workers);
    for (unsigned i = 0; i < g->workers; i++)
        if (!rc_worker_start(g->worker[i])) {
            snprintf(why, size, "cannot start a thread: %s", strerror(errno));
            return RC_EXIT_INTERNAL;
        }
    return RC_EXIT_OK;
}

static enum rc_exit start(struct rc_gateway_process *g)
{
    char why[RC_ADMIN_WHY > RC_LINK_WHY ? RC_ADMIN_WHY : RC_LINK_WHY] = "out of memory";
    enum rc_exit code = make_app(g, why, sizeof why);
    if (code == RC_EXIT_OK)
        code = rc_gateway_report_open(g, why);
    if (code == RC_EXIT_OK)
        code = open_router(g, why);
    if (code == RC_EXIT_OK)
        code = start_workers(g, why, sizeof why);
    if (code == RC_EXIT_OK && !rc_loop_every(g->daemon.loop, 1000, on_second, g))
        code = RC_EXIT_INTERNAL;
    return code == RC_EXIT_OK ? RC_EXIT_OK : rc_daemon_refuse(code, "%s", why);
}

static void take_down(struct rc_gateway_process *g)
{
    rc_admin_free(g->admin);
    for (unsigned i = 0; i < g->workers; i++)
        rc_worker_stop(g->worker[i]);
    for (unsigned i = 0; i < g->workers; i++)
        rc_worker_free(g->worker[i]);
    for (unsigned i = 0; i < g->workers; i++)
        rc_history_free(g->history[i]);
    rc_router_free(g->router);
    rc_demo_free(g->demo);
    rc_script_free(g->script);
    rc_chat_free(g->app);
    rc_auth_free(g->auth);
}

enum rc_exit rc_gateway_run(struct rc_gateway_options *options)
{
    static struct rc_gateway_process g; /* one to a program, and too large for a stack */
    g.options = options;
    g.daemon = (struct rc_daemon){.role = "gateway", .stop = stop, .hangup = hangup, .arg = &g};
    g.copies[0] = g.values;
    g.metrics[0] = (struct rc_metrics){"gateway", rc_gateway_metric_info(), GM_COUNT, g.copies, 1};
    g.metrics[1] = rc_link_metrics_list(&g.link_values, "gateway");
    g.self.role = RC_GATEWAY;
    g.self.inc = (uint64_t)rc_clock_wall_ms();
    snprintf(g.self.id, sizeof g.self.id, "%s", options->common.options.node_id);
    rc_common_log(&options->common);
    rc_origins_log(options->origins);
    enum rc_exit code = rc_daemon_init(&g.daemon);
    if (code == RC_EXIT_OK)
        code = start(&g);
    if (code == RC_EXIT_OK)
        code = rc_daemon_run(&g.daemon);
    if (g.twin)
        code = RC_EXIT_CONFIG;
    take_down(&g);
    return rc_daemon_fini(&g.daemon, code);
}
