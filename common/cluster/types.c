/* Texts of the shared enums. */
#include "cluster/types.h"

const char *rc_end_text(enum rc_end why)
{
    static const char *const text[] = {
#define X(name, words) words,
        RC_END_LIST(X)
#undef X
    };
    return (unsigned)why < RC_END_COUNT ? text[why] : "unknown reason";
}
