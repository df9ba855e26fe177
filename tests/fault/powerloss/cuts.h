/* Many power cuts in one journal, each judged. */
#ifndef RC_POWERLOSS_CUTS_H
#define RC_POWERLOSS_CUTS_H

#include "facts.h"
#include "journal.h"

struct rc_cuts {
    const struct rc_journal *journal;
    const struct rc_facts *facts;
    const char *dir; /* empty; the image lies here while it is judged */
    uint64_t seed;
    size_t count;
};

/* Writes what is wrong to stdout, of the first few bad cuts. Returns how many are bad. */
size_t rc_cuts_judge(const struct rc_cuts *cuts);

#endif
