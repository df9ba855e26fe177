/*
 * A connection to PostgreSQL: the one cover over libpq.
 *
 * Calls wait for the server, but never longer than `timeout`, nor once `stop` is readable. One thread at a time. What the
 * server says of a refused statement comes without its DETAIL, which may quote a row; no text here holds a password.
 */
#ifndef RC_SQL_PG_H
#define RC_SQL_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_PG_WHY     512 /* room for why something went wrong */
#define RC_PG_COLUMNS 8   /* most columns that a row may have */

struct rc_pg;

enum rc_pg_result {
    RC_PG_OK,
    RC_PG_REFUSED, /* the server said no */
    RC_PG_LOST,    /* not reached, gone, silent for too long, or told to stop: of no use any more */
};

struct rc_pg_config {
    const char *url;      /* postgresql://user@host:port/database?options */
    const char *password; /* NULL: the URL's, PGPASSWORD's or PGPASSFILE's, as libpq has it */
    const char *name;     /* how the server's lists show us */
    int stop;             /* descriptor that is readable when all is to be given up */
    int64_t timeout;      /* of connecting, and of each statement: ms */
};

/* Whether libpq can read this URL; else what would be right. Asks nobody. */
bool rc_pg_judge(const char *url, char why[RC_PG_WHY]);

/* RC_PG_OK and *out, or why. Looking up a host's name may take as long as the system's resolver does. */
enum rc_pg_result rc_pg_open(struct rc_pg **out, const struct rc_pg_config *config, char why[RC_PG_WHY]);
void rc_pg_close(struct rc_pg *pg); /* accepts NULL */

/* "host:port/database". */
const char *rc_pg_place(const struct rc_pg *pg);

/* To watch between statements. When it is readable: rc_pg_alive. */
int rc_pg_fd(const struct rc_pg *pg);
/* Reads what the server says unasked. False: it has closed the connection. */
bool rc_pg_alive(struct rc_pg *pg);

typedef void rc_pg_row_fn(void *arg, const char *const *value); /* NULL values are NULL; valid inside the call */

/* Runs one statement, which is a transaction of its own, with n texts as $1 to $n. fn gets its rows; NULL: nobody does. */
enum rc_pg_result rc_pg_run(struct rc_pg *pg, const char *statement, size_t n, const char *const *param,
                            rc_pg_row_fn *fn, void *arg, char why[RC_PG_WHY]);

#endif
