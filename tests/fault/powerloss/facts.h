/* What the clients know of the messages of a test: which were sent, and when each was acknowledged. */
#ifndef RC_POWERLOSS_FACTS_H
#define RC_POWERLOSS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_FACT_NEVER UINT64_MAX

struct rc_fact {
    const char *text;  /* "SENDER MENSAJE": the user's name, a space, the JSON as it was sent */
    uint64_t answered; /* CLOCK_MONOTONIC, ns: when {ok: true} came; RC_FACT_NEVER: it did not */
};
struct rc_facts {
    struct rc_fact *fact; /* by text */
    size_t n;
    char *bytes;
};

/* A line of the file: "ANSWERED SENDER MENSAJE", ANSWERED in ns or "-". False with a sentence in why. */
bool rc_facts_read(struct rc_facts *facts, const char *path, char *why, size_t size);
/*
 * A plant, to see that the judge sees it: each was acknowledged 20 ms earlier than it was. The disk is as ever, so that this and
 * nothing else is wrong.
 */
void rc_facts_plant_early(struct rc_facts *facts);
void rc_facts_free(struct rc_facts *facts);
/* Its place, or facts->n when nobody sent that. */
size_t rc_facts_find(const struct rc_facts *facts, const char *text);

#endif
