/* Parameters of a query string. */
#include "gateway/http/http.h"

#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *decode(const char *text, size_t len)
{
    char *out = malloc(len + 1), *to = out;
    if (!out)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex(text[i + 1]) : -1;
            int low = i + 2 < len ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0) {
                free(out);
                return NULL;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        *to++ = c;
    }
    *to = 0;
    return out;
}

char *rc_http_param(const char *query, const char *name)
{
    size_t name_len = strlen(name), len = 0;
    const char *value = NULL;
    while (*query) {
        size_t pair = strcspn(query, "&");
        if (pair >= name_len && strncmp(query, name, name_len) == 0 && (pair == name_len || query[name_len] == '=')) {
            size_t skip = name_len + (pair > name_len);
            value = query + skip;
            len = pair - skip;
        }
        query += pair + (query[pair] == '&');
    }
    return value ? decode(value, len) : NULL;
}
