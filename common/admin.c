/* The admin HTTP listener of a node, on libevent's evhttp. */
#include "admin_impl.h"

#include <errno.h>
#include <event2/listener.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "log.h"

#define BACKLOG         64
#define HEADERS_MAX     8192
#define BODY_MAX        65536
#define TIMEOUT_S       5
#define ACCEPT_PAUSE_MS 1000
#define HTTP_ACCEPTED   202
#define UNPROCESSABLE   422
#define HTTP_CONFLICT   409
#define ANY_METHOD      0xffff /* so that we, not evhttp, answer the methods that we do not have */

struct rc_admin {
    LIST_ENTRY(rc_admin) link; /* in admins */
    struct rc_admin_config config;
    struct rc_loop *loop;            /* the daemon's */
    struct evhttp *http;             /* owned, with listener and connections */
    struct evconnlistener *listener; /* http's */
    struct rc_admin_calls calls;     /* not yet answered */
    struct rc_watch *pause;          /* until accepting goes on after a failure, else NULL */
    char address[RC_ADDR_MAX + 8];   /* that it listens on */
};

/* All that listen. evconnlistener calls an error callback with the argument of evhttp's own accept callback, so ours
 * finds its admin here. For the thread of the daemon's loop, like everything in this file. */
static LIST_HEAD(, rc_admin) admins = LIST_HEAD_INITIALIZER(admins);

bool rc_admin_needs_token(const char *listen)
{
    struct rc_addr addr;
    return rc_addr_parse(listen, &addr) || !rc_addr_loopback(&addr);
}

static unsigned answer_health(const struct rc_admin *admin, FILE *out)
{
    (void)admin;
    fputs("ok\n", out);
    return HTTP_OK;
}

static unsigned answer_ready(const struct rc_admin *admin, FILE *out)
{
    char why[256] = "";
    bool ready = admin->config.ready(admin->config.arg, why, sizeof why);
    fprintf(out, "%s\n", ready ? "ready" : why);
    return ready ? HTTP_OK : HTTP_SERVUNAVAIL;
}

static unsigned answer_metrics(const struct rc_admin *admin, FILE *out)
{
    admin->config.metrics(admin->config.arg, out);
    return HTTP_OK;
}

static unsigned answer_status(const struct rc_admin *admin, FILE *out)
{
    char *text = admin->config.status(admin->config.arg);
    fprintf(out, "%s\n", text ? text : "{\"error\":\"the status could not be made\"}");
    free(text);
    return text ? HTTP_OK : HTTP_INTERNAL;
}

static unsigned drain(const struct rc_admin *admin, bool (*begin)(void *arg), FILE *out)
{
    if (!begin) {
        fputs("{\"error\":\"this node cannot be drained so: stop it by SIGTERM\"}\n", out);
        return HTTP_NOTIMPLEMENTED;
    }
    bool begun = begin(admin->config.arg);
    answer_status(admin, out);
    return begun ? HTTP_ACCEPTED : HTTP_CONFLICT;
}

static unsigned answer_drain(const struct rc_admin *admin, FILE *out)
{
    return drain(admin, admin->config.drain, out);
}

static unsigned answer_drain_stay(const struct rc_admin *admin, FILE *out)
{
    return drain(admin, admin->config.drain_stay, out);
}

static unsigned answer_reload(const struct rc_admin *admin, FILE *out)
{
    return admin->config.reload(admin->config.arg, out) ? HTTP_OK : UNPROCESSABLE;
}

static const struct route {
    const char *path, *type;
    bool open; /* needs no token */
    bool post; /* has the method POST alone, else GET and HEAD */
    /* Writes the body to out, returns the HTTP status. */
    unsigned (*answer)(const struct rc_admin *admin, FILE *out);
} routes[] = {
    {"/healthz", "text/plain", true, false, answer_health},
    {"/readyz", "text/plain", true, false, answer_ready},
    {"/metrics", "text/plain; version=0.0.4", false, false, answer_metrics},
    {"/status", "application/json", false, false, answer_status},
    {"/drain", "application/json", false, true, answer_drain},
    {"/drain/stay", "application/json", false, true, answer_drain_stay},
    {"/reload", "text/plain", false, true, answer_reload},
};

/* The route of a path: a common one, or one of the node's own in *own. False: neither. */
static bool find_route(const struct rc_admin *admin, const struct evhttp_uri *uri, struct route *out,
                       const struct rc_admin_route **own)
{
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    *own = NULL;
    for (size_t i = 0; path && i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].path, path) == 0) {
            *out = routes[i];
            return true;
        }
    }
    for (size_t i = 0; path && i < admin->config.route_count; i++) {
        if (strcmp(admin->config.routes[i].path, path) == 0) {
            *own = &admin->config.routes[i];
            *out = (struct route){.path = path, .post = (*own)->post};
            return true;
        }
    }
    return false;
}

static void reply_text(struct evhttp_request *req, unsigned code, const char *text)
{
    rc_admin_send(req, code, "text/plain", text, strlen(text));
}

static bool authorized(const struct rc_admin *admin, struct evhttp_request *req)
{
    if (!admin->config.token || !admin->config.token->bytes) {
        return true;
    }
    const char *given = evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization");
    if (!given || strncasecmp(given, "Bearer ", 7) != 0) {
        return false;
    }
    return rc_secret_equal(admin->config.token, given + 7, strlen(given + 7));
}

static void call(const struct rc_admin *admin, const struct route *route, struct evhttp_request *req)
{
    size_t len = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        reply_text(req, HTTP_INTERNAL, "out of memory\n");
        return;
    }
    unsigned code = route->answer(admin, out);
    bool whole = fclose(out) == 0 && text;
    rc_admin_send(req, whole ? code : HTTP_INTERNAL, route->type, text ? text : "", text ? len : 0);
    free(text);
}

static bool has_method(const struct route *route, enum evhttp_cmd_type method)
{
    return route->post ? method == EVHTTP_REQ_POST : method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD;
}

static void on_request(struct evhttp_request *req, void *arg)
{
    struct rc_admin *admin = arg;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    struct route route;
    const struct rc_admin_route *own;
    bool found = find_route(admin, evhttp_request_get_evhttp_uri(req), &route, &own);
    enum evhttp_cmd_type method = evhttp_request_get_command(req);
    if (evhttp_find_header(evhttp_request_get_input_headers(req), "Origin")) {
        reply_text(req, 403, "not for web pages\n");
    } else if (!found) {
        reply_text(req, HTTP_NOTFOUND, "no such path; /healthz /readyz /metrics /status /drain /drain/stay /reload\n");
    } else if (!has_method(&route, method)) {
        evhttp_add_header(headers, "Allow", route.post ? "POST" : "GET, HEAD");
        reply_text(req, HTTP_BADMETHOD, "this path has other methods\n");
    } else if (!route.open && !authorized(admin, req)) {
        evhttp_add_header(headers, "WWW-Authenticate", "Bearer");
        reply_text(req, 401, "needs the operator token: Authorization: Bearer TOKEN\n");
    } else if (own) {
        rc_admin_calls_begin(&admin->calls, own, admin->config.arg, req);
    } else {
        call(admin, &route, req);
    }
}

static void accept_again(void *arg)
{
    struct rc_admin *admin = arg;
    admin->pause = NULL;
    evconnlistener_enable(admin->listener);
}

/* Out of descriptors: the listener would be readable for ever and the loop would spin. */
static void on_accept_error(struct evconnlistener *listener, void *evhttps)
{
    struct rc_admin *admin;
    (void)evhttps;
    rc_log(RC_WARN, "admin-accept-failed", "error=\"%s\" pause_ms=%d", strerror(errno), ACCEPT_PAUSE_MS);
    LIST_FOREACH (admin, &admins, link) {
        if (admin->listener == listener) {
            admin->pause = rc_loop_once(admin->loop, ACCEPT_PAUSE_MS, accept_again, admin);
            if (admin->pause) {
                evconnlistener_disable(listener);
            }
        }
    }
}

/* A listening socket on the first usable of the host's addresses; -1 with why. */
static int listen_on(const struct rc_addr *addr, const char *text, char why[RC_ADMIN_WHY])
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    int fd = -1, on = 1, saved = 0;
    snprintf(port, sizeof port, "%u", addr->port);
    int rc = getaddrinfo(addr->host, port, &hints, &list);
    if (rc != 0) {
        snprintf(why, RC_ADMIN_WHY, "admin.listen: cannot find the address of %s: %s", text, gai_strerror(rc));
        return -1;
    }
    for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next) {
        fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
                        bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)) {
            saved = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0) {
        snprintf(why, RC_ADMIN_WHY, "admin.listen: cannot listen on %s: %s", text, strerror(saved ? saved : errno));
    }
    return fd;
}

static void remember_address(struct rc_admin *admin, const struct rc_addr *addr, int fd)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char port[8] = "0";
    if (getsockname(fd, (struct sockaddr *)&bound, &len) == 0) {
        getnameinfo((struct sockaddr *)&bound, len, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    }
    snprintf(admin->address, sizeof admin->address, addr->v6 ? "[%s]:%s" : "%s:%s", addr->host, port);
}

/* Puts evhttp on the listening socket, which it then owns. */
static bool serve(struct rc_admin *admin, int fd)
{
    admin->http = evhttp_new(rc_loop_base(admin->loop));
    struct evhttp_bound_socket *bound = admin->http ? evhttp_accept_socket_with_handle(admin->http, fd) : NULL;
    if (!bound) {
        close(fd);
        return false;
    }
    admin->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(admin->listener, on_accept_error);
    LIST_INSERT_HEAD(&admins, admin, link);
    return true;
}

static void set_limits(struct rc_admin *admin)
{
    evhttp_set_max_headers_size(admin->http, HEADERS_MAX);
    evhttp_set_max_body_size(admin->http, BODY_MAX);
    evhttp_set_timeout(admin->http, TIMEOUT_S);
    evhttp_set_allowed_methods(admin->http, ANY_METHOD);
    evhttp_set_default_content_type(admin->http, NULL);
    evhttp_set_gencb(admin->http, on_request, admin);
}

static enum rc_exit start(struct rc_admin *admin, char why[RC_ADMIN_WHY])
{
    struct rc_addr addr;
    const char *listen = admin->config.listen, *wrong = rc_addr_parse(listen, &addr);
    if (wrong) {
        snprintf(why, RC_ADMIN_WHY, "admin.listen: %s %s", listen, wrong);
        return RC_EXIT_CONFIG;
    }
    if (!rc_addr_loopback(&addr) && !(admin->config.token && admin->config.token->bytes)) {
        snprintf(why, RC_ADMIN_WHY, "admin.listen: %s can be reached from other machines, so it needs admin.token_file",
                 listen);
        return RC_EXIT_CONFIG;
    }
    int fd = listen_on(&addr, listen, why);
    if (fd < 0) {
        return RC_EXIT_UNAVAILABLE;
    }
    remember_address(admin, &addr, fd);
    if (!serve(admin, fd)) {
        snprintf(why, RC_ADMIN_WHY, "admin.listen: out of memory");
        return RC_EXIT_INTERNAL;
    }
    set_limits(admin);
    return RC_EXIT_OK;
}

enum rc_exit rc_admin_new(struct rc_admin **out, struct rc_loop *loop, const struct rc_admin_config *config,
                          char why[RC_ADMIN_WHY])
{
    enum rc_exit code = RC_EXIT_INTERNAL;
    struct rc_admin *admin = calloc(1, sizeof *admin);
    *out = NULL;
    snprintf(why, RC_ADMIN_WHY, "out of memory");
    if (admin) {
        admin->config = *config;
        admin->loop = loop;
        code = start(admin, why);
    }
    if (code != RC_EXIT_OK) {
        rc_admin_free(admin);
        return code;
    }
    *out = admin;
    return RC_EXIT_OK;
}

const char *rc_admin_address(const struct rc_admin *admin)
{
    return admin->address;
}

void rc_admin_reply(struct rc_admin *admin, uint64_t call, unsigned status, const char *type, const char *body,
                    size_t len)
{
    rc_admin_calls_end(&admin->calls, call, status, type, body, len);
}

void rc_admin_free(struct rc_admin *admin)
{
    if (!admin) {
        return;
    }
    rc_admin_calls_fini(&admin->calls);
    rc_watch_free(admin->pause);
    if (admin->listener) {
        LIST_REMOVE(admin, link);
    }
    if (admin->http) {
        evhttp_free(admin->http);
    }
    free(admin);
}
