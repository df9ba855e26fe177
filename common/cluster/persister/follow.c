/* T4: whose log is read from where, how fast, and when a cursor may move. */
#include "cluster/follow.h"
#include "cluster/mem.h"
#include "cluster/persister.h"

#include <string.h>

#define SECOND         (1000 * RC_MS)
#define PAGES_A_SECOND 8 /* at least, so that a low rate does not come in gusts */

struct followed { /* a persister whose log we read; stays when its session ends */
    char id[RC_ID_MAX + 1];
    struct rc_session *s; /* NULL: none */
    uint64_t store;       /* as it said in this session; 0: it has not yet */
    uint64_t known;       /* as it said before; 0: never */
    uint64_t cursor;      /* all of its log up to this is in our store */
    uint64_t last;        /* newest number of its log */
    uint64_t goal;        /* the same when the session began: up to here we are filling */
    bool asked;           /* pull is under way */
    struct rc_pull pull;
    rc_time again;           /* the next one not before this */
    struct rc_log_page page; /* rows that wait for their commits */
    size_t given;            /* of these, how many went into one */
    bool committing;         /* some of them are in the commit under way */
    bool unsaved;            /* the cursor moved over rows that we had, and was not yet written */
    rc_time moved;           /* since when */
};

struct rc_follow {
    struct rc_follow_config config;
    struct rc_world world;
    struct rc_follow_events events;
    uint32_t n, turn; /* turn: who is asked first */
    struct followed peer[RC_PERSISTERS_MAX];
    int64_t credit; /* bytes that may be asked for; what is asked for is taken off, and what did not come given back */
    rc_time credited;
    struct rc_follow_stats count;
};

void rc_log_page_fini(struct rc_log_page *page)
{
    for (size_t i = 0; i < page->n; i++)
        rc_buf_rele(page->row[i].record.row);
    free(page->row);
    page->row = NULL;
    page->n = 0;
}

static rc_time now_of(const struct rc_follow *f)
{
    return f->world.now(f->world.host);
}

struct rc_follow *rc_follow_new(const struct rc_follow_config *config, const struct rc_world *world,
                                const struct rc_follow_events *events)
{
    struct rc_follow *f = rc_zalloc(sizeof *f);
    f->config = *config;
    f->world = *world;
    f->events = *events;
    f->credited = now_of(f);
    if (f->config.bytes > config->rate / PAGES_A_SECOND)
        f->config.bytes = (uint32_t)(config->rate / PAGES_A_SECOND);
    f->credit = f->config.bytes;
    return f;
}

/* The rows that are in no commit. */
static void drop_page(struct followed *p)
{
    for (size_t i = 0; i < p->given; i++)
        p->page.row[i].record.row = NULL; /* the commit's */
    rc_log_page_fini(&p->page);
    p->given = 0;
}

void rc_follow_free(struct rc_follow *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->n; i++)
        drop_page(&f->peer[i]);
    free(f);
}

/* ---- pulls ------------------------------------------------------------------------------------------------------- */

static void earn(struct rc_follow *f, rc_time now)
{
    rc_time passed = now - f->credited < SECOND ? now - f->credited : SECOND;
    int64_t most = (int64_t)(f->config.rate / 10 > f->config.bytes ? f->config.rate / 10 : f->config.bytes);
    f->credited = now;
    f->credit += (int64_t)f->config.rate * passed / SECOND;
    if (f->credit > most)
        f->credit = most;
}

static void pull(struct rc_follow *f, struct followed *p)
{
    p->asked = true;
    p->pull = (struct rc_pull){p->store, p->cursor + 1, f->config.rows, f->config.bytes};
    f->credit -= p->pull.bytes;
    f->count.pulls++;
    f->events.pull(f->world.host, p->s, &p->pull);
}

/* Asks whom it may, each in turn first. */
static void pump(struct rc_follow *f)
{
    rc_time now = now_of(f);
    for (uint32_t i = 0; i < f->n && f->credit > 0; i++) {
        struct followed *p = &f->peer[(f->turn + i) % f->n];
        if (p->s && !p->asked && !p->page.n && now >= p->again)
            pull(f, p);
    }
    f->turn++;
}

void rc_follow_tick(struct rc_follow *f)
{
    earn(f, now_of(f));
    pump(f);
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

static struct followed *find(struct rc_follow *f, const char *id)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (strcmp(f->peer[i].id, id) == 0)
            return &f->peer[i];
    return NULL;
}

/* The place of this peer; else a new one, or that of one who is gone and owes nothing. */
static struct followed *make(struct rc_follow *f, const char *id)
{
    struct followed *p = find(f, id);
    if (p)
        return p;
    if (f->n < RC_PERSISTERS_MAX)
        p = &f->peer[f->n++];
    for (uint32_t i = 0; !p && i < f->n; i++)
        if (!f->peer[i].s && !f->peer[i].page.n)
            p = &f->peer[i];
    if (p) {
        *p = (struct followed){0};
        snprintf(p->id, sizeof p->id, "%s", id);
    }
    return p;
}

bool rc_follow_up(struct rc_follow *f, struct rc_session *s)
{
    struct followed *p = make(f, s->peer.id);
    if (!p)
        return false;
    p->s = s;
    p->store = p->last = p->goal = 0;
    p->asked = p->unsaved = false;
    p->again = RC_NEVER;
    pump(f);
    return true;
}

static struct followed *of_session(struct rc_follow *f, const struct rc_session *s)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (f->peer[i].s == s)
            return &f->peer[i];
    return NULL;
}

void rc_follow_down(struct rc_follow *f, const struct rc_session *s)
{
    struct followed *p = of_session(f, s);
    if (!p)
        return;
    p->s = NULL;
    if (p->asked)
        f->credit += p->pull.bytes;
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

/* It says what an answer to this pull can say. */
static bool answers(const struct rc_pull *pull, const struct rc_log_page *page)
{
    if (page->failed)
        return page->n == 0;
    if (page->store == 0)
        return false;
    if (page->store != pull->store)
        return page->n == 0;
    uint64_t next = pull->from;
    for (size_t i = 0; i < page->n; i++) {
        if (page->row[i].number < next || page->row[i].number > page->upto)
            return false;
        next = page->row[i].number + 1;
    }
    bool shorter = page->last + 1 < pull->from; /* than what we read of it once */
    return page->from == pull->from && page->upto + 1 >= pull->from && page->n <= pull->rows &&
           (shorter ? page->upto + 1 == pull->from : page->upto <= page->last);
}

/* Another store than we knew in this session: its numbers mean something else. */
static void meet(struct rc_follow *f, struct followed *p, const struct rc_log_page *page)
{
    bool again = p->store != 0;
    f->count.strange += p->known && p->known != page->store;
    p->store = p->known = page->store;
    p->cursor = f->events.cursor(f->world.host, p->id, p->store);
    p->unsaved = false;
    p->last = p->goal = page->last;
    p->again = again ? now_of(f) + f->config.pause : RC_NEVER;
}

static void advance(struct rc_follow *f, struct followed *p, uint64_t number)
{
    if (number <= p->cursor)
        return;
    p->cursor = number;
    if (!p->unsaved)
        p->moved = now_of(f);
    p->unsaved = true;
}

static void take(struct rc_follow *f, struct followed *p, struct rc_log_page *page)
{
    p->last = page->last;
    p->again = page->upto < page->last ? RC_NEVER : now_of(f) + f->config.pause;
    if (page->last < p->cursor) { /* put back from an old copy: what follows has numbers that we have read */
        f->count.strange++;
        p->cursor = 0;
        p->goal = p->last;
        p->unsaved = true; /* at once, before its log grows longer than what we read */
        p->moved = p->again = RC_NEVER;
    } else if (page->n) {
        p->page = *page;
        page->row = NULL;
        page->n = 0;
    } else {
        advance(f, p, page->upto);
    }
}

bool rc_follow_page(struct rc_follow *f, const struct rc_session *s, struct rc_log_page *page)
{
    struct followed *p = of_session(f, s);
    bool good = !p || (p->asked && answers(&p->pull, page));
    if (p && good) {
        p->asked = false;
        f->credit += p->pull.bytes - (int64_t)page->bytes;
        f->count.bytes += page->bytes;
        f->count.pages++;
        if (page->failed)
            p->again = now_of(f) + f->config.pause;
        else if (page->store != p->store)
            meet(f, p, page);
        else
            take(f, p, page);
    }
    rc_log_page_fini(page);
    pump(f);
    return good;
}

/* ---- commits ----------------------------------------------------------------------------------------------------- */

static void add_cursor(const struct followed *p, struct rc_commit *c, uint64_t store, uint64_t number)
{
    struct rc_cursor *at = &c->cursor[c->cursors++];
    *at = (struct rc_cursor){.store = store, .number = number};
    memcpy(at->peer, p->id, sizeof at->peer);
}

static bool fits(const struct rc_follow *f, const struct rc_commit *c, size_t bytes, size_t max_bytes)
{
    return c->n == 0 || (c->n < c->cap && c->pulled < f->config.rows && c->bytes + bytes <= max_bytes);
}

static void fill_from(const struct rc_follow *f, struct followed *p, struct rc_commit *c, size_t max_bytes)
{
    size_t before = p->given;
    while (p->given < p->page.n) {
        const struct rc_log_row *row = &p->page.row[p->given];
        size_t bytes = sizeof *row + (row->record.row ? row->record.row->len : 0);
        if (!fits(f, c, bytes, max_bytes))
            break;
        c->record[c->n++] = row->record;
        c->bytes += bytes;
        c->pulled++;
        p->given++;
    }
    if (p->given == before)
        return;
    p->committing = true;
    bool whole = p->given == p->page.n;
    add_cursor(p, c, p->page.store, whole ? p->page.upto : p->page.row[p->given - 1].number);
}

void rc_follow_fill(struct rc_follow *f, struct rc_commit *c, size_t max_bytes)
{
    for (uint32_t i = 0; i < f->n; i++)
        fill_from(f, &f->peer[(f->turn + i) % f->n], c, max_bytes);
    for (uint32_t i = 0; i < f->n; i++) {
        const struct followed *p = &f->peer[i];
        if (p->unsaved && !p->committing && (c->n || now_of(f) - p->moved >= f->config.save))
            add_cursor(p, c, p->store, p->cursor);
    }
}

void rc_follow_committed(struct rc_follow *f, const struct rc_commit *c)
{
    f->count.rows += c->pulled;
    for (size_t i = 0; i < c->cursors; i++) {
        struct followed *p = find(f, c->cursor[i].peer);
        if (!p)
            continue; /* somebody else has its place */
        if (p->committing && p->given == p->page.n)
            drop_page(p);
        p->committing = false;
        if (p->store != c->cursor[i].store)
            continue; /* it said hello again meanwhile */
        if (c->cursor[i].number >= p->cursor) {
            p->cursor = c->cursor[i].number;
            p->unsaved = false;
        }
    }
    pump(f);
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

void rc_follow_stats(const struct rc_follow *f, struct rc_follow_stats *out)
{
    *out = f->count;
    for (uint32_t i = 0; i < f->n; i++) {
        const struct followed *p = &f->peer[i];
        if (!p->s)
            continue;
        out->peers++;
        out->filling |= p->cursor < p->goal;
        if (p->last > p->cursor && p->last - p->cursor > out->behind) {
            out->behind = p->last - p->cursor;
            out->of = p->last;
        }
    }
}
