/*
 * Any bytes of an HTTP client: heads are found at the same place and judged alike however the bytes are cut, and what is accepted
 * is clean text inside the head. Bodies are skipped, so that several requests may follow one another; the whole input is a query
 * string, too.
 */
#include "gateway/http/http_parse.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX 4096 /* bytes that are skipped; what announces more ends the input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void want(bool holds)
{
    if (!holds)
        abort();
}

/* Scans in pieces; the result must not depend on them. */
static enum rc_http_scanned scan(const uint8_t *data, size_t size, size_t piece, size_t *used)
{
    struct rc_http_scan whole = {0}, cut = {0};
    enum rc_http_scanned wanted = rc_http_scan(&whole, data, size, used), found = RC_HTTP_MORE;
    size_t at = 0, n = 0;
    while (found == RC_HTTP_MORE && at < size) {
        size_t len = size - at < piece ? size - at : piece;
        found = rc_http_scan(&cut, data + at, len, &n);
        want(n <= len && (found != RC_HTTP_MORE || n == len));
        at += n;
    }
    want(found == wanted && at == *used);
    return found;
}

/* Field values hold no control characters, and no white space at their ends. */
static void check_value(const char *value)
{
    size_t len = strlen(value);
    for (size_t i = 0; i < len; i++)
        want(value[i] == '\t' || ((unsigned char)value[i] >= ' ' && value[i] != 0x7F));
    want(!len || (!strchr(" \t", value[0]) && !strchr(" \t", value[len - 1])));
}

static void check_param(const char *query, const char *name)
{
    char *value = rc_http_param(query, name);
    want(!value || strlen(value) <= strlen(query));
    free(value);
}

static bool inside(const char *text, const char *bytes, size_t len)
{
    return text >= bytes && text < bytes + len && memchr(text, 0, (size_t)(bytes + len - text));
}

static void check_head(const struct rc_http_head *head, const char *bytes, size_t len)
{
    const struct rc_http_request *request = &head->request;
    unsigned hosts = 0;
    want(request->headers <= RC_HTTP_FIELDS_MAX);
    for (unsigned i = 0; i < request->headers; i++) {
        const struct rc_http_field *field = &request->header[i];
        want(inside(field->name, bytes, len) && (!*field->value || inside(field->value, bytes, len)));
        want(*field->name && !strpbrk(field->name, " \t:ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        check_value(field->value);
        hosts += strcmp(field->name, "host") == 0;
    }
    want(hosts == 1 || (hosts == 0 && request->http10));
    want(!rc_http_header(request, "transfer-encoding"));
    want(head->request.body == 0 || rc_http_header(request, "content-length"));
    want(*request->path == '/' || (strcmp(request->path, "*") == 0 && strcmp(request->method, "OPTIONS") == 0));
    want(!strpbrk(request->path, " \t?#") && !strpbrk(request->query, " \t#"));
    check_param(request->query, "sid");
}

/* Reads one request. Returns the bytes that it took; 0: no more can follow. */
static size_t read_request(const uint8_t *data, size_t size, size_t piece)
{
    static struct rc_http_head head;
    size_t used;
    if (scan(data, size, piece, &used) != RC_HTTP_END || used > RC_HTTP_HEADER_MAX)
        return 0;
    char *bytes = malloc(used); /* of exactly its size: what is read beyond is seen */
    memcpy(bytes, data, used);
    int status = rc_http_parse(bytes, used, &head);
    want(status ? status >= 400 && status < 600 && head.wrong : !head.wrong);
    if (!status)
        check_head(&head, bytes, used);
    size_t body = status || head.request.body > BODY_MAX ? size : (size_t)head.request.body;
    free(bytes);
    return body > size - used ? 0 : used + body;
}

/* The first byte says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    size_t piece = 1u + data[0], at = 1;
    for (size_t used = 1; used && at < size; at += used)
        used = read_request(data + at, size - at, piece);
    char *query = malloc(size);
    memcpy(query, data + 1, size - 1);
    query[size - 1] = 0;
    check_param(query, "sid");
    check_param(query, "");
    free(query);
    return 0;
}
