/* The judge at the end of a run: what is unfinished, what is left over. */
#include "check.h"

#include "brokers.h"
#include "clients.h"
#include "gateway/partition.h"
#include "persisters.h"

#include <inttypes.h>
#include <string.h>

bool sim_check_settled(const struct sim_world *w)
{
    for (unsigned i = 0; i < w->clients; i++)
        if (!w->client[i].socket || w->client[i].socket->state != SIM_OPEN)
            return false;
    for (size_t i = 0; i < w->messages; i++)
        if (w->message[i]->fate == SIM_OPEN_FATE && w->message[i]->from->state == SIM_OPEN)
            return false;
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
            sim_bad_message(w, m->id, "P4", "m%" PRIu64 " is stored as older than m%" PRIu64, later->id, m->id);
        return;
    }
}

static void check_message(struct sim_world *w, const struct sim_message *m, unsigned copies)
{
    if (m->fate == SIM_OPEN_FATE && m->from->state == SIM_OPEN)
        sim_bad_message(w, m->id, "P6", "m%" PRIu64 " of socket %" PRIu64 " at %s, sent %.0f, has not ended", m->id,
                        m->from->id, m->from->gateway->host.node.id, (double)m->sent_at / 1000);
    if (m->fate == SIM_OPEN_FATE && sim_check_overdue(w, m))
        sim_bad_message(w, m->id, "P6", "m%" PRIu64 " is unconfirmed for longer than E and was not given up", m->id);
    if (m->key.seq)
        check_history_order(w, m);
    if (m->fate != SIM_ACKED)
        return;
    for (struct sim_socket *s = w->sockets; s; s = s->next)
        if (sim_check_lacks(s, m))
            sim_bad_message(w, m->id, "P5", "m%" PRIu64 " is acknowledged; socket %" PRIu64 " at %s never got it",
                            m->id, s->id, s->gateway->host.node.id);
    if (m->row && sim_check_copies(w, m->id) < copies)
        sim_bad_message(w, m->id, "P4", "m%" PRIu64 " is acknowledged and stored at %u, not %u, in the end", m->id,
                        sim_check_copies(w, m->id), copies);
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

static unsigned persisters_there(const struct sim_world *w)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->shape.persisters; i++)
        n += w->persister[i]->core != NULL;
    return n;
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
    bool kept = persisters_there(w) == w->shape.persisters && st.topic_records; /* for one that never comes: T3 */
    if (st.waiting || kept)
        sim_bad(w, "STATE", "%s at rest: %zu emits wait, %zu records of %zu bytes in the topic", id, st.waiting,
                st.topic_records, st.topic_bytes);
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
    for (unsigned i = 0; i < w->shape.gateways; i++) {
        if (!w->gateway[i]->core)
            continue;
        check_gateway(w, w->gateway[i]);
        check_rooms(w, w->gateway[i], owners);
    }
}

/* T4: what only a broker's buffer had is lost to persisters beyond the quorum, with the broker or at its bound. */
static bool records_lost(const struct sim_world *w)
{
    bool lost = w->broker_killed;
    for (unsigned i = 0; i < w->shape.brokers; i++) {
        struct rc_broker_stats st = {0};
        if (w->broker[i]->core)
            rc_broker_stats(w->broker[i]->core, &st);
        lost |= st.holes > 0;
    }
    return lost;
}

/* Tight bounds make their own delays. */
static void check_longest(struct sim_world *w, const char *what, rc_time max, rc_time worst, uint64_t message)
{
    if (max && worst > max && !w->shape.tight && !w->squeezed_until)
        sim_bad_message(w, message, "P6", "%s took %.0f ms", what, (double)worst / 1000);
}

static void check_told(struct sim_world *w)
{
    for (const struct sim_socket *s = w->sockets; s; s = s->next)
        if (s->owed_end && s->state == SIM_OPEN)
            sim_bad(w, "RESULT", "socket %" PRIu64 " at %s is open and was not told that a message failed", s->id,
                    s->gateway->host.node.id);
}

void sim_check_end(struct sim_world *w)
{
    unsigned copies = records_lost(w) ? w->shape.quorum : persisters_there(w);
    for (size_t i = 0; i < w->messages; i++)
        check_message(w, w->message[i], copies);
    check_told(w);
    for (unsigned i = 0; i < w->clients; i++)
        if (!w->client[i].socket || w->client[i].socket->state != SIM_OPEN)
            sim_bad(w, "P6", "client %u of user %u is not connected in the end", i, w->client[i].user);
    for (unsigned i = 0; i < w->hosts; i++)
        if (!w->host[i]->node.up && !w->host[i]->for_good) {
            sim_bad(w, "P6", "%s is down in the end", w->host[i]->node.id);
            return;
        }
    check_longest(w, "a delivery", w->options.max_delay, w->totals.delay_max, w->slowest);
    check_longest(w, "an acknowledgement", w->options.max_ack, w->totals.ack_max, w->slowest_ack);
    if (!w->violations)
        check_cores(w);
}
