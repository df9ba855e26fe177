/* What a receiver got of each source, and what it should have got. */
#include "oracle/ledger.h"

#include <stdlib.h>

#define RC_LEDGER_OPEN 0x80000000u /* nothing came since it connected */

struct rc_gap {
    uint32_t source, from, to; /* numbers from to to are missing */
    struct rc_gap *next;
};

bool rc_ledger_init(struct rc_ledger *ledger, uint32_t sources)
{
    *ledger = (struct rc_ledger){.last = calloc(sources ? sources : 1, sizeof *ledger->last), .count = sources};
    return ledger->last;
}

void rc_ledger_open(struct rc_ledger *ledger, uint32_t source, uint32_t sent)
{
    ledger->last[source] = sent | RC_LEDGER_OPEN;
}

static void add_gap(struct rc_ledger *ledger, uint32_t source, uint32_t from, uint32_t to)
{
    struct rc_gap *gap = ledger->gap_count < RC_LEDGER_GAPS ? malloc(sizeof *gap) : NULL;
    if (!gap) {
        ledger->overflown += to - from + 1;
        return;
    }
    *gap = (struct rc_gap){source, from, to, ledger->gaps};
    ledger->gaps = gap;
    ledger->gap_count++;
}

/* Takes one number out of the gap that it is in. False: in none. */
static bool fill_gap(struct rc_ledger *ledger, uint32_t source, uint32_t seq)
{
    struct rc_gap **at = &ledger->gaps;
    while (*at && ((*at)->source != source || seq < (*at)->from || seq > (*at)->to)) {
        at = &(*at)->next;
    }
    struct rc_gap *gap = *at;
    if (!gap) {
        return false;
    }
    if (gap->from == gap->to) {
        *at = gap->next;
        ledger->gap_count--;
        free(gap);
    } else if (seq == gap->from) {
        gap->from++;
    } else if (seq == gap->to) {
        gap->to--;
    } else {
        uint32_t to = gap->to;
        gap->to = seq - 1;
        add_gap(ledger, source, seq + 1, to);
    }
    return true;
}

enum rc_verdict rc_ledger_take(struct rc_ledger *ledger, uint32_t source, uint32_t seq)
{
    uint32_t last = ledger->last[source];
    if (seq == last + 1) {
        ledger->last[source] = seq;
        return RC_IN_ORDER;
    }
    bool open = last & RC_LEDGER_OPEN;
    last &= ~RC_LEDGER_OPEN;
    if (seq <= last && !open) {
        return fill_gap(ledger, source, seq) ? RC_REORDERED : RC_DOUBLED;
    }
    if (seq > last + 1) {
        add_gap(ledger, source, last + 1, seq - 1);
    }
    ledger->last[source] = seq;
    return RC_IN_ORDER;
}

uint32_t rc_ledger_behind(const struct rc_ledger *ledger, uint32_t source, uint32_t sent)
{
    uint32_t last = ledger->last[source] & ~RC_LEDGER_OPEN;
    return sent > last ? sent - last : 0;
}

static uint64_t count_lost(uint32_t source, uint32_t from, uint32_t to, rc_ledger_excused excused, void *arg)
{
    uint64_t lost = 0;
    for (uint32_t seq = from; seq <= to; seq++) {
        lost += !excused(arg, source, seq);
    }
    return lost;
}

uint64_t rc_ledger_tail(const struct rc_ledger *ledger, uint32_t source, uint32_t sent, rc_ledger_excused excused,
                        void *arg)
{
    return count_lost(source, (ledger->last[source] & ~RC_LEDGER_OPEN) + 1, sent, excused, arg);
}

uint64_t rc_ledger_settle(struct rc_ledger *ledger, rc_ledger_excused excused, void *arg)
{
    uint64_t lost = ledger->overflown;
    while (ledger->gaps) {
        struct rc_gap *gap = ledger->gaps;
        ledger->gaps = gap->next;
        lost += count_lost(gap->source, gap->from, gap->to, excused, arg);
        free(gap);
    }
    ledger->gap_count = 0;
    ledger->overflown = 0;
    return lost;
}

void rc_ledger_fini(struct rc_ledger *ledger)
{
    while (ledger->gaps) {
        struct rc_gap *gap = ledger->gaps;
        ledger->gaps = gap->next;
        free(gap);
    }
    free(ledger->last);
    ledger->last = NULL;
}
