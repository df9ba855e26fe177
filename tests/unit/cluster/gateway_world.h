/* A gateway's core under test, with three hand-driven brokers and a host that writes down what it is told. */
#ifndef RC_TEST_CLUSTER_GATEWAY_WORLD_H
#define RC_TEST_CLUSTER_GATEWAY_WORLD_H

#include "world.h"

#include "cluster/gateway.h"
#include "cluster/placement.h"

#define BROKERS     3
#define GATEWAY_INC 100
#define BROKER_INC  500
#define NOTES       64

struct note_result {
    uint64_t socket, token;
    enum rc_outcome outcome;
};

struct gw {
    struct world world;
    struct rc_gateway_config config;
    struct rc_gateway *g;
    struct end b[BROKERS];
    struct rc_placement *placement; /* of the same brokers */
    uint64_t session;               /* last session's name */

    /* what the host was told */
    uint64_t opened[NOTES], closed[NOTES];
    enum rc_socket_end why[NOTES];
    struct note_result result[NOTES];
    unsigned n_opened, n_closed, n_result;
    unsigned n_deliver, n_barrier, n_pause, n_resume, n_fenced;
    uint64_t delivered; /* number of the last message handed out */
    uint64_t barrier_session, barrier_seq;
    uint64_t inc; /* as of the last fence */
};

static const struct rc_member gw_brokers[BROKERS] = {{"b1", 1}, {"b2", 1}, {"b3", 1}};

/* ---- the host: its first member is the world, so that both sets of callbacks have one host */

static inline void note_opened(void *host, uint64_t socket)
{
    struct gw *t = host;
    t->opened[t->n_opened++ % NOTES] = socket;
}

static inline void note_closed(void *host, uint64_t socket, enum rc_socket_end why)
{
    struct gw *t = host;
    t->why[t->n_closed % NOTES] = why;
    t->closed[t->n_closed++ % NOTES] = socket;
}

static inline void note_deliver(void *host, const struct rc_msg *msg)
{
    struct gw *t = host;
    t->n_deliver++;
    t->delivered = msg->seq;
}

static inline void note_barrier(void *host, uint64_t session, uint64_t seq)
{
    struct gw *t = host;
    t->n_barrier++;
    t->barrier_session = session;
    t->barrier_seq = seq;
}

static inline void note_result(void *host, uint64_t socket, uint64_t token, enum rc_outcome outcome)
{
    struct gw *t = host;
    t->result[t->n_result++ % NOTES] = (struct note_result){socket, token, outcome};
}

static inline void note_pause(void *host, uint64_t socket, bool stop)
{
    (void)socket;
    struct gw *t = host;
    if (stop)
        t->n_pause++;
    else
        t->n_resume++;
}

static inline void note_fenced(void *host, uint64_t inc)
{
    struct gw *t = host;
    t->n_fenced++;
    t->inc = inc;
}

static inline void gw_take(void *node, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_gateway_take(node, s, max_bytes, batch);
}

static inline bool gw_receive(void *node, struct rc_session *s, const struct rc_batch *batch)
{
    return rc_gateway_receive(node, s, batch);
}

/* ---- making one */

static inline void gw_make(struct gw *t)
{
    static const struct rc_gateway_events events = {
        note_opened, note_closed, note_deliver, note_barrier, note_result, note_pause, note_fenced,
    };
    struct rc_world world = world_of(&t->world);
    t->g = rc_gateway_new(&t->config, &world, &events);
    assert_non_null(t->g);
    for (unsigned i = 0; i < BROKERS; i++)
        t->b[i].node = t->g;
}

/* State of each test: a gateway that has just started, and no session. */
static inline int gw_setup(void **state)
{
    struct gw *t = calloc(1, sizeof *t);
    if (!t)
        return -1;
    t->world.now = 1000000 * RC_MS;
    t->config = (struct rc_gateway_config){.id = "g1",
                                           .inc = GATEWAY_INC,
                                           .k = 2,
                                           .n = BROKERS,
                                           .broker = gw_brokers,
                                           .bound = 1 << 20,
                                           .socket_bound = 1 << 14,
                                           .credit = 1 << 16,
                                           .receiver_max = 1000};
    rc_times_default(&t->config.times, 100);
    t->placement = rc_placement_new(gw_brokers, BROKERS);
    for (unsigned i = 0; i < BROKERS; i++) {
        end_init(&t->b[i], &t->world, RC_BROKER, gw_brokers[i].id, BROKER_INC + i);
        t->b[i].take = gw_take;
        t->b[i].receive = gw_receive;
        t->b[i].state = RC_OPEN;
        t->b[i].mature = true;
    }
    gw_make(t);
    *state = t;
    return 0;
}

static inline int gw_teardown(void **state)
{
    struct gw *t = *state;
    rc_gateway_free(t->g);
    for (unsigned i = 0; i < BROKERS; i++)
        end_fini(&t->b[i]);
    rc_placement_free(t->placement);
    free(t);
    return 0;
}

/* Starts again with a changed configuration. */
static inline void gw_again(struct gw *t)
{
    rc_gateway_free(t->g);
    gw_make(t);
}

/* ---- sessions */

static inline void gw_up(struct gw *t, unsigned i)
{
    struct rc_session *s = rc_gateway_up(t->g, &t->b[i].peer, ++t->session, t->b[i].state);
    assert_non_null(s);
    end_open(&t->b[i], s, RC_GATEWAY, "g1");
}

static inline void gw_down(struct gw *t, unsigned i)
{
    struct rc_session *s = t->b[i].core;
    t->b[i].core = NULL;
    rc_gateway_down(t->g, s);
}

/* What every broker does at each tick: takes what the gateway says, and answers unless it is mute. */
static inline void gw_exchange(struct gw *t)
{
    for (unsigned i = 0; i < BROKERS; i++) {
        struct end *e = &t->b[i];
        if (e->mute)
            continue;
        end_pull(e);
        if (e->core)
            end_say(e);
    }
}

/* Lets this much time pass, tick by tick. */
static inline void gw_run(struct gw *t, rc_time span)
{
    rc_time until = t->world.now + span;
    while (t->world.now < until) {
        t->world.now += t->config.times.tick;
        rc_gateway_tick(t->g);
        gw_exchange(t);
    }
}

static inline struct rc_gateway_stats gw_stats(const struct gw *t)
{
    struct rc_gateway_stats stats;
    rc_gateway_stats(t->g, &stats);
    return stats;
}

/* All brokers are up and open, and the gateway serves. */
static inline void gw_serve(struct gw *t)
{
    for (unsigned i = 0; i < BROKERS; i++)
        gw_up(t, i);
    gw_run(t, 2 * t->config.times.l_m);
    assert_int_equal(gw_stats(t).state, RC_SERVING);
    for (unsigned i = 0; i < BROKERS; i++)
        got_clear(&t->b[i]);
}

/* ---- sockets and rooms */

/* A room whose preference list begins with these two brokers; nth: another one of that kind. */
static inline const char *gw_room(const struct gw *t, unsigned first, unsigned second, unsigned nth)
{
    static char name[8][32];
    static unsigned at;
    char *room = name[at++ % 8];
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t order[2];
        snprintf(room, sizeof name[0], "/,user:%u", i);
        rc_placement_first(t->placement, rc_slot(room, strlen(room)), UINT64_MAX, 2, order);
        if (order[0] == first && order[1] == second && nth-- == 0)
            return room;
    }
    fail_msg("no such room among 10000");
    return NULL;
}

static inline uint32_t slot_of(const char *room)
{
    return rc_slot(room, strlen(room));
}

static inline bool gw_connect(struct gw *t, uint64_t socket, const char *room)
{
    struct rc_buf *key = text(room);
    bool ok = rc_gateway_connect(t->g, socket, &key, 1);
    rc_buf_rele(key);
    return ok;
}

/* Sockets 1 to n, each in a room of its own. */
static inline void gw_connect_many(struct gw *t, uint64_t n)
{
    for (uint64_t i = 1; i <= n; i++) {
        char room[32];
        snprintf(room, sizeof room, "/,user:%u", (unsigned)i);
        gw_connect(t, i, room);
    }
}

/* A socket that is in place and may speak. */
static inline void gw_open(struct gw *t, uint64_t socket, const char *room)
{
    unsigned before = t->n_opened;
    assert_true(gw_connect(t, socket, room));
    gw_exchange(t);
    assert_int_equal(t->n_opened, before + 1);
}

/* ---- messages */

struct emit {
    uint64_t socket, token;
    bool wants_ack, row;
    const char *room[2]; /* the second may be NULL */
    size_t bytes;        /* of the payload; 0: a few */
};

static inline enum rc_outcome gw_emit(struct gw *t, struct emit what)
{
    struct rc_emit emit = {.socket = what.socket, .token = what.token, .wants_ack = what.wants_ack, .fecha = 5000};
    emit.payload = what.bytes ? rc_buf_new(what.bytes) : text("event");
    if (what.bytes)
        memset(emit.payload->data, 'x', what.bytes);
    for (; emit.n < 2 && what.room[emit.n]; emit.n++)
        emit.room[emit.n] = text(what.room[emit.n]);
    emit.row = what.row ? text("row") : NULL;
    enum rc_outcome outcome = rc_gateway_emit(t->g, &emit);
    for (uint32_t i = 0; i < emit.n; i++)
        rc_buf_rele(emit.room[i]);
    rc_buf_rele(emit.payload);
    rc_buf_rele(emit.row);
    return outcome;
}

#endif
