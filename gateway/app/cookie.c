/* Reading a Cookie header. */
#include "gateway/app/cookie.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **from, const char **to)
{
    while (*from < *to && is_space(**from)) {
        (*from)++;
    }
    while (*from < *to && is_space((*to)[-1])) {
        (*to)--;
    }
}

bool rc_cookie_find(const char *header, size_t len, const char *name, const char **value, size_t *value_len)
{
    const char *end = header + len;
    size_t name_len = strlen(name);
    for (const char *pair = header; pair < end;) {
        const char *stop = memchr(pair, ';', (size_t)(end - pair));
        stop = stop ? stop : end;
        const char *equals = memchr(pair, '=', (size_t)(stop - pair));
        if (equals) {
            const char *name_end = equals;
            const char *from = equals + 1;
            const char *to = stop;
            trim(&pair, &name_end);
            trim(&from, &to);
            if ((size_t)(name_end - pair) == name_len && memcmp(pair, name, name_len) == 0) {
                *value = from;
                *value_len = (size_t)(to - from);
                return true;
            }
        }
        pair = stop < end ? stop + 1 : end;
    }
    return false;
}
