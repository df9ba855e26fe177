/* Carrying a core's sessions over lines. */
#include "link/host.h"

#include "clock.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

/* A session and its line; the session's `line` and the line's user point here. */
struct bond {
    LIST_ENTRY(bond) entry;
    TAILQ_ENTRY(bond) turn; /* in host.kicked, if kicked */
    struct rc_host *host;
    struct rc_line *line;
    struct rc_session *s;
    bool kicked;
};

struct rc_host {
    struct rc_link *link;
    struct rc_host_node fns;
    void *node;
    LIST_HEAD(bond_list, bond) bonds;
    TAILQ_HEAD(bond_queue, bond) kicked; /* to be looked at by the next flush */
    struct bond *in_hand; /* whose session is with the core right now; NULL also when the core ended it */
};

static void kick(struct bond *b)
{
    if (!b->kicked)
        TAILQ_INSERT_TAIL(&b->host->kicked, b, turn);
    b->kicked = true;
}

static void unkick(struct bond *b)
{
    if (b->kicked)
        TAILQ_REMOVE(&b->host->kicked, b, turn);
    b->kicked = false;
}

static void part(struct bond *b)
{
    if (b->host->in_hand == b)
        b->host->in_hand = NULL;
    unkick(b);
    LIST_REMOVE(b, entry);
    b->s->line = NULL;
    free(b);
}

/* The line is of no use any more: both ends of the bond are told. */
static void give_up(struct bond *b, enum rc_end why)
{
    struct rc_host *host = b->host;
    struct rc_session *s = b->s;
    rc_line_close(b->line, why);
    part(b);
    host->fns.down(host->node, s);
}

/* ---- from the link ---- */

static enum rc_hello on_hello(void *arg, const struct rc_peer *peer, uint64_t *known_inc)
{
    struct rc_host *host = arg;
    return host->fns.hello(host->node, peer, known_inc);
}

static enum rc_broker_state on_state(void *arg)
{
    struct rc_host *host = arg;
    return host->fns.state ? host->fns.state(host->node) : RC_UNFIT;
}

static void on_up(void *arg, struct rc_line *line, const struct rc_peer *peer, uint64_t session,
                  enum rc_broker_state state)
{
    struct rc_host *host = arg;
    struct bond *b = calloc(1, sizeof *b);
    struct rc_session *s = b ? host->fns.up(host->node, peer, session, state) : NULL;
    if (!s) {
        free(b);
        rc_line_close(line, RC_END_PROTOCOL);
        return;
    }
    *b = (struct bond){.host = host, .line = line, .s = s};
    LIST_INSERT_HEAD(&host->bonds, b, entry);
    s->line = b;
    rc_line_set_user(line, b);
    kick(b); /* what the core said while the session had no line yet */
}

static void on_refused(void *arg, const char *id, enum rc_hello reason, uint64_t known_inc)
{
    struct rc_host *host = arg;
    if (host->fns.refused)
        host->fns.refused(host->node, id, reason, known_inc);
}

static void on_down(void *arg, struct rc_line *line, enum rc_why why)
{
    struct rc_host *host = arg;
    struct bond *b = rc_line_user(line);
    struct rc_session *s = b->s;
    (void)why; /* the link logged it */
    part(b);
    host->fns.down(host->node, s);
}

static void on_frame(void *arg, struct rc_line *line, struct rc_batch *batch)
{
    struct rc_host *host = arg;
    struct bond *b = rc_line_user(line);
    struct rc_op *op;
    host->in_hand = b;
    bool open = host->fns.receive(host->node, b->s, batch) && host->in_hand;
    TAILQ_FOREACH (op, &batch->ops, link) {
        if (!open || !host->fns.side)
            break;
        if (op->kind == RC_OP_SIDE) {
            host->fns.side(host->node, b->s, op->side);
            open = host->in_hand != NULL;
        }
    }
    host->in_hand = NULL;
    rc_batch_fini(batch);
}

static void on_writable(void *arg, struct rc_line *line)
{
    (void)arg;
    kick(rc_line_user(line));
}

/* ---- to the link ---- */

static void send_next(struct bond *b)
{
    struct rc_host *host = b->host;
    struct rc_batch batch;
    if (!rc_line_ready(b->line) || !rc_session_wants(b->s))
        return; /* a busy line kicks when it is free */
    rc_batch_init(&batch);
    host->in_hand = b;
    host->fns.take(host->node, b->s, RC_LINK_BATCH_MAX, &batch);
    bool open = host->in_hand != NULL;
    host->in_hand = NULL;
    if (open && !rc_line_send(b->line, &batch))
        give_up(b, RC_END_PROTOCOL);
    else if (open && rc_session_wants(b->s))
        kick(b); /* the rest of a long queue, after the others' turn */
    rc_batch_fini(&batch);
}

void rc_host_flush(struct rc_host *host)
{
    struct bond *b;
    while ((b = TAILQ_FIRST(&host->kicked))) {
        unkick(b);
        send_next(b);
    }
}

void rc_host_process(struct rc_host *host)
{
    rc_link_process(host->link);
    rc_host_flush(host);
}

/* ---- from the core ---- */

rc_time rc_host_now(void *any)
{
    (void)any;
    return rc_clock_now();
}

uint64_t rc_host_random(void *any)
{
    (void)any;
    return rc_random64();
}

void rc_host_kick(struct rc_host *host, struct rc_session *s)
{
    (void)host;
    if (s->line)
        kick(s->line);
}

void rc_host_end(struct rc_host *host, struct rc_session *s, enum rc_end why)
{
    (void)host;
    struct bond *b = s->line;
    if (!b)
        return; /* inside up: its NULL result closes the line */
    rc_line_close(b->line, why);
    part(b);
}

bool rc_host_side(struct rc_host *host, struct rc_session *s, struct rc_buf *bytes)
{
    if (bytes->len > RC_LINK_SIDE_MAX) {
        rc_log(RC_ERROR, "link-side-too-large", "id=%s bytes=%u limit=%u", s->peer.id, bytes->len, RC_LINK_SIDE_MAX);
        rc_buf_rele(bytes);
        return false;
    }
    struct rc_op *op = rc_op_new(RC_OP_SIDE);
    op->side = bytes;
    rc_session_push(s, op);
    rc_host_kick(host, s);
    return true;
}

/* ---- the whole ---- */

struct rc_host *rc_host_new(const struct rc_link_config *cfg, const struct rc_host_node *fns, void *node,
                            char why[RC_LINK_WHY])
{
    static const struct rc_link_events events = {on_hello, on_state, on_up, on_refused, on_down, on_frame, on_writable};
    struct rc_host *host = calloc(1, sizeof *host);
    if (!host) {
        snprintf(why, RC_LINK_WHY, "cannot make links: out of memory");
        return NULL;
    }
    host->fns = *fns;
    host->node = node;
    TAILQ_INIT(&host->kicked);
    host->link = rc_link_new(cfg, &events, host, why);
    if (!host->link) {
        free(host);
        return NULL;
    }
    return host;
}

void rc_host_free(struct rc_host *host)
{
    struct bond *b;
    if (!host)
        return;
    rc_link_free(host->link);
    while ((b = LIST_FIRST(&host->bonds))) {
        LIST_REMOVE(b, entry);
        free(b);
    }
    free(host);
}

struct rc_link *rc_host_link(struct rc_host *host)
{
    return host->link;
}

bool rc_host_dry(const struct rc_host *host)
{
    const struct bond *b;
    LIST_FOREACH (b, &host->bonds, entry)
        if (!TAILQ_EMPTY(&b->s->out) || !rc_line_ready(b->line))
            return false;
    return true;
}
