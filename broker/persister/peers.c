/* Sessions with other persisters: who, and what goes over them. */
#include "broker/persister/peers.h"

#include <string.h>

#include "broker/persister/log_wire.h"
#include "broker/persister/process_impl.h"
#include "log.h"

#define PROGRESS_S 10 /* seconds between two lines of the log while filling */

void rc_peers_pull(void *process, struct rc_session *s, const struct rc_pull *pull)
{
    struct rc_persister_process *p = process;
    struct rc_buf *side = rc_pull_pack(pull);
    if (side) /* else memory is short, and this session asks no more */
        rc_host_side(p->host, s, side);
}

uint64_t rc_peers_cursor(void *process, const char *peer, uint64_t store)
{
    const struct rc_persister_process *p = process;
    return rc_store_cursor(p->store, peer, store);
}

/* ---- who --------------------------------------------------------------------------------------------------------- */

enum rc_hello rc_peers_hello(const struct rc_persister_process *p, const struct rc_peer *peer)
{
    bool ours = strcmp(peer->id, p->self.id) < 0 && rc_roster_vouched(&p->roster, peer->id, RC_PERSISTER);
    return ours ? RC_HELLO_OK : RC_HELLO_UNKNOWN;
}

/* S1, of a node that no broker knows: its name must be nobody else's here, and of two processes the newer one has it. */
enum rc_hello rc_peers_follower(const struct rc_persister_process *p, const struct rc_peer *peer, uint64_t *known_inc)
{
    for (size_t i = 0; i < p->roster.count; i++)
        if (p->roster.node[i].peer.role != RC_FOLLOWER && strcmp(p->roster.node[i].peer.id, peer->id) == 0)
            return RC_HELLO_UNKNOWN;
    const struct rc_session *s = rc_aside_of(p->aside, peer->id);
    if (!s)
        return p->followers < RC_FOLLOWERS_MAX ? RC_HELLO_OK : RC_HELLO_UNKNOWN;
    if (s->peer.inc <= peer->inc)
        return RC_HELLO_OK;
    *known_inc = s->peer.inc;
    return RC_HELLO_TWIN;
}

static void dial(struct rc_persister_process *p, const struct rc_peer *peer)
{
    char why[RC_LINK_WHY], quoted[2 * RC_LINK_WHY];
    if (!rc_link_dial(rc_host_link(p->host), peer->id, peer->role, peer->link, why))
        rc_log(RC_WARN, "link-dial-failed", "id=%s reason=%s", peer->id,
               rc_log_quote(quoted, sizeof quoted, why, strlen(why)));
}

void rc_peers_dial(struct rc_persister_process *p)
{
    p->roster.changed = false;
    for (size_t i = 0; i < p->roster.count; i++) {
        const struct rc_roster_node *n = &p->roster.node[i];
        if (n->peer.role != RC_PERSISTER || strcmp(p->self.id, n->peer.id) >= 0)
            continue;
        if (n->up_by && *n->peer.link)
            dial(p, &n->peer);
        else if (!n->up_here) /* a session outlives that no broker is there to vouch for it */
            rc_link_undial(rc_host_link(p->host), n->peer.id);
    }
}

/* ---- what -------------------------------------------------------------------------------------------------------- */

void rc_peers_side(struct rc_persister_process *p, struct rc_session *s, struct rc_buf *side)
{
    if (!rc_exchange_side(p->exchange, s->id, side))
        rc_aside_end(p->aside, s, RC_END_BOUND);
}

static void take_result(struct rc_persister_process *p, struct rc_exchanged *r)
{
    struct rc_session *s = rc_aside_find(p->aside, r->session);
    bool good = r->side || r->has_page;
    if (!s)
        return;
    if (r->side) {
        rc_metric_add(&p->values[PM_LOG_SERVED], 1);
        rc_host_side(p->host, s, rc_buf_hold(r->side));
    } else if (s->peer.role == RC_FOLLOWER) {
        good = false; /* it asks, and is asked nothing */
    } else if (r->has_page) {
        good = rc_persister_page(p->core, s, &r->page);
    }
    if (!good)
        rc_aside_end(p->aside, s, RC_END_PROTOCOL);
}

void rc_peers_results(struct rc_persister_process *p)
{
    struct rc_exchanged *r;
    while ((r = rc_exchange_take(p->exchange))) {
        take_result(p, r);
        rc_exchanged_free(r);
    }
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

void rc_peers_sample(struct rc_persister_process *p)
{
    struct rc_follow_stats s;
    rc_follow_stats(rc_persister_follow(p->core), &s);
    if (s.filling && p->filling % PROGRESS_S == 0)
        rc_log(RC_INFO, p->filling ? "fill-progress" : "fill-begin",
               "behind=%llu of=%llu stored=%llu reason=\"other persisters have messages that may be missing here\"",
               (unsigned long long)s.behind, (unsigned long long)s.of, (unsigned long long)s.rows);
    if (!s.filling && p->filling)
        rc_log(RC_INFO, "fill-end", "seconds=%u stored=%llu", p->filling, (unsigned long long)s.rows);
    p->filling = s.filling ? p->filling + 1 : 0;
}
