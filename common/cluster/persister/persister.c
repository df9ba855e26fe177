/*
 * T1, T2: records in order per broker, commits one at a time, STORED after the commit only.
 *
 *   topic / RESEND ---> intake (gap? ask) ---> [waiting] ---> commit under way ---> STORED
 */
#include "cluster/persister.h"
#include "cluster/mem.h"
#include "cluster/pool.h"

#include <string.h>

struct source { /* a broker; stays when the session ends */
    char id[RC_ID_MAX + 1];
    bool
        removed; /* configured no more: its place may be taken; until then its numbers hold, should it be added again */
    uint64_t inc;
    struct rc_session *s;
    uint64_t next;      /* number of the record to take in next */
    uint64_t committed; /* all up to this are in the store */
    uint64_t announced; /* newest number that the broker told */
    uint64_t missing;   /* announced at the last tick: still missing at the next, it was lost */
    rc_time asked;      /* when RESEND was last sent, or served */
};

struct taken { /* a record that waits for its commit */
    TAILQ_ENTRY(taken) link;
    struct rc_record record;
    struct rc_position position;
    size_t bytes;
    rc_time at; /* when it was taken in */
};
TAILQ_HEAD(taken_list, taken);

struct rc_persister {
    struct rc_persister_config config;
    struct rc_world world;
    struct rc_persister_events events;
    uint32_t n;
    struct source source[RC_BROKERS_MAX];
    struct taken_list waiting;
    size_t waiting_n, waiting_bytes;
    struct rc_commit commit;
    bool committing; /* commit was handed out and not answered */
    bool retry;      /* it failed: hand it out again at the next tick */
    struct rc_follow *follow;
    struct rc_persister_stats count;
};

static rc_time now_of(const struct rc_persister *p)
{
    return p->world.now(p->world.host);
}
static void push(struct rc_persister *p, struct rc_session *s, struct rc_op *op)
{
    rc_session_push(s, op);
    p->world.kick(p->world.host, s);
}

struct rc_persister *rc_persister_new(const struct rc_persister_config *config, const struct rc_world *world,
                                      const struct rc_persister_events *events)
{
    struct rc_persister *p = rc_zalloc(sizeof *p);
    p->config = *config;
    p->world = *world;
    p->events = *events;
    TAILQ_INIT(&p->waiting);
    p->commit.cap = config->commit_records;
    p->commit.record = rc_zarray(p->commit.cap, sizeof *p->commit.record);
    p->follow = rc_follow_new(&config->follow, world, &events->follow);
    return p;
}

static void commit_clear(struct rc_commit *c)
{
    for (size_t i = 0; i < c->n; i++)
        rc_buf_rele(c->record[i].row);
    c->n = c->pulled = c->bytes = c->positions = c->cursors = 0;
}

void rc_persister_free(struct rc_persister *p)
{
    if (!p)
        return;
    struct taken *t;
    while ((t = TAILQ_FIRST(&p->waiting))) {
        TAILQ_REMOVE(&p->waiting, t, link);
        rc_buf_rele(t->record.row);
        rc_pool_put(t, sizeof *t);
    }
    commit_clear(&p->commit);
    free(p->commit.record);
    rc_follow_free(p->follow);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->source[i].s)
            rc_session_free(p->source[i].s);
    free(p);
}

/* ---- commits ----------------------------------------------------------------------------------------------------- */

static void note_position(struct rc_commit *c, const struct rc_position *position)
{
    for (size_t i = 0; i < c->positions; i++) {
        struct rc_position *at = &c->position[i];
        if (at->inc == position->inc && strcmp(at->broker, position->broker) == 0) {
            at->number = position->number; /* records come in order */
            return;
        }
    }
    c->position[c->positions++] = *position;
}

static bool fits(const struct rc_persister *p, const struct taken *t)
{
    const struct rc_commit *c = &p->commit;
    return c->n == 0 ||
           (c->n < c->cap && c->bytes + t->bytes <= p->config.commit_bytes && c->positions < RC_BROKERS_MAX);
}

static bool is_full(const struct rc_persister *p)
{
    return p->waiting_n >= p->config.commit_records || p->waiting_bytes >= p->config.commit_bytes;
}

rc_time rc_persister_due(const struct rc_persister *p)
{
    const struct taken *first = TAILQ_FIRST(&p->waiting);
    return first && !p->committing && !p->retry ? first->at + p->config.commit_wait : RC_NEVER;
}

/* New records first. One commit at a time: what arrives meanwhile makes the next one larger. */
static void start_commit(struct rc_persister *p)
{
    struct taken *t;
    if (p->committing || p->retry)
        return;
    if (p->config.commit_wait && !is_full(p) && now_of(p) < rc_persister_due(p))
        return;
    while ((t = TAILQ_FIRST(&p->waiting)) && fits(p, t)) {
        TAILQ_REMOVE(&p->waiting, t, link);
        p->waiting_n--;
        p->waiting_bytes -= t->bytes;
        p->commit.record[p->commit.n++] = t->record;
        p->commit.bytes += t->bytes;
        note_position(&p->commit, &t->position);
        rc_pool_put(t, sizeof *t);
    }
    rc_follow_fill(p->follow, &p->commit, p->config.commit_bytes);
    if (!p->commit.n && !p->commit.cursors)
        return;
    p->committing = true;
    p->events.commit(p->world.host, &p->commit);
}

void rc_persister_wake(struct rc_persister *p)
{
    start_commit(p);
}

static void tell_stored(struct rc_persister *p, struct source *src)
{
    if (!src->s)
        return;
    struct rc_op *op = rc_op_new(RC_OP_STORED);
    op->range.first = src->committed;
    push(p, src->s, op);
}

static struct source *source_find(struct rc_persister *p, const char *broker)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (strcmp(p->source[i].id, broker) == 0)
            return &p->source[i];
    return NULL;
}

void rc_persister_committed(struct rc_persister *p, bool ok)
{
    p->committing = false;
    p->retry = !ok;
    if (!ok) {
        p->count.failed++;
        return;
    }
    p->count.commits++;
    p->count.records += p->commit.n - p->commit.pulled;
    for (size_t i = 0; i < p->commit.positions; i++) {
        const struct rc_position *at = &p->commit.position[i];
        struct source *src = source_find(p, at->broker);
        if (!src || src->inc != at->inc || at->number <= src->committed)
            continue;
        if (!RC_HOLDS(&p->count.broken, src->s, RC_INV_STORED, at->number < src->next))
            continue;
        src->committed = at->number;
        tell_stored(p, src);
    }
    rc_follow_committed(p->follow, &p->commit);
    commit_clear(&p->commit);
    start_commit(p);
}

/* ---- intake ------------------------------------------------------------------------------------------------------ */

static void ask(struct rc_persister *p, struct source *src)
{
    rc_time now = now_of(p);
    if (now - src->asked < p->config.times.h)
        return;
    src->asked = now;
    struct rc_op *op = rc_op_new(RC_OP_RESEND);
    op->range.first = src->next;
    push(p, src->s, op);
    p->count.resends++;
}

static void keep(struct rc_persister *p, const struct source *src, const struct rc_op *op)
{
    struct taken *t = rc_pool_zget(sizeof *t);
    t->record.key = op->record.key;
    t->record.row = rc_buf_hold(op->record.row);
    memcpy(t->position.broker, src->id, sizeof t->position.broker);
    t->position.inc = src->inc;
    t->position.number = op->record.number;
    t->at = now_of(p);
    t->bytes = sizeof *t + (op->record.row ? op->record.row->len : 0);
    TAILQ_INSERT_TAIL(&p->waiting, t, link);
    p->waiting_n++;
    p->waiting_bytes += t->bytes;
}

static void intake(struct rc_persister *p, struct source *src, const struct rc_op *op)
{
    if (op->record.number > src->announced)
        src->announced = op->record.number;
    if (op->record.number < src->next)
        return;
    if (op->record.number > src->next) {
        p->count.gaps++;
        ask(p, src);
        return;
    }
    if (p->waiting_bytes >= p->config.intake_bound)
        return; /* taken in later: it is missing, so it is asked for */
    src->next++;
    keep(p, src, op);
    start_commit(p);
}

void rc_persister_topic(struct rc_persister *p, const char *broker, uint64_t inc, const struct rc_op *record)
{
    struct source *src = source_find(p, broker);
    if (src && src->s && src->inc == inc && record->kind == RC_OP_RECORD)
        intake(p, src, record);
}

/* first..last are not to be had here any more; the quorum has them, and from there they come (T4). */
static void hole(struct rc_persister *p, struct source *src, const struct rc_op *op)
{
    if (op->range.first > src->next || op->range.last < src->next)
        return;
    p->count.holes++;
    src->next = op->range.last + 1;
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

/* A place for a broker that has none: a new one, or that of one that was removed. */
static struct source *source_place(struct rc_persister *p)
{
    if (p->n < RC_BROKERS_MAX)
        return &p->source[p->n++];
    for (uint32_t i = 0; i < p->n; i++)
        if (p->source[i].removed)
            return &p->source[i];
    return NULL;
}

static struct source *source_make(struct rc_persister *p, const char *broker)
{
    struct source *src = source_find(p, broker);
    if (!src && (src = source_place(p))) {
        *src = (struct source){0};
        snprintf(src->id, sizeof src->id, "%s", broker);
    }
    if (src)
        src->removed = false;
    return src;
}

static void source_lose(struct source *src)
{
    rc_session_free(src->s);
    src->s = NULL;
}

struct rc_session *rc_persister_up(struct rc_persister *p, const struct rc_peer *broker, uint64_t session)
{
    struct source *src = broker->role == RC_BROKER ? source_make(p, broker->id) : NULL;
    if (!src)
        return NULL;
    if (src->s) {
        p->world.end(p->world.host, src->s, RC_END_REPLACED);
        source_lose(src);
    }
    if (src->inc != broker->inc) {
        src->inc = broker->inc;
        src->committed = p->events.position(p->world.host, src->id, src->inc);
        src->next = src->committed + 1;
        src->announced = 0;
    }
    src->missing = 0;
    src->asked = RC_NEVER;
    src->s = rc_session_new(broker, session, p->config.inc, 0, now_of(p));
    src->s->owner = src;
    tell_stored(p, src);
    return src->s;
}

void rc_persister_down(struct rc_persister *p, struct rc_session *s)
{
    (void)p;
    source_lose(s->owner);
}

static void end(struct rc_persister *p, struct rc_session *s, enum rc_end why)
{
    p->world.end(p->world.host, s, why);
    source_lose(s->owner);
}

void rc_persister_take(struct rc_persister *p, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_session_take(s, now_of(p), max_bytes, batch);
}

void rc_persister_forget(struct rc_persister *p, const char *broker)
{
    struct source *src = source_find(p, broker);
    if (!src)
        return;
    if (src->s)
        end(p, src->s, RC_END_REMOVED);
    src->removed = true;
}

bool rc_persister_receive(struct rc_persister *p, struct rc_session *s, const struct rc_batch *batch)
{
    struct source *src = s->owner;
    enum rc_end why;
    if (!rc_session_accept(s, now_of(p), batch, &why)) {
        end(p, s, why);
        return false;
    }
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link) {
        if (op->kind == RC_OP_RECORD) {
            src->asked = s->heard; /* the resend goes on */
            intake(p, src, op);
        } else if (op->kind == RC_OP_HOLE) {
            hole(p, src, op);
        } else if (op->kind != RC_OP_SIDE) {
            end(p, s, RC_END_PROTOCOL);
            return false;
        }
    }
    if (batch->topic_last > src->announced)
        src->announced = batch->topic_last;
    rc_session_done(s, batch->seq);
    if (rc_session_wants(s))
        p->world.kick(p->world.host, s);
    return true;
}

static void attend(struct rc_persister *p, struct source *src, rc_time now)
{
    const struct rc_times *t = &p->config.times;
    if (src->s->broken || rc_session_silent(src->s, now, t->s)) {
        end(p, src->s, src->s->broken ? RC_END_INVARIANT : RC_END_SILENT);
        return;
    }
    if (now - src->s->sent_at >= t->h - t->tick / 2) {
        src->s->due = true;
        p->world.kick(p->world.host, src->s);
    }
    /* Announced a tick ago and still not here: the topic lost it. */
    if (src->missing >= src->next)
        ask(p, src);
    src->missing = src->announced;
}

void rc_persister_set_inc(struct rc_persister *p, uint64_t inc)
{
    p->config.inc = inc;
}

void rc_persister_tick(struct rc_persister *p)
{
    rc_time now = now_of(p);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->source[i].s)
            attend(p, &p->source[i], now);
    if (p->retry && !p->committing) {
        p->retry = false;
        p->committing = true;
        p->events.commit(p->world.host, &p->commit);
    }
    rc_follow_tick(p->follow);
    start_commit(p);
}

struct rc_follow *rc_persister_follow(struct rc_persister *p)
{
    return p->follow;
}

bool rc_persister_page(struct rc_persister *p, const struct rc_session *s, struct rc_log_page *page)
{
    bool good = rc_follow_page(p->follow, s, page);
    start_commit(p);
    return good;
}

void rc_persister_stats(const struct rc_persister *p, struct rc_persister_stats *out)
{
    *out = p->count;
    out->waiting = p->waiting_n + p->commit.n - p->commit.pulled;
    out->waiting_bytes = p->waiting_bytes + p->commit.bytes;
    for (uint32_t i = 0; i < p->n; i++) {
        out->brokers += p->source[i].s != NULL;
        if (p->source[i].s && p->source[i].announced > p->source[i].committed)
            out->lag += p->source[i].announced - p->source[i].committed;
    }
}
