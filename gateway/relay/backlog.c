/* Messages of relays that wait. */
#include "gateway/relay/backlog.h"

#include "cluster/mem.h"

struct rc_backlog_item {
    TAILQ_ENTRY(rc_backlog_item) link;
    struct rc_buf *side;
};

static size_t weight(const struct rc_buf *side)
{
    return sizeof(struct rc_backlog_item) + sizeof(*side) + side->len;
}

static struct rc_backlog_queue *find(struct rc_backlog *b, const struct rc_session *s)
{
    for (unsigned i = 0; i < b->n; i++)
        if (b->queue[i].s == s)
            return &b->queue[i];
    return NULL;
}

static bool is_full(const struct rc_session *s)
{
    return s->out_bytes + s->flight_bytes > RC_BACKLOG_UNDER_WAY;
}

void rc_backlog_up(struct rc_backlog *b, struct rc_session *s)
{
    if (b->n == RC_BROKERS_MAX)
        return; /* there are no more brokers */
    struct rc_backlog_queue *q = &b->queue[b->n++];
    q->s = s;
    TAILQ_INIT(&q->items);
}

/* The first message goes out of the queue, to the caller. */
static struct rc_buf *take_first(struct rc_backlog *b, struct rc_backlog_queue *q)
{
    struct rc_backlog_item *item = TAILQ_FIRST(&q->items);
    struct rc_buf *side = item->side;
    TAILQ_REMOVE(&q->items, item, link);
    b->bytes -= weight(side);
    free(item);
    return side;
}

void rc_backlog_down(struct rc_backlog *b, const struct rc_session *s)
{
    struct rc_backlog_queue *q = find(b, s), *last = b->n ? &b->queue[b->n - 1] : NULL;
    if (!q)
        return;
    while (!TAILQ_EMPTY(&q->items))
        rc_buf_rele(take_first(b, q));
    q->s = last->s; /* the last queue takes its place */
    TAILQ_CONCAT(&q->items, &last->items, link);
    b->n--;
}

void rc_backlog_fini(struct rc_backlog *b)
{
    while (b->n)
        rc_backlog_down(b, b->queue[0].s);
}

bool rc_backlog_waits(const struct rc_backlog *b, const struct rc_session *s)
{
    for (unsigned i = 0; i < b->n; i++)
        if (b->queue[i].s == s && !TAILQ_EMPTY(&b->queue[i].items))
            return true;
    return is_full(s);
}

bool rc_backlog_send(struct rc_backlog *b, struct rc_session *s, struct rc_buf *side, bool force)
{
    struct rc_backlog_queue *q = find(b, s);
    if (!q || !rc_backlog_waits(b, s))
        return b->side(b->host, s, side);
    if (!force && b->bytes + weight(side) > RC_BACKLOG_MAX) {
        rc_buf_rele(side);
        return false;
    }
    struct rc_backlog_item *item = rc_zalloc(sizeof *item);
    item->side = side;
    b->bytes += weight(side);
    TAILQ_INSERT_TAIL(&q->items, item, link);
    return true;
}

void rc_backlog_pump(struct rc_backlog *b)
{
    for (unsigned i = 0; b->bytes && i < b->n; i++) {
        struct rc_backlog_queue *q = &b->queue[i];
        while (!TAILQ_EMPTY(&q->items) && !is_full(q->s))
            b->side(b->host, q->s, take_first(b, q)); /* of a size that was taken before */
    }
}
