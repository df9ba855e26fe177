/* The judge: at each receipt, at each acknowledgement, at each stored row. */
#include "check.h"

#include "brokers.h"
#include "clients.h"
#include "persisters.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void bad(struct sim_world *w, uint64_t message, const char *kind, const char *fmt, va_list ap)
{
    char text[200];
    vsnprintf(text, sizeof(text), fmt, ap);
    sim_trace(&w->sim, "!!", "VIOLATION %s: %s", kind, text);
    if (!w->violations)
        w->suspect = message;
    if (w->violations < SIM_VIOLATIONS_MAX)
        snprintf(w->violation[w->violations++], sizeof(w->violation[0]), "%s @%.0f %s", kind, (double)w->sim.now / 1000,
                 text);
}

void sim_bad(struct sim_world *w, const char *kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bad(w, 0, kind, fmt, ap);
    va_end(ap);
}

void sim_bad_message(struct sim_world *w, uint64_t message, const char *kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bad(w, message, kind, fmt, ap);
    va_end(ap);
}

static const char *const outcome_text[] = {"ok", "unknown", "not stored", "busy"};

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
        sim_bad_message(w, message, "ROUTE", "socket %" PRIu64 " got m%" PRIu64 ", which was not sent to room %u",
                        s->id, message, room);
        return;
    }
    if ((*got(s, message))++)
        sim_bad_message(w, message, "P3dup", "socket %" PRIu64 " at %s got m%" PRIu64 " twice (room %u)", s->id,
                        s->gateway->host.node.id, message, room);
    uint32_t *last = last_from(s, m->from->id, room);
    if (m->n < *last)
        sim_bad_message(w, message, "P3order",
                        "socket %" PRIu64 " at %s got m%" PRIu64 ", number %u of socket %" PRIu64 ", after number %u",
                        s->id, s->gateway->host.node.id, message, m->n, m->from->id, *last);
    if (m->n > *last)
        *last = m->n;
    rc_time delay = w->sim.now - m->sent_at;
    if (s->opened_at < m->sent_at && delay > w->totals.delay_max) {
        w->totals.delay_max = delay;
        w->slowest = message;
    }
    w->totals.receipts++;
    sim_mix(&w->sim, s->id << 32 ^ message);
    if (message == w->options.watch)
        sim_trace_as(&w->sim, SIM_MARK_WATCHED, s->gateway->host.node.id, "m%" PRIu64 ": socket %" PRIu64 " has it",
                     message, s->id);
}

void sim_check_routed(struct sim_world *w, struct sim_gateway *g, const struct rc_msg *msg)
{
    int room = sim_room_index(w, msg->room);
    if (room < 0 || !g->had[room])
        sim_bad_message(w, sim_message_id(w, msg->payload), "ROUTE",
                        "m%" PRIu64 " was delivered to %s, which never had a member of room %d",
                        sim_message_id(w, msg->payload), g->host.node.id, room);
}

/* ---- acknowledgements: P2, P4, P5 */

unsigned sim_check_copies(const struct sim_world *w, uint64_t message)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->shape.persisters; i++)
        n += sim_persister_has(w->persister[i], message) > 0;
    return n;
}

/* The socket should have the message: its CONNECT was answered before it was sent, and it has not been told of its end. */
bool sim_check_lacks(const struct sim_socket *s, const struct sim_message *m)
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
    if (sim_check_lacks(s, m))
        sim_bad_message(w, m->id, "P5",
                        "m%" PRIu64 " of %s, sent %.0f, is acknowledged; socket %" PRIu64
                        " at %s, open since %.0f, lacks it",
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
    if (w->sim.now - m->sent_at > w->totals.ack_max) {
        w->totals.ack_max = w->sim.now - m->sent_at;
        w->slowest_ack = m->id;
    }
    if (m->row && sim_check_copies(w, m->id) + w->wiped < w->shape.quorum)
        sim_bad_message(w, m->id, "P4", "m%" PRIu64 " is acknowledged and stored at %u of %u", m->id,
                        sim_check_copies(w, m->id), w->shape.quorum);
    for (struct sim_socket *s = w->sockets; s; s = s->next)
        if (sim_check_lacks(s, m))
            sim_at(&w->sim, w->sim.now, (struct sim_task){.run = judge, .on = s->gateway, .arg = s, .num = m->id});
}

void sim_check_result(struct sim_world *w, struct sim_gateway *g, struct sim_socket *s, uint64_t token,
                      enum rc_outcome outcome)
{
    struct sim_message *m = message_of(w, token);
    if (!m || m->from != s || m->fate != SIM_OPEN_FATE) {
        sim_bad_message(w, token, "RESULT", "%s tells a result of m%" PRIu64 " that is not due", g->host.node.id,
                        token);
        return;
    }
    sim_mix(&w->sim, token << 8 | outcome);
    if (sim_check_overdue(w, m))
        sim_bad_message(w, m->id, "P6", "m%" PRIu64 " is unconfirmed for longer than E and was not given up", m->id);
    if (token == w->options.watch)
        sim_trace_as(&w->sim, SIM_MARK_WATCHED, g->host.node.id, "m%" PRIu64 ": its client is told %s", token,
                     outcome_text[outcome]);
    if (outcome == RC_OUTCOME_OK)
        acknowledged(w, m);
    else
        sim_check_refused(w, m, outcome);
}

void sim_check_refused(struct sim_world *w, struct sim_message *m, enum rc_outcome outcome)
{
    bool early = w->sim.now - m->sent_at < w->shape.times.e * 99 / 100 && !m->from->ending;
    bool early_ok = outcome == RC_OUTCOME_BUSY || outcome == RC_OUTCOME_NOT_STORED;
    bool busy = early_ok && (w->shape.tight || w->sim.now <= w->squeezed_until);
    m->fate = SIM_FAILED;
    w->totals.failed++;
    m->from->owed_end |= outcome == RC_OUTCOME_UNKNOWN && !m->wants_ack;
    if (early && !busy)
        sim_bad_message(w, m->id, "RESULT", "m%" PRIu64 " was given up (%s) after %.0f ms", m->id,
                        outcome_text[outcome], (double)(w->sim.now - m->sent_at) / 1000);
}

void sim_check_expired(struct sim_world *w, const struct sim_socket *s)
{
    if (!s->owed_end)
        sim_bad(w, "RESULT", "socket %" PRIu64 " at %s is closed for a message that did not fail", s->id,
                s->gateway->host.node.id);
}

/* Time that counts against E: all but what its gateway was frozen. */
static rc_time age(const struct sim_message *m)
{
    const struct sim_node *n = &m->from->gateway->host.node;
    return n->sim->now - m->taken_at - (n->frozen - m->taken_frozen);
}

bool sim_check_overdue(const struct sim_world *w, const struct sim_message *m)
{
    return m->taken_at && m->from->state == SIM_OPEN && !m->from->ending && m->from->gateway->host.node.up &&
           age(m) > w->shape.times.e * 101 / 100 + 500 * SIM_MS;
}

void sim_check_answered(struct sim_world *w, const struct sim_socket *s)
{
    const struct sim_gateway *g = s->gateway;
    rc_time excused = g->host.node.frozen - s->asked_frozen + sim_worker_stuck(&g->worker) - s->asked_stuck;
    rc_time waited = w->sim.now - s->asked_at - excused;
    if (s->asked_at && waited > w->shape.times.connect * 101 / 100 + 500 * SIM_MS)
        sim_bad(w, "P6", "socket %" PRIu64 " at %s waited %.0f ms for the answer to its CONNECT", s->id,
                g->host.node.id, (double)waited / 1000);
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
        sim_trace_as(&w->sim, SIM_MARK_WATCHED, p->host.node.id, "m%" PRIu64 ": stored", message);
    if (!m || !m->row)
        sim_bad_message(w, message, "P4", "%s stored m%" PRIu64 ", which nobody sent to be stored", p->host.node.id,
                        message);
    else if (!m->key.seq)
        m->key = *key;
    else if (!same_key(&m->key, key))
        sim_bad_message(w, message, "P4", "m%" PRIu64 " is stored under two keys", message);
    if (sim_persister_has(p, message) > 1)
        sim_bad_message(w, message, "P4", "m%" PRIu64 " is stored twice at %s", message, p->host.node.id);
}

/* A plan changes one broker, and a node that was down in between finds it changed already. */
void sim_check_roll(struct sim_host *h, enum rc_roll roll)
{
    if (!rc_roll_good(roll))
        sim_bad(h->w, "STATE", "%s refuses its brokers: %s", h->node.id, rc_roll_text(roll));
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
