/* Which lanes there are, what goes out on them and comes in. */
#include "gateway/relay/lanes_impl.h"

#include "cluster/mem.h"
#include "log.h"

#include <inttypes.h>
#include <string.h>

#define TOLD_AT RC_SESSION_ACK_BYTES /* bytes after which the other end is told before the tick */
#define QUANTUM 64                   /* messages of one lane before another one's */

struct place {
    char gateway[RC_ID_MAX + 1];
    uint8_t index, is_edge;
};

static struct place place_of(const char *gateway, uint64_t id, bool is_edge)
{
    struct place place = {.index = (uint8_t)(id % RC_BROKERS_MAX), .is_edge = is_edge};
    memcpy(place.gateway, gateway, strlen(gateway));
    return place;
}

void rc_lanes_init(struct rc_lanes *lanes, const struct rc_lanes_config *config)
{
    *lanes = (struct rc_lanes){.config = *config};
    rc_map_init(&lanes->lanes, 0); /* keys are of nodes that have the secret */
    TAILQ_INIT(&lanes->pending);
}

struct rc_lane *rc_lanes_at(const struct rc_lanes *lanes, const char *gateway, uint64_t id, bool is_edge)
{
    struct place place = place_of(gateway, id, is_edge);
    return rc_map_get(&lanes->lanes, &place, sizeof place);
}

struct rc_lane *rc_lanes_find(const struct rc_lanes *lanes, const struct rc_trunk_address *from)
{
    struct rc_lane *lane = rc_lanes_at(lanes, from->gateway, from->lane, from->from_home);
    return lane && !lane->dead && lane->id == from->lane && lane->inc == from->inc ? lane : NULL;
}

struct rc_lane *rc_lanes_add(struct rc_lanes *lanes, const char *gateway, uint64_t inc, uint64_t id, bool is_edge)
{
    if (lanes->lanes.count >= RC_LANES_MAX)
        return NULL;
    struct place place = place_of(gateway, id, is_edge);
    struct rc_lane *lane = rc_zalloc(sizeof *lane);
    *lane = (struct rc_lane){
        .is_edge = is_edge, .hurry = is_edge, .inc = inc, .id = id, .since = lanes->now, .kept = &lanes->kept};
    memcpy(lane->gateway, gateway, strlen(gateway));
    rc_map_put(&lanes->lanes, &place, sizeof place)->value = lane;
    lanes->hurry |= is_edge;
    return lane;
}

static void stop_sending(struct rc_lanes *lanes, struct rc_lane *lane)
{
    if (lane->pending)
        TAILQ_REMOVE(&lanes->pending, lane, link);
    lane->pending = false;
    rc_lane_clear(lane);
}

void rc_lanes_free(struct rc_lanes *lanes, struct rc_lane *lane)
{
    struct place place = place_of(lane->gateway, lane->id, lane->is_edge);
    stop_sending(lanes, lane);
    rc_map_del(&lanes->lanes, &place, sizeof place);
    free(lane);
}

void rc_lanes_kill(struct rc_lanes *lanes, struct rc_lane *lane, enum rc_close why)
{
    if (lane->streams) {
        rc_log(RC_WARN, "relays-ended", "gateway=%s streams=%zu reason=\"no broker leads there any more\"",
               lane->gateway, lane->streams);
        lanes->config.over(lanes->config.user, lane, why);
    }
    if (lane->is_edge) {
        rc_lanes_free(lanes, lane);
        return;
    }
    stop_sending(lanes, lane);
    lane->dead = true;
    lane->settled = false;
    lane->via = NULL;
    lane->since = lanes->now;
}

void rc_lanes_end(struct rc_lanes *lanes)
{
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&lanes->lanes, entry, next) {
        struct rc_lane *lane = entry->value;
        lanes->config.over(lanes->config.user, lane, RC_CLOSE_RELAY);
        rc_lanes_free(lanes, lane);
    }
}

void rc_lanes_fini(struct rc_lanes *lanes)
{
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&lanes->lanes, entry, next)
        rc_lanes_free(lanes, entry->value);
    rc_map_fini(&lanes->lanes);
}

/* Out */

bool rc_lanes_full(const struct rc_session *s)
{
    return s->out_bytes + s->flight_bytes > RC_LANES_UNDER_WAY;
}

void rc_lanes_tell(struct rc_lanes *lanes, struct rc_session *s, struct rc_buf *side)
{
    if (side)
        lanes->config.side(lanes->config.host, s, side);
}

static void mark_pending(struct rc_lanes *lanes, struct rc_lane *lane)
{
    if (lane->pending || !lane->settled || lane->sent == lane->len)
        return;
    lane->pending = true;
    TAILQ_INSERT_TAIL(&lanes->pending, lane, link);
}

void rc_lanes_settle(struct rc_lanes *lanes, struct rc_lane *lane)
{
    lane->settled = true;
    lane->since = lanes->now;
    rc_lane_rewind(lane);
    mark_pending(lanes, lane);
}

bool rc_lanes_send(struct rc_lanes *lanes, struct rc_lane *lane, uint64_t wire, const struct rc_relay *relay,
                   bool force)
{
    if (lanes->kept >= RC_LANES_KEPT_MAX + (force ? RC_LANES_ENDS_MAX : 0))
        return false;
    if (!rc_lane_keep(lane, wire, relay, lanes->now))
        return false;
    mark_pending(lanes, lane);
    return true;
}

/* Some messages of the first lane; true: there was something to send. */
static bool send_some(struct rc_lanes *lanes, struct rc_lane *lane)
{
    struct rc_buf *side;
    unsigned n = 0;
    TAILQ_REMOVE(&lanes->pending, lane, link);
    lane->pending = false;
    while (lane->settled && n < QUANTUM && !rc_lanes_full(lane->via) && (side = rc_lane_next(lane))) {
        lanes->config.side(lanes->config.host, lane->via, side);
        n++;
    }
    mark_pending(lanes, lane);
    return n > 0;
}

void rc_lanes_pump(struct rc_lanes *lanes)
{
    bool more = true;
    if (lanes->hurry)
        rc_ways_hurry(lanes);
    while (more) { /* in turns, until all is sent or their brokers take no more */
        struct rc_lane *lane, *last = TAILQ_LAST(&lanes->pending, rc_lane_list);
        bool end = !last;
        more = false;
        while (!end && (lane = TAILQ_FIRST(&lanes->pending))) {
            end = lane == last;
            more |= send_some(lanes, lane);
        }
    }
}

/* In */

static void tell_got(struct rc_lanes *lanes, struct rc_lane *lane)
{
    struct rc_trunk_address to = rc_lane_address(lane, 0, 0);
    rc_lanes_tell(lanes, lane->via, rc_trunk_pack_got(&to));
    lane->untold = 0;
}

/* False: this cannot be, and the lane has ended. */
static bool is_possible(struct rc_lanes *lanes, struct rc_lane *lane, const struct rc_trunk_address *from)
{
    if (rc_lane_acked(lane, from->got, lanes->now))
        return true;
    rc_log(RC_WARN, "relay-broken", "gateway=%s lane=%" PRIx64 " reason=\"it got what was never sent\"", lane->gateway,
           lane->id);
    rc_lanes_kill(lanes, lane, RC_CLOSE_RELAY);
    return false;
}

/* The other end takes a lane for good that has ended here. */
static void say_unknown(struct rc_lanes *lanes, struct rc_session *s, const struct rc_trunk_address *from)
{
    struct rc_trunk_address back = *from;
    back.from_home = !from->from_home;
    back.number = back.got = back.wire = 0;
    if (!rc_lanes_full(s))
        rc_lanes_tell(lanes, s, rc_trunk_pack_way(&back, 0, true));
}

struct rc_lane *rc_lanes_take(struct rc_lanes *lanes, struct rc_session *s, const struct rc_trunk_address *from,
                              size_t len)
{
    struct rc_lane *lane = rc_lanes_find(lanes, from);
    if (!lane) {
        say_unknown(lanes, s, from);
        return NULL;
    }
    if (!is_possible(lanes, lane, from))
        return NULL;
    bool next = rc_lane_take(lane, from->number, len);
    if (lane->untold >= TOLD_AT && lane->settled)
        tell_got(lanes, lane);
    return next ? lane : NULL;
}

void rc_lanes_got(struct rc_lanes *lanes, const struct rc_trunk_address *from)
{
    struct rc_lane *lane = rc_lanes_find(lanes, from);
    if (lane)
        is_possible(lanes, lane, from);
}

/* A way at the home. A lane that it does not know can begin only if nobody knew it before. */
static void take_way(struct rc_lanes *lanes, struct rc_session *s, const struct rc_trunk_side *side)
{
    const struct rc_trunk_address *from = &side->from;
    struct rc_lane *lane = rc_lanes_at(lanes, from->gateway, from->lane, false);
    if (lane && (from->inc < lane->inc || (from->inc == lane->inc && from->lane < lane->id)))
        return; /* was replaced */
    if (lane && (from->inc > lane->inc || from->lane > lane->id)) {
        rc_lanes_kill(lanes, lane, RC_CLOSE_RELAY);
        rc_lanes_free(lanes, lane);
        lane = NULL;
    }
    if (!lane && !from->number && !from->got)
        lane = rc_lanes_add(lanes, from->gateway, from->inc, from->lane, false);
    if (lane && !lane->dead && from->number > lane->got)
        rc_lanes_kill(lanes, lane, RC_CLOSE_RELAY); /* it takes for got what we have not */
    if (!lane || lane->dead || !is_possible(lanes, lane, from)) {
        say_unknown(lanes, s, from);
        return;
    }
    if (side->way <= lane->way)
        return; /* came later than a newer one */
    lane->via = s;
    lane->way = side->way;
    lane->untold = 0;
    struct rc_trunk_address to = rc_lane_address(lane, 0, lane->acked);
    rc_lanes_tell(lanes, s, rc_trunk_pack_way(&to, lane->way, false));
    rc_lanes_settle(lanes, lane);
}

/* The home's answer. */
static void take_answer(struct rc_lanes *lanes, const struct rc_session *s, const struct rc_trunk_side *side)
{
    struct rc_lane *lane = rc_lanes_find(lanes, &side->from);
    if (!lane || lane->settled || lane->via != s || side->way != lane->way)
        return;
    if (!is_possible(lanes, lane, &side->from))
        return;
    if (lane->way > 1) {
        lanes->moves++;
        rc_log(RC_INFO, "relays-moved", "gateway=%s broker=%s streams=%zu", lane->gateway, s->peer.id, lane->streams);
    }
    rc_lanes_settle(lanes, lane);
}

void rc_lanes_way(struct rc_lanes *lanes, struct rc_session *s, const struct rc_trunk_side *side)
{
    struct rc_lane *lane = side->unknown ? rc_lanes_find(lanes, &side->from) : NULL;
    if (lane)
        rc_lanes_kill(lanes, lane, RC_CLOSE_RELAY);
    else if (!side->unknown && side->from.from_home)
        take_answer(lanes, s, side);
    else if (!side->unknown)
        take_way(lanes, s, side);
}

void rc_lanes_tick(struct rc_lanes *lanes, rc_time now)
{
    struct rc_map_entry *entry, *next;
    lanes->now = now;
    RC_MAP_FOREACH (&lanes->lanes, entry, next) {
        struct rc_lane *lane = entry->value;
        if (lane->untold && lane->settled)
            tell_got(lanes, lane);
        rc_ways_tick(lanes, lane);
    }
}
