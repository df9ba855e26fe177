/* The option rooms.partitions: split and judged. */
#include "gateway/partition.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define STRING(x)  #x
#define TEXT(x)    STRING(x)

/* NULL, or what is wrong with an entry of this length; adds it else. */
static const char *add(struct rc_partitions *p, const char *entry, size_t len)
{
    size_t name = strspn(entry, NAME_BYTES);
    if (p->n == RC_PARTITION_RULES_MAX)
        return "is one too many: " TEXT(RC_PARTITION_RULES_MAX) " rooms at most";
    if (!name || name + 2 > len || entry[name] != '=')
        return "is not a room's name of letters, digits, '-' and '_', without its namespace, '=' and a number";
    if (name > RC_PARTITION_NAME_MAX)
        return "has a name of more than " TEXT(RC_PARTITION_NAME_MAX) " bytes";
    char digit = entry[name + 1];
    if (name + 2 != len || digit < '1' || digit > '0' + RC_PARTITIONS)
        return "has not 1 to " TEXT(RC_PARTITIONS) " behind the '=': every gateway of a cluster joins " TEXT(
            RC_PARTITIONS) " partitions of a room";
    for (unsigned i = 0; i < p->n; i++)
        if (strlen(p->rule[i].name) == name && memcmp(p->rule[i].name, entry, name) == 0)
            return "names a room that is there already";
    struct rc_partition_rule *rule = &p->rule[p->n++];
    memcpy(rule->name, entry, name);
    rule->name[name] = '\0';
    rule->count = (unsigned)(digit - '0');
    return NULL;
}

bool rc_partitions_parse(struct rc_partitions *p, const char *list, char *why, size_t size)
{
    p->n = 0;
    if (!*list)
        return true;
    for (const char *at = list;; at++) {
        size_t len = strcspn(at, ",");
        const char *wrong = add(p, at, len);
        if (wrong) {
            char quoted[256];
            snprintf(why, size, "%s %s; right is a list such as admins=4, 1 for a room that one broker carries",
                     rc_log_quote(quoted, sizeof quoted, at, len), wrong);
            return false;
        }
        at += len;
        if (!*at)
            return true;
    }
}
