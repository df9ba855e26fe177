/* History over HTTP: who may ask, what is asked of the persister, what the client gets, what becomes of a failure. */
#include "gateway/app/history.h"
#include "http_client.h"
#include "tokens.h"

#define ANA  "{\"user\":\"ana\",\"rol\":\"user\"}"
#define ROOT "{\"user\":\"root\",\"rol\":\"admin\"}"

static struct { /* the query that the gateway asked last */
    unsigned count;
    Roomcast__Side *side;
    rc_rows_cb rows;
    void *self;
} asked;

static struct rc_jwt *jwt;
static struct rc_auth *auth;
static struct rc_history *history;
static struct rc_origins *origins;
static struct rc_origin_guard guard;

static void on_query(void *host, struct rc_buf *side, rc_rows_cb rows, void *self)
{
    assert_ptr_equal(host, &asked);
    if (asked.side) {
        roomcast__side__free_unpacked(asked.side, NULL);
    }
    asked.side = roomcast__side__unpack(NULL, side->len, side->data);
    assert_int_equal(asked.side->kind_case, ROOMCAST__SIDE__KIND_QUERY);
    asked.count++;
    asked.rows = rows;
    asked.self = self;
    rc_buf_rele(side);
}

static int set_up(void **state)
{
    (void)state;
    char error[256];
    struct rc_history_source source = {.host = &asked, .query = on_query};
    jwt = rc_jwt_new("HS256", SECRET, strlen(SECRET), 0, error, sizeof error);
    auth = rc_auth_new(jwt);
    server_opens();
    origins = rc_origins_new("https://app.example", error, sizeof error);
    guard = (struct rc_origin_guard){.origins = origins, .values = server_values};
    history = rc_history_new(server, auth, &source, server_values, &guard);
    client_connects();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_leaves();
    server_closes();
    rc_history_free(history);
    rc_origins_free(origins);
    rc_auth_free(auth);
    rc_jwt_free(jwt);
    if (asked.side) {
        roomcast__side__free_unpacked(asked.side, NULL);
    }
    memset(&asked, 0, sizeof asked);
    return 0;
}

static void request_with(const char *method, const char *target, const char *version, const char *cookie)
{
    client_asks(method, target, version, "x", cookie);
}

/* Of a page with this origin; "": no header. */
static void get_from(const char *origin, const char *claims, const char *target)
{
    char fields[1024];
    char *text = token(claims);
    snprintf(fields, sizeof fields, "Cookie: token=%s\r\n%s%s%s", text, *origin ? "Origin: " : "", origin,
             *origin ? "\r\n" : "");
    free(text);
    request_with("GET", target, "1.1", fields);
}

static void get_as(const char *claims, const char *target)
{
    get_from("", claims, target);
}

/* ---- the persister's side ---- */

static ProtobufCBinaryData bytes(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
}

static void answer_packed(const Roomcast__Rows *rows)
{
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    side.kind_case = ROOMCAST__SIDE__KIND_ROWS;
    side.rows = (Roomcast__Rows *)rows;
    struct rc_buf *packed = rc_buf_new(roomcast__side__get_packed_size(&side));
    roomcast__side__pack(&side, packed->data);
    asked.rows(asked.self, packed);
    rc_buf_rele(packed);
}

/* Answers with one message (mensaje NULL: none), cursors ("": none) and an error ("": none). */
static void answer_rows(const char *mensaje, const char *cursor, const char *later, const char *error)
{
    Roomcast__HistoryRow row = ROOMCAST__HISTORY_ROW__INIT;
    Roomcast__HistoryRow *list[] = {&row};
    Roomcast__Rows rows = ROOMCAST__ROWS__INIT;
    row.de = bytes("ana");
    row.para = bytes("a\"dmin");
    row.mensaje = bytes(mensaje ? mensaje : "");
    row.fecha = 1700000000123;
    rows.n_row = mensaje ? 1 : 0;
    rows.row = list;
    rows.cursor = bytes(cursor);
    rows.later = bytes(later);
    rows.error = bytes(error);
    answer_packed(&rows);
}

/* cursor "": the last page. */
static void answer(const char *mensaje, const char *cursor, const char *error)
{
    answer_rows(mensaje, cursor, "", error);
}

#define ROW(mensaje)                                                                                                   \
    "{\"de_usuario\":\"ana\",\"para_usuario\":\"a\\\"dmin\",\"mensaje\":" mensaje                                      \
    ",\"fecha\":\"2023-11-14T22:13:20.123Z\"}"

/* ---- what the client got ---- */

static void assert_answer(const char *status, const char *body)
{
    const char *end = strstr(client->out, "\r\n\r\n");
    assert_non_null(end);
    assert_memory_equal(client->out, status, strlen(status));
    assert_string_equal(end + 4, body);
    assert_non_null(strstr(client->out, "Content-Type: application/json; charset=utf-8\r\n"));
}

static void refuses(const char *claims, const char *target, const char *status, const char *error)
{
    char body[256];
    unsigned before = asked.count;
    snprintf(body, sizeof body, "{\"error\":\"%s\"}", error);
    get_as(claims, target);
    assert_answer(status, body);
    assert_int_equal(asked.count, before);
}

static void refuses_cookie(const char *cookie, const char *target, const char *status, const char *error)
{
    char body[256];
    snprintf(body, sizeof body, "{\"error\":\"%s\"}", error);
    request_with("GET", target, "1.1", cookie);
    assert_answer(status, body);
    assert_int_equal(asked.count, 0);
}

/* ---- who may ask ---- */

static void own_messages_need_a_token(void **state)
{
    (void)state;
    refuses_cookie("", "/api/mensajes/mios", "HTTP/1.1 401 ", "No autenticado");
    refuses_cookie("Cookie: a=b\r\n", "/api/mensajes/mios", "HTTP/1.1 401 ", "No autenticado");
    refuses_cookie("Cookie: token=\r\n", "/api/mensajes/mios", "HTTP/1.1 401 ", "No autenticado");
    refuses_cookie("Cookie: token=a.b.c\r\n", "/api/mensajes/mios", "HTTP/1.1 403 ", "Token inválido");
    refuses("{\"rol\":\"admin\"}", "/api/mensajes/mios", "HTTP/1.1 403 ", "Token inválido");
    refuses("{\"user\":\"ana\",\"exp\":1}", "/api/mensajes/mios", "HTTP/1.1 403 ", "Token inválido");
}

static void the_rest_is_for_admins(void **state)
{
    (void)state;
    static const char *const targets[] = {"/api/mensajes?con=ana", "/api/mensajes", "/api/usuarios-conversaciones"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        refuses_cookie("", targets[i], "HTTP/1.1 403 ", "Acceso denegado");
        refuses_cookie("Cookie: token=\r\n", targets[i], "HTTP/1.1 403 ", "Acceso denegado");
        refuses_cookie("Cookie: token=a.b.c\r\n", targets[i], "HTTP/1.1 403 ", "Token inválido");
        refuses(ANA, targets[i], "HTTP/1.1 403 ", "Acceso solo para administradores");
    }
}

static void con_is_needed_and_bounded(void **state)
{
    (void)state;
    char target[256];
    refuses(ROOT, "/api/mensajes", "HTTP/1.1 400 ", "Falta el parámetro ?con=usuario");
    refuses(ROOT, "/api/mensajes?con=", "HTTP/1.1 400 ", "Falta el parámetro ?con=usuario");
    snprintf(target, sizeof target, "/api/mensajes?con=%0*d", RC_USER_MAX + 1, 0);
    refuses(ROOT, target, "HTTP/1.1 400 ", "El parámetro con admite como máximo 128 bytes");
}

static void parameters_are_checked(void **state)
{
    (void)state;
    static const char *const limits[] = {"0", "257", "-1", "1.5", "x", "", "%201", "99999999999999999999", "0x10"};
    static const char *const cursors[] = {"", "a", "zz", "ABCD", "2023-11-14T22:13:20.123Z"};
    char target[128];
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        snprintf(target, sizeof target, "/api/mensajes/mios?limit=%s", limits[i]);
        refuses(ANA, target, "HTTP/1.1 400 ", "limit debe ser un número de 1 a 256");
    }
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        snprintf(target, sizeof target, "/api/mensajes?con=ana&before=%s", cursors[i]);
        refuses(ROOT, target, "HTTP/1.1 400 ",
                "before debe ser el valor de la cabecera X-Next-Before de una respuesta anterior");
        snprintf(target, sizeof target, "/api/mensajes/mios?after=%s", cursors[i]);
        refuses(ANA, target, "HTTP/1.1 400 ",
                "after debe ser 0 o el valor de la cabecera X-Next-After de una respuesta anterior");
    }
    refuses(ANA, "/api/mensajes/mios?after=00&before=00", "HTTP/1.1 400 ", "before y after no se piden a la vez");
}

/* ---- what is asked ---- */

static void assert_query(Roomcast__Query__Kind kind, const char *user, const char *cursor, unsigned limit, bool newest)
{
    const Roomcast__Query *query = asked.side->query;
    assert_int_equal(query->kind, kind);
    assert_int_equal(query->user.len, strlen(user));
    assert_memory_equal(query->user.data, user, query->user.len);
    assert_int_equal(query->cursor.len, strlen(cursor));
    assert_memory_equal(query->cursor.data, cursor, query->cursor.len);
    assert_int_equal(query->limit, limit);
    assert_int_equal(query->newest, newest);
    assert_int_equal(query->by_log, newest); /* after=, which is the third way, is tested below */
}

static void asks_for_the_caller_alone(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios?con=root&user=root");
    assert_query(ROOMCAST__QUERY__KIND__OF_USER, "ana", "", 0, false);
    answer(NULL, "", "");
    assert_answer("HTTP/1.1 200 ", "2\r\n[]\r\n0\r\n\r\n");
}

static void asks_for_whom_the_admin_names(void **state)
{
    (void)state;
    get_as(ROOT, "/api/mensajes?con=a%26%23%C3%B1+b");
    assert_query(ROOMCAST__QUERY__KIND__OF_USER, "a&#ñ b", "", 0, false);
    answer(NULL, "", "");
}

static void lists_conversations(void **state)
{
    (void)state;
    ProtobufCBinaryData users[] = {bytes("ana"), bytes("e\"va")};
    Roomcast__Rows rows = ROOMCAST__ROWS__INIT;
    get_as(ROOT, "/api/usuarios-conversaciones");
    assert_query(ROOMCAST__QUERY__KIND__CONVERSATIONS, "", "", 0, false);
    rows.n_user = 2;
    rows.user = users;
    answer_packed(&rows);
    assert_answer("HTTP/1.1 200 ", "f\r\n[\"ana\",\"e\\\"va\"]\r\n0\r\n\r\n");
}

/* ---- what the client gets ---- */

static void sends_everything_page_by_page(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios");
    answer("\"uno\"", "c1", "");
    assert_query(ROOMCAST__QUERY__KIND__OF_USER, "ana", "c1", 0, false);
    answer("{\"base64\": \"AA==\"}", "", "");
    assert_int_equal(asked.count, 2);
    assert_non_null(strstr(client->out, "\r\n[" ROW("\"uno\"") "\r\n"));
    assert_non_null(strstr(client->out, "\r\n," ROW("{\"base64\": \"AA==\"}") "]\r\n0\r\n\r\n"));
    assert_non_null(strstr(client->out, "Transfer-Encoding: chunked"));
    assert_non_null(strstr(client->out, "Cache-Control: no-store"));
    assert_false(client->stream.closing);
}

static void empty_pages_do_not_end_it(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios");
    answer(NULL, "c1", "");
    answer("1", "c2", "");
    answer(NULL, "", "");
    assert_non_null(strstr(client->out, "\r\n[\r\n"));
    assert_non_null(strstr(client->out, "\r\n" ROW("1") "\r\n1\r\n]\r\n0\r\n\r\n"));
}

static void waits_for_a_slow_client(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios");
    answer("1", "c1", ""); /* nothing was waiting before it: the second page is asked for at once */
    assert_int_equal(asked.count, 2);
    client_stalls();
    answer("2", "c2", ""); /* the first one is still in the queue */
    assert_int_equal(asked.count, 2);
    client_reads();
    assert_int_equal(asked.count, 3);
    assert_query(ROOMCAST__QUERY__KIND__OF_USER, "ana", "c2", 0, false);
    client_reads(); /* while asking: nothing more is asked */
    assert_int_equal(asked.count, 3);
    answer("3", "", "");
    assert_non_null(strstr(client->out, ROW("3") "]\r\n0\r\n\r\n"));
}

static void limit_gives_a_page_of_the_newest(void **state)
{
    (void)state;
    get_as(ROOT, "/api/mensajes?con=ana&limit=2");
    assert_query(ROOMCAST__QUERY__KIND__OF_USER, "ana", "", 2, true);
    answer("1", "\x01z", "");
    assert_answer("HTTP/1.1 200 ", "[" ROW("1") "]");
    assert_non_null(strstr(client->out, "X-Next-Before: 017a\r\n"));
    assert_int_equal(asked.count, 1);
    get_as(ROOT, "/api/mensajes?con=ana&limit=2&before=017a");
    assert_query(ROOMCAST__QUERY__KIND__OF_USER, "ana", "\x01z", 2, true);
    answer("0", "", "");
    assert_answer("HTTP/1.1 200 ", "[" ROW("0") "]");
    assert_null(strstr(client->out, "X-Next-Before"));
    get_as(ANA, "/api/mensajes/mios?before=017a");
    assert_query(ROOMCAST__QUERY__KIND__OF_USER, "ana", "\x01z", 0, true);
    answer(NULL, "", "");
    assert_answer("HTTP/1.1 200 ", "[]");
}

static void assert_on(const char *cursor, unsigned limit)
{
    const Roomcast__Query *query = asked.side->query;
    assert_true(query->by_log && !query->newest);
    assert_int_equal(query->limit, limit);
    assert_int_equal(query->cursor.len, strlen(cursor));
    assert_memory_equal(query->cursor.data, cursor, query->cursor.len);
}

static void after_gives_what_comes_later(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios?limit=2");
    answer_rows("1", "", "\x03z", "");
    assert_non_null(strstr(client->out, "X-Next-After: 037a\r\n"));
    assert_null(strstr(client->out, "X-Next-Before:"));
    get_as(ANA, "/api/mensajes/mios?after=0&limit=1");
    assert_on("", 1);
    answer_rows("1", "\x03y", "\x03y", ""); /* there is more, and X-Next-After leads there too */
    assert_non_null(strstr(client->out, "X-Next-After: 0379\r\n"));
    assert_null(strstr(client->out, "X-Next-Before:"));
    get_as(ANA, "/api/mensajes/mios?after=037a");
    assert_on("\x03z", 0);
    answer_rows(NULL, "", "\x03z", "");
    assert_answer("HTTP/1.1 200 ", "[]");
    assert_non_null(strstr(client->out, "X-Next-After: 037a\r\n"));
}

/* A page may hold nothing of this user, though it is not the last; the client is not told of it. */
static void empty_pages_are_not_shown(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios?limit=2");
    answer_rows(NULL, "\x03y", "\x03z", "");
    assert_int_equal(asked.count, 2);
    assert_query(ROOMCAST__QUERY__KIND__OF_USER, "ana", "\x03y", 2, true);
    answer_rows("1", "\x03x", "", "");
    assert_answer("HTTP/1.1 200 ", "[" ROW("1") "]");
    assert_non_null(strstr(client->out, "X-Next-Before: 0378\r\nX-Next-After: 037a\r\n"));
}

static void cursor_that_is_none_is_the_clients_fault(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios?after=00");
    answer(NULL, "", "bad cursor");
    assert_answer("HTTP/1.1 400 ", "{\"error\":\"before o after no es el valor de X-Next-Before o X-Next-After de una "
                                   "respuesta anterior\"}");
}

static void head_asks_nobody(void **state)
{
    (void)state;
    char cookie[512];
    char *text = token(ANA);
    snprintf(cookie, sizeof cookie, "Cookie: token=%s\r\n", text);
    free(text);
    request_with("HEAD", "/api/mensajes/mios", "1.1", cookie);
    assert_int_equal(asked.count, 0);
    assert_answer("HTTP/1.1 200 ", "");
}

/* ---- pages of other sites ---- */

#define APP     "https://app.example"
#define ALLOWED "Access-Control-Allow-Origin: " APP "\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n"

static const char *const paths[] = {"/api/mensajes/mios", "/api/mensajes?con=ana", "/api/usuarios-conversaciones"};

static void assert_fields(const char *status, const char *fields)
{
    assert_memory_equal(client->out, status, strlen(status));
    assert_non_null(strstr(client->out, fields));
}

static void other_sites_get_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        get_from("https://evil.example", ROOT, paths[i]);
        assert_answer("HTTP/1.1 403 ", "{\"error\":\"Origen no permitido\"}");
        assert_fields("HTTP/1.1 403 ", "Vary: Origin\r\n");
        assert_null(strstr(client->out, "Access-Control-"));
        request_with("HEAD", paths[i], "1.1", "Origin: null\r\n");
        assert_fields("HTTP/1.1 403 ", "Vary: Origin\r\n");
    }
    assert_int_equal(asked.count, 0);
    assert_int_equal(rc_metric_get(&server_values[GM_ORIGINS_REFUSED]), 6);
    rc_metric_set(&server_values[GM_ORIGINS_REFUSED], 0);
}

static void listed_sites_get_answers_that_say_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        get_from(APP, ROOT, paths[i]);
        answer(NULL, "", "");
        assert_fields("HTTP/1.1 200 ", ALLOWED);
        assert_fields("HTTP/1.1 200 ", "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
        get_from(APP, ROOT, paths[i]);
        asked.rows(asked.self, NULL);
        assert_fields("HTTP/1.1 503 ", ALLOWED);
        request_with("GET", paths[i], "1.1", "Origin: " APP "\r\nCookie: token=a.b.c\r\n");
        assert_fields("HTTP/1.1 403 ", ALLOWED);
        request_with("GET", paths[i], "1.1", "Origin: " APP "\r\n");
        assert_fields("HTTP/1.1 40", ALLOWED);
    }
    get_from(APP, ANA, "/api/mensajes/mios?limit=x");
    assert_fields("HTTP/1.1 400 ", ALLOWED);
    get_from(APP, ROOT, "/api/mensajes");
    assert_fields("HTTP/1.1 400 ", ALLOWED);
    get_from(APP, ANA, "/api/mensajes?con=eva");
    assert_fields("HTTP/1.1 403 ", ALLOWED);
    get_from(APP, ANA, "/api/mensajes/mios?limit=1");
    answer("1", "\x01z", "");
    assert_fields("HTTP/1.1 200 ", ALLOWED);
    assert_fields("HTTP/1.1 200 ",
                  "X-Next-Before: 017a\r\nAccess-Control-Expose-Headers: X-Next-Before, X-Next-After\r\n");
}

static void own_pages_get_no_more_than_vary(void **state)
{
    (void)state;
    get_from("http://x", ANA, "/api/mensajes/mios");
    answer(NULL, "", "");
    assert_fields("HTTP/1.1 200 ", "Vary: Origin\r\n");
    assert_null(strstr(client->out, "Access-Control-"));
    get_as(ANA, "/api/mensajes/mios");
    answer(NULL, "", "");
    assert_fields("HTTP/1.1 200 ", "Vary: Origin\r\n");
    assert_null(strstr(client->out, "Access-Control-"));
}

static void preflights_are_answered(void **state)
{
    (void)state;
    static const char *const bare[] = {"/api/mensajes/mios", "/api/mensajes", "/api/usuarios-conversaciones"};
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        request_with("OPTIONS", bare[i], "1.1", "Origin: " APP "\r\nAccess-Control-Request-Method: GET\r\n");
        assert_fields("HTTP/1.1 204 ", ALLOWED "Access-Control-Allow-Methods: GET, HEAD\r\n");
        request_with("OPTIONS", bare[i], "1.1", "Origin: null\r\nAccess-Control-Request-Method: GET\r\n");
        assert_answer("HTTP/1.1 403 ", "{\"error\":\"Origen no permitido\"}");
        request_with("POST", bare[i], "1.1", "");
        assert_fields("HTTP/1.1 405 ", "Allow: OPTIONS, GET, HEAD\r\n");
    }
}

/* ---- failures ---- */

static void says_when_nobody_can_be_asked(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios");
    asked.rows(asked.self, NULL);
    assert_answer("HTTP/1.1 503 ", "{\"error\":\"El historial no está disponible\"}");
    get_as(ANA, "/api/mensajes/mios?limit=1");
    answer("1", "", "disk on fire");
    assert_answer("HTTP/1.1 503 ", "{\"error\":\"El historial no está disponible\"}");
    struct rc_buf *nonsense = rc_buf_copy("\xff\xff", 2);
    get_as(ANA, "/api/mensajes/mios");
    asked.rows(asked.self, nonsense);
    assert_answer("HTTP/1.1 503 ", "{\"error\":\"El historial no está disponible\"}");
    rc_buf_rele(nonsense);
    assert_false(client->stream.closing);
}

static void cuts_an_answer_that_cannot_go_on(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios");
    answer("1", "c1", "");
    asked.rows(asked.self, NULL);
    assert_true(client->stream.closing);
    assert_null(strstr(client->out, "0\r\n\r\n")); /* no last chunk: the client knows */
    assert_null(strstr(client->out, "]"));
}

static void http10_gets_pages_only(void **state)
{
    (void)state;
    char cookie[512];
    char *text = token(ANA);
    snprintf(cookie, sizeof cookie, "Connection: keep-alive\r\nCookie: token=%s\r\n", text);
    free(text);
    request_with("GET", "/api/mensajes/mios", "1.0", cookie);
    assert_answer("HTTP/1.1 505 ", "{\"error\":\"Sin HTTP/1.1 el historial se pide con limit\"}");
    request_with("GET", "/api/mensajes/mios?limit=5", "1.0", cookie);
    answer("1", "", "");
    assert_answer("HTTP/1.1 200 ", "[" ROW("1") "]");
}

static void client_may_leave_while_asking(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios");
    client_leaves();
    answer("1", "c1", ""); /* nobody is there; the sanitizer sees if something is left */
    assert_int_equal(asked.count, 1);
    client_connects();
}

static void client_may_leave_before_reading(void **state)
{
    (void)state;
    get_as(ANA, "/api/mensajes/mios");
    answer("1", "c1", "");
    client_stalls();
    answer("2", "c2", "");
    client_leaves();
    assert_int_equal(asked.count, 2);
    client_connects();
}

static void requests_at_once_are_bounded(void **state)
{
    (void)state;
    rc_rows_cb rows[64];
    void *self[64];
    for (int i = 0; i < 64; i++) {
        get_as(ANA, "/api/mensajes/mios");
        assert_int_equal(asked.count, i + 1);
        rows[i] = asked.rows;
        self[i] = asked.self;
        client_leaves(); /* the query is still under way */
        client_connects();
    }
    get_as(ANA, "/api/mensajes/mios");
    assert_answer("HTTP/1.1 503 ", "{\"error\":\"El historial no está disponible\"}");
    for (int i = 0; i < 64; i++) {
        rows[i](self[i], NULL);
    }
    get_as(ANA, "/api/mensajes/mios");
    assert_int_equal(asked.count, 65);
    answer(NULL, "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(own_messages_need_a_token),
        T(the_rest_is_for_admins),
        T(con_is_needed_and_bounded),
        T(parameters_are_checked),
        T(asks_for_the_caller_alone),
        T(asks_for_whom_the_admin_names),
        T(lists_conversations),
        T(sends_everything_page_by_page),
        T(empty_pages_do_not_end_it),
        T(waits_for_a_slow_client),
        T(limit_gives_a_page_of_the_newest),
        T(after_gives_what_comes_later),
        T(empty_pages_are_not_shown),
        T(cursor_that_is_none_is_the_clients_fault),
        T(head_asks_nobody),
        T(says_when_nobody_can_be_asked),
        T(cuts_an_answer_that_cannot_go_on),
        T(http10_gets_pages_only),
        T(other_sites_get_nothing),
        T(listed_sites_get_answers_that_say_so),
        T(own_pages_get_no_more_than_vary),
        T(preflights_are_answered),
        T(client_may_leave_while_asking),
        T(client_may_leave_before_reading),
        T(requests_at_once_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
