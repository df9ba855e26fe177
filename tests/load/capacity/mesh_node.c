/* Cores of the mesh: what a daemon's process.c does for them. */
#include "mesh.h"

#include "cluster/mem.h"

#include <stdio.h>
#include <string.h>

#define ADMIN_ROOMS 4 /* protocol.md D3 */

static rc_time world_now(void *host)
{
    return ((const struct mesh_node *)host)->mesh->now;
}

static uint64_t world_random(void *host)
{
    return mesh_random(((struct mesh_node *)host)->mesh);
}

static void world_kick(void *host, struct rc_session *s)
{
    struct mesh_node *n = host;
    struct mesh_end *end = s->line;
    if (!end || end->kicked)
        return;
    end->kicked = true;
    TAILQ_INSERT_TAIL(&n->kicked, end, turn);
}

static void world_end(void *host, struct rc_session *s, enum rc_end why)
{
    struct mesh_node *n = host;
    struct mesh_end *end = s->line;
    n->count.ended[why]++;
    if (end)
        end->s = NULL;
}

/* ---- a gateway's clients */

static struct rc_buf *room_of(const struct mesh_node *n, uint32_t client)
{
    char name[RC_ID_MAX + 32];
    int len = snprintf(name, sizeof name, "/,user:%s-%07u", n->self.id, client);
    return rc_buf_copy(name, (size_t)len);
}

static struct rc_buf *admins(uint32_t partition)
{
    char name[32];
    int len = snprintf(name, sizeof name, "/,admins/%u", partition % ADMIN_ROOMS);
    return rc_buf_copy(name, (size_t)len);
}

static void connect_client(struct mesh_node *n, uint32_t client)
{
    struct rc_buf *room[1 + ADMIN_ROOMS] = {room_of(n, client)};
    uint32_t rooms = 1;
    while (client == 0 && rooms <= ADMIN_ROOMS) {
        room[rooms] = admins(rooms - 1);
        rooms++;
    }
    rc_gateway_connect(n->gateway, client + 1, room, rooms);
    while (rooms)
        rc_buf_rele(room[--rooms]);
}

void mesh_node_fill(struct mesh_node *n)
{
    for (int i = 0; i < MESH_CONNECTS && n->missing_count && n->mesh->now >= n->refill; i++)
        connect_client(n, n->missing[--n->missing_count]);
}

/* All its clients are gone and come back, in a second or when it serves, whichever is later. */
static void lose_clients(struct mesh_node *n)
{
    n->opened = 0;
    n->refill = n->mesh->now + 1000 * RC_MS;
    n->missing_count = 0;
    for (uint32_t i = n->mesh->clients; i > 0; i--)
        n->missing[n->missing_count++] = i - 1;
}

void mesh_write(struct mesh *m, uint32_t gateway, uint32_t client, bool to_admins)
{
    struct mesh_node *n = &m->node[m->brokers + gateway], *to = &m->node[m->brokers + (gateway + 1) % m->gateways];
    if (!n->up)
        return;
    struct rc_emit emit = {.socket = 1, .token = 1, .wants_ack = true, .n = to_admins ? 2 : 1, .fecha = m->now};
    emit.payload = rc_buf_copy(&m->now, sizeof m->now);
    emit.room[0] = room_of(to, client);
    emit.room[1] = admins(gateway);
    m->sent += rc_gateway_emit(n->gateway, &emit) == RC_OUTCOME_OK;
    rc_buf_rele(emit.payload);
    rc_buf_rele(emit.room[0]);
    rc_buf_rele(emit.room[1]);
}

static void on_opened(void *host, uint64_t socket)
{
    (void)socket;
    ((struct mesh_node *)host)->opened++;
}

static void on_closed(void *host, uint64_t socket, enum rc_socket_end why)
{
    struct mesh_node *n = host;
    (void)why;
    n->missing[n->missing_count++] = (uint32_t)socket - 1;
    n->mesh->refused++;
}

static void on_deliver(void *host, const struct rc_msg *msg)
{
    struct mesh *m = ((struct mesh_node *)host)->mesh;
    rc_time sent;
    memcpy(&sent, msg->payload->data, sizeof sent);
    m->delivered++;
    if (m->now - sent > m->slowest)
        m->slowest = m->now - sent;
}

static void on_barrier(void *host, uint64_t session, uint64_t seq)
{
    struct mesh_node *n = host;
    n->barrier[n->barriers].session = session;
    n->barrier[n->barriers++].seq = seq;
}

static void on_result(void *host, uint64_t socket, uint64_t token, enum rc_outcome outcome)
{
    struct mesh *m = ((struct mesh_node *)host)->mesh;
    (void)socket, (void)token;
    *(outcome == RC_OUTCOME_OK ? &m->confirmed : &m->failed) += 1;
}

static void on_pause(void *host, uint64_t socket, bool stop)
{
    (void)host, (void)socket, (void)stop;
}

static void on_fenced(void *host, uint64_t inc)
{
    struct mesh_node *n = host;
    n->self.inc = inc;
    n->fences++;
    lose_clients(n);
}

/* ---- life */

static void boot_broker(struct mesh_node *n, const struct rc_world *world)
{
    static const struct rc_broker_events none = {0};
    struct rc_broker_config config = {.inc = n->self.inc,
                                      .times = n->mesh->times,
                                      .n = n->mesh->brokers,
                                      .broker = n->mesh->member,
                                      .topic_bound = (size_t)256 << 20,
                                      .waiting_bound = (size_t)64 << 20,
                                      .gateway_bound = (size_t)16 << 20};
    memcpy(config.id, n->self.id, sizeof config.id);
    n->broker = rc_broker_new(&config, world, &none);
}

static void boot_gateway(struct mesh_node *n, const struct rc_world *world)
{
    static const struct rc_gateway_events events = {on_opened, on_closed, on_deliver, on_barrier,
                                                    on_result, on_pause,  on_fenced};
    struct rc_gateway_config config = {.inc = n->self.inc,
                                       .times = n->mesh->times,
                                       .k = n->mesh->k,
                                       .n = n->mesh->brokers,
                                       .broker = n->mesh->member,
                                       .bound = (size_t)64 << 20,
                                       .socket_bound = (size_t)256 << 10,
                                       .credit = (size_t)4 << 20,
                                       .receiver_max = 1 << 20};
    memcpy(config.id, n->self.id, sizeof config.id);
    n->gateway = rc_gateway_new(&config, world, &events);
    free(n->missing);
    n->missing = rc_zarray(n->mesh->clients, sizeof *n->missing);
    lose_clients(n);
}

void mesh_node_boot(struct mesh_node *n)
{
    struct rc_world world = {n, world_now, world_random, world_kick, world_end};
    n->up = true;
    n->frozen = false;
    n->self.inc++;
    n->tick = n->mesh->now + (rc_time)(world_random(n) % (uint64_t)n->mesh->times.tick);
    n->busy = n->mesh->now;
    n->barriers = 0;
    if (n->self.role == RC_BROKER)
        boot_broker(n, &world);
    else
        boot_gateway(n, &world);
}

void mesh_node_fini(struct mesh_node *n)
{
    n->up = false;
    rc_broker_free(n->broker);
    rc_gateway_free(n->gateway);
    n->broker = NULL;
    n->gateway = NULL;
}

/* ---- calls into either core */

static void pass_barriers(struct mesh_node *n)
{
    for (uint32_t i = 0; i < n->barriers; i++)
        rc_gateway_processed(n->gateway, n->barrier[i].session, n->barrier[i].seq);
    n->barriers = 0;
}

void mesh_node_tick(struct mesh_node *n)
{
    if (n->broker)
        rc_broker_tick(n->broker);
    else
        rc_gateway_tick(n->gateway);
}

struct rc_session *mesh_node_up(struct mesh_node *n, const struct rc_peer *peer, uint64_t session,
                                enum rc_broker_state state)
{
    return n->broker ? rc_broker_up(n->broker, peer, session) : rc_gateway_up(n->gateway, peer, session, state);
}

void mesh_node_down(struct mesh_node *n, struct rc_session *s)
{
    if (n->broker)
        rc_broker_down(n->broker, s);
    else
        rc_gateway_down(n->gateway, s);
}

void mesh_node_take(struct mesh_node *n, struct rc_session *s, struct rc_batch *batch)
{
    if (n->broker)
        rc_broker_take(n->broker, s, 256u << 10, batch);
    else
        rc_gateway_take(n->gateway, s, 256u << 10, batch);
}

void mesh_node_receive(struct mesh_node *n, struct rc_session *s, const struct rc_batch *batch)
{
    if (n->broker) {
        rc_broker_receive(n->broker, s, batch);
        return;
    }
    rc_gateway_check_fence(n->gateway);
    if (s->line && ((struct mesh_end *)s->line)->s == s)
        rc_gateway_receive(n->gateway, s, batch);
    pass_barriers(n);
}
