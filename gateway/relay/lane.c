/* One order of messages. */
#include "gateway/relay/lane.h"

#include "cluster/mem.h"

#include <string.h>

#define RING_FIRST 16
#define RING_KEEP  1024 /* what a burst made larger is given back */

static size_t weight(const struct rc_buf *side)
{
    return sizeof(struct rc_buf *) + sizeof(*side) + side->len;
}

static struct rc_buf **slot(const struct rc_lane *lane, size_t i)
{
    return &lane->ring[(lane->head + i) & (lane->cap - 1)];
}

static void grow(struct rc_lane *lane)
{
    size_t cap = lane->cap ? 2 * lane->cap : RING_FIRST;
    struct rc_buf **ring = rc_zalloc(cap * sizeof *ring);
    for (size_t i = 0; i < lane->len; i++)
        ring[i] = *slot(lane, i);
    free(lane->ring);
    lane->ring = ring;
    lane->cap = cap;
    lane->head = 0;
}

struct rc_trunk_address rc_lane_address(const struct rc_lane *lane, uint64_t wire, uint64_t number)
{
    struct rc_trunk_address to = {.inc = lane->inc,
                                  .wire = wire,
                                  .from_home = !lane->is_edge,
                                  .lane = lane->id,
                                  .number = number,
                                  .got = lane->got};
    memcpy(to.gateway, lane->gateway, sizeof to.gateway);
    return to;
}

bool rc_lane_keep(struct rc_lane *lane, uint64_t wire, const struct rc_relay *relay, rc_time now)
{
    struct rc_trunk_address to = rc_lane_address(lane, wire, lane->acked + lane->len + 1);
    struct rc_buf *side = rc_trunk_pack(&to, relay);
    if (!side || side->len > RC_TRUNK_SIDE_MAX) {
        rc_buf_rele(side);
        return false;
    }
    if (lane->len == lane->cap)
        grow(lane);
    if (!lane->len && lane->settled)
        lane->since = now; /* nobody could have got anything before */
    *slot(lane, lane->len++) = side;
    *lane->kept += weight(side);
    if (lane->settled)
        lane->untold = 0; /* it says what we got */
    return true;
}

struct rc_buf *rc_lane_next(struct rc_lane *lane)
{
    return lane->sent < lane->len ? rc_buf_hold(*slot(lane, lane->sent++)) : NULL;
}

void rc_lane_rewind(struct rc_lane *lane)
{
    lane->sent = 0;
}

static void drop_first(struct rc_lane *lane)
{
    struct rc_buf *side = *slot(lane, 0);
    *lane->kept -= weight(side);
    rc_buf_rele(side);
    lane->head++;
    lane->len--;
    lane->acked++;
    if (lane->sent)
        lane->sent--;
}

bool rc_lane_acked(struct rc_lane *lane, uint64_t got, rc_time now)
{
    if (got > lane->acked + lane->len)
        return false;
    if (got > lane->acked && lane->settled)
        lane->since = now;
    while (lane->acked < got)
        drop_first(lane);
    if (!lane->len && lane->cap > RING_KEEP)
        rc_lane_clear(lane);
    return true;
}

bool rc_lane_take(struct rc_lane *lane, uint64_t number, size_t len)
{
    bool next = number == lane->got + 1;
    if (next)
        lane->got = number;
    lane->untold += len; /* also when it came before: the other end may not know that it did */
    return next;
}

void rc_lane_clear(struct rc_lane *lane)
{
    while (lane->len)
        drop_first(lane);
    free(lane->ring);
    lane->ring = NULL;
    lane->cap = lane->head = 0;
}
