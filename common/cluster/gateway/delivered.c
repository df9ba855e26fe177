/*
 * What a broker told DELIVERED and waits only for its storage, from the origin's side (section 10).
 *
 * Every member has such a message, and the broker keeps its record: the payload is needed only to send it again should the
 * broker fail. At the gateway's bound the oldest payloads therefore go first. A bare emit is not sent again. No member misses
 * it, as each has acknowledged it, and no order depends on it, as receivers know its number. Only its storage hangs on
 * that one broker: CONFIRM comes as ever; when the session ends before, the message ends as not stored.
 */
#include "cluster/gateway/emits_impl.h"

void rc_delivered_init(struct rc_gateway *g)
{
    for (uint32_t i = 0; i < g->n; i++) {
        TAILQ_INIT(&g->brokers[i].delivered);
        TAILQ_INIT(&g->brokers[i].bare);
    }
}

static struct rc_gw_emit_list *list_of(struct rc_gw_broker *holder, const struct rc_gw_emit *e)
{
    return e->bare ? &holder->bare : &holder->delivered;
}

void rc_delivered_drop(struct rc_gw_emit *e)
{
    if (e->holder)
        TAILQ_REMOVE(list_of(e->holder, e), e, held);
    e->holder = NULL;
}

void rc_delivered_note(struct rc_gw_broker *b, struct rc_gw_emit *e)
{
    rc_delivered_drop(e);
    e->holder = b;
    TAILQ_INSERT_TAIL(list_of(b, e), e, held);
}

void rc_delivered_lost(struct rc_gateway *g, struct rc_gw_broker *b)
{
    struct rc_gw_emit *e;
    while ((e = TAILQ_FIRST(&b->delivered)))
        rc_delivered_drop(e);
    while ((e = TAILQ_FIRST(&b->bare))) {
        g->count.not_stored++;
        rc_emit_finish(g, e, RC_OUTCOME_NOT_STORED);
    }
}

static struct rc_gw_emit *oldest(const struct rc_gateway *g)
{
    struct rc_gw_emit *found = NULL;
    for (uint32_t i = 0; i < g->n; i++) {
        struct rc_gw_emit *e = TAILQ_FIRST(&g->brokers[i].delivered);
        if (e && (!found || e->since < found->since))
            found = e;
    }
    return found;
}

/* Ascending, as the queue is: what is delivered early is seldom a newer one. */
static void insert(struct rc_gw_emit_list *list, struct rc_gw_emit *e)
{
    struct rc_gw_emit *before = TAILQ_LAST(list, rc_gw_emit_list);
    while (before && before->msg.seq > e->msg.seq)
        before = TAILQ_PREV(before, rc_gw_emit_list, link);
    if (before)
        TAILQ_INSERT_AFTER(list, before, e, link);
    else
        TAILQ_INSERT_HEAD(list, e, link);
}

static void strip(struct rc_gateway *g, struct rc_gw_emit *e)
{
    struct rc_gw_broker *holder = e->holder;
    rc_emit_unqueue(g, e);
    rc_delivered_drop(e);
    e->bare = true;
    rc_delivered_note(holder, e);
    insert(&e->queue->bare, e);
    rc_msg_rele(&e->msg);
    e->msg = (struct rc_msg){.seq = e->msg.seq};
    rc_buf_rele(e->row);
    e->row = NULL;
    g->unconfirmed_bytes -= e->bytes - sizeof *e;
    e->bytes = sizeof *e;
    g->count.stripped++;
}

bool rc_delivered_make_room(struct rc_gateway *g, size_t bytes)
{
    struct rc_gw_emit *e;
    while (g->unconfirmed_bytes + bytes > g->config.bound) {
        e = oldest(g);
        if (!e)
            return false;
        strip(g, e);
    }
    return true;
}
