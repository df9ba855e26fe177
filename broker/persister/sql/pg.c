/* A connection to PostgreSQL. */
#include "broker/persister/sql/pg.h"

#include <libpq-fe.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cluster/mem.h"

struct rc_pg {
    PGconn *conn;
    int stop;
    int64_t timeout;
    int64_t deadline;  /* of the call under way: rc_clock_now() in us */
    const char *waits; /* why waiting ended without what was waited for */
    char place[256];
};

/* A message of libpq or the server, in one line. */
static void tell(char why[RC_PG_WHY], const char *text)
{
    size_t len = 0;
    for (; *text && len < RC_PG_WHY - 1; text++)
        why[len++] = *text == '\n' || *text == '\t' ? ' ' : *text;
    while (len && why[len - 1] == ' ')
        len--;
    why[len] = '\0';
}

bool rc_pg_judge(const char *url, char why[RC_PG_WHY])
{
    char *text = NULL;
    PQconninfoOption *parsed = NULL;
    if (strncmp(url, "postgresql://", 13) != 0 && strncmp(url, "postgres://", 11) != 0) {
        snprintf(why, RC_PG_WHY, "must begin with postgresql://, as postgresql://user@host:5432/database");
        return false;
    }
    parsed = PQconninfoParse(url, &text);
    if (!parsed) {
        char *quoted = text ? strchr(text, '"') : NULL; /* from here on it may be the password */
        if (quoted)
            *quoted = '\0';
        snprintf(
            why, RC_PG_WHY,
            "is not a URL that PostgreSQL's library can read (%.200s...), as "
            "postgresql://user@host:5432/database; in names and passwords write @ : / ? %% as %%40 %%3A %%2F %%3F %%25",
            text ? text : "out of memory");
    }
    PQconninfoFree(parsed);
    PQfreemem(text);
    return parsed;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

static void begin(struct rc_pg *pg)
{
    pg->deadline = rc_clock_now() + pg->timeout * 1000;
    pg->waits = NULL;
}

/* False: pg->waits says why. */
static bool wait_for(struct rc_pg *pg, short events)
{
    struct pollfd fd[2] = {{.fd = PQsocket(pg->conn), .events = events}, {.fd = pg->stop, .events = POLLIN}};
    int64_t left = (pg->deadline - rc_clock_now()) / 1000;
    int n = left > 0 ? poll(fd, 2, (int)left) : 0;
    if (fd[1].revents)
        pg->waits = "stopping";
    else if (n == 0)
        pg->waits = "the server does not answer";
    return !pg->waits; /* an interrupted poll is tried again by the caller's loop */
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */

static enum rc_pg_result connect_failed(const struct rc_pg *pg, char why[RC_PG_WHY])
{
    const char *text = PQerrorMessage(pg->conn);
    tell(why, pg->waits ? pg->waits : text);
    return !pg->waits && strstr(text, "FATAL") ? RC_PG_REFUSED : RC_PG_LOST; /* libpq keeps no code of it */
}

static enum rc_pg_result connect_now(struct rc_pg *pg, char why[RC_PG_WHY])
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    bool good = PQstatus(pg->conn) != CONNECTION_BAD;
    while (good && state != PGRES_POLLING_OK) {
        good = wait_for(pg, state == PGRES_POLLING_READING ? POLLIN : POLLOUT);
        state = good ? PQconnectPoll(pg->conn) : state;
        good &= state != PGRES_POLLING_FAILED;
    }
    return good ? RC_PG_OK : connect_failed(pg, why);
}

static void ignore_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice;
}

enum rc_pg_result rc_pg_open(struct rc_pg **out, const struct rc_pg_config *c, char why[RC_PG_WHY])
{
    /* The URL is taken apart where dbname stands, and what comes after it counts more. */
    const char *key[] = {"dbname", "client_encoding", "fallback_application_name", c->password ? "password" : NULL,
                         NULL};
    const char *value[] = {c->url, "UTF8", c->name, c->password, NULL};
    struct rc_pg *pg = rc_zalloc(sizeof *pg);
    pg->stop = c->stop;
    pg->timeout = c->timeout;
    pg->conn = PQconnectStartParams(key, value, 1);
    begin(pg);
    enum rc_pg_result result = RC_PG_LOST;
    if (pg->conn)
        result = connect_now(pg, why);
    else
        tell(why, "out of memory");
    if (result != RC_PG_OK) {
        rc_pg_close(pg);
        return result;
    }
    PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
    PQsetnonblocking(pg->conn, 1);
    snprintf(pg->place, sizeof pg->place, "%.100s:%.10s/%.100s", PQhost(pg->conn), PQport(pg->conn), PQdb(pg->conn));
    *out = pg;
    return RC_PG_OK;
}

void rc_pg_close(struct rc_pg *pg)
{
    if (!pg)
        return;
    PQfinish(pg->conn);
    free(pg);
}

const char *rc_pg_place(const struct rc_pg *pg)
{
    return pg->place;
}

int rc_pg_fd(const struct rc_pg *pg)
{
    return PQsocket(pg->conn);
}

bool rc_pg_alive(struct rc_pg *pg)
{
    return PQconsumeInput(pg->conn) && PQstatus(pg->conn) == CONNECTION_OK;
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static enum rc_pg_result lost(const struct rc_pg *pg, char why[RC_PG_WHY])
{
    tell(why, pg->waits ? pg->waits : PQerrorMessage(pg->conn));
    return RC_PG_LOST;
}

/* True when the statement is sent and its result has come. */
static bool exchange(struct rc_pg *pg)
{
    int unsent = 1;
    while (unsent) {
        unsent = PQflush(pg->conn);
        if (unsent < 0 || (unsent && (!wait_for(pg, POLLIN | POLLOUT) || !PQconsumeInput(pg->conn))))
            return false;
    }
    while (PQisBusy(pg->conn))
        if (!wait_for(pg, POLLIN) || !PQconsumeInput(pg->conn))
            return false;
    return true;
}

static void give(const PGresult *r, rc_pg_row_fn *fn, void *arg)
{
    int columns = PQnfields(r) < RC_PG_COLUMNS ? PQnfields(r) : RC_PG_COLUMNS;
    const char *value[RC_PG_COLUMNS] = {0};
    for (int row = 0; row < PQntuples(r); row++) {
        for (int i = 0; i < columns; i++)
            value[i] = PQgetisnull(r, row, i) ? NULL : PQgetvalue(r, row, i);
        fn(arg, value);
    }
}

static enum rc_pg_result judge(const struct rc_pg *pg, const PGresult *r, char why[RC_PG_WHY])
{
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return RC_PG_OK;
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    char said[RC_PG_WHY];
    snprintf(said, sizeof said, "%.400s (%.10s)", text ? text : PQerrorMessage(pg->conn), code ? code : "no code");
    tell(why, said);
    return PQstatus(pg->conn) == CONNECTION_OK ? RC_PG_REFUSED : RC_PG_LOST;
}

enum rc_pg_result rc_pg_run(struct rc_pg *pg, const char *statement, size_t n, const char *const *param,
                            rc_pg_row_fn *fn, void *arg, char why[RC_PG_WHY])
{
    begin(pg);
    if (!PQsendQueryParams(pg->conn, statement, (int)n, NULL, param, NULL, NULL, 0) || !exchange(pg))
        return lost(pg, why);
    enum rc_pg_result result = RC_PG_OK;
    PGresult *r;
    while ((r = PQgetResult(pg->conn))) { /* one, since there was one statement; then its end */
        result = result == RC_PG_OK ? judge(pg, r, why) : result;
        if (result == RC_PG_OK && fn)
            give(r, fn, arg);
        PQclear(r);
        if (!exchange(pg))
            return lost(pg, why);
    }
    return result;
}
