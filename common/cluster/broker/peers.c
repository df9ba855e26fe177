/* Section 8 at a broker: the other brokers, added and removed while it runs. */
#include "cluster/broker/broker_impl.h"
#include "cluster/mem.h"

#include <string.h>

static void add(struct rc_broker *b, const struct rc_member *member, bool voter)
{
    struct rc_bk_peer *p = rc_zalloc(sizeof *p);
    p->member = *member;
    p->voter = voter;
    p->contact = RC_NEVER;
    TAILQ_INSERT_TAIL(&b->peers, p, link);
}

static void drop(struct rc_broker *b, struct rc_bk_peer *p)
{
    TAILQ_REMOVE(&b->peers, p, link);
    if (p->s)
        rc_session_free(p->s);
    free(p->list);
    free(p);
}

void rc_bk_peers_init(struct rc_broker *b, const struct rc_member *broker, uint32_t n)
{
    TAILQ_INIT(&b->peers);
    memcpy(b->self.id, b->config.id, sizeof b->self.id);
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(broker[i].id, b->self.id) == 0)
            b->self = broker[i];
        else
            add(b, &broker[i], true);
}

void rc_bk_peers_fini(struct rc_broker *b)
{
    struct rc_bk_peer *p;
    while ((p = TAILQ_FIRST(&b->peers)))
        drop(b, p);
}

struct rc_bk_peer *rc_bk_peer_find(const struct rc_broker *b, const char *id)
{
    struct rc_bk_peer *p;
    TAILQ_FOREACH (p, &b->peers, link)
        if (strcmp(p->member.id, id) == 0)
            return p;
    return NULL;
}

static void configured(const struct rc_broker *b, struct rc_roll_list *out)
{
    const struct rc_bk_peer *p;
    *out = (struct rc_roll_list){.member = {b->self}, .n = 1};
    TAILQ_FOREACH (p, &b->peers, link) {
        if (!p->voter)
            out->pending = p->member.id;
        out->member[out->n++] = p->member;
    }
}

static void remove_peer(struct rc_broker *b, struct rc_bk_peer *p)
{
    if (p->s)
        rc_bk_end(b, p->s, RC_END_REMOVED);
    drop(b, p);
}

enum rc_roll rc_broker_brokers(struct rc_broker *b, const struct rc_member *broker, uint32_t n)
{
    struct rc_roll_list before;
    const struct rc_member *which;
    configured(b, &before);
    enum rc_roll roll = rc_roll_judge(&before, broker, n, &which);
    if (!rc_roll_good(roll) || roll == RC_ROLL_NONE)
        return roll;
    if (roll == RC_ROLL_REMOVED && strcmp(which->id, b->self.id) == 0)
        return RC_ROLL_SELF;
    if (roll == RC_ROLL_ADDED)
        add(b, which, false);
    else
        remove_peer(b, rc_bk_peer_find(b, which->id));
    b->fitness.dirty = true;
    rc_bk_announce(b);
    return roll;
}
