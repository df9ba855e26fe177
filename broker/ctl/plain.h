/* What nodes say, for terminals. */
#ifndef RC_CTL_PLAIN_H
#define RC_CTL_PLAIN_H

/* Puts '?' for each byte that is no printable ASCII. */
void rc_plain(char *text);

/* A line on stderr, "roomcastctl: ...", made plain; what is above 511 bytes is cut. */
void rc_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
