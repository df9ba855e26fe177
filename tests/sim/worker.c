/* The worker of a simulated gateway: jobs in order, and what they do to the sockets. */
#include "worker.h"

#include "check.h"
#include "clients.h"
#include "gateways.h"

#include <stdlib.h>

static bool in_room(const struct sim_world *w, const struct sim_socket *s, const struct rc_buf *room)
{
    int i = sim_room_index(w, room);
    return i >= 0 && sim_client_in(s->client, (unsigned)i);
}

static void write_to_sockets(struct sim_gateway *g, const struct rc_msg *msg)
{
    struct sim_world *w = g->host.w;
    bool all = w->options.plant == SIM_NO_EXCEPT || !msg->except;
    bool twice = w->options.plant == SIM_TWICE && sim_chance(&w->sim.dice, 5);
    int room = sim_room_index(w, msg->room);
    for (struct sim_socket *s = w->sockets; s; s = s->next) {
        if (s->gateway != g || s->state != SIM_OPEN || !in_room(w, s, msg->room))
            continue;
        if (!all && in_room(w, s, msg->except))
            continue;
        for (int copies = twice ? 2 : 1; copies; copies--)
            sim_check_receipt(w, s, sim_message_id(w, msg->payload), (unsigned)room);
    }
}

void sim_worker_close(struct sim_socket *s, const char *why)
{
    if (s->state == SIM_CLOSED)
        return;
    if (s->state == SIM_PENDING)
        sim_check_answered(s->client->w, s);
    s->state = SIM_CLOSED;
    sim_client_closed(s, why);
}

static void read_backlog(struct sim_gateway *g, struct sim_socket *s)
{
    while (!s->stopped && s->unread) {
        struct sim_message *m = s->unread;
        s->unread = m->unread;
        if (!s->unread)
            s->unread_tail = &s->unread;
        sim_gateway_read(g, s, m);
    }
}

static void work(struct sim_gateway *g, struct sim_job *j)
{
    struct sim_socket *s = j->socket;
    switch (j->kind) {
    case SIM_DELIVER:
        write_to_sockets(g, &j->msg);
        break;
    case SIM_BARRIER:
        rc_gateway_processed(g->core, j->session, j->seq);
        break;
    case SIM_OPENED:
        if (s->state == SIM_PENDING) {
            sim_check_answered(g->host.w, s);
            sim_client_opened(s);
        }
        break;
    case SIM_CLOSE:
        sim_worker_close(s, j->why);
        break;
    case SIM_STOP:
        s->stopped = j->stop;
        read_backlog(g, s);
        break;
    }
}

static void job_free(struct sim_job *j)
{
    rc_msg_rele(&j->msg);
    free(j);
}

/* Plants: two deliveries change places; a barrier overtakes what it should wait for. */
static struct sim_job *pick(struct sim_worker *k)
{
    struct sim_job *first = TAILQ_FIRST(&k->jobs), *next = first ? TAILQ_NEXT(first, link) : NULL;
    enum sim_plant plant = k->gateway->host.w->options.plant;
    if (next && first->kind == SIM_DELIVER && plant == SIM_REORDER && next->kind == SIM_DELIVER)
        return next;
    if (next && first->kind == SIM_DELIVER && plant == SIM_EARLY_ACK && next->kind == SIM_BARRIER)
        return next;
    return first;
}

static void work_one(void *on, void *arg, uint64_t num)
{
    struct sim_worker *k = on;
    struct sim_job *j = k->stuck ? NULL : pick(k);
    (void)arg, (void)num;
    if (!j)
        return;
    TAILQ_REMOVE(&k->jobs, j, link);
    work(k->gateway, j);
    job_free(j);
}

static void work_all(struct sim_worker *k)
{
    while (!k->stuck && !TAILQ_EMPTY(&k->jobs))
        work_one(k, NULL, 0);
}

/* ---- what the gateway does with it */

void sim_worker_init(struct sim_worker *k, struct sim_gateway *g)
{
    *k = (struct sim_worker){.gateway = g};
    TAILQ_INIT(&k->jobs);
}

void sim_worker_fini(struct sim_worker *k)
{
    for (struct sim_job *j = TAILQ_FIRST(&k->jobs), *next; j; j = next) {
        next = TAILQ_NEXT(j, link);
        job_free(j);
    }
    TAILQ_INIT(&k->jobs);
}

void sim_worker_post(struct sim_worker *k, struct sim_job job)
{
    struct sim_node *node = &k->gateway->host.node;
    struct sim *sim = node->sim;
    rc_time lag = k->gateway->host.w->shape.worker_lag;
    struct sim_job *j = sim_alloc(sizeof(*j));
    *j = job;
    TAILQ_INSERT_TAIL(&k->jobs, j, link);
    if (!lag)
        return;
    rc_time at = sim->now + sim_between(&sim->dice, 0, lag);
    k->last = at > k->last ? at : k->last;
    sim_node_timer(node, k->last - sim->now, (struct sim_task){.run = work_one, .on = k});
}

void sim_worker_turn(struct sim_worker *k)
{
    if (!k->gateway->host.w->shape.worker_lag)
        work_all(k);
}

rc_time sim_worker_stuck(const struct sim_worker *k)
{
    return k->stuck_before + (k->stuck ? sim_node_now(&k->gateway->host.node) - k->stuck_since : 0);
}

static void go_on(void *on, void *arg, uint64_t num)
{
    struct sim_worker *k = on;
    (void)arg, (void)num;
    sim_trace_as(k->gateway->host.node.sim, SIM_MARK_FAULT, k->gateway->host.node.id, "its worker goes on");
    k->stuck_before = sim_worker_stuck(k);
    k->stuck = false;
    work_all(k);
    rc_gateway_alive(k->gateway->core, true);
}

void sim_worker_stick(struct sim_worker *k, rc_time dur)
{
    struct sim_node *node = &k->gateway->host.node;
    if (k->stuck)
        return;
    sim_trace_as(node->sim, SIM_MARK_FAULT, node->id, "its worker is stuck for %.0f ms", (double)dur / 1000);
    k->stuck = true;
    k->stuck_since = sim_node_now(node);
    sim_node_timer(node, dur, (struct sim_task){.run = go_on, .on = k});
}
