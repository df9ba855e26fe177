/* Network addresses as text: "host:port", "[v6]:port". */
#ifndef RC_ADDR_H
#define RC_ADDR_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of an address text without its terminator; struct rc_peer has room for it. */
#define RC_ADDR_MAX 127

struct rc_addr {
    char host[RC_ADDR_MAX + 1]; /* name, IPv4, or IPv6 without its brackets */
    uint16_t port;              /* 0 when the text says 0: any free port, for listeners */
    bool v6;                    /* the text had brackets */
};

/* Splits text. NULL when it is an address, else a static phrase that says what is wrong ("has no port", ...);
 * *out is then undefined. Does not resolve names. */
const char *rc_addr_parse(const char *text, struct rc_addr *out);

/* Whether only this machine can reach it: 127.0.0.0/8, ::1 or the name localhost. */
bool rc_addr_loopback(const struct rc_addr *addr);

#endif
