/* Network addresses as text. */
#include "addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

/* The decimal port at text, to its end; -1 when it is none. */
static long port_of(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    long port = 0;
    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return -1;
    }
    for (; *text; text++) {
        port = port * 10 + (*text - '0');
    }
    return port <= UINT16_MAX ? port : -1;
}

/* Names and IPv4: letters, digits, dots, dashes, underscores (which container platforms use). */
static bool name_valid(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)host[i]) && !strchr(".-_", host[i])) {
            return false;
        }
    }
    return len > 0;
}

static bool v6_valid(const char *host)
{
    struct in6_addr unused;
    return inet_pton(AF_INET6, host, &unused) == 1;
}

const char *rc_addr_parse(const char *text, struct rc_addr *out)
{
    if (strlen(text) > RC_ADDR_MAX) {
        return "is longer than 127 bytes";
    }
    const char *colon = strrchr(text, ':');
    if (!colon) {
        return "has no port, write host:port";
    }
    long port = port_of(colon + 1);
    if (port < 0) {
        return "has no port from 0 to 65535 after its last colon";
    }
    size_t len = (size_t)(colon - text);
    out->v6 = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (out->v6) {
        text++;
        len -= 2;
    }
    memcpy(out->host, text, len);
    out->host[len] = '\0';
    out->port = (uint16_t)port;
    if (out->v6) {
        return v6_valid(out->host) ? NULL : "has no IPv6 address in its brackets";
    }
    if (memchr(text, ':', len)) {
        return "has more than one colon, write IPv6 as [address]:port";
    }
    return name_valid(text, len) ? NULL : "has no host of letters, digits, '.', '-' and '_' before its port";
}

bool rc_addr_loopback(const struct rc_addr *addr)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (addr->v6) {
        return inet_pton(AF_INET6, addr->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    if (inet_pton(AF_INET, addr->host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return strcmp(addr->host, "localhost") == 0;
}
