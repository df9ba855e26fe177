/* Origins: the list of those that are allowed, and the judgement of one. */
#include "gateway/http/origin.h"

#include "clock.h"
#include "log.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME_MAX 32
#define HOST_MAX   253 /* RFC 1035; an IPv6 address is shorter */

#define SHOW_EVERY    (1000 * RC_MS) /* refusals in the log */
#define REQUESTED_MAX 512            /* bytes of the header names that a preflight asks for */

#define ALLOW_ORIGIN "Access-Control-Allow-Origin: "
#define VARY_ORIGIN  "Vary: Origin\r\n"

#define NO_SCHEME "has no scheme"
#define NO_PAGE   "is no page's origin, whose scheme is http or https"
#define PATH      "has something behind its host and port, if only a slash"
#define USER      "names a user"
#define WILDCARD  "has a wildcard, but * stands alone and for all; name each origin"
#define BAD_HOST  "has a host that is neither a name (of letters, digits, '.', '-', '_'; others as xn--...) nor [IPv6]"
#define BAD_PORT  "has a port that is not a number from 1 to 65535"
#define TOO_LONG  "is longer than an origin can be"

struct origin {
    char scheme[SCHEME_MAX + 1]; /* in lower case, like host */
    char host[HOST_MAX + 1];     /* an IPv6 address is in its shortest form and in brackets */
    int port;                    /* the scheme's default when none is written; 0: it has no default */
};

struct rc_origins {
    bool any;  /* "*" */
    bool null; /* "null": pages that have no origin, such as files and sandboxed frames */
    unsigned count;
    struct origin origin[RC_ORIGINS_MAX];
};

/* ---- parsing: the same for the option and for headers, so that both are compared in one form ---- */

static bool copy_lower(char *out, size_t size, const char *text, size_t len)
{
    if (len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    out[len] = '\0';
    return true;
}

static int default_port(const char *scheme)
{
    return strcmp(scheme, "https") == 0 ? 443 : strcmp(scheme, "http") == 0 ? 80 : 0;
}

/* The host at text, which is changed, into out. Returns what follows it; NULL: it is none. */
static const char *take_host(char *text, char out[HOST_MAX + 1])
{
    if (*text == '[') {
        struct in6_addr addr;
        char *end = strchr(text, ']'), shortest[INET6_ADDRSTRLEN];
        if (!end)
            return NULL;
        *end = '\0';
        if (inet_pton(AF_INET6, text + 1, &addr) != 1 || !inet_ntop(AF_INET6, &addr, shortest, sizeof shortest))
            return NULL;
        snprintf(out, HOST_MAX + 1, "[%s]", shortest);
        return end + 1;
    }
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-._");
    if (len == 0 || len > HOST_MAX)
        return NULL;
    memcpy(out, text, len);
    out[len] = '\0';
    return text + len;
}

/* ":8080" and nothing behind it. */
static bool take_port(const char *text, int *port)
{
    size_t digits = strspn(text + 1, "0123456789");
    if (*text != ':' || digits == 0 || digits > 5 || text[1 + digits] != '\0')
        return false;
    *port = atoi(text + 1);
    return *port >= 1 && *port <= 65535;
}

/* "host" or "host:port" in lower case; out->scheme is there. NULL, or what is wrong. */
static const char *take_authority(char *text, struct origin *out)
{
    const char *rest = take_host(text, out->host);
    if (!rest || (*rest && *rest != ':'))
        return BAD_HOST;
    out->port = default_port(out->scheme);
    return *rest == '\0' || take_port(rest, &out->port) ? NULL : BAD_PORT;
}

/* NULL, or what is wrong. */
static const char *parse(const char *text, size_t len, struct origin *out)
{
    char copy[RC_ORIGIN_MAX + 1];
    if (!copy_lower(copy, sizeof copy, text, len))
        return TOO_LONG;
    char *host = strstr(copy, "://");
    size_t scheme = host ? (size_t)(host - copy) : 0;
    if (scheme == 0 || scheme > SCHEME_MAX || copy[0] < 'a' || copy[0] > 'z' ||
        strspn(copy, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != scheme)
        return NO_SCHEME;
    memcpy(out->scheme, copy, scheme);
    out->scheme[scheme] = '\0';
    host += 3;
    if (strcmp(out->scheme, "ws") == 0 || strcmp(out->scheme, "wss") == 0)
        return NO_PAGE;
    if (strpbrk(host, "/\\?#"))
        return PATH;
    if (strchr(host, '@'))
        return USER;
    return strchr(host, '*') ? WILDCARD : take_authority(host, out);
}

/* ---- the list ---- */

static const char *add(struct rc_origins *origins, const char *text, size_t len)
{
    if (len == 1 && *text == '*') {
        origins->any = true;
        return NULL;
    }
    if (len == 4 && memcmp(text, "null", 4) == 0) {
        origins->null = true;
        return NULL;
    }
    if (origins->count == RC_ORIGINS_MAX)
        return "is one too many: 64 origins at most";
    const char *wrong = parse(text, len, &origins->origin[origins->count]);
    origins->count += !wrong;
    return wrong;
}

struct rc_origins *rc_origins_new(const char *list, char *why, size_t size)
{
    struct rc_origins *origins = calloc(1, sizeof *origins);
    if (!origins)
        snprintf(why, size, "out of memory");
    for (const char *at = list; origins && *at;) {
        size_t len = strcspn(at, ",");
        const char *wrong = add(origins, at, len);
        if (wrong) {
            char quoted[128];
            snprintf(why, size, "%s %s; right is scheme://host or scheme://host:port, as https://app.example",
                     rc_log_quote(quoted, sizeof quoted, at, len), wrong);
            rc_origins_free(origins);
            return NULL;
        }
        at += len + (at[len] == ',');
    }
    return origins;
}

void rc_origins_free(struct rc_origins *origins)
{
    free(origins);
}

void rc_origins_log(const struct rc_origins *origins)
{
    if (origins->any || origins->null)
        rc_log(
            RC_WARN, "origins-open",
            "cors.origins=\"%s\" hint=\"pages of any site may connect as whoever looks at them, since the cookie says "
            "who it is; name the origins\"",
            origins->any ? "*" : "null");
}

/* ---- the judgement ---- */

/* Whether the page came from the host that the request goes to. Only pages of http and https can. */
static bool is_host(const struct origin *origin, const char *host)
{
    char copy[HOST_MAX + sizeof ":65535"];
    struct origin own;
    if (!host || !default_port(origin->scheme) || !copy_lower(copy, sizeof copy, host, strlen(host)))
        return false;
    memcpy(own.scheme, origin->scheme, sizeof own.scheme);
    return !take_authority(copy, &own) && strcmp(own.host, origin->host) == 0 && own.port == origin->port;
}

static bool is_listed(const struct rc_origins *origins, const struct origin *origin)
{
    for (unsigned i = 0; i < origins->count; i++) {
        const struct origin *one = &origins->origin[i];
        if (one->port == origin->port && strcmp(one->host, origin->host) == 0 &&
            strcmp(one->scheme, origin->scheme) == 0)
            return true;
    }
    return false;
}

static unsigned origin_headers(const struct rc_http_request *request)
{
    unsigned n = 0;
    for (unsigned i = 0; i < request->headers; i++)
        n += strcmp(request->header[i].name, "origin") == 0;
    return n;
}

enum rc_origin_verdict rc_origin_judge(const struct rc_origins *origins, const struct rc_http_request *request)
{
    const char *text = rc_http_header(request, "origin");
    struct origin origin;
    if (!text)
        return RC_ORIGIN_ABSENT;
    if (origin_headers(request) == 1 && !parse(text, strlen(text), &origin)) {
        if (is_host(&origin, rc_http_header(request, "host")))
            return RC_ORIGIN_SAME;
        if (is_listed(origins, &origin))
            return RC_ORIGIN_LISTED;
    }
    if (origins->any || (origins->null && strcmp(text, "null") == 0 && origin_headers(request) == 1))
        return RC_ORIGIN_OPEN;
    return RC_ORIGIN_REFUSED;
}

/* ---- a worker's guard ---- */

static const char *quote_header(char *buf, size_t size, const struct rc_http_request *request, const char *name)
{
    const char *value = rc_http_header(request, name);
    return rc_log_quote(buf, size, value ? value : "", value ? strlen(value) : 0);
}

/* A page that is refused tries again and again, so at most one line a second. */
static void log_refusal(struct rc_origin_guard *guard, const struct rc_http_request *request)
{
    rc_time now = rc_clock_now();
    char origin[200], host[200], path[200];
    if (guard->logged && now - guard->logged < SHOW_EVERY) {
        guard->unshown++;
        return;
    }
    rc_log(RC_WARN, "origin-refused",
           "origin=%s host=%s path=%s unshown=%" PRIu64
           " hint=\"add it to cors.origins, or let the proxy keep the Host header\"",
           quote_header(origin, sizeof origin, request, "origin"), quote_header(host, sizeof host, request, "host"),
           rc_log_quote(path, sizeof path, request->path, strlen(request->path)), guard->unshown);
    guard->logged = now;
    guard->unshown = 0;
}

bool rc_origin_admit(struct rc_origin_guard *guard, const struct rc_http_request *request)
{
    if (!guard || rc_origin_judge(guard->origins, request) != RC_ORIGIN_REFUSED)
        return true;
    rc_metric_add(&guard->values[GM_ORIGINS_REFUSED], 1);
    log_refusal(guard, request);
    return false;
}

void rc_origin_refuse(struct rc_response *response)
{
    static const char body[] = "{\"error\":\"" RC_ORIGIN_WORDS "\"}";
    rc_response_full(response, 403, "application/json; charset=utf-8", "Cache-Control: no-store\r\n" VARY_ORIGIN, body,
                     sizeof body - 1);
}

const char *rc_origin_fields(const struct rc_origin_guard *guard, const struct rc_http_request *request,
                             char out[RC_ORIGIN_FIELDS])
{
    const struct rc_origins *origins = guard ? guard->origins : NULL;
    enum rc_origin_verdict verdict = origins ? rc_origin_judge(origins, request) : RC_ORIGIN_ABSENT;
    if (!origins)
        *out = '\0';
    else if (verdict == RC_ORIGIN_LISTED) /* as it came: it was parsed, and browsers compare bytes */
        snprintf(out, RC_ORIGIN_FIELDS, ALLOW_ORIGIN "%s\r\nAccess-Control-Allow-Credentials: true\r\n" VARY_ORIGIN,
                 rc_http_header(request, "origin"));
    else if (origins->any) /* the same for everybody, unless some are listed as well */
        snprintf(out, RC_ORIGIN_FIELDS, ALLOW_ORIGIN "*\r\n%s", origins->count ? VARY_ORIGIN : "");
    else
        snprintf(out, RC_ORIGIN_FIELDS, "%s" VARY_ORIGIN, verdict == RC_ORIGIN_OPEN ? ALLOW_ORIGIN "null\r\n" : "");
    return out;
}

/* ---- preflights ---- */

/* Header names to be sent back: tokens (RFC 9110 5.6.2), commas and spaces. */
static bool are_tokens(const char *names)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~, ";
    size_t len = strspn(names, good);
    return len > 0 && len <= REQUESTED_MAX && names[len] == '\0';
}

/* What a foreign page may send, behind the other fields. */
static void put_allowance(const struct rc_http_request *request, const char *methods, char *out, size_t size)
{
    const char *names = rc_http_header(request, "access-control-request-headers");
    bool echo = names && are_tokens(names);
    snprintf(out, size,
             "Access-Control-Allow-Methods: %s\r\nAccess-Control-Max-Age: 600\r\n"
             "Vary: Access-Control-Request-Headers\r\n%s%s%s",
             methods, echo ? "Access-Control-Allow-Headers: " : "", echo ? names : "", echo ? "\r\n" : "");
}

void rc_origin_preflight(struct rc_origin_guard *guard, const struct rc_http_request *request, const char *methods,
                         struct rc_response *response)
{
    char origin[RC_ORIGIN_FIELDS], allowance[REQUESTED_MAX + 256] = "", fields[sizeof origin + sizeof allowance + 128];
    if (!rc_origin_admit(guard, request)) {
        rc_origin_refuse(response);
        return;
    }
    enum rc_origin_verdict verdict = guard ? rc_origin_judge(guard->origins, request) : RC_ORIGIN_ABSENT;
    if ((verdict == RC_ORIGIN_LISTED || verdict == RC_ORIGIN_OPEN) &&
        rc_http_header(request, "access-control-request-method"))
        put_allowance(request, methods, allowance, sizeof allowance);
    snprintf(fields, sizeof fields, "Allow: %s, OPTIONS\r\n%s%s", methods, rc_origin_fields(guard, request, origin),
             allowance);
    rc_response_full(response, 204, NULL, fields, "", 0);
}
