/* Pulls and pages between simulated persisters. */
#include "exchange.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 64

/* What RC_OP_SIDE carries here. */
struct side {
    bool is_page;
    struct rc_pull pull;
    struct rc_log_page page; /* without its rows */
    struct {
        uint64_t number;
        struct rc_key key;
        uint64_t message;
    } row[ROWS_MAX];
};

/* ---- sessions */

enum rc_hello sim_exchange_hello(struct sim_host *h, const struct rc_peer *peer, uint64_t *known)
{
    (void)h, (void)known;
    return peer->role == RC_PERSISTER ? RC_HELLO_OK : RC_HELLO_UNKNOWN;
}

static void world_end(void *host, struct rc_session *s, enum rc_end why)
{
    struct sim_persister *p = host;
    rc_follow_down(rc_persister_follow(p->core), s);
    p->host.world.end(host, s, why);
}

struct rc_world sim_exchange_world(struct sim_persister *p)
{
    struct rc_world world = p->host.world;
    world.end = world_end;
    return world;
}

struct rc_session *sim_exchange_up(struct sim_persister *p, const struct rc_peer *peer, uint64_t session)
{
    struct rc_session *s = rc_aside_up(p->aside, peer, session);
    if (s)
        rc_follow_up(rc_persister_follow(p->core), s);
    return s;
}

void sim_exchange_down(struct sim_persister *p, struct rc_session *s)
{
    rc_follow_down(rc_persister_follow(p->core), s);
    rc_aside_down(p->aside, s);
}

/* ---- messages */

static void send(struct sim_persister *p, struct rc_session *s, const struct side *side)
{
    struct rc_op *op = rc_op_new(RC_OP_SIDE);
    op->side = rc_buf_copy(side, sizeof(*side));
    rc_op_weigh(op);
    rc_session_push(s, op);
    p->host.world.kick(p, s);
}

void sim_exchange_pull(void *host, struct rc_session *s, const struct rc_pull *pull)
{
    const struct sim_persister *p = host;
    struct side side = {.pull = *pull};
    if (p->host.w->options.plant != SIM_HERMIT)
        send(host, s, &side);
}

uint64_t sim_exchange_cursor(void *host, const char *peer, uint64_t store)
{
    return sim_persister_cursor(host, peer, store);
}

static void read_log(const struct sim_persister *p, const struct rc_pull *pull, struct side *out)
{
    out->is_page = true;
    out->page = (struct rc_log_page){.store = p->store, .from = pull->from, .upto = pull->from - 1, .last = p->log_len};
    out->page.failed = sim_chance(&p->host.w->sim.dice, p->host.w->shape.commit_fails);
    if (pull->store != p->store || out->page.failed)
        return;
    for (uint64_t i = pull->from; i <= p->log_len && out->page.n < pull->rows && out->page.n < ROWS_MAX; i++) {
        const struct sim_log_row *row = &p->log[i - 1];
        out->row[out->page.n].number = out->page.upto = i;
        out->row[out->page.n].key = row->key;
        out->row[out->page.n++].message = row->message;
    }
    out->page.bytes = 100 + 100 * out->page.n;
}

/* The disk was read. */
static void answer(void *on, void *arg, uint64_t session)
{
    struct sim_persister *p = on;
    struct side *side = arg, out = {0};
    struct rc_session *s = rc_aside_find(p->aside, session);
    if (s) {
        read_log(p, &side->pull, &out);
        send(p, s, &out);
    }
    free(side);
}

static void take_page(struct sim_persister *p, const struct rc_session *s, const struct side *side)
{
    struct rc_log_page page = side->page;
    page.row = sim_alloc(sizeof(*page.row) * (page.n + 1));
    for (size_t i = 0; i < page.n; i++) {
        page.row[i].number = side->row[i].number;
        page.row[i].record.key = side->row[i].key;
        page.row[i].record.row = rc_buf_copy(&side->row[i].message, sizeof(side->row[i].message));
    }
    p->host.w->totals.pulled += page.n;
    if (!rc_persister_page(p->core, s, &page))
        sim_bad(p->host.w, "STATE", "%s does not understand a page of %s", p->host.node.id, s->peer.id);
}

bool sim_exchange_receive(struct sim_persister *p, struct rc_session *s, const struct rc_batch *batch)
{
    struct sim *sim = &p->host.w->sim;
    const struct rc_op *op;
    uint64_t session = s->id;
    if (!rc_aside_receive(p->aside, s, batch))
        return false;
    TAILQ_FOREACH (op, &batch->ops, link) {
        struct side *side = sim_alloc(sizeof(*side));
        memcpy(side, op->side->data, sizeof(*side));
        if (!side->is_page) {
            sim_node_timer(&p->host.node, sim_between(&sim->dice, 100, 10 * RC_MS),
                           (struct sim_task){.run = answer, .on = p, .arg = side, .num = session, .drop = free});
            continue;
        }
        take_page(p, s, side);
        free(side);
    }
    return true;
}
