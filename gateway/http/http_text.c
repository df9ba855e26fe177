/* The head of a request as text again. */
#include "gateway/http/http.h"

#include <string.h>

static size_t put(uint8_t *out, const char *text)
{
    size_t len = strlen(text);
    if (out)
        memcpy(out, text, len);
    return len;
}

/* Writes to out, or with NULL only counts. */
static size_t write_head(uint8_t *out, const struct rc_http_request *request, const char *skip)
{
    const char *const line[] = {request->method, " ",
                                request->path,   *request->query ? "?" : "",
                                request->query,  request->http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        n += put(out ? out + n : NULL, line[i]);
    for (unsigned i = 0; i < request->headers; i++) {
        const struct rc_http_field *field = &request->header[i];
        if (skip && strcmp(field->name, skip) == 0)
            continue;
        const char *const part[] = {field->name, ": ", field->value, "\r\n"};
        for (size_t j = 0; j < sizeof part / sizeof *part; j++)
            n += put(out ? out + n : NULL, part[j]);
    }
    return n + put(out ? out + n : NULL, "\r\n");
}

struct rc_buf *rc_http_request_text(const struct rc_http_request *request, const char *skip)
{
    struct rc_buf *text = rc_buf_new(write_head(NULL, request, skip));
    if (text)
        write_head(text->data, request, skip);
    return text;
}
