/* Whose log is read, from where, and how far behind the table is. */
#include "broker/persister/log_wire.h"
#include "broker/persister/sql/process_impl.h"
#include "clock.h"
#include "log.h"

#include <string.h>

#define PAGE_ROWS 1024              /* of a page, and so of a transaction */
#define JOB_BYTES ((size_t)8 << 20) /* above any page: its bytes have their own bound */

/* ---- cursors ----------------------------------------------------------------------------------------------------- */

static uint64_t cursor_of(const struct rc_sql_process *p, const char *peer, uint64_t store)
{
    for (size_t i = 0; i < p->cursors.n; i++)
        if (p->cursors.cursor[i].store == store && strcmp(p->cursors.cursor[i].peer, peer) == 0)
            return p->cursors.cursor[i].number;
    return 0;
}

static void set_cursor(struct rc_sql_process *p, const struct rc_cursor *c)
{
    size_t i = 0;
    while (i < p->cursors.n &&
           (p->cursors.cursor[i].store != c->store || strcmp(p->cursors.cursor[i].peer, c->peer) != 0))
        i++;
    if (i == RC_SQL_CURSORS)
        i--; /* in place of the one that moved longest ago */
    p->cursors.cursor[i] = *c;
    if (i == p->cursors.n)
        p->cursors.n++;
}

/* ---- follow's callbacks ------------------------------------------------------------------------------------------ */

static void ask(void *arg, struct rc_session *s, const struct rc_pull *pull)
{
    struct rc_sql_process *p = arg;
    struct rc_buf *side = rc_pull_pack(pull);
    p->asked++;
    if (side) /* else memory is short, and this session asks no more */
        rc_host_side(p->host, s, side);
}

static uint64_t tell_cursor(void *arg, const char *peer, uint64_t store)
{
    return cursor_of(arg, peer, store);
}

/* ---- whom -------------------------------------------------------------------------------------------------------- */

static void read_from(struct rc_sql_process *p, struct rc_session *s)
{
    if (p->reader_of[0] && strcmp(p->reader_of, s->peer.id) != 0)
        rc_metric_add(&p->values[SM_SWITCHES], 1);
    rc_log(RC_INFO, "following", "persister=%s before=%s", s->peer.id, p->reader_of[0] ? p->reader_of : "-");
    memcpy(p->reader_of, s->peer.id, sizeof p->reader_of);
    p->read = s;
    p->asked = p->stale = 0;
    p->store = p->last = 0;
    if (p->follow)
        rc_follow_up(p->follow, s);
    p->probed = RC_NEVER;
}

/* The one whose cursor moved last is worth waiting for: another one's log may have to be read from its beginning. */
static void choose(struct rc_sql_process *p)
{
    const struct rc_brokers *all = &p->options->sql_brokers;
    struct rc_session *s = p->reader_of[0] ? rc_aside_of(p->aside, p->reader_of) : NULL;
    bool wait = rc_brokers_find(all, p->reader_of) && rc_clock_now() - p->alone < p->options->common.times.s;
    for (size_t i = 0; !s && !wait && i < all->count; i++)
        s = rc_aside_of(p->aside, all->entry[i].id);
    if (s)
        read_from(p, s);
}

/* ---- the connection to the server comes and goes ----------------------------------------------------------------- */

/* The database knows another one better. Answers come in order: with one under way only a new session begins anew. */
static void prefer(struct rc_sql_process *p, const char *peer)
{
    if (p->read && strcmp(p->read->peer.id, peer) != 0) {
        if (p->asked + p->stale)
            rc_aside_end(p->aside, p->read, RC_END_SHUTDOWN);
        else
            rc_sql_reader_down(p, p->read);
    }
    snprintf(p->reader_of, sizeof p->reader_of, "%s", peer);
}

void rc_sql_reader_open(struct rc_sql_process *p, const struct rc_sql_cursors *cursors)
{
    const struct rc_persister_options *o = p->options;
    struct rc_follow_config config = {.rows = PAGE_ROWS,
                                      .bytes = RC_PAGE_BYTES,
                                      .rate = (uint64_t)o->exchange_rate,
                                      .pause = 2 * o->common.times.h,
                                      .save = o->common.times.s};
    struct rc_world world = {.host = p, .now = rc_host_now, .random = rc_host_random};
    struct rc_follow_events events = {ask, tell_cursor};
    p->cursors = *cursors;
    if (cursors->n)
        prefer(p, cursors->cursor[0].peer);
    p->follow = rc_follow_new(&config, &world, &events);
    if (p->read)
        rc_follow_up(p->follow, p->read);
}

static void add_up(struct rc_follow_stats *sum, const struct rc_follow_stats *s)
{
    sum->pulls += s->pulls;
    sum->bytes += s->bytes;
    sum->strange += s->strange;
}

void rc_sql_reader_close(struct rc_sql_process *p)
{
    struct rc_follow_stats s;
    p->writing = false;
    if (!p->follow)
        return;
    rc_follow_stats(p->follow, &s);
    add_up(&p->before, &s);
    rc_follow_free(p->follow);
    p->follow = NULL;
    p->stale += p->asked;
    p->asked = 0;
}

void rc_sql_reader_down(struct rc_sql_process *p, const struct rc_session *s)
{
    if (p->read != s)
        return;
    if (p->follow)
        rc_follow_down(p->follow, s);
    p->read = NULL;
    p->alone = rc_clock_now();
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

bool rc_sql_reader_side(struct rc_sql_process *p, struct rc_buf *bytes)
{
    struct rc_log_page page;
    if (p->asked + p->stale == 0 || !rc_log_page_unpack(bytes, &page))
        return false;
    if (!p->stale) {
        p->asked--;
        return rc_follow_page(p->follow, p->read, &page);
    }
    p->stale--;
    if (!page.failed) {
        p->store = page.store;
        p->last = page.last;
    }
    rc_log_page_fini(&page);
    return true;
}

void rc_sql_reader_done(struct rc_sql_process *p, const struct rc_scribe_job *job)
{
    p->writing = false;
    for (size_t i = 0; i < job->commit.cursors; i++)
        set_cursor(p, &job->commit.cursor[i]);
    rc_follow_committed(p->follow, &job->commit);
}

static void next_job(struct rc_sql_process *p)
{
    struct rc_scribe_job *job = p->next ? p->next : rc_scribe_job_new(PAGE_ROWS);
    rc_follow_fill(p->follow, &job->commit, JOB_BYTES);
    bool any = job->commit.n || job->commit.cursors;
    p->next = any ? NULL : job;
    if (!any)
        return;
    job->life = p->life;
    p->writing = true;
    p->since = rc_clock_now();
    rc_scribe_put(p->scribe, job);
}

/* How long the log is while there is no connection: as often as a log at rest is looked at. */
static void probe(struct rc_sql_process *p)
{
    rc_time now = rc_clock_now();
    if (!p->read || p->stale || now - p->probed < 2 * p->options->common.times.h)
        return;
    struct rc_buf *side = rc_pull_pack(&(struct rc_pull){.from = 1});
    p->probed = now;
    if (side && rc_host_side(p->host, p->read, side))
        p->stale++;
}

void rc_sql_reader_turn(struct rc_sql_process *p)
{
    if (!p->read)
        choose(p);
    if (!p->follow) {
        probe(p);
        return;
    }
    rc_follow_tick(p->follow);
    if (!p->writing)
        next_job(p);
}

void rc_sql_reader_stats(const struct rc_sql_process *p, struct rc_follow_stats *out)
{
    struct rc_follow_stats now = {0};
    *out = p->before;
    if (p->follow)
        rc_follow_stats(p->follow, &now);
    add_up(out, &now);
    uint64_t cursor = cursor_of(p, p->reader_of, p->store);
    out->behind = p->follow ? now.behind : p->last > cursor ? p->last - cursor : 0;
    out->filling = now.filling;
}
