/* Compression by zlib. */
#ifndef RC_GATEWAY_GZIP_H
#define RC_GATEWAY_GZIP_H

#include "cluster/buf.h"

/* These bytes as a gzip file (RFC 1952) that bears no time and no name. NULL: it would be no smaller, or memory is
 * short. Slow (25 MB/s): for what is compressed once. */
struct rc_buf *rc_gzip(const struct rc_buf *plain);

#endif
