/* Broken invariants (cluster/invariant.h) as an operator sees them. */
#ifndef RC_BROKEN_H
#define RC_BROKEN_H

#include "cluster/invariant.h"

/* Logs `invariant-broken` when more broke than *seen, which it then brings up to date. Call it once a second or so. */
void rc_broken_report(const struct rc_broken *broken, uint64_t *seen);

#endif
