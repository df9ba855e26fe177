/* A broker's core under test (b1 of three), with hand-driven gateways, brokers and persisters. */
#ifndef RC_TEST_CLUSTER_BROKER_WORLD_H
#define RC_TEST_CLUSTER_BROKER_WORLD_H

#include "world.h"

#include "cluster/broker.h"
#include "cluster/mem.h"
#include "cluster/placement.h"

#define BROKER_INC 500
#define GATEWAYS   3
#define PEERS      2
#define PERSISTERS 2

struct bk {
    struct world world;
    struct rc_broker_config config;
    struct rc_broker *b;
    struct end g[GATEWAYS];   /* g1, g2, g3 */
    struct end peer[PEERS];   /* b2, b3 */
    struct end p[PERSISTERS]; /* p1, p2 */
    struct rc_placement *placement;
    uint64_t session; /* last session's name */

    /* what the host was told */
    unsigned published, changes, gone;
    uint64_t last_published;
    enum rc_broker_state from, to;
    char gone_id[RC_ID_MAX + 1];
    uint64_t gone_inc;
};

static const struct rc_member bk_brokers[] = {{"b1", 1}, {"b2", 1}, {"b3", 1}};
static const char bk_persisters[PERSISTERS][RC_ID_MAX + 1] = {"p1", "p2"};

static inline void bk_publish(void *host, const struct rc_op *record)
{
    struct bk *t = host;
    t->published++;
    t->last_published = record->record.number;
}

static inline void bk_state(void *host, enum rc_broker_state from, enum rc_broker_state to)
{
    struct bk *t = host;
    t->changes++;
    t->from = from;
    t->to = to;
}

static inline void bk_gone(void *host, const char *gateway, uint64_t inc)
{
    struct bk *t = host;
    t->gone++;
    snprintf(t->gone_id, sizeof t->gone_id, "%s", gateway);
    t->gone_inc = inc;
}

static inline void bk_take(void *node, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_broker_take(node, s, max_bytes, batch);
}

static inline bool bk_receive(void *node, struct rc_session *s, const struct rc_batch *batch)
{
    return rc_broker_receive(node, s, batch);
}

/* ---- making one */

static inline void bk_end(struct bk *t, struct end *e, enum rc_role role, const char *id, uint64_t inc)
{
    end_init(e, &t->world, role, id, inc);
    e->take = bk_take;
    e->receive = bk_receive;
    e->node = t->b;
}

static inline void bk_make(struct bk *t)
{
    static const struct rc_broker_events events = {bk_publish, bk_state, bk_gone};
    struct rc_world world = world_of(&t->world);
    t->b = rc_broker_new(&t->config, &world, &events);
    assert_non_null(t->b);
    for (unsigned i = 0; i < GATEWAYS; i++)
        t->g[i].node = t->b;
    for (unsigned i = 0; i < PEERS; i++)
        t->peer[i].node = t->b;
    for (unsigned i = 0; i < PERSISTERS; i++)
        t->p[i].node = t->b;
}

/* State of each test: a broker that has just started, and no session. */
static inline int bk_setup(void **state)
{
    struct bk *t = calloc(1, sizeof *t);
    if (!t)
        return -1;
    t->world.now = 1000000 * RC_MS;
    t->config = (struct rc_broker_config){.id = "b1",
                                          .inc = BROKER_INC,
                                          .n = 3,
                                          .broker = bk_brokers,
                                          .persisters = PERSISTERS,
                                          .persister = bk_persisters,
                                          .quorum = 2,
                                          .topic_bound = 1 << 20,
                                          .waiting_bound = 1 << 20,
                                          .gateway_bound = 1 << 20};
    rc_times_default(&t->config.times, 100);
    t->placement = rc_placement_new(bk_brokers, 3);
    for (unsigned i = 0; i < GATEWAYS; i++) {
        bk_end(t, &t->g[i], RC_GATEWAY, (const char *[]){"g1", "g2", "g3"}[i], 100);
        t->g[i].active = true;
    }
    for (unsigned i = 0; i < PEERS; i++) {
        bk_end(t, &t->peer[i], RC_BROKER, bk_brokers[i + 1].id, BROKER_INC);
        t->peer[i].mature = true;
    }
    for (unsigned i = 0; i < PERSISTERS; i++)
        bk_end(t, &t->p[i], RC_PERSISTER, bk_persisters[i], 300);
    bk_make(t);
    *state = t;
    return 0;
}

static inline int bk_teardown(void **state)
{
    struct bk *t = *state;
    rc_broker_free(t->b);
    for (unsigned i = 0; i < GATEWAYS; i++)
        end_fini(&t->g[i]);
    for (unsigned i = 0; i < PEERS; i++)
        end_fini(&t->peer[i]);
    for (unsigned i = 0; i < PERSISTERS; i++)
        end_fini(&t->p[i]);
    rc_placement_free(t->placement);
    free(t);
    return 0;
}

/* Starts again with a changed configuration. */
static inline void bk_again(struct bk *t)
{
    rc_broker_free(t->b);
    bk_make(t);
}

/* ---- sessions */

static inline void bk_up(struct bk *t, struct end *e)
{
    struct rc_session *s = rc_broker_up(t->b, &e->peer, ++t->session);
    assert_non_null(s);
    end_open(e, s, RC_BROKER, "b1");
}

static inline void bk_down(struct bk *t, struct end *e)
{
    struct rc_session *s = e->core;
    e->core = NULL;
    rc_broker_down(t->b, s);
}

static inline enum rc_hello bk_hello(struct bk *t, const struct end *e, uint64_t inc, uint64_t *known)
{
    struct rc_peer peer = e->peer;
    peer.inc = inc;
    *known = 0;
    return rc_broker_hello(t->b, &peer, known);
}

static inline void bk_exchange_with(struct end *e)
{
    if (e->mute || !e->core)
        return;
    end_pull(e);
    if (e->core)
        end_say(e);
}

/* Everybody takes what the broker says, and answers unless he is mute. */
static inline void bk_exchange(struct bk *t)
{
    for (unsigned i = 0; i < GATEWAYS; i++)
        bk_exchange_with(&t->g[i]);
    for (unsigned i = 0; i < PEERS; i++)
        bk_exchange_with(&t->peer[i]);
    for (unsigned i = 0; i < PERSISTERS; i++)
        bk_exchange_with(&t->p[i]);
}

/* Lets this much time pass, tick by tick. */
static inline void bk_run(struct bk *t, rc_time span)
{
    rc_time until = t->world.now + span;
    while (t->world.now < until) {
        t->world.now += t->config.times.tick;
        rc_broker_tick(t->b);
        bk_exchange(t);
    }
}

static inline struct rc_broker_stats bk_stats(const struct bk *t)
{
    struct rc_broker_stats stats;
    rc_broker_stats(t->b, &stats);
    return stats;
}

/* ---- what the others say */

/* A view of these brokers ("b1 b2 b3"), each of weight 1, with k = 2. */
static inline struct rc_op *synced_op(const char *names)
{
    struct rc_op *op = rc_op_new(RC_OP_SYNCED);
    static uint64_t version; /* grows in each session */
    op->synced.version = ++version;
    op->synced.k = 2;
    op->synced.member = rc_zarray(3, sizeof *op->synced.member);
    for (; *names; names += names[2] ? 3 : 2) {
        struct rc_member *m = &op->synced.member[op->synced.n++];
        snprintf(m->id, sizeof m->id, "%.2s", names);
        m->weight = 1;
    }
    return op;
}

/* A list of these gateways ("g1 g2"), each of incarnation 100. */
static inline struct rc_op *list_op(const char *names)
{
    struct rc_op *op = rc_op_new(RC_OP_LIST);
    op->list.alive = rc_zarray(3, sizeof *op->list.alive);
    for (; *names; names += names[2] ? 3 : 2) {
        struct rc_alive *a = &op->list.alive[op->list.n++];
        snprintf(a->id, sizeof a->id, "%.2s", names);
        a->inc = 100;
    }
    return op;
}

/* The newest list that this broker got names just these gateways. */
static inline bool got_list(struct end *e, const char *names)
{
    char list[64] = "?";
    end_pull(e);
    for (struct rc_op *op; (op = got(e, RC_OP_LIST)); rc_op_free(op)) {
        list[0] = '\0';
        for (uint32_t i = 0; i < op->list.n; i++) {
            strcat(list, i ? " " : "");
            strcat(list, op->list.alive[i].id);
        }
    }
    return strcmp(list, names) == 0;
}

struct emit {
    const char *room;
    uint64_t generation, seq;
    bool row;
    size_t bytes; /* of the payload; 0: a few */
};

static inline uint32_t slot_of(const char *room)
{
    return rc_slot(room, strlen(room));
}

static inline struct rc_op *emit_op(struct emit what)
{
    struct rc_op *op = rc_op_new(RC_OP_EMIT);
    op->emit.slot = slot_of(what.room);
    op->emit.generation = what.generation;
    op->emit.msg.seq = what.seq;
    op->emit.msg.room = text(what.room);
    op->emit.msg.payload = what.bytes ? rc_buf_new(what.bytes) : text("event");
    if (what.bytes)
        memset(op->emit.msg.payload->data, 'x', what.bytes);
    op->emit.fecha = 5000;
    op->emit.row = what.row ? text("row") : NULL;
    return op;
}

/* A room whose preference list begins with these two brokers; nth: another one of that kind. */
static inline const char *bk_room(const struct bk *t, unsigned first, unsigned second, unsigned nth)
{
    static char name[8][32];
    static unsigned at;
    char *room = name[at++ % 8];
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t order[2];
        snprintf(room, sizeof name[0], "/,user:%u", i);
        rc_placement_first(t->placement, slot_of(room), UINT64_MAX, 2, order);
        if (order[0] == first && order[1] == second && nth-- == 0)
            return room;
    }
    fail_msg("no such room among 10000");
    return NULL;
}

static inline bool in_room(const struct bk *t, const char *room, const char *gateway)
{
    char id[GATEWAYS][RC_ID_MAX + 1];
    size_t n = rc_broker_members(t->b, room, strlen(room), id, GATEWAYS);
    for (size_t i = 0; i < n; i++)
        if (strcmp(id[i], gateway) == 0)
            return true;
    return false;
}

/* ---- a working cluster */

/* Both other brokers are up and mature, and so is this one: who lives is known. */
static inline void bk_mature(struct bk *t)
{
    for (unsigned i = 0; i < PEERS; i++)
        bk_up(t, &t->peer[i]);
    bk_run(t, t->config.times.l_d + t->config.times.tick);
    assert_true(bk_stats(t).mature);
}

/* This gateway is up, counted, and goes by all three brokers. */
static inline void bk_join(struct bk *t, unsigned i)
{
    bk_up(t, &t->g[i]);
    assert_true(end_send(&t->g[i], synced_op("b1 b2 b3")));
    bk_exchange(t);
}

/* An open broker with g1 and g2. */
static inline void bk_open(struct bk *t)
{
    bk_mature(t);
    bk_join(t, 0);
    bk_join(t, 1);
    bk_run(t, 2 * t->config.times.tick);
    assert_int_equal(rc_broker_state(t->b), RC_OPEN);
    for (unsigned i = 0; i < GATEWAYS; i++)
        got_clear(&t->g[i]);
    for (unsigned i = 0; i < PEERS; i++)
        got_clear(&t->peer[i]);
}

#endif
