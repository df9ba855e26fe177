/* What both ends of the topic do with their nng sockets. Included by topic_pub.c and topic_sub.c only. */
#ifndef RC_LINK_TOPIC_SOCKET_H
#define RC_LINK_TOPIC_SOCKET_H

#include "link/topic.h"

#include <nng/nng.h>

/* nng_close, which can hang in 1.5.2: waits 1 s at most. False: it is left behind, still closing. */
bool rc_topic_close(nng_socket socket);
/* Writes "WHAT ADDRESS: error"; what says what cannot be done, and which option is to blame. */
void rc_topic_why(char why[RC_LINK_WHY], const char *what, const char *address, int error);

#endif
