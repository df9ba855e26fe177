/*
 * A fake world for the pure cores: one clock, counted random numbers, and hand-driven ends of their sessions.
 *
 *   core under test <-- take / receive --> struct end <-- push, say, pull, got -- the test
 *
 * An end numbers, acknowledges and echoes by itself, as the other node would, and keeps what the core said in `got`
 * until the test takes it out. The cores behind it differ: each test names its own take and receive.
 */
#ifndef RC_TEST_CLUSTER_WORLD_H
#define RC_TEST_CLUSTER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cluster/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((size_t)1 << 20)

struct world {
    rc_time now;
    uint64_t random; /* last number given out */
    unsigned kicks;
    unsigned ended;  /* sessions that the core ended */
    enum rc_end why; /* of the last of them */
};

struct end {
    struct world *world;
    void *node; /* core under test */
    void (*take)(void *node, struct rc_session *s, size_t max_bytes, struct rc_batch *batch);
    bool (*receive)(void *node, struct rc_session *s, const struct rc_batch *batch);

    struct rc_peer peer;     /* the hand-driven node, as the core knows it */
    struct rc_session *core; /* the core's side; NULL: none */
    struct rc_session *far;  /* our side; NULL: none */
    bool mute;               /* says nothing by itself */
    bool deaf;               /* takes batches in and does not acknowledge them */

    /* what our batches say */
    enum rc_broker_state state;
    bool active, mature;
    uint64_t topic_last;

    /* what the core said last */
    enum rc_broker_state said_state;
    bool said_active, said_mature;
    uint64_t said_topic_last;
    unsigned batches; /* taken from the core */

    struct rc_op_list got; /* operations of the core, oldest first */
};

static inline rc_time world_now(void *host)
{
    return ((struct world *)host)->now;
}

static inline uint64_t world_random(void *host)
{
    return ++((struct world *)host)->random * 0x9e3779b97f4a7c15u;
}

static inline void world_kick(void *host, struct rc_session *s)
{
    (void)s;
    ((struct world *)host)->kicks++;
}

static inline void world_end(void *host, struct rc_session *s, enum rc_end why)
{
    struct world *w = host;
    w->ended++;
    w->why = why;
    struct end *e = s->line;
    if (e)
        e->core = NULL;
}

static inline struct rc_world world_of(struct world *w)
{
    return (struct rc_world){w, world_now, world_random, world_kick, world_end};
}

/* ---- buffers */

static inline struct rc_buf *text(const char *s)
{
    return rc_buf_copy(s, strlen(s));
}

static inline bool is_text(const struct rc_buf *buf, const char *s)
{
    return buf && buf->len == strlen(s) && memcmp(buf->data, s, buf->len) == 0;
}

/* ---- ends */

static inline void end_init(struct end *e, struct world *w, enum rc_role role, const char *id, uint64_t inc)
{
    memset(e, 0, sizeof *e);
    e->world = w;
    e->peer.role = role;
    e->peer.inc = inc;
    e->peer.weight = role == RC_BROKER;
    snprintf(e->peer.id, sizeof e->peer.id, "%.*s", RC_ID_MAX, id);
    TAILQ_INIT(&e->got);
}

/* Both sides of a session are open: s is what the core made of it, core how the core's node calls itself. */
static inline void end_open(struct end *e, struct rc_session *s, enum rc_role role, const char *core)
{
    struct rc_peer peer = {.role = role, .inc = s->my_inc};
    snprintf(peer.id, sizeof peer.id, "%s", core);
    if (e->far)
        rc_session_free(e->far);
    e->far = rc_session_new(&peer, s->id, e->peer.inc, 0, e->world->now);
    e->core = s;
    s->line = e;
}

static inline void end_fini(struct end *e)
{
    struct rc_op *op;
    while ((op = TAILQ_FIRST(&e->got))) {
        TAILQ_REMOVE(&e->got, op, link);
        rc_op_free(op);
    }
    if (e->far)
        rc_session_free(e->far);
    e->far = e->core = NULL;
}

/* Takes one batch from the core, and what it carries into `got`. */
static inline void end_take(struct end *e)
{
    struct rc_batch batch;
    rc_batch_init(&batch);
    e->take(e->node, e->core, BATCH_BYTES, &batch);
    enum rc_end why;
    assert_true(rc_session_accept(e->far, e->world->now, &batch, &why));
    TAILQ_CONCAT(&e->got, &batch.ops, link);
    if (!e->deaf)
        rc_session_done(e->far, batch.seq);
    e->said_state = batch.state;
    e->said_active = batch.active;
    e->said_mature = batch.mature;
    e->said_topic_last = batch.topic_last;
    e->batches++;
    rc_batch_fini(&batch);
}

/* Takes all that the core wants to say. */
static inline void end_pull(struct end *e)
{
    while (e->core && rc_session_wants(e->core))
        end_take(e);
}

/* Says what was pushed, or nothing but our clock. False: the core ended the session. */
static inline bool end_say(struct end *e)
{
    struct rc_batch batch;
    rc_batch_init(&batch);
    rc_session_take(e->far, e->world->now, BATCH_BYTES, &batch);
    batch.active = e->active;
    batch.mature = e->mature;
    batch.state = e->state;
    batch.topic_last = e->topic_last;
    bool ok = e->receive(e->node, e->core, &batch);
    rc_batch_fini(&batch);
    if (!ok)
        e->core = NULL;
    return ok;
}

static inline bool end_send(struct end *e, struct rc_op *op)
{
    rc_session_push(e->far, op);
    return end_say(e);
}

/* Acknowledges what came so far. */
static inline bool end_ack(struct end *e)
{
    rc_session_done(e->far, e->far->rx_seq);
    return end_say(e);
}

/* ---- what the core said */

/* The first operation of this kind, taken out of `got`; NULL: none. The caller frees it. */
static inline struct rc_op *got(struct end *e, enum rc_op_kind kind)
{
    struct rc_op *op;
    TAILQ_FOREACH (op, &e->got, link)
        if (op->kind == kind) {
            TAILQ_REMOVE(&e->got, op, link);
            return op;
        }
    return NULL;
}

static inline unsigned got_count(const struct end *e, enum rc_op_kind kind)
{
    unsigned n = 0;
    const struct rc_op *op;
    TAILQ_FOREACH (op, &e->got, link)
        n += op->kind == kind;
    return n;
}

static inline void got_clear(struct end *e)
{
    struct rc_op *op;
    while ((op = TAILQ_FIRST(&e->got))) {
        TAILQ_REMOVE(&e->got, op, link);
        rc_op_free(op);
    }
}

/* Takes out the next operation, which must be of this kind; true if it is about this slot and number. */
static inline bool got_reply(struct end *e, enum rc_op_kind kind, uint32_t slot, uint64_t number)
{
    struct rc_op *op = got(e, kind);
    bool right = op && op->reply.slot == slot && op->reply.number == number;
    if (op)
        rc_op_free(op);
    return right;
}

/* ---- what the ends say */

static inline struct rc_op *room_op(enum rc_op_kind kind, const char *room)
{
    struct rc_op *op = rc_op_new(kind);
    op->room.room = text(room);
    return op;
}

static inline struct rc_op *reply_op(enum rc_op_kind kind, uint32_t slot, uint64_t number)
{
    struct rc_op *op = rc_op_new(kind);
    op->reply.slot = slot;
    op->reply.number = number;
    op->reply.reason = kind == RC_OP_REFUSED ? RC_NOT_COVERED : 0;
    return op;
}

static inline struct rc_op *range_op(enum rc_op_kind kind, uint64_t first, uint64_t last)
{
    struct rc_op *op = rc_op_new(kind);
    op->range.first = first;
    op->range.last = last;
    return op;
}

static inline struct rc_op *deliver_op(const char *origin, uint64_t inc, uint64_t seq, const char *room)
{
    struct rc_op *op = rc_op_new(RC_OP_DELIVER);
    snprintf(op->deliver.origin, sizeof op->deliver.origin, "%s", origin);
    op->deliver.origin_inc = inc;
    op->deliver.seq = seq;
    op->deliver.room = text(room);
    op->deliver.payload = text("hello");
    return op;
}

static inline struct rc_op *record_op(uint64_t number)
{
    struct rc_op *op = rc_op_new(RC_OP_RECORD);
    op->record.number = number;
    op->record.key = (struct rc_key){.fecha = 1000 + (int64_t)number, .origin = "g1", .origin_inc = 7, .seq = number};
    op->record.row = text("row");
    return op;
}

#endif
