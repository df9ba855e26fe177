/* Connections of the mesh: handshakes, frames on their way, batches taken when a connection has room. */
#include "mesh.h"

#include "cluster/mem.h"
#include "link/link.h"
#include "link/wire.h"

#include <string.h>

#define REDIAL_MIN (60 * RC_MS)
#define REDIAL_MAX (250 * RC_MS)

static void line_make(struct mesh *m, struct mesh_node *dials, struct mesh_node *listens)
{
    struct mesh_line *l = &m->line[m->lines++];
    struct mesh_node *node[2] = {dials, listens};
    for (int i = 0; i < 2; i++) {
        l->end[i] = (struct mesh_end){.node = node[i], .line = l};
        TAILQ_INIT(&l->end[i].inbox);
        node[i]->end[node[i]->lines++] = &l->end[i];
    }
}

void mesh_lines_make(struct mesh *m)
{
    uint32_t nodes = m->brokers + m->gateways;
    m->line = rc_zarray((size_t)m->brokers * nodes, sizeof *m->line);
    for (uint32_t i = 0; i < nodes; i++)
        m->node[i].end = rc_zarray(nodes, sizeof(struct mesh_end *));
    for (uint32_t b = 0; b < m->brokers; b++)
        for (uint32_t i = b + 1; i < nodes; i++)
            if (i < m->brokers)
                line_make(m, &m->node[b], &m->node[i]);
            else
                line_make(m, &m->node[i], &m->node[b]);
}

/* Forgets what is on its way to this side. */
static void clear(struct mesh_end *e)
{
    struct mesh_frame *f;
    while ((f = TAILQ_FIRST(&e->inbox))) {
        TAILQ_REMOVE(&e->inbox, f, link);
        free(f);
    }
    e->waiting = 0;
    if (e->kicked)
        TAILQ_REMOVE(&e->node->kicked, e, turn);
    e->kicked = false;
    e->s = NULL;
}

void mesh_lines_free(struct mesh *m)
{
    for (size_t i = 0; i < m->lines; i++)
        for (int side = 0; side < 2; side++)
            clear(&m->line[i].end[side]);
    free(m->line);
    for (uint32_t i = 0; i < m->brokers + m->gateways; i++)
        free(m->node[i].end);
}

/* A side that is alone hears of it when it has time. */
static void hang_up(struct mesh_line *l)
{
    for (int side = 0; side < 2; side++) {
        struct mesh_end *e = &l->end[side];
        if (!e->s || l->end[1 - side].s || e->node->frozen || e->node->busy > e->node->mesh->now)
            continue;
        struct rc_session *s = e->s;
        e->s = NULL;
        s->line = NULL;
        double before = mesh_cpu();
        mesh_node_down(e->node, s);
        double spent = mesh_cpu() - before;
        e->node->count.cpu += spent;
        if (spent > e->node->count.longest)
            e->node->count.longest = spent;
    }
    if (l->end[0].s || l->end[1].s)
        return;
    struct mesh *m = l->end[0].node->mesh;
    clear(&l->end[0]);
    clear(&l->end[1]);
    l->up = false;
    l->again = m->now + REDIAL_MIN + (rc_time)(mesh_random(m) % (REDIAL_MAX - REDIAL_MIN));
}

static bool at_hand(const struct mesh_node *n)
{
    return n->up && !n->frozen && n->busy <= n->mesh->now;
}

static void raise(struct mesh_end *e, const struct mesh_node *peer, uint64_t session, enum rc_broker_state state)
{
    e->s = mesh_node_up(e->node, &peer->self, session, state);
    if (!e->s)
        return;
    e->s->line = e;
    e->kicked = true;
    TAILQ_INSERT_TAIL(&e->node->kicked, e, turn);
}

/* The listener is a broker. */
static void dial(struct mesh_line *l)
{
    struct mesh_end *a = &l->end[0], *b = &l->end[1];
    struct mesh *m = a->node->mesh;
    uint64_t known = 0;
    l->again = m->now + REDIAL_MIN + (rc_time)(mesh_random(m) % (REDIAL_MAX - REDIAL_MIN));
    enum rc_hello verdict = rc_broker_hello(b->node->broker, &a->node->self, &known);
    if (verdict == RC_HELLO_OLD && a->node->gateway)
        rc_gateway_refused(a->node->gateway, known);
    if (verdict != RC_HELLO_OK)
        return;
    uint64_t session = mesh_random(m);
    double before = mesh_cpu();
    raise(b, a->node, session, RC_UNFIT);
    double middle = mesh_cpu();
    raise(a, b->node, session, rc_broker_state(b->node->broker));
    double after = mesh_cpu();
    b->node->count.cpu += middle - before;
    a->node->count.cpu += after - middle;
    if (!m->free) {
        b->node->busy = m->now + (rc_time)((middle - before) * 1e6);
        a->node->busy = m->now + (rc_time)((after - middle) * 1e6);
    }
    l->up = a->s && b->s;
    if (!l->up)
        hang_up(l);
}

void mesh_lines_turn(struct mesh *m)
{
    for (size_t i = 0; i < m->lines; i++) {
        struct mesh_line *l = &m->line[i];
        if (l->up && !(l->end[0].s && l->end[1].s))
            hang_up(l);
        else if (!l->up && m->now >= l->again && at_hand(l->end[0].node) && at_hand(l->end[1].node))
            dial(l);
    }
}

/* ---- frames */

static void work(struct mesh_end *e, const struct mesh_frame *f)
{
    struct mesh *m = e->node->mesh;
    struct rc_batch batch;
    rc_batch_init(&batch);
    rc_arena_reset(&m->arena);
    Roomcast__Frame *frame = rc_wire_open(&m->arena, f->bytes, f->len);
    const char *bad = frame ? rc_wire_batch(frame->batch, &batch) : "no frame";
    if (bad)
        abort(); /* we packed it */
    mesh_node_receive(e->node, e->s, &batch);
    rc_batch_fini(&batch);
}

bool mesh_hear(struct mesh_node *n)
{
    for (uint32_t i = 0; i < n->lines; i++) {
        struct mesh_end *e = n->end[(n->turn + i) % n->lines];
        struct mesh_frame *f = TAILQ_FIRST(&e->inbox);
        if (!e->s || !f || f->at > n->mesh->now)
            continue;
        n->turn = (n->turn + i + 1) % n->lines;
        TAILQ_REMOVE(&e->inbox, f, link);
        e->waiting -= f->len;
        work(e, f);
        free(f);
        return true;
    }
    return false;
}

static void note(struct mesh_count *c, const struct rc_batch *batch, size_t bytes)
{
    const struct rc_op *op;
    c->batches++;
    c->bytes += bytes;
    TAILQ_FOREACH (op, &batch->ops, link) {
        c->ops++;
        c->joins += op->kind == RC_OP_JOIN;
        c->lists += op->kind == RC_OP_LIST;
    }
}

static void send(struct mesh_end *e)
{
    struct mesh *m = e->node->mesh;
    struct mesh_end *to = &e->line->end[e == &e->line->end[0]];
    struct rc_batch batch;
    rc_batch_init(&batch);
    mesh_node_take(e->node, e->s, &batch);
    rc_arena_reset(&m->arena);
    Roomcast__Frame *frame = rc_wire_frame(&m->arena, &batch);
    size_t len = frame ? roomcast__frame__get_packed_size(frame) : SIZE_MAX;
    if (len > RC_LINK_FRAME_MAX)
        abort(); /* link/wire.h promises that it is not */
    struct mesh_frame *f = rc_zalloc(sizeof *f + len);
    f->len = roomcast__frame__pack(frame, f->bytes);
    f->at = m->now + MESH_STEP;
    TAILQ_INSERT_TAIL(&to->inbox, f, link);
    to->waiting += f->len;
    note(&e->node->count, &batch, f->len + 4);
    rc_batch_fini(&batch);
}

void mesh_flush(struct mesh_node *n)
{
    struct mesh_end *e, *again = NULL;
    while ((e = TAILQ_FIRST(&n->kicked)) && e != again) {
        TAILQ_REMOVE(&n->kicked, e, turn);
        e->kicked = false;
        if (!e->s || !rc_session_wants(e->s))
            continue;
        if (e->line->end[e == &e->line->end[0]].waiting < MESH_WINDOW)
            send(e);
        if (!rc_session_wants(e->s))
            continue;
        e->kicked = true; /* goes on in the next turn */
        TAILQ_INSERT_TAIL(&n->kicked, e, turn);
        again = again ? again : e;
    }
}
