/* The list of namespaces: split and judged. */
#include "gateway/sio/namespaces.h"

#include "gateway/sio/sio.h"
#include "gateway/ws/utf8.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
    const char *name[RC_NAMESPACES_MAX + 1]; /* first: this is what callers see */
    char text[];                             /* of all names, each with its terminator */
};

static bool printable(const char *name)
{
    for (; *name; name++) {
        if ((unsigned char)*name < 0x20 || *name == 0x7f)
            return false;
    }
    return true;
}

/* NULL, or what is wrong with a name behind the n names that are there. */
static const char *check(const struct list *list, unsigned n, const char *name)
{
    if (n == RC_NAMESPACES_MAX)
        return "is one too many: 64 namespaces at most";
    if (*name != '/')
        return "does not begin with a slash";
    if (strlen(name) > RC_NSP_MAX)
        return "is longer than 128 bytes";
    if (strchr(name, '?'))
        return "has a '?', where a client's query begins";
    if (!printable(name) || !rc_utf8_valid(name, strlen(name)))
        return "has control characters, or is not UTF-8";
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(list->name[i], name) == 0)
            return "is there twice";
    }
    return NULL;
}

static bool fill(struct list *list, char *why, size_t size)
{
    unsigned n = 0;
    for (char *at = list->text, *comma = at; comma; at = comma + 1) {
        comma = strchr(at, ',');
        if (comma)
            *comma = '\0';
        const char *wrong = check(list, n, at);
        if (wrong) {
            char quoted[256];
            snprintf(why, size, "%s %s; right are names such as / and /soporte, with a comma between them",
                     rc_log_quote(quoted, sizeof quoted, at, strlen(at)), wrong);
            return false;
        }
        list->name[n++] = at;
    }
    return true;
}

const char *const *rc_namespaces_new(const char *text, char *why, size_t size)
{
    struct list *list = calloc(1, sizeof *list + strlen(text) + 1);
    if (!list) {
        snprintf(why, size, "out of memory");
        return NULL;
    }
    strcpy(list->text, text);
    if (fill(list, why, size))
        return list->name;
    free(list);
    return NULL;
}

void rc_namespaces_free(const char *const *namespaces)
{
    free((void *)(uintptr_t)namespaces);
}
