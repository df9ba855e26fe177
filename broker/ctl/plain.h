/* What nodes say, for terminals. */
#ifndef RC_CTL_PLAIN_H
#define RC_CTL_PLAIN_H

#include <stddef.h>

/* Puts '?' for each byte that is no printable ASCII. */
void rc_plain(char *text);

/* Copies the first line of a text that has no terminator, cut to size. */
void rc_first_line(const char *text, size_t len, char *out, size_t size);

/* A line on stderr, "roomcastctl: ...", made plain; what is above 511 bytes is cut. */
void rc_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
