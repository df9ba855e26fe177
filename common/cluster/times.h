/* The times of protocol.md 2 and the relations that they must keep. */
#ifndef RC_CLUSTER_TIMES_H
#define RC_CLUSTER_TIMES_H

#include "cluster/types.h"

struct rc_times {    /* all in microseconds */
    rc_time h;       /* heartbeat */
    rc_time tick;    /* housekeeping */
    rc_time s;       /* session timeout */
    rc_time l_g;     /* a gateway serves while contact with a majority is younger */
    rc_time l_m;     /* a broker's knowledge from another counts while contact is younger */
    rc_time l_d;     /* a broker lists a gateway this long after heard; also its own maturity */
    rc_time l_a;     /* a broker may act for a gateway while contact is younger */
    rc_time w;       /* a gateway waits this long before it relies on a lost broker's silence */
    rc_time r;       /* pause after a refusal; ten times that when busy */
    rc_time e;       /* an unconfirmed emit is given up */
    rc_time connect; /* a CONNECT that could not be answered is refused */
    rc_time recent;  /* a receiver keeps an origin's highest number this long after its last use */
};

/* Defaults of protocol.md 2, each multiplied by scale/100 (100 = as written; sanitizer runs use 500). */
void rc_times_default(struct rc_times *t, unsigned scale);

/* NULL when every relation of protocol.md 2 holds, else a sentence that names the broken one. Static string.
 */
const char *rc_times_check(const struct rc_times *t);

#endif
