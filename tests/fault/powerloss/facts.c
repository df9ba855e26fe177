/* The clients' knowledge, read from a file. */
#include "facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EARLY 20000000u /* ns */

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct rc_fact *)a)->text, ((const struct rc_fact *)b)->text);
}

static char *read_all(const char *path)
{
    char *bytes = NULL;
    size_t len;
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    size_t capacity = 0;
    ssize_t n = getdelim(&bytes, &capacity, '\0', file);
    len = n > 0 ? (size_t)n : 0;
    (void)fclose(file);
    if (len == 0) {
        free(bytes);
        errno = ENODATA;
        return NULL;
    }
    return bytes;
}

/* False when the line is none. */
static bool parse(char *line, struct rc_fact *out)
{
    char *space = strchr(line, ' ');
    if (!space || !strchr(space + 1, ' '))
        return false;
    *space = '\0';
    out->text = space + 1;
    out->answered = strcmp(line, "-") == 0 ? RC_FACT_NEVER : strtoull(line, NULL, 10);
    return out->answered != 0;
}

bool rc_facts_read(struct rc_facts *facts, const char *path, char *why, size_t size)
{
    *facts = (struct rc_facts){.bytes = read_all(path)};
    if (!facts->bytes) {
        snprintf(why, size, "the facts %s cannot be read: %s", path, strerror(errno));
        return false;
    }
    size_t lines = 1;
    for (const char *at = facts->bytes; (at = strchr(at, '\n')); at++)
        lines++;
    facts->fact = calloc(lines, sizeof *facts->fact);
    char *rest;
    for (char *line = strtok_r(facts->bytes, "\n", &rest); facts->fact && line; line = strtok_r(NULL, "\n", &rest))
        if (!parse(line, &facts->fact[facts->n++])) {
            snprintf(why, size, "the facts %s: line %zu is not ANSWERED SENDER MENSAJE", path, facts->n);
            rc_facts_free(facts);
            return false;
        }
    if (!facts->fact) {
        snprintf(why, size, "out of memory");
        rc_facts_free(facts);
        return false;
    }
    qsort(facts->fact, facts->n, sizeof *facts->fact, by_text);
    return true;
}

void rc_facts_plant_early(struct rc_facts *facts)
{
    for (size_t i = 0; i < facts->n; i++)
        if (facts->fact[i].answered != RC_FACT_NEVER)
            facts->fact[i].answered -= EARLY;
}

void rc_facts_free(struct rc_facts *facts)
{
    free(facts->fact);
    free(facts->bytes);
}

size_t rc_facts_find(const struct rc_facts *facts, const char *text)
{
    const struct rc_fact key = {text, 0};
    const struct rc_fact *found = bsearch(&key, facts->fact, facts->n, sizeof key, by_text);
    return found ? (size_t)(found - facts->fact) : facts->n;
}
