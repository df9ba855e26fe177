/* The static list of a cluster's brokers. */
#include "brokers.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ELEMENT_MAX (RC_ID_MAX + 1 + RC_ADDR_MAX + 1 + 10)

bool rc_id_valid(const char *id)
{
    size_t len = strlen(id);
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)id[i]) && !strchr("._-", id[i])) {
            return false;
        }
    }
    return len >= 1 && len <= RC_ID_MAX;
}

/* The weight at text, 0 to RC_WEIGHT_MAX, to its end; false when it is none. */
static bool weight_of(const char *text, uint32_t *out)
{
    size_t digits = strspn(text, "0123456789");
    uint32_t weight = 0;
    if (digits == 0 || digits > 4 || text[digits] != '\0') {
        return false;
    }
    for (; *text; text++) {
        weight = weight * 10 + (uint32_t)(*text - '0');
    }
    *out = weight;
    return weight <= RC_WEIGHT_MAX;
}

/* Splits text, which is changed, into *out. NULL, or a phrase. */
static const char *parse_element(char *text, struct rc_broker_entry *out)
{
    char *address = strchr(text, '=');
    if (!address) {
        return "is not of the form id=host:port or id=host:port*weight";
    }
    *address++ = '\0';
    if (!rc_id_valid(text)) {
        return "has an id that is not 1 to 63 bytes of letters, digits, '.', '_' and '-'";
    }
    out->weight = 1;
    char *weight = strchr(address, '*');
    if (weight) {
        *weight++ = '\0';
        if (!weight_of(weight, &out->weight)) {
            return "has a weight that is not a whole number from 0 to 100";
        }
    }
    struct rc_addr addr;
    const char *wrong = rc_addr_parse(address, &addr);
    if (wrong) {
        return wrong;
    }
    if (addr.port == 0) {
        return "has port 0, but the others must know the port";
    }
    memcpy(out->id, text, strlen(text) + 1); /* both lengths were judged above */
    memcpy(out->address, address, strlen(address) + 1);
    return NULL;
}

static const char *add(struct rc_brokers *out, const char *text, size_t len)
{
    struct rc_broker_entry entry;
    char element[ELEMENT_MAX + 1] = "";
    if (out->count == RC_BROKERS_MAX) {
        return "is one more than the 64 brokers that a cluster may have";
    }
    if (len > ELEMENT_MAX) {
        return "is too long for id=host:port*weight";
    }
    memcpy(element, text, len);
    element[len] = '\0';
    const char *wrong = parse_element(element, &entry);
    if (wrong) {
        return wrong;
    }
    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->entry[i].id, entry.id) == 0) {
            return "has the id of an earlier one";
        }
        if (strcmp(out->entry[i].address, entry.address) == 0) {
            return "has the address of an earlier one";
        }
    }
    out->entry[out->count++] = entry;
    return NULL;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

bool rc_brokers_parse(const char *text, struct rc_brokers *out, char *why, size_t why_size)
{
    bool owner = false;
    out->count = 0;
    for (const char *p = text, *end; *text; p = end + 1) {
        end = p + strcspn(p, ",");
        const char *first = p, *last = end;
        while (first < last && blank(*first)) {
            first++;
        }
        while (last > first && blank(last[-1])) {
            last--;
        }
        const char *wrong = add(out, first, (size_t)(last - first));
        if (wrong) {
            snprintf(why, why_size, "\"%.*s\" %s", (int)(last - first > ELEMENT_MAX ? ELEMENT_MAX : last - first),
                     first, wrong);
            return false;
        }
        owner = owner || out->entry[out->count - 1].weight > 0;
        if (*end == '\0') {
            break;
        }
    }
    if (!owner) {
        snprintf(why, why_size, "%s",
                 *text ? "every broker has weight 0, so none would own rooms" : "no broker is named");
    }
    return owner;
}

const struct rc_broker_entry *rc_brokers_find(const struct rc_brokers *brokers, const char *id)
{
    for (size_t i = 0; i < brokers->count; i++) {
        if (strcmp(brokers->entry[i].id, id) == 0) {
            return &brokers->entry[i];
        }
    }
    return NULL;
}

uint32_t rc_brokers_members(const struct rc_brokers *brokers, struct rc_member out[RC_BROKERS_MAX])
{
    for (size_t i = 0; i < brokers->count; i++) {
        memcpy(out[i].id, brokers->entry[i].id, sizeof out[i].id);
        out[i].weight = brokers->entry[i].weight;
    }
    return (uint32_t)brokers->count;
}
