/* Whether a table can be written. */
#include "broker/persister/sql/fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 255 /* of a user's name */

struct wish { /* for a column that is written */
    const char *name;
    const char *type;
    unsigned least; /* characters that a limited text must have room for; 0: only an unlimited one fits */
};

static const struct wish wishes[] = {
    {"clave", "text", NAME_MAX_BYTES},        {"de_usuario", "text", NAME_MAX_BYTES},
    {"para_usuario", "text", NAME_MAX_BYTES}, {"mensaje", "text", 0},
    {"fecha", "timestamp with time zone", 0},
};

static const struct rc_sql_column *find(const struct rc_sql_column *column, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(column[i].name, name) == 0)
            return &column[i];
    return NULL;
}

static bool type_fits(const struct wish *w, const char *type)
{
    static const char varying[] = "character varying";
    if (strcmp(type, w->type) == 0)
        return true;
    if (strcmp(w->type, "text") != 0 || strncmp(type, varying, strlen(varying)) != 0)
        return false;
    const char *limit = type + strlen(varying);
    return *limit == '\0' || (w->least && *limit == '(' && strtoul(limit + 1, NULL, 10) >= w->least);
}

static bool wish_fits(const struct rc_sql_column *column, size_t n, const struct wish *w, char *why, size_t size)
{
    const struct rc_sql_column *c = find(column, n, w->name);
    bool key = strcmp(w->name, "clave") == 0;
    if (!c)
        snprintf(why, size, "table mensajes has no column %s: ALTER TABLE mensajes ADD COLUMN %s %s%s", w->name,
                 w->name, w->type, key ? " UNIQUE" : "");
    else if (!type_fits(w, c->type))
        snprintf(why, size, "column %s of table mensajes is %s, it must be %s", w->name, c->type, w->type);
    else if (key && !c->unique)
        snprintf(why, size, "column clave of table mensajes is not unique: ALTER TABLE mensajes ADD UNIQUE (clave)");
    else
        return true;
    return false;
}

bool rc_sql_fit(const struct rc_sql_column *column, size_t n, char *why, size_t size)
{
    size_t count = sizeof wishes / sizeof wishes[0];
    for (size_t i = 0; i < count; i++)
        if (!wish_fits(column, n, &wishes[i], why, size))
            return false;
    for (size_t i = 0; i < n; i++) {
        const struct rc_sql_column *c = &column[i];
        bool ours = false;
        for (size_t k = 0; k < count; k++)
            ours |= strcmp(wishes[k].name, c->name) == 0;
        if (!ours && c->required && !c->filled) {
            snprintf(why, size,
                     "column %s of table mensajes is NOT NULL and has no default, so no row can be added: %s", c->name,
                     "give it a default");
            return false;
        }
    }
    return true;
}
