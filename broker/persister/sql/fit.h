/* Whether a table that is there already can be written: what its columns must be like. Pure code. */
#ifndef RC_SQL_FIT_H
#define RC_SQL_FIT_H

#include <stdbool.h>
#include <stddef.h>

#define RC_SQL_COLUMNS 64 /* most columns of a table that are looked at */

struct rc_sql_column {
    char name[64];
    char type[64]; /* as format_type says it: "character varying(50)" */
    bool required; /* NOT NULL */
    bool filled;   /* by a default, an identity, or an expression */
    bool unique;   /* by an index over it alone */
};

/* Table mensajes of these columns. False: why[size] says what does not fit, and what would. */
bool rc_sql_fit(const struct rc_sql_column *column, size_t n, char *why, size_t size);

#endif
