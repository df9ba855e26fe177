/*
 * What a persister did to its data file, in order: written by shim.c, read by roomcast-storecheck. Native byte order, as both run
 * on one machine. Times are of CLOCK_MONOTONIC, in ns; the same clock as process.hrtime() of Node.js.
 */
#ifndef RC_POWERLOSS_JOURNAL_H
#define RC_POWERLOSS_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rc_journal_kind {
    RC_JOURNAL_WRITE = 1, /* len bytes at `at`; they follow */
    RC_JOURNAL_SYNCED,    /* the same, through a descriptor with O_DSYNC: these bytes are on the disk at `end` */
    RC_JOURNAL_SIZE,      /* the file was cut or grown to `at` bytes */
    RC_JOURNAL_SYNC,      /* all that is written above is on the disk at `end` */
    RC_JOURNAL_NAMED,     /* it is called data.mdb in its directory from here on; before, it was made elsewhere */
};

struct rc_journal_head {
    uint64_t kind;
    uint64_t begin, end; /* of the call */
    uint64_t at, len;
};

struct rc_journal_entry {
    struct rc_journal_head head;
    const uint8_t *data;
};

struct rc_journal {
    struct rc_journal_entry *entry;
    size_t n;
    uint64_t size; /* most bytes that the data file can have had */
    void *map;     /* the journal itself, of map_len bytes */
    size_t map_len;
};

/* False with a sentence in why. A last entry that is not whole is left out: the persister may have been killed. */
bool rc_journal_open(struct rc_journal *journal, const char *path, char *why, size_t size);
/* A plant, to see that the judge sees it: the persister syncs nothing, as under MDB_NOSYNC. */
void rc_journal_plant_never(struct rc_journal *journal);
void rc_journal_close(struct rc_journal *journal);

#endif
