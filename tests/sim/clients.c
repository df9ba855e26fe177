/* Users and admins: when they connect, what they send, when they go. */
#include "clients.h"

#include "gateways.h"
#include "timeline.h"

#include <inttypes.h>
#include <stdlib.h>

#define SIM_TALK_FROM (5000 * SIM_MS)

static void later(struct sim_client *c, rc_time low, rc_time high, void (*run)(void *, void *, uint64_t))
{
    struct sim *sim = &c->w->sim;
    sim_at(sim, sim->now + sim_between(&sim->dice, low, high), (struct sim_task){.run = run, .on = c});
}

bool sim_client_in(const struct sim_client *c, unsigned room)
{
    return room == SIM_ROOM_ADMINS ? c->admin : room == c->user;
}

/* ---- connecting */

static void connect(void *on, void *arg, uint64_t num);

static void arrive(void *on, void *arg, uint64_t num)
{
    struct sim_socket *s = arg;
    (void)num;
    if (s->state == SIM_PENDING)
        sim_gateway_connect(on, s);
}

/* At the gateway's machine: nobody may listen any more. */
static void knock(void *on, void *arg, uint64_t num)
{
    struct sim_socket *s = arg;
    struct sim_gateway *g = on;
    (void)num;
    if (g->host.node.up) {
        sim_node_do(&g->host.node, (struct sim_task){.run = arrive, .on = g, .arg = s});
    } else if (s->state == SIM_PENDING) {
        s->state = SIM_CLOSED;
        sim_client_closed(s, "refused");
    }
}

static struct sim_socket *socket_new(struct sim_client *c, struct sim_gateway *g)
{
    struct sim_world *w = c->w;
    struct sim_socket *s = sim_alloc(sizeof(*s));
    *s = (struct sim_socket){.id = ++w->last_socket, .client = c, .gateway = g, .next = w->sockets};
    s->unread_tail = &s->unread;
    w->sockets = s;
    w->totals.sockets++;
    return s;
}

static void connect(void *on, void *arg, uint64_t num)
{
    struct sim_client *c = on;
    struct sim_world *w = c->w;
    (void)arg, (void)num;
    if (c->socket)
        return;
    struct sim_gateway *g = w->gateway[sim_between(&w->sim.dice, 0, w->shape.gateways - 1)];
    if (!g->host.node.up || g->draining) {
        later(c, 20 * SIM_MS, 200 * SIM_MS, connect);
        return;
    }
    c->socket = socket_new(c, g);
    sim_at(&w->sim, w->sim.now + sim_between(&w->sim.dice, 200, 3 * SIM_MS),
           (struct sim_task){.run = knock, .on = g, .arg = c->socket});
}

void sim_client_opened(struct sim_socket *s)
{
    struct sim *sim = &s->client->w->sim;
    s->state = SIM_OPEN;
    s->opened_at = sim->now;
    sim_mix(sim, s->id << 1);
    sim_trace(sim, s->gateway->host.node.id, "opens socket %" PRIu64 " of user %u%s", s->id, s->client->user,
              s->client->admin ? " (admin)" : "");
}

void sim_client_closed(struct sim_socket *s, const char *why)
{
    struct sim_client *c = s->client;
    sim_mix(&c->w->sim, s->id << 1 | 1);
    sim_trace(&c->w->sim, s->gateway->host.node.id, "closes socket %" PRIu64 ": %s", s->id, why);
    if (c->socket != s)
        return;
    c->socket = NULL;
    later(c, 20 * SIM_MS, 500 * SIM_MS, connect);
}

/* ---- talking */

static void read_message(void *on, void *arg, uint64_t num)
{
    struct sim_message *m = arg;
    (void)num;
    sim_gateway_read(on, m->from, m);
}

static struct sim_message *message_new(struct sim_client *c)
{
    struct sim_world *w = c->w;
    struct sim_message *m = sim_alloc(sizeof(*m));
    unsigned para = w->client[sim_between(&w->sim.dice, 0, w->clients - 1)].user;
    w->message = sim_grow(w->message, w->messages, &w->messages_cap, sizeof(*w->message));
    w->message[w->messages++] = m;
    *m = (struct sim_message){.id = w->messages, .from = c->socket, .n = ++c->socket->sent, .sent_at = w->sim.now};
    m->room[m->rooms++] = (uint8_t)para;
    if (!c->admin)
        m->room[m->rooms++] = SIM_ROOM_ADMINS;
    m->row = sim_chance(&w->sim.dice, 850);
    m->wants_ack = sim_chance(&w->sim.dice, 700);
    w->totals.messages++;
    if (m->id == w->options.watch)
        sim_trace_as(&w->sim, SIM_MARK_WATCHED, m->from->gateway->host.node.id,
                     "m%" PRIu64 ": socket %" PRIu64 " sends it, number %u, to user:%u%s%s", m->id, m->from->id, m->n,
                     para, m->rooms > 1 ? " and admins" : "", m->row ? ", to be stored" : "");
    return m;
}

static void say(struct sim_client *c)
{
    struct sim_world *w = c->w;
    struct sim_socket *s = c->socket;
    if (w->quiet || !s || s->state != SIM_OPEN || !s->gateway->host.node.up)
        return;
    struct sim_message *m = message_new(c);
    rc_time at = w->sim.now + sim_between(&w->sim.dice, 100, 3 * SIM_MS);
    s->out_at = at > s->out_at ? at : s->out_at;
    /* a timer of the node: lost when it crashes */
    sim_node_timer(&s->gateway->host.node, s->out_at - w->sim.now,
                   (struct sim_task){.run = read_message, .on = s->gateway, .arg = m});
}

static void talk(void *on, void *arg, uint64_t num)
{
    struct sim_client *c = on;
    struct sim_rng *dice = &c->w->sim.dice;
    (void)arg, (void)num;
    if (c->w->quiet)
        return;
    say(c);
    for (int64_t burst = sim_chance(dice, 150) ? sim_between(dice, 1, 6) : 0; burst; burst--)
        say(c);
    later(c, c->gap * 3 / 10, c->gap * 17 / 10, talk);
}

/* ---- leaving */

static void leave(void *on, void *arg, uint64_t num)
{
    struct sim_socket *s = arg;
    (void)num;
    if (s->state == SIM_OPEN)
        sim_gateway_disconnect(on, s);
}

static void churn(void *on, void *arg, uint64_t num)
{
    struct sim_client *c = on;
    struct sim_socket *s = c->socket;
    (void)arg, (void)num;
    if (c->w->quiet)
        return;
    if (s && s->state == SIM_OPEN && sim_chance(&c->w->sim.dice, 500))
        sim_node_do(&s->gateway->host.node, (struct sim_task){.run = leave, .on = s->gateway, .arg = s});
    later(c, 600 * SIM_MS, 4000 * SIM_MS, churn);
}

/* ---- the crowd */

static void client_init(struct sim_world *w, struct sim_client *c, unsigned user)
{
    struct sim_rng *plan = &w->sim.plan;
    *c = (struct sim_client){.w = w, .user = user, .admin = user == 0 || (user == 1 && w->seed % 2 == 0)};
    c->gap = sim_between(plan, 20 * SIM_MS, 260 * SIM_MS);
    sim_at(&w->sim, sim_between(plan, 0, 5500 * SIM_MS), (struct sim_task){.run = connect, .on = c});
    sim_at(&w->sim, SIM_TALK_FROM, (struct sim_task){.run = talk, .on = c});
    if (sim_chance(plan, 600))
        sim_at(&w->sim, sim_between(plan, SIM_TALK_FROM, 8000 * SIM_MS), (struct sim_task){.run = churn, .on = c});
}

void sim_clients_init(struct sim_world *w)
{
    w->users = (unsigned)sim_between(&w->sim.plan, 2, SIM_USERS_MAX);
    w->clients = w->users + (unsigned)sim_between(&w->sim.plan, 0, 3);
    w->client = sim_alloc(sizeof(*w->client) * w->clients);
    for (unsigned i = 0; i < w->clients; i++)
        client_init(w, &w->client[i], i % w->users);
}

void sim_clients_fini(struct sim_world *w)
{
    for (struct sim_socket *s = w->sockets, *next; s; s = next) {
        next = s->next;
        free(s->got);
        free(s->last);
        free(s);
    }
    for (size_t i = 0; i < w->messages; i++)
        free(w->message[i]);
    free(w->message);
    free(w->client);
}
