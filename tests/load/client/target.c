/* Where clients connect. */
#include "client/target.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

#define URL_MAX 160

static bool resolve(struct rc_target *target, const char *url, char *why, size_t why_size)
{
    struct rc_addr addr;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char port[8];
    const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    snprintf(target->host, sizeof target->host, "%.*s", rest ? (int)strcspn(rest, "/") : 0, rest ? rest : "");
    const char *wrong = rest ? rc_addr_parse(target->host, &addr) : "does not begin with http://";
    if (wrong) {
        snprintf(why, why_size, "url: %.100s %s; give http://HOST:PORT", url, wrong);
        return false;
    }
    snprintf(port, sizeof port, "%u", addr.port);
    int code = getaddrinfo(addr.host, port, &hints, &found);
    if (code != 0) {
        snprintf(why, why_size, "url: %.100s: %s", url, gai_strerror(code));
        return false;
    }
    memcpy(&target->addr, found->ai_addr, found->ai_addrlen);
    target->addr_len = found->ai_addrlen;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&target->addr;
    target->loopback = found->ai_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    freeaddrinfo(found);
    return true;
}

bool rc_targets_resolve(struct rc_targets *targets, const char *urls, char *why, size_t why_size)
{
    targets->count = 0;
    for (const char *at = urls; *at; at += strcspn(at, ","), at += *at == ',') {
        char url[URL_MAX];
        if (targets->count == RC_TARGETS_MAX) {
            snprintf(why, why_size, "url: more than %d servers", RC_TARGETS_MAX);
            return false;
        }
        snprintf(url, sizeof url, "%.*s", (int)strcspn(at, ","), at);
        if (!resolve(&targets->target[targets->count++], url, why, why_size)) {
            return false;
        }
    }
    return true;
}
