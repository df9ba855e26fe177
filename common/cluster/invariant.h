/*
 * The invariants of protocol.md 11, asserted where they can break. They cannot, unless this code or a peer's has a bug: peers
 * are proven, and run the same code.
 *
 * Debug and sanitizer builds say which and abort. Others count it in the role's statistics, where the host sees and logs it,
 * and end the session concerned at once or with the next tick (RC_END_INVARIANT); it says nothing more until then.
 *
 *   if (!RC_HOLDS(&b->broken, s, RC_INV_ORDER, seq > slot->seq))
 *       return;
 */
#ifndef RC_CLUSTER_INVARIANT_H
#define RC_CLUSTER_INVARIANT_H

#include "cluster/session.h"

/* Numbers as in protocol.md 11; 6 (a gone incarnation says HELLO) is no bug of ours and only counted. */
#define RC_INVARIANT_LIST(X)                                                                                           \
    X(RC_INV_ORDER, 1, "seq grows within a generation of a session")                                                   \
    X(RC_INV_CONFIRM, 2, "CONFIRM only with no target waiting and the record at the quorum")                           \
    X(RC_INV_SYNCED, 3, "SYNCED follows all JOINs of its version, and versions grow")                                  \
    X(RC_INV_SERVING, 4, "sockets are open only while serving, the majority checked in this pass")                     \
    X(RC_INV_TARGET, 5, "one target session a queue, and its generation grows with each change")                       \
    X(RC_INV_CLOCKS, 7, "contact <= heard <= now")                                                                     \
    X(RC_INV_WAITS, 8, "what waits names known gateways only")                                                         \
    X(RC_INV_SESSION, 9, "view and rooms belong to the latest session")                                                \
    X(RC_INV_STORED, 10, "STORED never exceeds what there is")                                                         \
    X(RC_INV_ROOM, 11, "a room exists exactly while a gateway has it")                                                 \
    X(RC_INV_TIMES, 12, "L_d, L_a and W keep their relations")

enum rc_invariant {
#define X(name, number, text) name = (number),
    RC_INVARIANT_LIST(X)
#undef X
};

struct rc_broken {
    uint64_t count;
    enum rc_invariant last; /* valid with count */
};

const char *rc_invariant_text(enum rc_invariant which); /* static, never NULL */

/* Whether the condition holds; if not, see above. s: the session concerned, NULL: none. */
#define RC_HOLDS(broken, s, which, condition)                                                                          \
    (__builtin_expect(!!(condition), 1) || rc_invariant_broken(broken, s, which, #condition, __FILE__, __LINE__))

/* Always false. */
bool rc_invariant_broken(struct rc_broken *broken, struct rc_session *s, enum rc_invariant which, const char *condition,
                         const char *file, int line);

#endif
