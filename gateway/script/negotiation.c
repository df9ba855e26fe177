/* Reading of Accept-Encoding and If-None-Match. */
#include "gateway/script/negotiation.h"

#include <string.h>

#define BLANK  " \t"
#define FULL   1000u /* the weight of what has none */
#define ABSENT UINT32_MAX

/* "q=0.25" is 250 (RFC 9110 12.4.2). */
static unsigned read_weight(const char *text, size_t len)
{
    unsigned weight = 0, unit = FULL;
    if (len < 3 || len > sizeof "q=0.000" - 1 || strncasecmp(text, "q=", 2) != 0)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (i == 3 ? text[i] != '.' : text[i] < '0' || text[i] > '9')
            return 0;
        if (i == 3)
            continue;
        weight += unit * (unsigned)(text[i] - '0');
        unit /= 10;
    }
    return weight <= FULL ? weight : 0;
}

static bool names(const char *text, size_t len, const char *coding)
{
    return len == strlen(coding) && strncasecmp(text, coding, len) == 0;
}

struct weights {
    unsigned gzip, identity, star; /* ABSENT: not listed */
};

/* Takes one member of the list; returns where it ends. */
static const char *read_coding(const char *name, struct weights *listed)
{
    unsigned weight = FULL;
    size_t len = strcspn(name, BLANK ";,");
    const char *at = name + len;
    at += strspn(at, BLANK);
    if (*at == ';') {
        at += 1 + strspn(at + 1, BLANK);
        weight = read_weight(at, strcspn(at, BLANK ","));
    }
    if (names(name, len, "gzip") || names(name, len, "x-gzip"))
        listed->gzip = weight;
    else if (names(name, len, "identity"))
        listed->identity = weight;
    else if (names(name, len, "*"))
        listed->star = weight;
    return at + strcspn(at, ",");
}

struct rc_codings rc_codings_read(const struct rc_http_request *request)
{
    struct weights listed = {ABSENT, ABSENT, ABSENT};
    if (!rc_http_header(request, "accept-encoding"))
        return (struct rc_codings){.gzip = 1, .identity = FULL};
    for (unsigned i = 0; i < request->headers; i++) {
        const char *at = request->header[i].value;
        if (strcmp(request->header[i].name, "accept-encoding") != 0)
            continue;
        for (at += strspn(at, BLANK ","); *at; at += strspn(at, BLANK ","))
            at = read_coding(at, &listed);
    }
    unsigned gzip = listed.star != ABSENT ? listed.star : 0;
    unsigned identity = listed.star != ABSENT ? listed.star : 1;
    return (struct rc_codings){.gzip = listed.gzip != ABSENT ? listed.gzip : gzip,
                               .identity = listed.identity != ABSENT ? listed.identity : identity};
}

/* Compares one member of the list; *at goes to its end. A comma may be part of a tag. */
static bool is_tag(const char **at, const char *etag)
{
    const char *tag = *at;
    if (*tag == '*') {
        *at += strcspn(tag, ",");
        return true;
    }
    if (strncmp(tag, "W/", 2) == 0)
        tag += 2;
    const char *end = *tag == '"' ? strchr(tag + 1, '"') : NULL;
    if (!end) {
        *at = tag + strcspn(tag, ",");
        return false;
    }
    *at = end + 1;
    return (size_t)(*at - tag) == strlen(etag) && strncmp(tag, etag, strlen(etag)) == 0;
}

static bool list_has(const char *at, const char *etag)
{
    for (at += strspn(at, BLANK ","); *at; at += strspn(at, BLANK ","))
        if (is_tag(&at, etag))
            return true;
    return false;
}

bool rc_etag_listed(const struct rc_http_request *request, const char *etag)
{
    for (unsigned i = 0; i < request->headers; i++)
        if (strcmp(request->header[i].name, "if-none-match") == 0 && list_has(request->header[i].value, etag))
            return true;
    return false;
}
