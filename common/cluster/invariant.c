/* What happens when an invariant does not hold. */
#include "cluster/invariant.h"

#include <stdio.h>
#include <stdlib.h>

const char *rc_invariant_text(enum rc_invariant which)
{
    switch (which) {
#define X(name, number, text)                                                                                          \
    case name:                                                                                                         \
        return text;
        RC_INVARIANT_LIST(X)
#undef X
    }
    return "unknown invariant";
}

bool rc_invariant_broken(struct rc_broken *broken, struct rc_session *s, enum rc_invariant which, const char *condition,
                         const char *file, int line)
{
#ifdef NDEBUG
    (void)condition;
    (void)file;
    (void)line;
    broken->count++;
    broken->last = which;
    if (s)
        s->broken = true;
    return false;
#else
    (void)broken;
    fprintf(stderr, "%s:%d: invariant %d is broken%s%s: %s (%s)\n", file, line, (int)which,
            s ? " by the session with " : "", s ? s->peer.id : "", rc_invariant_text(which), condition);
    abort();
#endif
}
