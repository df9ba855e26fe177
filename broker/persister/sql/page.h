/*
 * Rows and cursors of a commit as texts that PostgreSQL reads: one array literal per column. Pure code.
 *
 * What PostgreSQL's text cannot hold is stored with U+FFFD in its place: NUL bytes, and bytes that are not UTF-8. A time after
 * the year 9999 is stored as the end of that year. So no message can hold up those behind it.
 */
#ifndef RC_SQL_PAGE_H
#define RC_SQL_PAGE_H

#include "cluster/persister.h"

enum rc_sql_array {
    RC_SQL_CLAVE, /* "FECHA:ORIGIN:INCARNATION:SEQ", the message's key */
    RC_SQL_DE,
    RC_SQL_PARA,
    RC_SQL_MENSAJE, /* JSON text, as history shows it */
    RC_SQL_FECHA,
    RC_SQL_PERSISTER, /* these three: the cursors */
    RC_SQL_STORE,
    RC_SQL_NUMBER,
    RC_SQL_ARRAYS
};

struct rc_sql_page {
    char *array[RC_SQL_ARRAYS]; /* owned, NUL-terminated */
    size_t rows;
    size_t malformed; /* records that are no message, left out */
};

/* False, and nothing to release: out of memory. */
bool rc_sql_page_init(struct rc_sql_page *page, const struct rc_commit *commit);
void rc_sql_page_fini(struct rc_sql_page *page);

#endif
