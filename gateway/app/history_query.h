/* History as data: from an URL's parameters to a packed Side{Query}, from packed rows to JSON. No I/O, any thread. */
#ifndef RC_GATEWAY_HISTORY_QUERY_H
#define RC_GATEWAY_HISTORY_QUERY_H

#include "cluster/buf.h"
#include "gateway/app/jwt.h"
#include "gateway/app/text.h"

#include <roomcast.pb-c.h>

#define RC_HISTORY_LIMIT  256          /* most messages that limit may ask for: what a persister looks at for a page */
#define RC_HISTORY_CURSOR 256          /* most bytes of a cursor */
#define RC_HISTORY_BAD    "bad cursor" /* error of Rows: the cursor in the query was none */

struct rc_history_cursor { /* opaque, as a persister made it */
    uint8_t byte[RC_HISTORY_CURSOR];
    size_t len; /* 0: none */
};

struct rc_history_query {
    bool conversations; /* users instead of messages */
    bool page;          /* limit, before or after was given: one page, else everything */
    bool on;            /* after was given: the page goes on from there, else back from the newest */
    uint32_t limit;     /* 0: as many as the persister puts in a page */
    char user[RC_USER_MAX];
    size_t user_len;
    struct rc_history_cursor cursor; /* where the next page begins; none: at the end where the walk begins */
    struct rc_history_cursor later;  /* where what is stored later begins */
};

/* Reads limit, before and after from a query string into *query. NULL: good; else what is wrong, for the client. */
const char *rc_history_read(const char *parameters, struct rc_history_query *query);

/* The query for its next page, packed. NULL: no memory. */
struct rc_buf *rc_history_pack(const struct rc_history_query *query);

/* A packed Side that holds Rows; free it by roomcast__side__free_unpacked(side, NULL). NULL: not such a message, or it
 * carries an error; why is a sentence for the log. */
Roomcast__Side *rc_history_unpack(const struct rc_buf *side, char *why, size_t why_size);

/* Appends the rows, or users, to a JSON array that is being written; first: nothing is in the array yet. Returns
 * whether something is in it now. */
bool rc_history_write(struct rc_text *out, const Roomcast__Rows *rows, bool first);

/* Moves *query on to the page after rows, and keeps `later` if they have it. False: there is none. */
bool rc_history_next(struct rc_history_query *query, const Roomcast__Rows *rows);

/* The cursor as `before` and `after` take it: hexadecimal digits, terminated. */
void rc_history_cursor_text(const struct rc_history_cursor *cursor, char out[2 * RC_HISTORY_CURSOR + 1]);

#endif
