/* The judge: at each receipt, at each acknowledgement, at each stored row, and at the end. */
#include "check.h"

#include "brokers.h"
#include "clients.h"
#include "gateway/partition.h"
#include "persisters.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void sim_bad(struct sim_world *w, const char *kind, const char *fmt, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    sim_trace(&w->sim, "!!", "VIOLATION %s: %s", kind, text);
    if (w->violations < SIM_VIOLATIONS_MAX)
        snprintf(w->violation[w->violations++], sizeof(w->violation[0]), "%s @%.0f %s", kind, (double)w->sim.now / 1000,
                 text);
}

static struct sim_message *message_of(const struct sim_world *w, uint64_t id)
{
    return id && id <= w->messages ? w->message[id - 1] : NULL;
}

/* ---- receipts: P3 */

static uint8_t *got(struct sim_socket *s, uint64_t message)
{
    if (message > s->got_cap) {
        size_t cap = (message + 511) & ~(size_t)511;
        s->got = realloc(s->got, cap);
        if (!s->got)
            abort();
        memset(s->got + s->got_cap, 0, cap - s->got_cap);
        s->got_cap = cap;
    }
    return &s->got[message - 1];
}

static bool has(const struct sim_socket *s, uint64_t message)
{
    return message <= s->got_cap && s->got[message - 1];
}

static uint32_t *last_from(struct sim_socket *s, uint64_t sender, unsigned room)
{
    size_t at = sender * SIM_ROOMS + room;
    if (at >= s->last_cap) {
        size_t cap = at * 2 + 64;
        s->last = realloc(s->last, cap * sizeof(*s->last));
        if (!s->last)
            abort();
        memset(s->last + s->last_cap, 0, (cap - s->last_cap) * sizeof(*s->last));
        s->last_cap = cap;
    }
    return &s->last[at];
}

static bool is_to(const struct sim_message *m, unsigned room)
{
    for (unsigned i = 0; i < m->rooms; i++)
        if (m->room[i] == room)
            return true;
    return false;
}

void sim_check_receipt(struct sim_world *w, struct sim_socket *s, uint64_t message, unsigned room)
{
    struct sim_message *m = message_of(w, message);
    if (!m || !is_to(m, room)) {
        sim_bad(w, "ROUTE", "socket %" PRIu64 " got m%" PRIu64 ", which was not sent to room %u", s->id, message, room);
        return;
    }
    if ((*got(s, message))++)
        sim_bad(w, "P3dup", "socket %" PRIu64 " at %s got m%" PRIu64 " twice (room %u)", s->id,
                s->gateway->host.node.id, message, room);
    uint32_t *last = last_from(s, m->from->id, room);
    if (m->n < *last)
        sim_bad(w, "P3order",
                "socket %" PRIu64 " at %s got m%" PRIu64 ", number %u of socket %" PRIu64 ", after number %u", s->id,
                s->gateway->host.node.id, message, m->n, m->from->id, *last);
    if (m->n > *last)
        *last = m->n;
    rc_time delay = w->sim.now - m->sent_at;
    if (s->opened_at < m->sent_at && delay > w->totals.delay_max)
        w->totals.delay_max = delay;
    w->totals.receipts++;
    sim_mix(&w->sim, s->id << 32 ^ message);
    if (message == w->options.watch)
        sim_trace(&w->sim, s->gateway->host.node.id, "m%" PRIu64 ": socket %" PRIu64 " has it", message, s->id);
}

void sim_check_routed(struct sim_world *w, struct sim_gateway *g, const struct rc_msg *msg)
{
    int room = sim_room_index(w, msg->room);
    if (room < 0 || !g->had[room])
        sim_bad(w, "ROUTE", "m%" PRIu64 " was delivered to %s, which never had a member of room %d",
                sim_message_id(w, msg->payload), g->host.node.id, room);
}

/* ---- acknowledgements: P2, P4, P5 */

static unsigned stored(const struct sim_world *w, uint64_t message)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->shape.persisters; i++)
        n += sim_persister_has(w->persister[i], message) > 0;
    return n;
}

/* The socket should have the message: its CONNECT was answered before it was sent, and it has not been told of its end. */
static bool lacks(const struct sim_socket *s, const struct sim_message *m)
{
    if (s->state != SIM_OPEN || s->ending || s->opened_at >= m->sent_at || has(s, m->id))
        return false;
    for (unsigned i = 0; i < m->rooms; i++)
        if (sim_client_in(s->client, m->room[i]))
            return true;
    return false;
}

/* A member lacked the message when it was acknowledged. That is right only if its gateway's lease is over, which it finds
 * out before each of its tasks: this is one. Frozen, it does so when it goes on. */
static void verdict(void *on, void *arg, uint64_t message)
{
    struct sim_gateway *g = on;
    struct sim_socket *s = arg;
    struct sim_world *w = g->host.w;
    const struct sim_message *m = message_of(w, message);
    if (lacks(s, m))
        sim_bad(w, "P5",
                "m%" PRIu64 " of %s, sent %.0f, is acknowledged; socket %" PRIu64 " at %s, open since %.0f, lacks it",
                m->id, m->from->gateway->host.node.id, (double)m->sent_at / 1000, s->id, g->host.node.id,
                (double)s->opened_at / 1000);
}

static void judge(void *on, void *arg, uint64_t message)
{
    sim_node_do(on, (struct sim_task){.run = verdict, .on = on, .arg = arg, .num = message});
}

static void acknowledged(struct sim_world *w, struct sim_message *m)
{
    m->fate = SIM_ACKED;
    w->totals.acked++;
    if (m->from->state != SIM_OPEN || m->from->ending)
        return;
    if (w->sim.now - m->sent_at > w->totals.ack_max)
        w->totals.ack_max = w->sim.now - m->sent_at;
    if (m->row && stored(w, m->id) + w->wiped < w->shape.quorum)
        sim_bad(w, "P4", "m%" PRIu64 " is acknowledged and stored at %u of %u", m->id, stored(w, m->id),
                w->shape.quorum);
    for (struct sim_socket *s = w->sockets; s; s = s->next)
        if (lacks(s, m))
            sim_at(&w->sim, w->sim.now, (struct sim_task){.run = judge, .on = s->gateway, .arg = s, .num = m->id});
}

void sim_check_result(struct sim_world *w, struct sim_gateway *g, struct sim_socket *s, uint64_t token,
                      enum rc_outcome outcome)
{
    struct sim_message *m = message_of(w, token);
    if (!m || m->from != s || m->fate != SIM_OPEN_FATE) {
        sim_bad(w, "RESULT", "%s tells a result of m%" PRIu64 " that is not due", g->host.node.id, token);
        return;
    }
    sim_mix(&w->sim, token << 8 | outcome);
    if (token == w->options.watch)
        sim_trace(&w->sim, g->host.node.id, "m%" PRIu64 ": result %d", token, outcome);
    if (outcome == RC_OUTCOME_OK)
        acknowledged(w, m);
    else
        sim_check_refused(w, m, outcome);
}

void sim_check_refused(struct sim_world *w, struct sim_message *m, enum rc_outcome outcome)
{
    bool early = w->sim.now - m->sent_at < w->shape.times.e * 99 / 100 && !m->from->ending;
    bool busy = (outcome == RC_OUTCOME_BUSY || outcome == RC_OUTCOME_NOT_STORED) && w->shape.tight;
    m->fate = SIM_FAILED;
    w->totals.failed++;
    if (early && !busy)
        sim_bad(w, "RESULT", "m%" PRIu64 " was given up (%d) after %.0f ms", m->id, outcome,
                (double)(w->sim.now - m->sent_at) / 1000);
}

/* ---- the disk: P4 */

static bool same_key(const struct rc_key *a, const struct rc_key *b)
{
    return a->fecha == b->fecha && a->origin_inc == b->origin_inc && a->seq == b->seq && !strcmp(a->origin, b->origin);
}

void sim_check_stored(struct sim_world *w, const struct sim_persister *p, uint64_t message, const struct rc_key *key)
{
    struct sim_message *m = message_of(w, message);
    sim_mix(&w->sim, message << 16 ^ p->host.node.index);
    if (message == w->options.watch)
        sim_trace(&w->sim, p->host.node.id, "m%" PRIu64 ": stored", message);
    if (!m || !m->row)
        sim_bad(w, "P4", "%s stored m%" PRIu64 ", which nobody sent to be stored", p->host.node.id, message);
    else if (!m->key.seq)
        m->key = *key;
    else if (!same_key(&m->key, key))
        sim_bad(w, "P4", "m%" PRIu64 " is stored under two keys", message);
    if (sim_persister_has(p, message) > 1)
        sim_bad(w, "P4", "m%" PRIu64 " is stored twice at %s", message, p->host.node.id);
}

/* ---- the end */

bool sim_check_settled(const struct sim_world *w)
{
    for (unsigned i = 0; i < w->clients; i++)
        if (!w->client[i].socket || w->client[i].socket->state != SIM_OPEN)
            return false;
    for (size_t i = 0; i < w->messages; i++)
        if (w->message[i]->fate == SIM_OPEN_FATE && w->message[i]->from->state == SIM_OPEN)
            return false;
    for (unsigned i = 0; i < w->shape.persisters; i++) {
        struct rc_follow_stats st = {0};
        if (w->persister[i]->core)
            rc_follow_stats(rc_persister_follow(w->persister[i]->core), &st);
        if (st.behind || st.filling)
            return false;
    }
    return true;
}

/* In history a sender's messages stand in the order in which they were sent: fecha first, then the number. */
static void check_history_order(struct sim_world *w, const struct sim_message *m)
{
    for (size_t i = m->id; i < w->messages; i++) {
        const struct sim_message *later = w->message[i];
        if (later->from != m->from || !later->key.seq)
            continue;
        if (later->key.fecha < m->key.fecha || (later->key.fecha == m->key.fecha && later->key.seq < m->key.seq))
            sim_bad(w, "P4", "m%" PRIu64 " is stored as older than m%" PRIu64, later->id, m->id);
        return;
    }
}

/* P4, T4: what is acknowledged is in every store, whatever the quorum, and so is what is in any. */
static void check_stores(struct sim_world *w, const struct sim_message *m)
{
    unsigned n = stored(w, m->id);
    if (m->row && n < w->shape.persisters && (n || m->fate == SIM_ACKED))
        sim_bad(w, "P4", "m%" PRIu64 " is %s and stored at %u of %u in the end", m->id,
                m->fate == SIM_ACKED ? "acknowledged" : "not acknowledged", n, w->shape.persisters);
}

static void check_message(struct sim_world *w, const struct sim_message *m)
{
    if (m->fate == SIM_OPEN_FATE && m->from->state == SIM_OPEN)
        sim_bad(w, "P6", "m%" PRIu64 " of socket %" PRIu64 " at %s, sent %.0f, has not ended", m->id, m->from->id,
                m->from->gateway->host.node.id, (double)m->sent_at / 1000);
    if (m->key.seq)
        check_history_order(w, m);
    check_stores(w, m);
    if (m->fate != SIM_ACKED)
        return;
    for (struct sim_socket *s = w->sockets; s; s = s->next)
        if (lacks(s, m))
            sim_bad(w, "P5", "m%" PRIu64 " is acknowledged; socket %" PRIu64 " at %s never got it", m->id, s->id,
                    s->gateway->host.node.id);
}

static void check_gateway(struct sim_world *w, const struct sim_gateway *g)
{
    struct rc_gateway_stats st;
    size_t sockets = 0;
    rc_gateway_stats(g->core, &st);
    for (struct sim_socket *s = w->sockets; s; s = s->next)
        sockets += s->gateway == g && s->state != SIM_CLOSED;
    const char *id = g->host.node.id;
    if (w->options.no_fence && st.fences)
        sim_bad(w, "P8", "%s fenced itself", id);
    if (st.broken.count)
        sim_bad(w, "STATE", "%s: invariant %d is broken: %s", id, (int)st.broken.last,
                rc_invariant_text(st.broken.last));
    if (st.sockets != sockets)
        sim_bad(w, "STATE", "%s knows %zu sockets, its worker %zu", id, st.sockets, sockets);
    if (st.unconfirmed || st.unconfirmed_bytes || st.pending)
        sim_bad(w, "STATE", "%s at rest: %zu emits of %zu bytes unconfirmed, %zu CONNECTs pending", id, st.unconfirmed,
                st.unconfirmed_bytes, st.pending);
    if (st.state != RC_SERVING || !st.settled)
        sim_bad(w, "STATE", "%s at rest: state %d, %ssettled", id, st.state, st.settled ? "" : "not ");
}

/* A room is known where a gateway has members, at k brokers (all, if fewer own rooms), and nowhere else. */
static void check_room(struct sim_world *w, const struct sim_gateway *g, const struct rc_buf *room, unsigned owners)
{
    size_t members = rc_gateway_members(g->core, room->data, room->len);
    unsigned k = w->shape.k_mixed ? 1 + g->host.node.index % 3 : w->shape.k, listed = 0;
    for (unsigned i = 0; i < w->shape.brokers; i++) {
        char id[SIM_NODES_MAX][RC_ID_MAX + 1];
        const struct sim_broker *b = w->broker[i];
        size_t n = b->core ? rc_broker_members(b->core, room->data, room->len, id, SIM_NODES_MAX) : 0;
        for (size_t j = 0; j < n; j++)
            listed += !strcmp(id[j], g->host.node.id);
    }
    unsigned want = members ? (k < owners ? k : owners) : 0;
    if (listed != want)
        sim_bad(w, "STATE", "room %.*s: %s has %zu members and is listed by %u brokers, not %u", (int)room->len,
                (const char *)room->data, g->host.node.id, members, listed, want);
}

static void check_rooms(struct sim_world *w, const struct sim_gateway *g, unsigned owners)
{
    for (unsigned r = 0; r < SIM_ROOMS; r++) {
        struct rc_buf *room[RC_SOCKET_ROOMS_MAX] = {rc_buf_hold(w->room[r])};
        unsigned n = w->options.partitions ? rc_partition_join(room, 1) : 1;
        for (unsigned i = 0; i < n; i++) {
            check_room(w, g, room[i], owners);
            rc_buf_rele(room[i]);
        }
    }
}

static void check_broker(struct sim_world *w, const struct sim_broker *b, size_t live)
{
    struct rc_broker_stats st;
    rc_broker_stats(b->core, &st);
    const char *id = b->host.node.id;
    if (st.broken.count)
        sim_bad(w, "STATE", "%s: invariant %d is broken: %s", id, (int)st.broken.last,
                rc_invariant_text(st.broken.last));
    if (st.state != RC_OPEN || !st.mature || st.live != live)
        sim_bad(w, "STATE", "%s at rest: state %d, %zu gateways live", id, st.state, st.live);
    if (st.waiting || st.topic_records || st.topic_bytes)
        sim_bad(w, "STATE", "%s at rest: %zu emits wait, %zu records of %zu bytes in the topic", id, st.waiting,
                st.topic_records, st.topic_bytes);
}

/* T4: at rest each persister has read all of the others' logs. */
static void check_persister(struct sim_world *w, const struct sim_persister *p)
{
    struct rc_follow_stats st;
    rc_follow_stats(rc_persister_follow(p->core), &st);
    if (st.behind || st.filling || st.peers + 1 < w->shape.persisters)
        sim_bad(w, "STATE", "%s at rest: follows %zu persisters, is %" PRIu64 " rows behind%s", p->host.node.id,
                st.peers, st.behind, st.filling ? ", filling" : "");
}

static void check_cores(struct sim_world *w)
{
    unsigned owners = 0;
    size_t live = 0;
    for (unsigned i = 0; i < w->shape.gateways; i++)
        live += w->gateway[i]->core != NULL;
    for (unsigned i = 0; i < w->shape.brokers; i++) {
        if (!w->broker[i]->core)
            continue;
        owners += w->member[i].weight > 0;
        check_broker(w, w->broker[i], live);
    }
    for (unsigned i = 0; i < w->shape.persisters; i++)
        check_persister(w, w->persister[i]);
    for (unsigned i = 0; i < w->shape.gateways; i++) {
        if (!w->gateway[i]->core)
            continue;
        check_gateway(w, w->gateway[i]);
        check_rooms(w, w->gateway[i], owners);
    }
}

/* A plan changes one broker, and a node that was down in between finds it changed already. */
void sim_check_roll(struct sim_host *h, enum rc_roll roll)
{
    if (!rc_roll_good(roll))
        sim_bad(h->w, "STATE", "%s refuses its brokers: %s", h->node.id, rc_roll_text(roll));
}

void sim_check_end(struct sim_world *w)
{
    for (size_t i = 0; i < w->messages; i++)
        check_message(w, w->message[i]);
    for (unsigned i = 0; i < w->clients; i++)
        if (!w->client[i].socket || w->client[i].socket->state != SIM_OPEN)
            sim_bad(w, "P6", "client %u of user %u is not connected in the end", i, w->client[i].user);
    for (unsigned i = 0; i < w->hosts; i++)
        if (!w->host[i]->node.up && !w->host[i]->for_good) {
            sim_bad(w, "P6", "%s is down in the end", w->host[i]->node.id);
            return;
        }
    rc_time max = w->options.max_delay, worst = w->totals.delay_max;
    if (max && worst > max && !w->shape.tight) /* tight bounds make their own delays */
        sim_bad(w, "P6", "a delivery took %.0f ms", (double)worst / 1000);
    if (!w->violations)
        check_cores(w);
}

/* ---- totals */

void sim_check_count_gateway(struct sim_world *w, const struct sim_gateway *g)
{
    struct rc_gateway_stats st;
    rc_gateway_stats(g->core, &st);
    w->totals.resends += st.resends;
    w->totals.duplicates += st.duplicates;
    w->totals.fences += st.fences;
    w->totals.views += st.view_changes;
}

void sim_check_count_broker(struct sim_world *w, const struct sim_broker *b)
{
    struct rc_broker_stats st;
    rc_broker_stats(b->core, &st);
    w->totals.record_resends += st.resends;
    w->totals.holes += st.holes;
}

void sim_check_count_persister(struct sim_world *w, const struct sim_persister *p)
{
    struct rc_persister_stats st;
    rc_persister_stats(p->core, &st);
    w->totals.gaps += st.gaps;
}
