/*
 * The tables that are written: mensajes, and roomcast_cursor, which says how far each persister's log is in it.
 *
 * A page of the log and its cursor are one statement, so one transaction: what the cursor says is in the table is there, and
 * the cursor is read again after each connect. `clave` is the message's key and unique, so that a page which comes twice, from
 * this persister or another, adds nothing. Both blocking, as rc_pg_run.
 */
#ifndef RC_SQL_TABLE_H
#define RC_SQL_TABLE_H

#include "broker/persister/sql/pg.h"
#include "cluster/persister.h"

#define RC_SQL_CURSORS 64 /* most cursors remembered: those that moved last */

struct rc_sql_cursors { /* the one that moved last comes first */
    size_t n;
    struct rc_cursor cursor[RC_SQL_CURSORS];
};

/* Makes the tables that are missing and judges what is there. *made: mensajes was missing. */
enum rc_pg_result rc_sql_table_open(struct rc_pg *pg, bool *made, struct rc_sql_cursors *out, char why[RC_PG_WHY]);

struct rc_sql_written {
    size_t rows;      /* of the page */
    size_t added;     /* of these, so many were not there */
    size_t malformed; /* records that are no message, left out */
};
/* Puts rows and cursors of the commit. Anything but RC_PG_OK: all of it is there, or nothing. */
enum rc_pg_result rc_sql_table_put(struct rc_pg *pg, const struct rc_commit *commit, struct rc_sql_written *out,
                                   char why[RC_PG_WHY]);

#endif
