/* Which broker each lane goes over. */
#include "gateway/relay/lanes_impl.h"

#include "log.h"

#include <string.h>

#define SHUNNED 10 /* times the session timeout: a broker that did no good is the last to be asked */
#define BURIED  5  /* times the patience: an edge has given up long before, and cannot begin this lane again */

void rc_lanes_up(struct rc_lanes *lanes, struct rc_session *s)
{
    if (lanes->n < RC_BROKERS_MAX)
        lanes->broker[lanes->n++] = s;
}

/* No way any more; the edge looks for another one: at once, or at the next tick if this one did no good. */
static void lose(struct rc_lanes *lanes, struct rc_lane *lane)
{
    lane->shunned = lane->via;
    lane->shunned_at = lanes->now;
    lane->via = NULL;
    if (!lane->settled)
        return;
    lane->settled = false;
    lane->since = lanes->now;
    lane->hurry = lane->is_edge;
    lanes->hurry |= lane->is_edge;
    if (lane->is_edge && !lane->streams && !lane->len)
        rc_lanes_free(lanes, lane); /* nobody misses it */
}

static void lose_all(struct rc_lanes *lanes, const struct rc_session *via, const char *gateway)
{
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&lanes->lanes, entry, next) {
        struct rc_lane *lane = entry->value;
        if (lane->via == via && (!gateway || strcmp(lane->gateway, gateway) == 0))
            lose(lanes, lane);
    }
}

/* It is freed, and its place may be another one's. */
static void forget_shunned(struct rc_lanes *lanes, const struct rc_session *s)
{
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&lanes->lanes, entry, next) {
        struct rc_lane *lane = entry->value;
        if (lane->shunned == s)
            lane->shunned = NULL;
    }
}

void rc_lanes_down(struct rc_lanes *lanes, const struct rc_session *s)
{
    for (unsigned i = 0; i < lanes->n; i++)
        if (lanes->broker[i] == s)
            lanes->broker[i--] = lanes->broker[--lanes->n];
    lose_all(lanes, s, NULL);
    forget_shunned(lanes, s);
}

void rc_lanes_lost(struct rc_lanes *lanes, const struct rc_session *s, const char *gateway)
{
    lose_all(lanes, s, gateway);
}

static bool is_shunned(const struct rc_lanes *lanes, const struct rc_lane *lane, const struct rc_session *s)
{
    return lane && lane->shunned == s && lanes->now - lane->shunned_at < SHUNNED * lanes->config.silence;
}

/* How well a broker does for a lane (NULL: a new one), 0: not at all. */
static unsigned rank(const struct rc_lanes *lanes, const struct rc_roster_node *node, const struct rc_lane *lane,
                     const struct rc_session *s)
{
    unsigned source = rc_roster_source(lanes->config.roster, s->peer.id);
    bool now = lane && lane->settled && lane->via == s;
    if (source >= RC_BROKERS_MAX || !(node->up_by & (uint64_t)1 << source))
        return 0;
    if (is_shunned(lanes, lane, s))
        return 1;
    if (lanes->config.drains(lanes->config.host, s))
        return now ? 3 : 2;
    return lane && source == lane->id % RC_BROKERS_MAX ? 6 : now ? 5 : 4;
}

/* The broker for a lane, in turns where it makes no difference; NULL: none has sessions with both. */
static struct rc_session *choose(struct rc_lanes *lanes, const struct rc_roster_node *node, const struct rc_lane *lane)
{
    unsigned best = 0, at = 0;
    for (unsigned i = 0; i < lanes->n; i++) {
        unsigned here = (lanes->next + i) % lanes->n, r = rank(lanes, node, lane, lanes->broker[here]);
        if (r <= best)
            continue;
        best = r;
        at = here;
    }
    if (!best)
        return NULL;
    if (!lane || !lane->settled)
        lanes->next = (at + 1) % lanes->n;
    return lanes->broker[at];
}

static const struct rc_roster_node *find_node(const struct rc_lanes *lanes, const char *gateway)
{
    const struct rc_roster *roster = lanes->config.roster;
    for (size_t i = 0; i < roster->count; i++)
        if (roster->node[i].peer.role == RC_GATEWAY && strcmp(roster->node[i].peer.id, gateway) == 0)
            return &roster->node[i];
    return NULL;
}

/* The gateway whose sessions have this number in their ids, NULL: not there. */
static const struct rc_roster_node *find_by_number(const struct rc_roster *roster, uint64_t gateway)
{
    for (size_t i = 0; i < roster->count; i++) {
        const struct rc_roster_node *node = &roster->node[i];
        if (node->peer.role == RC_GATEWAY && node->up_by && rc_sid_gateway(node->peer.id) == gateway)
            return node;
    }
    return NULL;
}

/* A gateway that is nowhere may be there again in a moment, as those that have streams to it hope. */
static struct rc_lane *find_hopeful(const struct rc_lanes *lanes, uint64_t gateway)
{
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&lanes->lanes, entry, next) {
        struct rc_lane *lane = entry->value;
        if (lane->is_edge && rc_sid_gateway(lane->gateway) == gateway)
            return lane;
    }
    return NULL;
}

struct rc_lane *rc_lanes_to(struct rc_lanes *lanes, uint64_t gateway)
{
    const struct rc_roster_node *node = find_by_number(lanes->config.roster, gateway);
    struct rc_session *via = node ? choose(lanes, node, NULL) : NULL;
    if (!via)
        return find_hopeful(lanes, gateway);
    uint64_t index = rc_roster_source(lanes->config.roster, via->peer.id);
    struct rc_lane *lane = rc_lanes_at(lanes, node->peer.id, index, true);
    if (lane && lane->inc != node->peer.inc) {
        rc_lanes_kill(lanes, lane, RC_CLOSE_RELAY);
        lane = NULL;
    }
    return lane ? lane
                : rc_lanes_add(lanes, node->peer.id, node->peer.inc, ++lanes->last * RC_BROKERS_MAX + index, true);
}

/* Asks the home to meet over the best broker, if the lane does not go over that already. May end the lane: its home began again. */
static void find_way(struct rc_lanes *lanes, struct rc_lane *lane)
{
    const struct rc_roster_node *node = find_node(lanes, lane->gateway);
    lane->hurry = false;
    if (node && node->peer.inc > lane->inc) {
        rc_lanes_kill(lanes, lane, RC_CLOSE_RELAY);
        return;
    }
    struct rc_session *s = node ? choose(lanes, node, lane) : NULL;
    if (lane->settled && (!s || s == lane->via))
        return;
    if (lane->settled)
        lane->since = lanes->now;
    lane->settled = false;
    lane->via = s;
    lane->asked = lanes->now;
    if (!s)
        return;
    struct rc_trunk_address to = rc_lane_address(lane, 0, lane->acked);
    lane->untold = 0;
    rc_lanes_tell(lanes, s, rc_trunk_pack_way(&to, ++lane->way, false));
}

void rc_ways_hurry(struct rc_lanes *lanes)
{
    struct rc_map_entry *entry, *next;
    lanes->hurry = false;
    RC_MAP_FOREACH (&lanes->lanes, entry, next) {
        struct rc_lane *lane = entry->value;
        if (lane->hurry)
            find_way(lanes, lane);
    }
}

/* What was sent on it got nowhere for long: it was refused, and who refused it could not tell. */
static bool is_stuck(const struct rc_lanes *lanes, const struct rc_lane *lane)
{
    return lane->settled && lane->sent && lanes->now - lane->since > lanes->config.silence;
}

static bool is_unanswered(const struct rc_lanes *lanes, const struct rc_lane *lane)
{
    return !lane->settled && lane->via && lanes->now - lane->asked > lanes->config.silence / 2;
}

void rc_ways_tick(struct rc_lanes *lanes, struct rc_lane *lane)
{
    rc_time patience = RC_LANES_PATIENCE * lanes->config.silence, waited = lanes->now - lane->since;
    if (lane->dead) {
        if (waited > BURIED * patience)
            rc_lanes_free(lanes, lane);
    } else if (!lane->settled && waited > patience) {
        rc_lanes_kill(lanes, lane, RC_CLOSE_RELAY);
    } else if (!lane->is_edge) {
        if (is_stuck(lanes, lane))
            rc_lanes_settle(lanes, lane); /* sends all again */
    } else if (is_stuck(lanes, lane) || is_unanswered(lanes, lane)) {
        lose(lanes, lane);
    } else if (lane->settled || !lane->via) {
        find_way(lanes, lane);
    }
}
