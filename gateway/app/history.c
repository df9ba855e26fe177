/*
 * History over HTTP.
 *
 *   asking ----- rows -----> written; the last page: ended
 *     ^                         |  client has taken it
 *     +-------------------------+
 *
 * A request that fails before the first page is answered 503, later it is aborted. When the client goes away while a
 * query is under way, the request waits for the answer, since the query still refers to it.
 */
#include "gateway/app/history.h"

#include "clock.h"
#include "gateway/app/chat.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define ACTIVE_MAX 64                 /* requests of a worker at once; each may hold two pages */
#define PAGE_MAX   ((size_t)64 << 20) /* bytes of a page as JSON; persisters make pages far smaller */
#define JSON       "application/json; charset=utf-8"
#define PRIVATE    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
#define FIELDS_MAX (sizeof PRIVATE + RC_ORIGIN_FIELDS)
#define BACK       "X-Next-Before"
#define ON         "X-Next-After"
/* Or scripts of other origins do not see them. */
#define EXPOSED     "Access-Control-Expose-Headers: " BACK ", " ON "\r\n"
#define NO_CURSOR   "before o after no es el valor de X-Next-Before o X-Next-After de una respuesta anterior"
#define UNAVAILABLE "El historial no está disponible"

struct rc_history {
    struct rc_auth *auth; /* caller's */
    struct rc_history_source source;
    _Atomic uint64_t *values;      /* caller's */
    struct rc_origin_guard *guard; /* caller's; may be NULL */
    unsigned active;               /* requests under way */
};

/* An HTTP request while its handler runs. */
struct call {
    struct rc_history *history;
    const struct rc_http_request *http;
    struct rc_response *response;
    char fields[FIELDS_MAX]; /* header lines that every answer has */
};

struct request {
    struct rc_history *history;
    struct rc_response *response;
    struct rc_history_query query;
    bool asking;             /* a query is under way */
    bool begun;              /* the head of the answer is written */
    bool anything;           /* there is something in the array */
    char fields[FIELDS_MAX]; /* of the call */
};

static void ask(struct request *r);

static void refuse(struct rc_response *response, const char *fields, int status, const char *error)
{
    struct rc_text body;
    rc_text_init(&body, 1024);
    rc_text_puts(&body, "{\"error\":");
    rc_text_json(&body, error, strlen(error));
    rc_text_puts(&body, "}");
    rc_response_full(response, status, JSON, fields, body.at, body.len);
    rc_text_fini(&body);
}

/* ---- the life of a request ---- */

static void forget(struct request *r)
{
    r->history->active--;
    free(r);
}

static void fail(struct request *r, const char *why)
{
    char quoted[256];
    rc_log(RC_WARN, "history-failed", "begun=%d reason=%s", r->begun,
           rc_log_quote(quoted, sizeof quoted, why, strlen(why)));
    if (r->begun) {
        rc_response_abort(r->response);
    } else if (r->query.page && strcmp(why, RC_HISTORY_BAD) == 0) {
        refuse(r->response, r->fields, 400, NO_CURSOR);
    } else {
        refuse(r->response, r->fields, 503, UNAVAILABLE);
    }
    forget(r);
}

static void gone(void *self)
{
    struct request *r = self;
    if (!r->asking) {
        rc_response_end(r->response);
        forget(r);
    }
}

static void drained(void *self)
{
    struct request *r = self;
    if (!r->asking) {
        ask(r);
    }
}

static void add_cursor(char *fields, const char *name, const struct rc_history_cursor *cursor)
{
    char *end = fields + strlen(fields);
    end = stpcpy(stpcpy(end, name), ": ");
    rc_history_cursor_text(cursor, end);
    strcat(end, "\r\n");
}

/* A whole answer, with where the page before it begins and where what comes later. */
static void answer_page(struct request *r, const struct rc_text *page, bool more)
{
    char fields[FIELDS_MAX + sizeof BACK ON EXPOSED + (size_t)4 * RC_HISTORY_CURSOR + 16];
    strcpy(fields, r->fields);
    if (more && !r->query.on) {
        add_cursor(fields, BACK, &r->query.cursor);
    }
    if (r->query.later.len > 0) {
        add_cursor(fields, ON, &r->query.later);
    }
    if (more || r->query.later.len > 0) {
        strcat(fields, EXPOSED);
    }
    rc_response_full(r->response, 200, JSON, fields, page->at, page->len);
    forget(r);
}

/* A page of a long answer. At most two are in memory: the next one is asked for at once while the client keeps up,
 * else when it has taken everything. */
static void stream_page(struct request *r, const struct rc_text *page, bool more)
{
    bool behind =
        rc_response_pending(r->response) > 0; /* with what was written in an earlier pass: drained will come */
    if (!r->begun) {
        rc_response_begin(r->response, 200, JSON, r->fields, -1);
        r->begun = true;
    }
    rc_response_write(r->response, page->at, page->len);
    if (!more) {
        rc_response_end(r->response);
        forget(r);
    } else if (!behind) {
        ask(r);
    }
}

static void answer(struct request *r, const Roomcast__Rows *rows)
{
    struct rc_text page;
    rc_text_init(&page, PAGE_MAX);
    if (!r->begun) {
        rc_text_puts(&page, "[");
    }
    r->anything = rc_history_write(&page, rows, !r->anything);
    bool more = rc_history_next(&r->query, rows);
    if (r->query.page && more && !r->anything) { /* an empty page says that this was all: go on until it is */
        ask(r);
        rc_text_fini(&page);
        return;
    }
    if (r->query.page || !more) {
        rc_text_puts(&page, "]");
    }
    if (page.failed) {
        fail(r, "out of memory, or a page larger than 64 MiB");
    } else if (r->query.page) {
        answer_page(r, &page, more);
    } else {
        stream_page(r, &page, more);
    }
    rc_text_fini(&page);
}

static void on_rows(void *self, const struct rc_buf *side)
{
    struct request *r = self;
    char why[256] = "no persister can be asked";
    r->asking = false;
    if (rc_response_gone(r->response)) {
        rc_response_end(r->response);
        forget(r);
        return;
    }
    Roomcast__Side *message = side ? rc_history_unpack(side, why, sizeof why) : NULL;
    if (!message) {
        fail(r, why);
        return;
    }
    answer(r, message->rows);
    roomcast__side__free_unpacked(message, NULL);
}

static void ask(struct request *r)
{
    struct rc_buf *side = rc_history_pack(&r->query);
    if (!side) {
        fail(r, "out of memory");
        return;
    }
    r->asking = true;
    r->history->source.query(r->history->source.host, side, on_rows, r);
}

/* ---- who may ask what ---- */

static void reject(struct call *c, int status, const char *error)
{
    refuse(c->response, c->fields, status, error);
}

/* True: the call may go on. Else it is answered. */
static bool open_call(struct call *c, void *self, const struct rc_http_request *http, struct rc_response *response)
{
    c->history = self;
    c->http = http;
    c->response = response;
    if (!rc_origin_admit(c->history->guard, http)) {
        rc_origin_refuse(response);
        return false;
    }
    strcpy(c->fields, PRIVATE);
    rc_origin_fields(c->history->guard, http, c->fields + strlen(PRIVATE));
    return true;
}

static void start(struct call *c, struct rc_history_query *query)
{
    static const struct rc_response_watch watch = {.drained = drained, .gone = gone};
    struct rc_history *h = c->history;
    const char *wrong = query->conversations ? NULL : rc_history_read(c->http->query, query);
    if (wrong) {
        reject(c, 400, wrong);
        return;
    }
    if (c->http->http10 && !query->page) { /* there, a cut answer looks like a whole one */
        reject(c, 505, "Sin HTTP/1.1 el historial se pide con limit");
        return;
    }
    if (strcmp(c->http->method, "HEAD") == 0) {
        rc_response_begin(c->response, 200, JSON, c->fields, -1);
        rc_response_end(c->response);
        return;
    }
    struct request *r = h->active < ACTIVE_MAX ? calloc(1, sizeof *r) : NULL;
    if (!r) {
        reject(c, 503, UNAVAILABLE);
        return;
    }
    *r = (struct request){.history = h, .response = c->response, .query = *query};
    strcpy(r->fields, c->fields);
    h->active++;
    rc_response_watch(c->response, &watch, r);
    ask(r);
}

static enum rc_auth_result check(struct call *c, struct rc_claims *claims)
{
    const char *cookie = rc_http_header(c->http, "cookie");
    rc_metric_add(&c->history->values[GM_HISTORY_REQUESTS], 1);
    return rc_auth_check(c->history->auth, cookie, cookie ? strlen(cookie) : 0, rc_clock_wall_ms() / 1000, claims);
}

static void own_messages(void *self, const struct rc_http_request *http, struct rc_response *response)
{
    struct call c;
    struct rc_claims claims;
    struct rc_history_query query = {.conversations = false};
    if (!open_call(&c, self, http, response)) {
        return;
    }
    enum rc_auth_result result = check(&c, &claims);
    if (result == RC_AUTH_BAD_TOKEN) {
        reject(&c, 403, rc_auth_text(RC_AUTH_BAD_TOKEN));
    } else if (result != RC_AUTH_OK) {
        reject(&c, 401, rc_auth_text(RC_AUTH_NO_COOKIE));
    } else {
        memcpy(query.user, claims.user, claims.user_len);
        query.user_len = claims.user_len;
        start(&c, &query);
    }
}

/* The same, and an admin asks. */
static bool open_admin_call(struct call *c, void *self, const struct rc_http_request *http,
                            struct rc_response *response)
{
    struct rc_claims claims;
    if (!open_call(c, self, http, response)) {
        return false;
    }
    enum rc_auth_result result = check(c, &claims);
    if (result == RC_AUTH_BAD_TOKEN) {
        reject(c, 403, rc_auth_text(RC_AUTH_BAD_TOKEN));
    } else if (result != RC_AUTH_OK) {
        reject(c, 403, "Acceso denegado");
    } else if (strcmp(claims.rol, RC_CHAT_ROL_ADMIN) != 0) {
        reject(c, 403, "Acceso solo para administradores");
    } else {
        return true;
    }
    return false;
}

static void messages_with(void *self, const struct rc_http_request *http, struct rc_response *response)
{
    struct call c;
    struct rc_history_query query = {.conversations = false};
    if (!open_admin_call(&c, self, http, response)) {
        return;
    }
    char *con = rc_http_param(http->query, "con");
    size_t len = con ? strlen(con) : 0;
    if (len == 0) {
        reject(&c, 400, "Falta el parámetro ?con=usuario");
    } else if (len > RC_USER_MAX) {
        reject(&c, 400, "El parámetro con admite como máximo 128 bytes");
    } else {
        memcpy(query.user, con, len);
        query.user_len = len;
        start(&c, &query);
    }
    free(con);
}

static void conversations(void *self, const struct rc_http_request *http, struct rc_response *response)
{
    struct call c;
    struct rc_history_query query = {.conversations = true};
    if (open_admin_call(&c, self, http, response)) {
        start(&c, &query);
    }
}

static void options(void *self, const struct rc_http_request *http, struct rc_response *response)
{
    rc_origin_preflight(((struct rc_history *)self)->guard, http, "GET, HEAD", response);
}

struct rc_history *rc_history_new(struct rc_http_server *server, struct rc_auth *auth,
                                  const struct rc_history_source *source, _Atomic uint64_t *values,
                                  struct rc_origin_guard *guard)
{
    static const struct {
        const char *path;
        rc_http_handler handler;
    } routes[] = {{"/api/mensajes", messages_with},
                  {"/api/mensajes/mios", own_messages},
                  {"/api/usuarios-conversaciones", conversations}};
    struct rc_history *history = calloc(1, sizeof *history);
    if (history) {
        *history = (struct rc_history){.auth = auth, .source = *source, .values = values, .guard = guard};
        for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) { /* a 405 names the last one's method */
            rc_http_route(server, "OPTIONS", routes[i].path, options, history);
            rc_http_route(server, "GET", routes[i].path, routes[i].handler, history);
        }
    }
    return history;
}

static void query_worker(void *host, struct rc_buf *side, rc_rows_cb rows, void *self)
{
    rc_worker_query(host, side, rows, self);
}

struct rc_history *rc_history_on(struct rc_worker *worker, struct rc_auth *auth, struct rc_origin_guard *guard)
{
    struct rc_history_source source = {.host = worker, .query = query_worker};
    return rc_history_new(rc_worker_http(worker), auth, &source, rc_worker_values(worker), guard);
}

void rc_history_free(struct rc_history *history)
{
    free(history);
}
