/*
 * What an operator reads of the store (GET /history of the admin listener): pages of lines (line.h) in the order of keys.
 *
 * The last line of an answer is no message: {"next":"KEY"} says where the next page begins, {"next":null} that there is none; an
 * answer without it was cut off. A page looks at no more than RC_PAGE_ENTRIES messages a transaction, and holds RC_READING_ROWS
 * messages or RC_READING_BYTES at most, but one message at least.
 */
#ifndef RC_PERSISTER_READING_H
#define RC_PERSISTER_READING_H

#include "broker/persister/store.h"

#define RC_READING_ROWS  2048
#define RC_READING_BYTES (512L << 10) /* of lines, when another transaction begins */

struct rc_reading {           /* what is asked; zeros: everything, the oldest first */
    struct rc_disk_user user; /* messages from or to this user; len 0: of all */
    struct rc_disk_key from;  /* behind this message, in the direction of the walk; len 0: from its beginning */
    int64_t since;            /* fecha, ms: not the ones before it; 0: no bound */
    int64_t until;            /* nor these and later ones; 0: no bound */
    bool newest;              /* walk back from the newest; a page still shows the oldest first */
    size_t limit;             /* messages of this page; 0 or more than RC_READING_ROWS: so many */
};

/* Takes a parameter of the request's query string. NULL, or a static phrase that says what would be right. value may be NULL:
 * not given. */
const char *rc_reading_set(struct rc_reading *reading, const char *name, const char *value);
/* The names that rc_reading_set knows, NULL at the end. */
extern const char *const rc_reading_names[];

struct rc_page_text { /* an answer */
    char *text;       /* malloc'd; the lines, or when failed a sentence; NULL: out of memory */
    size_t len, rows;
    bool failed;
};
/* Blocks for the disk. Any thread. */
struct rc_page_text rc_reading_page(struct rc_store *store, const struct rc_reading *reading);

#endif
