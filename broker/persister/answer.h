/*
 * What the store says to a query of history: a packed Side{Query} comes in, a packed Side{Rows} goes out
 * (proto/roomcast.proto).
 *
 * An answer is one page: at most RC_PAGE_BYTES of messages, or one message. A cursor is opaque to the asker, good at
 * every persister, and never expires: one byte that says what it is for, then the key of the last message looked at
 * (docs/disk-format.md), or the last user, or, of a walk in the order of the log, the store's identity, the number of the
 * last message (u64), and the key furthest along, which may be empty (struct rc_place).
 */
#ifndef RC_PERSISTER_ANSWER_H
#define RC_PERSISTER_ANSWER_H

#include "broker/persister/reading.h"
#include "mailbox.h"

struct rc_answer {
    struct rc_mail mail; /* for its way from thread to thread */
    uint64_t asker;      /* whatever the caller knows him by */
    struct rc_buf *side; /* Side{Rows}; NULL: what was asked is no Side{Query} */
    size_t rows;         /* messages or users in it */
    bool is_page;        /* of an operator: `page` instead of `side` */
    struct rc_page_text page;
};

/* Asks the store; blocks for the disk. Any thread. What goes wrong is an error inside the Rows. */
struct rc_answer *rc_answer_new(struct rc_store *store, uint64_t asker, const struct rc_buf *query);
/* The page that an operator asked for. */
struct rc_answer *rc_answer_page(struct rc_store *store, uint64_t asker, const struct rc_reading *reading);
/* Says "busy" to this query instead. */
struct rc_answer *rc_answer_busy(uint64_t asker, const struct rc_buf *query);
void rc_answer_free(struct rc_answer *answer); /* accepts NULL */

#endif
