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

/* How many bytes from data on are the middle of a line: none of them is looked at one by one. */
static size_t inner(const struct rc_http_scan *scan, const uint8_t *data, size_t len)
{
    if (!scan->line_begun || scan->last == '\r')
        return 0;
    const uint8_t *cr = memchr(data, '\r', len);
    size_t n = cr ? (size_t)(cr - data) : len;
    const uint8_t *lf = memchr(data, '\n', n);
    return lf ? (size_t)(lf - data) : n;
}

enum rc_http_scanned rc_http_scan(struct rc_http_scan *scan, const uint8_t *data, size_t len, size_t *used)
{
    for (size_t i = 0; (i += inner(scan, data + i, len - i)) < len; i++) {
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

static int refused(struct rc_http_head *head, int status, const char *why)
{
    head->wrong = why;
    return status;
}

/* RFC 9110 5.6.2, for the names of methods, fields and schemes. */
static bool is_token(const char *at, size_t len)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)at[i]) && (!at[i] || !strchr(others, at[i])))
            return false;
    }
    return len > 0;
}

/* Neither white space and control characters, nor a fragment, which stays with the client. */
static bool is_target(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)at[i] <= ' ' || at[i] == 0x7F || at[i] == '#')
            return false;
    }
    return len > 0;
}

/* RFC 9112 3: three parts with one space between. llhttp skips over more of them, lets tabs and fragments into the
 * target, and speaks RTSP and ICE too. */
static int check_line(const char *bytes, size_t len, struct rc_http_head *head)
{
    const char *line = bytes;
    while (*line == '\r' || *line == '\n') /* a head has other bytes */
        line++;
    const char *end = memchr(line, '\r', (size_t)(bytes + len - line));
    const char *target = memchr(line, ' ', (size_t)(end - line));
    const char *version = target ? memchr(target + 1, ' ', (size_t)(end - target - 1)) : NULL;
    if (!version)
        return refused(head, 400, "request line: METHOD TARGET HTTP/1.1 is needed");
    if (!is_token(line, (size_t)(target - line)))
        return refused(head, 400, "method");
    if (!is_target(target + 1, (size_t)(version - target - 1)))
        return refused(head, 400, "character in the request target");
    version++;
    if (end - version != 8 || strncmp(version, "HTTP/", 5) != 0 || !isdigit((unsigned char)version[5]) ||
        version[6] != '.' || !isdigit((unsigned char)version[7]))
        return refused(head, 400, "HTTP version");
    if (version[5] != '1' || version[7] > '1')
        return refused(head, 505, "not HTTP/1.0 or HTTP/1.1");
    return 0;
}

static struct rc_http_head *head_of(llhttp_t *parser)
{
    return parser->data;
}

/* Ends the parsing; rc_http_parse tells the status by the reason. */
static int stop(struct rc_http_head *head, const char *why)
{
    head->wrong = why;
    return HPE_USER;
}

static const char too_many[] = "too many header fields";

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
        return stop(head, too_many);
    if (!len)
        return stop(head, "field without a name");
    char *name = (char *)(uintptr_t)at; /* in our own buffer */
    for (size_t i = 0; i < len; i++) {
        if (name[i] == ' ' || name[i] == '\t')
            return stop(head, "space in a field name");
        name[i] = (char)tolower((unsigned char)name[i]);
    }
    head->field[head->request.headers++] = (struct rc_http_field){name, ""};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct rc_http_head *head = head_of(parser);
    if (len) /* at an empty one llhttp points into the next line; others are cut at their line's end by terminate() */
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

/* RFC 3986 3.2: names, addresses, a port; without user information, which HTTP does not send (RFC 9110 4.2.4). */
static bool is_host(const char *at, size_t len)
{
    static const char others[] = "-._~!$&'()*+,;=:[]%";
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)at[i]) && (!at[i] || !strchr(others, at[i])))
            return false;
    }
    return true;
}

/* Of the absolute form what follows scheme and authority; NULL: it is no such form. */
static char *skip_authority(char *target)
{
    size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
    size_t host = strcspn(target + scheme, "/?");
    return scheme && host && is_host(target + scheme, host) ? target + scheme + host : NULL;
}

/* RFC 9112 3.2: origin form, absolute form, and the asterisk of OPTIONS. */
static bool split_target(struct rc_http_request *request)
{
    char *target = (char *)(uintptr_t)request->path;
    *(char *)(uintptr_t)request->query = 0;
    request->query = "";
    if (strcmp(target, "*") == 0)
        return strcmp(request->method, "OPTIONS") == 0;
    if (*target != '/')
        target = skip_authority(target);
    if (!target)
        return false;
    char *mark = strchr(target, '?');
    if (mark) {
        *mark = 0;
        request->query = mark + 1;
    }
    request->path = *target ? target : "/";
    return true;
}

static unsigned occurrences(const struct rc_http_request *request, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i < request->headers; i++)
        n += strcmp(request->header[i].name, name) == 0;
    return n;
}

static int check_host(struct rc_http_head *head)
{
    const char *host = rc_http_header(&head->request, "host");
    unsigned n = occurrences(&head->request, "host");
    if (n > 1 || (n == 0 && !head->request.http10))
        return refused(head, 400, "exactly one Host is needed");
    if (host && !is_host(host, strlen(host)))
        return refused(head, 400, "Host must be NAME or NAME:PORT");
    return 0;
}

/* Every known client says how long its body is; without chunks there is one framing only, and nothing to smuggle.
 * RFC 9112 6.1: a body whose last coding is another one has no end, and HTTP/1.0 has no codings. */
static int check_framing(struct rc_http_head *head)
{
    const char *coding = NULL;
    for (unsigned i = 0; i < head->request.headers; i++) {
        if (strcmp(head->field[i].name, "transfer-encoding") == 0)
            coding = head->field[i].value; /* the last one counts */
    }
    if (!coding)
        return 0;
    const char *comma = strrchr(coding, ',');
    coding = comma ? comma + 1 : coding;
    if (head->request.http10 || strcasecmp(coding + strspn(coding, " \t"), "chunked") != 0)
        return refused(head, 400, "Transfer-Encoding does not end in chunked");
    return refused(head, 411, "Transfer-Encoding is not supported");
}

/* RFC 9110 10.1.1. */
static int check_expect(struct rc_http_head *head)
{
    head->expects = false;
    if (head->request.http10) /* knows none; they are to be ignored */
        return 0;
    for (unsigned i = 0; i < head->request.headers; i++) {
        if (strcmp(head->field[i].name, "expect") != 0)
            continue;
        if (strcasecmp(head->field[i].value, "100-continue") != 0)
            return refused(head, 417, "unknown expectation");
        head->expects = true;
    }
    return 0;
}

/* What the grammar allows and we do not. */
static int check(struct rc_http_head *head)
{
    if (strcmp(head->request.method, "CONNECT") == 0)
        return refused(head, 501, "no proxy");
    if (!split_target(&head->request))
        return refused(head, 400, "request target");
    int status = check_host(head);
    if (!status)
        status = check_framing(head);
    return status ? status : check_expect(head);
}

static void read_connection(struct rc_http_head *head)
{
    struct rc_http_request *request = &head->request;
    request->upgrade =
        !request->http10 && rc_http_header(request, "upgrade") && rc_http_has_token(request, "connection", "upgrade");
    head->keep = !rc_http_has_token(request, "connection", "close") &&
                 (!request->http10 || rc_http_has_token(request, "connection", "keep-alive"));
}

int rc_http_parse(char *bytes, size_t len, struct rc_http_head *head)
{
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = head;
    head->request = (struct rc_http_request){.header = head->field};
    head->wrong = NULL;
    int status = check_line(bytes, len, head);
    if (status)
        return status;
    llhttp_errno_t result = llhttp_execute(&parser, bytes, len);
    if (head->wrong)
        return head->wrong == too_many ? 431 : 400;
    if (result == HPE_INVALID_METHOD)
        return refused(head, 501, "unknown method");
    if (result != HPE_PAUSED || !head->request.path)
        return refused(head, 400, result == HPE_OK ? "incomplete" : llhttp_errno_name(result));
    head->request.method = llhttp_method_name((llhttp_method_t)parser.method);
    head->request.http10 = parser.http_minor == 0;
    head->request.body = parser.flags & F_CONTENT_LENGTH ? parser.content_length : 0;
    terminate(bytes, len, head);
    status = check(head);
    if (!status)
        read_connection(head);
    return status;
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
            size_t element = strcspn(at, ","), word = element;
            while (word && (at[word - 1] == ' ' || at[word - 1] == '\t'))
                word--;
            if (word == len && strncasecmp(at, token, len) == 0)
                return true;
            at += element;
        }
    }
    return false;
}
