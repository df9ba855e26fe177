/* For tests of the trunk: trunks of three gateways, and brokers between them that pass on what broker/relay.c would. */
#ifndef RC_TEST_TRUNK_WORLD_H
#define RC_TEST_TRUNK_WORLD_H

#include "gateway/relay/lanes.h"
#include "gateway/relay/trunk.h"

#include "gateway/relay/trunk_wire.h"
#include "log.h"
#include "roomcast.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES   3
#define BROKERS 3
#define SILENCE (1000 * RC_MS) /* times.session */
#define TICK    (50 * RC_MS)

struct node {
    struct rc_peer peer;
    struct rc_trunk *trunk;
    struct rc_roster roster;
    struct rc_session session[BROKERS];
    bool up[BROKERS]; /* the broker has this session */
    struct rc_relay got[64];
    unsigned n;
    struct rc_trunk_address last[NODES]; /* of what it sent to each with a number */
};

struct side {
    TAILQ_ENTRY(side) link;
    struct node *from;
    unsigned broker;
    struct rc_buf *bytes;
};
TAILQ_HEAD(side_list, side);

static struct rc_brokers brokers;
static struct node node[NODES];
static struct side_list under_way;
static rc_time now;
static bool refuses[BROKERS]; /* drops what it gets, as when its target is full */
static bool drains[BROKERS];

#define EDGE  (&node[0])
#define HOME  (&node[1])
#define OTHER (&node[2])

/* Hosts */

static inline void on_down(void *host, const struct rc_relay *relay)
{
    struct node *n = host;
    assert_true(n->n < 64);
    n->got[n->n++] = *relay;
}

static inline void on_side(void *host, struct rc_session *s, struct rc_buf *bytes)
{
    struct node *n = host;
    struct side *side = calloc(1, sizeof *side);
    *side = (struct side){.from = n, .broker = (unsigned)(s - n->session), .bytes = bytes};
    TAILQ_INSERT_TAIL(&under_way, side, link);
}

static inline bool on_drains(void *host, const struct rc_session *s)
{
    const struct node *n = host;
    return drains[s - n->session];
}

static inline void forget_got(struct node *n)
{
    for (unsigned i = 0; i < n->n; i++)
        rc_buf_rele(n->got[i].data);
    n->n = 0;
}

/* Brokers */

static inline struct node *find(const struct rc_trunk_address *to, unsigned broker)
{
    for (unsigned i = 0; i < NODES; i++)
        if (node[i].up[broker] && node[i].peer.inc == to->inc && strcmp(node[i].peer.id, to->gateway) == 0)
            return &node[i];
    return NULL;
}

static inline void tell_lost(struct node *n, unsigned broker, const char *gateway);

static inline struct rc_buf *pack(const struct rc_trunk_side *side, const struct rc_trunk_address *from)
{
    if (side->what == RC_TRUNK_WAY)
        return rc_trunk_pack_way(from, side->way, side->unknown);
    return side->what == RC_TRUNK_GOT ? rc_trunk_pack_got(from) : rc_trunk_pack(from, &side->relay);
}

static inline void pass_on(const struct side *side)
{
    struct rc_trunk_side what;
    rc_trunk_unpack(side->bytes, &what);
    struct rc_trunk_address from = what.from;
    struct node *target = find(&from, side->broker), *sender = side->from;
    if (!sender->up[side->broker] || refuses[side->broker]) {
        rc_buf_rele(what.relay.data);
        return;
    }
    if (!target)
        tell_lost(sender, side->broker, from.gateway);
    memcpy(from.gateway, sender->peer.id, sizeof from.gateway);
    from.inc = sender->peer.inc;
    if (target && what.what == RC_TRUNK_RELAY)
        sender->last[target - node] = from;
    struct rc_buf *bytes = target ? pack(&what, &from) : NULL;
    if (target)
        assert_true(rc_trunk_side(target->trunk, &target->session[side->broker], bytes));
    rc_buf_rele(bytes);
    rc_buf_rele(what.relay.data);
}

static inline void pump(void)
{
    for (unsigned i = 0; i < NODES; i++)
        rc_trunk_pump(node[i].trunk);
}

static inline void pass_first(void)
{
    struct side *side = TAILQ_FIRST(&under_way);
    if (!side)
        return;
    TAILQ_REMOVE(&under_way, side, link);
    pass_on(side);
    rc_buf_rele(side->bytes);
    free(side);
}

/* Until nothing is under way; returns how many messages there were. */
static inline unsigned run(void)
{
    unsigned n = 0;
    for (pump(); !TAILQ_EMPTY(&under_way); pump(), n++)
        pass_first();
    return n;
}

/* What is under way to a broker never gets there. */
static inline void lose_under_way(unsigned broker)
{
    struct side *side, *next;
    pump();
    for (side = TAILQ_FIRST(&under_way); side; side = next) {
        next = TAILQ_NEXT(side, link);
        if (side->broker != broker)
            continue;
        TAILQ_REMOVE(&under_way, side, link);
        rc_buf_rele(side->bytes);
        free(side);
    }
}

/* So much time, tick by tick. */
static inline void pass_time(rc_time span)
{
    for (rc_time until = now + span; now < until;) {
        now += TICK;
        for (unsigned i = 0; i < NODES; i++)
            rc_trunk_tick(node[i].trunk, now);
        run();
    }
}

static inline void tell_lost(struct node *n, unsigned broker, const char *gateway)
{
    Roomcast__RelayLost lost = ROOMCAST__RELAY_LOST__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    lost.gateway = (ProtobufCBinaryData){strlen(gateway), (uint8_t *)(uintptr_t)gateway};
    side.kind_case = ROOMCAST__SIDE__KIND_RELAY_LOST;
    side.relay_lost = &lost;
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(&side));
    roomcast__side__pack(&side, buf->data);
    assert_true(rc_trunk_side(n->trunk, &n->session[broker], buf));
    rc_buf_rele(buf);
}

static inline void session_begins(struct node *n, unsigned broker)
{
    n->up[broker] = true;
    rc_trunk_up(n->trunk, &n->session[broker]);
    for (unsigned i = 0; i < NODES; i++) {
        rc_roster_note(&node[i].roster, broker, &n->peer, true, 0);
        if (node[i].up[broker])
            rc_roster_note(&n->roster, broker, &node[i].peer, true, 0);
    }
}

static inline void session_is_lost(struct node *n, unsigned broker)
{
    n->up[broker] = false;
    rc_trunk_down(n->trunk, &n->session[broker]);
    rc_roster_lost(&n->roster, broker, 0);
}

/* At the gateway and at the broker, which tells the others. */
static inline void session_ends(struct node *n, unsigned broker)
{
    session_is_lost(n, broker);
    for (unsigned i = 0; i < NODES; i++) {
        rc_roster_note(&node[i].roster, broker, &n->peer, false, 0);
        if (&node[i] != n && node[i].up[broker])
            tell_lost(&node[i], broker, n->peer.id);
    }
}

static inline void broker_begins(unsigned broker)
{
    for (unsigned i = 0; i < NODES; i++)
        session_begins(&node[i], broker);
}

/* It dies with all that it was sent. */
static inline void broker_dies(unsigned broker)
{
    lose_under_way(broker);
    for (unsigned i = 0; i < NODES; i++)
        session_is_lost(&node[i], broker);
}

/* Worlds: three gateways of two workers, with sessions at the first broker */

static inline void make_node(unsigned i)
{
    struct node *n = &node[i];
    *n = (struct node){.peer = {.role = RC_GATEWAY, .inc = 100 + i}};
    snprintf(n->peer.id, sizeof n->peer.id, "gateway-%u", i + 1);
    rc_roster_init(&n->roster, &brokers, &n->peer);
    n->trunk = rc_trunk_new(&(struct rc_trunk_config){.id = n->peer.id,
                                                      .workers = 2,
                                                      .roster = &n->roster,
                                                      .silence = SILENCE,
                                                      .now = now,
                                                      .host = n,
                                                      .down = on_down,
                                                      .side = on_side,
                                                      .drains = on_drains});
    for (unsigned b = 0; b < BROKERS; b++) {
        n->session[b].peer.role = RC_BROKER;
        memcpy(n->session[b].peer.id, brokers.entry[b].id, sizeof n->session[b].peer.id);
    }
}

static inline int setup(void **state)
{
    char why[128];
    (void)state;
    rc_log_level(RC_ERROR);
    if (!rc_brokers_parse("broker-1=127.0.0.1:1,broker-2=127.0.0.1:2,broker-3=127.0.0.1:3", &brokers, why, sizeof why))
        return -1;
    TAILQ_INIT(&under_way);
    now = 5 * SILENCE;
    memset(refuses, 0, sizeof refuses);
    memset(drains, 0, sizeof drains);
    for (unsigned i = 0; i < NODES; i++)
        make_node(i);
    broker_begins(0);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NODES; i++)
        forget_got(&node[i]);
    run();
    for (unsigned i = 0; i < NODES; i++) {
        forget_got(&node[i]);
        rc_trunk_free(node[i].trunk);
        rc_roster_fini(&node[i].roster);
    }
    return 0;
}

/* Workers */

static inline void post_open(struct node *n, uint64_t stream, struct rc_sid sid)
{
    struct rc_relay relay = {.kind = RC_RELAY_OPEN, .stream = stream, .sid = sid, .data = rc_buf_copy("GET", 3)};
    rc_trunk_send(n->trunk, &relay);
    rc_buf_rele(relay.data);
}

static inline struct rc_sid session_of(const struct node *n, uint8_t worker)
{
    return (struct rc_sid){.gateway = rc_sid_gateway(n->peer.id), .worker = worker};
}

static inline void post_bytes(struct node *n, uint64_t stream, size_t len, uint32_t credit)
{
    struct rc_relay relay = {.kind = RC_RELAY_DATA, .stream = stream, .credit = credit};
    relay.data = len ? rc_buf_new(len) : NULL;
    if (len)
        memset(relay.data->data, 'b', len);
    rc_trunk_send(n->trunk, &relay);
    rc_buf_rele(relay.data);
}

static inline void post_close(struct node *n, uint64_t stream, enum rc_close why)
{
    rc_trunk_send(n->trunk, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .stream = stream, .why = why});
}

/* The only thing that its workers got, which is forgotten. */
static inline struct rc_relay only(struct node *n)
{
    assert_int_equal(n->n, 1);
    struct rc_relay relay = n->got[0];
    forget_got(n);
    return relay; /* its data may be freed, and is not looked at */
}

static inline void assert_closed(struct node *n, uint64_t stream, enum rc_close why)
{
    struct rc_relay relay = only(n);
    assert_int_equal(relay.kind, RC_RELAY_CLOSE);
    assert_int_equal(relay.stream, stream);
    assert_int_equal(relay.why, why);
}

/* A stream from EDGE to HOME; its number at HOME. */
static inline uint64_t connect_streams(uint64_t stream)
{
    post_open(EDGE, stream, session_of(HOME, 1));
    run();
    struct rc_relay open = only(HOME);
    assert_int_equal(open.kind, RC_RELAY_OPEN);
    return open.stream;
}

/* All bytes that it got of a stream, in order; forgets them. */
static inline void assert_bytes(struct node *n, uint64_t stream, const char *text)
{
    char all[512] = "";
    for (unsigned i = 0; i < n->n; i++) {
        assert_int_equal(n->got[i].stream, stream);
        assert_int_equal(n->got[i].kind, RC_RELAY_DATA);
        strncat(all, (const char *)n->got[i].data->data, n->got[i].data->len);
    }
    assert_string_equal(all, text);
    forget_got(n);
}

static inline void post_text(struct node *n, uint64_t stream, const char *text)
{
    struct rc_relay relay = {.kind = RC_RELAY_DATA, .stream = stream, .data = rc_buf_copy(text, strlen(text))};
    rc_trunk_send(n->trunk, &relay);
    rc_buf_rele(relay.data);
}

#endif
