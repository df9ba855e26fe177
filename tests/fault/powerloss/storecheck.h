/* Judges one store: it opens, it holds what it must, once and whole, its indexes agree, and it can be written. */
#ifndef RC_POWERLOSS_STORECHECK_H
#define RC_POWERLOSS_STORECHECK_H

#include "facts.h"

#include <stdio.h>

/*
 * Every message of `facts` that was answered before `before` (ns; RC_FACT_NEVER: all that were answered) must be in the store of
 * this directory, and nothing that nobody sent. write: also puts one message more, as the persister will. Writes a sentence for
 * each fault, a few of a kind, and returns how many there are.
 */
size_t rc_storecheck(const char *dir, const struct rc_facts *facts, uint64_t before, bool write, FILE *report);

#endif
