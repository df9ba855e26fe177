/* Carries the sessions of the persister: those with brokers belong to the core, those with gateways and persisters go aside. */
#include "broker/persister/process_impl.h"
#include "clock.h"
#include "log.h"

#include <string.h>

/* ---- the core's world -------------------------------------------------------------------------------------------- */

static void world_kick(void *arg, struct rc_session *s)
{
    struct rc_persister_process *p = arg;
    rc_host_kick(p->host, s);
}

static unsigned source_of(const struct rc_persister_process *p, const struct rc_peer *broker)
{
    return rc_roster_source(&p->roster, broker->id);
}

static void leave(struct rc_persister_process *p, const struct rc_session *s)
{
    rc_roster_note(&p->roster, RC_ROSTER_SELF, &s->peer, false, rc_clock_now());
    if (s->peer.role == RC_BROKER)
        rc_roster_lost(&p->roster, source_of(p, &s->peer), rc_clock_now());
    if (s->peer.role == RC_PERSISTER)
        rc_follow_down(rc_persister_follow(p->core), s);
    if (s->peer.role == RC_FOLLOWER)
        p->followers--;
}

static void world_end(void *arg, struct rc_session *s, enum rc_end why)
{
    struct rc_persister_process *p = arg;
    leave(p, s);
    rc_host_end(p->host, s, why);
}

struct rc_world rc_persister_world(struct rc_persister_process *p)
{
    return (struct rc_world){p, rc_host_now, rc_host_random, world_kick, world_end};
}

/* ---- the host's node --------------------------------------------------------------------------------------------- */

/* Gateways come for history. Whether one of them is a twin is the brokers' business. */
static enum rc_hello node_hello(void *arg, const struct rc_peer *peer, uint64_t *known_inc)
{
    const struct rc_persister_process *p = arg;
    if (peer->role == RC_PERSISTER)
        return rc_peers_hello(p, peer);
    if (peer->role == RC_FOLLOWER)
        return rc_peers_follower(p, peer, known_inc);
    return peer->role == RC_GATEWAY ? RC_HELLO_OK : RC_HELLO_UNKNOWN;
}

static struct rc_session *broker_up(struct rc_persister_process *p, const struct rc_peer *broker, uint64_t session)
{
    char why[RC_LINK_WHY], quoted[2 * RC_LINK_WHY];
    struct rc_session *s = rc_persister_up(p->core, broker, session);
    if (s && broker->topic[0] && !rc_topic_sub_dial(p->topic, broker->topic, why))
        rc_log(RC_WARN, "topic-unreachable", "broker=%s reason=%s effect=\"its records come by the link\"", broker->id,
               rc_log_quote(quoted, sizeof quoted, why, strlen(why)));
    return s;
}

static struct rc_session *peer_up(struct rc_persister_process *p, const struct rc_peer *peer, uint64_t session)
{
    struct rc_session *s = rc_aside_up(p->aside, peer, session);
    if (s && peer->role == RC_PERSISTER && !rc_follow_up(rc_persister_follow(p->core), s)) {
        rc_aside_down(p->aside, s);
        return NULL;
    }
    p->followers += s && peer->role == RC_FOLLOWER;
    return s;
}

static struct rc_session *node_up(void *arg, const struct rc_peer *peer, uint64_t session, enum rc_broker_state state)
{
    struct rc_persister_process *p = arg;
    (void)state;
    struct rc_session *s = peer->role == RC_BROKER ? broker_up(p, peer, session) : peer_up(p, peer, session);
    if (s)
        rc_roster_note(&p->roster, RC_ROSTER_SELF, peer, true, rc_clock_now());
    return s;
}

void rc_persister_forget_broker(struct rc_persister_process *p, const char *id)
{
    rc_persister_forget(p->core, id);
    rc_topic_sub_forget(p->topic, id);
    for (size_t i = 0; i < p->roster.count; i++)
        if (strcmp(p->roster.node[i].peer.id, id) == 0)
            rc_topic_sub_undial(p->topic, p->roster.node[i].peer.topic);
}

/* protocol.md S1. Sessions that are open keep the incarnation that they were opened with. */
static void node_refused(void *arg, const char *id, enum rc_hello reason, uint64_t known_inc)
{
    struct rc_persister_process *p = arg;
    if (reason == RC_HELLO_TWIN) {
        rc_log(RC_ERROR, "twin", "broker=%s reason=\"another process with our node.id has a session there\"", id);
        p->twin = true;
        rc_loop_stop(p->daemon.loop);
    }
    if (reason != RC_HELLO_OLD || known_inc < p->self.inc)
        return;
    p->self.inc = known_inc + 1;
    rc_log(RC_WARN, "incarnation-raised", "broker=%s incarnation=%llu reason=\"was the clock set back?\"", id,
           (unsigned long long)p->self.inc);
    rc_link_set_inc(rc_host_link(p->host), p->self.inc);
    rc_persister_set_inc(p->core, p->self.inc);
    rc_aside_set_inc(p->aside, p->self.inc);
}

static void node_down(void *arg, struct rc_session *s)
{
    struct rc_persister_process *p = arg;
    leave(p, s);
    if (s->peer.role == RC_BROKER)
        rc_persister_down(p->core, s);
    else
        rc_aside_down(p->aside, s);
}

static void node_take(void *arg, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    struct rc_persister_process *p = arg;
    if (s->peer.role == RC_BROKER)
        rc_persister_take(p->core, s, max_bytes, batch);
    else
        rc_aside_take(p->aside, s, max_bytes, batch);
}

static bool node_receive(void *arg, struct rc_session *s, const struct rc_batch *batch)
{
    struct rc_persister_process *p = arg;
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch->ops, link)
        if (op->kind == RC_OP_RECORD)
            rc_metric_add(&p->values[PM_LINK_RECEIVED], 1);
    return s->peer.role == RC_BROKER ? rc_persister_receive(p->core, s, batch) : rc_aside_receive(p->aside, s, batch);
}

static void node_side(void *arg, struct rc_session *s, struct rc_buf *bytes)
{
    struct rc_persister_process *p = arg;
    if (s->peer.role == RC_BROKER) {
        rc_roster_unpack(&p->roster, source_of(p, &s->peer), bytes, rc_clock_now());
        return;
    }
    if (s->peer.role != RC_GATEWAY) {
        rc_peers_side(p, s, bytes);
        return;
    }
    struct rc_answer *busy = rc_history_ask(p->history, s->id, bytes);
    if (!busy)
        return;
    rc_metric_add(&p->values[PM_HISTORY_BUSY], 1);
    rc_persister_reply(p, busy);
}

const struct rc_host_node rc_persister_node = {
    .hello = node_hello,
    .up = node_up,
    .refused = node_refused,
    .down = node_down,
    .take = node_take,
    .receive = node_receive,
    .side = node_side,
};

/* ---- topic and answers ------------------------------------------------------------------------------------------- */

void rc_persister_record(void *arg, const char *broker, uint64_t inc, const struct rc_op *record)
{
    struct rc_persister_process *p = arg;
    rc_metric_add(&p->values[PM_TOPIC_RECEIVED], 1);
    rc_persister_topic(p->core, broker, inc, record);
}

void rc_persister_reply(struct rc_persister_process *p, struct rc_answer *answer)
{
    struct rc_session *s = rc_aside_find(p->aside, answer->asker);
    if (s && answer->side)
        rc_host_side(p->host, s, rc_buf_hold(answer->side));
    rc_answer_free(answer);
}
