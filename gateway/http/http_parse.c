/* Parsing of HTTP request heads. */
#include "gateway/http/http_parse.h"

#include <ctype.h>
#include <llhttp.h>
#include <string.h>
#include <strings.h>

/* A byte that must not stand where it does. The first byte of a request is checked so that other protocols are
 * refused at once. */
static bool misplaced(const struct rc_http_scan *scan, uint8_t byte)
{
    if ((byte == '\n') != (scan->last == '\r'))
        return true;
    if (!scan->begun)
        return byte != '\r' && byte != '\n' && !(byte >= 'A' && byte <= 'Z');
    return !scan->line_begun && (byte == ' ' || byte == '\t'); /* obs-fold */
}

enum rc_http_scanned rc_http_scan(struct rc_http_scan *scan, const uint8_t *data, size_t len, size_t *used)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = data[i];
        if (misplaced(scan, byte)) {
            *used = i;
            return RC_HTTP_MALFORMED;
        }
        scan->last = byte;
        if (byte == '\r')
            continue;
        if (byte == '\n') {
            if (scan->begun && !scan->line_begun) {
                *used = i + 1;
                return RC_HTTP_END;
            }
            scan->line_begun = false;
            continue;
        }
        scan->begun = scan->line_begun = true;
    }
    *used = len;
    return RC_HTTP_MORE;
}

static struct rc_http_head *head_of(llhttp_t *parser)
{
    return parser->data;
}

static int refuse(struct rc_http_head *head, const char *why)
{
    head->wrong = why;
    return HPE_USER;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    head_of(parser)->request.path = at;
    head_of(parser)->request.query = at + len; /* its end, until split_target */
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct rc_http_head *head = head_of(parser);
    if (head->request.headers == RC_HTTP_FIELDS_MAX)
        return refuse(head, "too many header fields");
    char *name = (char *)(uintptr_t)at; /* in our own buffer */
    for (size_t i = 0; i < len; i++) {
        if (name[i] == ' ' || name[i] == '\t')
            return refuse(head, "space in a field name");
        name[i] = (char)tolower((unsigned char)name[i]);
    }
    head->field[head->request.headers++] = (struct rc_http_field){name, ""};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct rc_http_head *head = head_of(parser);
    (void)len; /* terminated at its line's end by terminate() */
    head->field[head->request.headers - 1].value = at;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    parser->upgrade = 0; /* the handler decides that */
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url, .on_header_field = on_field, .on_header_value = on_value, .on_headers_complete = on_complete};

/* Cuts every line at its CR and the trailing white space, and every field name at its colon. */
static void terminate(char *bytes, size_t len, struct rc_http_head *head)
{
    char *end = bytes + len;
    for (char *cr = bytes; (cr = memchr(cr, '\r', (size_t)(end - cr))); cr++) {
        char *at = cr;
        *at = 0;
        while (at > bytes && (at[-1] == ' ' || at[-1] == '\t'))
            *--at = 0;
    }
    for (unsigned i = 0; i < head->request.headers; i++) {
        char *name = (char *)(uintptr_t)head->field[i].name;
        name[strcspn(name, ":")] = 0;
    }
}

/* Origin form as it is; of the absolute form what follows the authority. False: neither. */
static bool split_target(struct rc_http_request *request)
{
    char *target = (char *)(uintptr_t)request->path;
    *(char *)(uintptr_t)request->query = 0;
    request->query = "";
    if (*target != '/') {
        char *authority = strstr(target, "://");
        char *path = authority ? strchr(authority + 3, '/') : NULL;
        if (!path && strcmp(target, "*") != 0)
            return false;
        target = path ? path : target;
    }
    char *mark = strchr(target, '?');
    if (mark) {
        *mark = 0;
        request->query = mark + 1;
    }
    request->path = target;
    return true;
}

static unsigned occurrences(const struct rc_http_request *request, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i < request->headers; i++)
        n += strcmp(request->header[i].name, name) == 0;
    return n;
}

static int refused(struct rc_http_head *head, int status, const char *why)
{
    head->wrong = why;
    return status;
}

/* What the grammar allows and we do not. */
static int check(const llhttp_t *parser, struct rc_http_head *head)
{
    struct rc_http_request *request = &head->request;
    if (parser->http_major != 1)
        return refused(head, 505, "not HTTP/1");
    if (!split_target(request))
        return refused(head, 400, "request target");
    unsigned hosts = occurrences(request, "host");
    if (hosts > 1 || (hosts == 0 && !request->http10))
        return refused(head, 400, "exactly one Host is needed");
    /* Every known client says how long its body is; without chunks there is one framing only, and nothing to
     * smuggle. */
    if (occurrences(request, "transfer-encoding"))
        return refused(head, 411, "Transfer-Encoding is not supported");
    const char *expect = rc_http_header(request, "expect");
    if (expect && strcasecmp(expect, "100-continue") != 0)
        return refused(head, 417, "unknown expectation");
    head->expects = expect && !request->http10; /* RFC 9110 10.1.1 */
    return 0;
}

int rc_http_parse(char *bytes, size_t len, struct rc_http_head *head)
{
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = head;
    head->request = (struct rc_http_request){.header = head->field};
    head->wrong = NULL;
    llhttp_errno_t result = llhttp_execute(&parser, bytes, len);
    if (head->wrong)
        return head->request.headers == RC_HTTP_FIELDS_MAX ? 431 : 400;
    if (result != HPE_PAUSED || !head->request.path)
        return refused(head, 400, result == HPE_OK ? "incomplete" : llhttp_errno_name(result));
    head->request.method = llhttp_method_name((llhttp_method_t)parser.method);
    head->request.http10 = parser.http_minor == 0;
    head->request.body = parser.flags & F_CONTENT_LENGTH ? parser.content_length : 0;
    terminate(bytes, len, head);
    int status = check(&parser, head);
    if (status)
        return status;
    head->request.upgrade =
        rc_http_header(&head->request, "upgrade") && rc_http_has_token(&head->request, "connection", "upgrade");
    head->keep = !rc_http_has_token(&head->request, "connection", "close") &&
                 (!head->request.http10 || rc_http_has_token(&head->request, "connection", "keep-alive"));
    return 0;
}

const char *rc_http_header(const struct rc_http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->headers; i++) {
        if (strcmp(request->header[i].name, name) == 0)
            return request->header[i].value;
    }
    return NULL;
}

bool rc_http_has_token(const struct rc_http_request *request, const char *name, const char *token)
{
    size_t len = strlen(token);
    for (unsigned i = 0; i < request->headers; i++) {
        if (strcmp(request->header[i].name, name) != 0)
            continue;
        for (const char *at = request->header[i].value; *at;) {
            at += strspn(at, " \t,");
            size_t word = strcspn(at, " \t,");
            if (word == len && strncasecmp(at, token, len) == 0)
                return true;
            at += word;
        }
    }
    return false;
}
