/*
 * What one receiver has got of each of its sources, and what it should have got. A message that is not the next one of its
 * source leaves a gap; what comes later and lies in a gap was reordered, what lies in none was doubled, and what is missing at
 * the end, gaps or after the last one, was lost.
 *
 * A receiver that connects while others write is owed what is sent from then on; what was on the way may come or not, but in
 * order. When it disconnects it is owed nothing more. Single-threaded.
 */
#ifndef RC_LEDGER_H
#define RC_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_LEDGER_GAPS                                                                                                 \
    65536 /* a receiver keeps at most; what falls into more counts as lost at once, and late ones as doubled */

struct rc_gap;

struct rc_ledger {
    uint32_t
        *last; /* [count]: the highest number seen of a source; with RC_LEDGER_OPEN: what was sent when it connected */
    uint32_t count; /* sources */
    uint32_t gap_count;
    struct rc_gap *gaps; /* unordered */
    uint64_t overflown;  /* messages in gaps beyond RC_LEDGER_GAPS */
};

enum rc_verdict { RC_IN_ORDER, RC_REORDERED, RC_DOUBLED };

/* Whether a sender's message is not owed after all: refused, or in doubt because the sender's connection ended. */
typedef bool (*rc_ledger_excused)(void *arg, uint32_t source, uint32_t seq);

/* False: out of memory. */
bool rc_ledger_init(struct rc_ledger *ledger, uint32_t sources);

/* From now on everything of this source with a number above `sent` is owed. */
void rc_ledger_open(struct rc_ledger *ledger, uint32_t source, uint32_t sent);

/* Takes a message in; seq is 1 to INT32_MAX. */
enum rc_verdict rc_ledger_take(struct rc_ledger *ledger, uint32_t source, uint32_t seq);

/* How many of the `sent` messages of a source are owed and not there; those in gaps are not among them. */
uint32_t rc_ledger_behind(const struct rc_ledger *ledger, uint32_t source, uint32_t sent);

/* Counts what is lost of one source after the last message that came, up to `sent`. */
uint64_t rc_ledger_tail(const struct rc_ledger *ledger, uint32_t source, uint32_t sent, rc_ledger_excused excused,
                        void *arg);

/* Counts what is lost in gaps and forgets them: at the end, and when the receiver disconnects. */
uint64_t rc_ledger_settle(struct rc_ledger *ledger, rc_ledger_excused excused, void *arg);

void rc_ledger_fini(struct rc_ledger *ledger);

#endif
