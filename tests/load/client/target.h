/* Where clients connect: the servers of --url, resolved. */
#ifndef RC_TARGET_H
#define RC_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define RC_TARGETS_MAX 64

struct rc_target {
    struct sockaddr_storage addr;
    socklen_t addr_len;
    bool loopback;  /* IPv4 127.0.0.0/8: sources may be chosen */
    char host[160]; /* of the Host header */
};

struct rc_targets {
    struct rc_target target[RC_TARGETS_MAX];
    size_t count;
    const char *path; /* of Socket.IO, "/socket.io/" */
};

/* Resolves comma separated "http://host:port". False: a sentence in why. */
bool rc_targets_resolve(struct rc_targets *targets, const char *urls, char *why, size_t why_size);

#endif
