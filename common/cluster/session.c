/* Numbering, acknowledging and echoing of one session. */
#include "cluster/session.h"
#include "cluster/mem.h"

#include <string.h>

struct rc_flight {
    uint64_t seq;     /* batch */
    uint64_t ordinal; /* of its last operation */
    size_t bytes;     /* of its operations */
    size_t rooms;     /* of these: under the window */
};

struct rc_session *rc_session_new(const struct rc_peer *peer, uint64_t id, uint64_t my_inc, uint64_t base, rc_time now)
{
    struct rc_session *s = rc_zalloc(sizeof *s);
    s->peer = *peer;
    s->id = id;
    s->my_inc = my_inc;
    TAILQ_INIT(&s->out);
    s->ordinal = s->acked = base;
    s->start = s->heard = s->sent_at = s->acked_at = now;
    s->contact = s->peer_t = RC_NEVER;
    s->due = true;
    return s;
}

void rc_session_free(struct rc_session *s)
{
    struct rc_op *op;
    while ((op = TAILQ_FIRST(&s->out))) {
        TAILQ_REMOVE(&s->out, op, link);
        rc_op_free(op);
    }
    free(s->flight);
    free(s);
}

uint64_t rc_session_push(struct rc_session *s, struct rc_op *op)
{
    rc_op_weigh(op);
    op->ordinal = ++s->ordinal;
    TAILQ_INSERT_TAIL(&s->out, op, link);
    s->out_bytes += op->bytes;
    return op->ordinal;
}

/* Most batches are not acknowledged for their own sake: two idle peers would never fall silent. */
static bool owes_ack(const struct rc_session *s)
{
    return s->owed && s->rx_done >= s->owed;
}

static bool owes_bytes(const struct rc_session *s)
{
    return s->rx_bytes >= RC_SESSION_ACK_BYTES && s->rx_done > s->tx_ack;
}

static bool windowed(const struct rc_op *op)
{
    return op->kind == RC_OP_JOIN || op->kind == RC_OP_LEAVE || op->kind == RC_OP_SYNCED;
}

/* The next operation that may go; NULL: none, or it waits for acks. */
static struct rc_op *next_out(const struct rc_session *s)
{
    struct rc_op *op = TAILQ_FIRST(&s->out);
    return op && s->window && s->rooms_bytes >= s->window && windowed(op) ? NULL : op;
}

bool rc_session_wants(const struct rc_session *s)
{
    return !s->hushed && !s->broken && (s->due || next_out(s) || owes_ack(s) || owes_bytes(s));
}

static void flight_add(struct rc_session *s, struct rc_flight f)
{
    if (s->flight_len == s->flight_cap) {
        size_t cap = s->flight_cap ? s->flight_cap * 2 : 8;
        struct rc_flight *ring = rc_zarray(cap, sizeof *ring);
        for (size_t i = 0; i < s->flight_len; i++)
            ring[i] = s->flight[(s->flight_head + i) % s->flight_cap];
        free(s->flight);
        s->flight = ring;
        s->flight_cap = cap;
        s->flight_head = 0;
    }
    s->flight[(s->flight_head + s->flight_len++) % s->flight_cap] = f;
    s->flight_bytes += f.bytes;
}

/* Moves what may go into the batch; returns the bytes of it that the window is for. */
static size_t take_out(struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    struct rc_op *op;
    size_t rooms = 0;
    while ((op = next_out(s)) && (!batch->bytes || batch->bytes + op->bytes <= max_bytes)) {
        TAILQ_REMOVE(&s->out, op, link);
        TAILQ_INSERT_TAIL(&batch->ops, op, link);
        batch->bytes += op->bytes;
        s->out_bytes -= op->bytes;
        if (!windowed(op))
            continue;
        rooms += op->bytes;
        s->rooms_bytes += op->bytes;
    }
    return rooms;
}

void rc_session_take(struct rc_session *s, rc_time now, size_t max_bytes, struct rc_batch *batch)
{
    size_t rooms = take_out(s, max_bytes, batch);
    const struct rc_op *last = TAILQ_LAST(&batch->ops, rc_op_list);
    batch->session = s->id;
    batch->from_inc = s->my_inc;
    batch->to_inc = s->peer.inc;
    batch->seq = ++s->tx_seq;
    batch->ack = s->tx_ack = s->rx_done;
    if (owes_ack(s))
        s->owed = s->rx_ops > s->rx_done ? s->rx_done + 1 : 0;
    batch->t = now;
    batch->echo = s->peer_t;
    s->sent_at = now;
    s->due = false;
    s->rx_bytes = 0;
    if (last) {
        if (!s->flight_len)
            s->acked_at = now;
        flight_add(s, (struct rc_flight){batch->seq, last->ordinal, batch->bytes, rooms});
    }
}

static void take_ack(struct rc_session *s, rc_time now, uint64_t ack)
{
    while (s->flight_len && s->flight[s->flight_head].seq <= ack) {
        const struct rc_flight *f = &s->flight[s->flight_head];
        s->acked = f->ordinal;
        s->flight_bytes -= f->bytes;
        s->rooms_bytes -= f->rooms;
        s->flight_head = (s->flight_head + 1) % s->flight_cap;
        s->flight_len--;
        s->acked_at = now;
    }
}

/* The peer waits for the ack of these (S4); for all others it rides on the next batch, at the latest the heartbeat. */
static bool wants_ack(const struct rc_batch *batch)
{
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link)
        if (op->kind == RC_OP_JOIN || op->kind == RC_OP_LEAVE || op->kind == RC_OP_SYNCED ||
            op->kind == RC_OP_DELIVER || op->kind == RC_OP_RECORD)
            return true;
    return false;
}

bool rc_session_accept(struct rc_session *s, rc_time now, const struct rc_batch *batch, enum rc_end *why)
{
    if (batch->session != s->id || batch->from_inc != s->peer.inc || batch->to_inc != s->my_inc) {
        *why = RC_END_STALE;
        return false;
    }
    if (batch->seq != s->rx_seq + 1 || batch->ack > s->tx_seq) {
        *why = RC_END_GAP;
        return false;
    }
    /* An echo is a time that we sent: a later one is a lie, and a lease must not rest on it. */
    if (batch->echo != RC_NEVER && batch->echo > now) {
        *why = RC_END_PROTOCOL;
        return false;
    }
    s->rx_seq = batch->seq;
    s->rx_bytes += batch->bytes;
    if (wants_ack(batch)) {
        s->rx_ops = batch->seq;
        if (!s->owed)
            s->owed = batch->seq;
    }
    s->heard = now;
    if (batch->t > s->peer_t)
        s->peer_t = batch->t;
    if (batch->echo > s->contact)
        s->contact = batch->echo;
    take_ack(s, now, batch->ack);
    return true;
}

void rc_session_done(struct rc_session *s, uint64_t seq)
{
    if (seq > s->rx_done && seq <= s->rx_seq)
        s->rx_done = seq;
}

bool rc_session_silent(const struct rc_session *s, rc_time now, rc_time timeout)
{
    rc_time last = s->contact > s->start ? s->contact : s->start;
    return now - last > timeout;
}
