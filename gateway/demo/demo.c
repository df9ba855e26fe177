/* The demo page: its files, and tokens for whoever asks. */
#include "gateway/demo/demo.h"

#include "clock.h"
#include "gateway/app/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_LIFE "3600" /* s */
#define ANSWER_MAX ((size_t)4 * RC_JWT_TOKEN_MAX)
#define JSON       "application/json; charset=utf-8"
#define WINDOW_MAX 32 /* characters of a window's name */
#define SECURITY                                                                                                       \
    "Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"                   \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws:; "       \
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"

/* gateway/demo/, made into arrays at build time */
extern const unsigned char rc_demo_index_html[], rc_demo_app_js[], rc_demo_style_css[];
extern const size_t rc_demo_index_html_len, rc_demo_app_js_len, rc_demo_style_css_len;

struct rc_demo {
    const struct rc_jwt *jwt; /* these are the caller's */
    const char *node;
    const char *eio_path;
    struct rc_script *script;
};

struct rc_demo *rc_demo_new(const struct rc_jwt *jwt, const char *node, const char *eio_path, struct rc_script *script)
{
    struct rc_demo *demo = malloc(sizeof *demo);
    if (demo)
        *demo = (struct rc_demo){.jwt = jwt, .node = node, .eio_path = eio_path, .script = script};
    return demo;
}

void rc_demo_free(struct rc_demo *demo)
{
    free(demo);
}

/* ---- the files ---- */

static void send_page(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self;
    (void)request;
    rc_response_full(response, 200, "text/html; charset=utf-8", SECURITY, rc_demo_index_html, rc_demo_index_html_len);
}

static void send_script(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self;
    (void)request;
    rc_response_full(response, 200, "text/javascript; charset=utf-8", SECURITY, rc_demo_app_js, rc_demo_app_js_len);
}

static void send_style(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    (void)self;
    (void)request;
    rc_response_full(response, 200, "text/css; charset=utf-8", SECURITY, rc_demo_style_css, rc_demo_style_css_len);
}

/* ---- tokens ---- */

static void refuse(struct rc_response *response, int status, const char *error)
{
    char body[256];
    int n = snprintf(body, sizeof body, "{\"error\":\"%s\"}", error);
    rc_response_full(response, status, JSON, SECURITY, body, (size_t)n);
}

/* Whether a Host field names this machine to itself: localhost, 127.x.y.z or [::1], any port. */
static bool is_loopback(const char *host)
{
    size_t len = strcspn(host, ":");
    if (strncmp(host, "[::1]", 5) == 0) {
        return true;
    }
    if (len == strlen("localhost") && strncasecmp(host, "localhost", len) == 0) {
        return true;
    }
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
}

static bool is_window(const char *name)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    size_t len = strlen(name);
    return len > 0 && len <= WINDOW_MAX && strspn(name, letters) == len;
}

static void add_cookie(struct rc_text *fields, const char *token, const char *path)
{
    const char *const parts[] = {
        "Set-Cookie: token=", token, "; Path=", path, "; Max-Age=", TOKEN_LIFE, "; HttpOnly; SameSite=Strict\r\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        rc_text_puts(fields, parts[i]);
    }
}

static void add_member(struct rc_text *body, const char *name, const char *value)
{
    rc_text_puts(body, body->len ? "," : "{");
    rc_text_json(body, name, strlen(name));
    rc_text_puts(body, ":");
    rc_text_json(body, value, strlen(value));
}

static void send_token(const struct rc_demo *demo, struct rc_response *response, const char *user, const char *rol,
                       const char *window)
{
    char path[PATH_MAX];
    struct rc_text fields, body;
    char *token = rc_jwt_sign(demo->jwt, user, rol, rc_clock_wall_ms() / 1000 + atoi(TOKEN_LIFE));
    if (!token) {
        refuse(response, 400, "user must be UTF-8");
        return;
    }
    snprintf(path, sizeof path, "%s%s", demo->eio_path, window);
    rc_text_init(&fields, ANSWER_MAX);
    rc_text_puts(&fields, SECURITY);
    add_cookie(&fields, token, path);
    add_cookie(&fields, token, "/api");
    rc_text_add(&fields, "", 1);
    rc_text_init(&body, ANSWER_MAX);
    add_member(&body, "user", user);
    add_member(&body, "rol", rol);
    add_member(&body, "node", demo->node);
    add_member(&body, "path", path);
    rc_text_puts(&body, "}");
    if (fields.failed || body.failed) {
        refuse(response, 500, "out of memory");
    } else {
        rc_response_full(response, 200, JSON, fields.at, body.at, body.len);
    }
    rc_text_fini(&fields);
    rc_text_fini(&body);
    free(token);
}

static void give_token(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    const char *host = rc_http_header(request, "host");
    char *user = rc_http_param(request->query, "user");
    char *rol = rc_http_param(request->query, "rol");
    char *window = rc_http_param(request->query, "window");
    if (!host || !is_loopback(host)) {
        refuse(response, 403, "the demo gives tokens on loopback names only, such as localhost");
    } else if (!user || !*user || strlen(user) > RC_USER_MAX) {
        refuse(response, 400, "user must have 1 to 128 bytes");
    } else if (!rol || (strcmp(rol, "user") != 0 && strcmp(rol, "admin") != 0)) {
        refuse(response, 400, "rol must be user or admin");
    } else if (!window || !is_window(window)) {
        refuse(response, 400, "window must be 1 to 32 of a-z and 0-9");
    } else {
        send_token(self, response, user, rol, window);
    }
    free(user);
    free(rol);
    free(window);
}

void rc_demo_routes(struct rc_demo *demo, struct rc_http_server *server)
{
    rc_http_route(server, "GET", "/demo", send_page, demo);
    rc_http_route(server, "GET", "/demo/app.js", send_script, demo);
    rc_http_route(server, "GET", "/demo/style.css", send_style, demo);
    rc_script_alias(demo->script, server, "/demo/socket.io.js");
    rc_http_route(server, "POST", "/demo/token", give_token, demo);
}
