/* Which stream goes where. */
#include "gateway/relay/trunk.h"

#include "cluster/mem.h"
#include "gateway/relay/lanes.h"
#include "log.h"

#include <string.h>

struct line {
    uint64_t number; /* of the stream here */
    struct rc_lane *lane;
    uint64_t wire;   /* number of the stream at its edge */
    uint32_t lent;   /* bytes that the far end may still send */
    uint32_t unpaid; /* bytes that it got and has not credited */
};

struct rc_trunk {
    struct rc_trunk_config config;
    struct rc_lanes lanes;
    struct rc_map lines;  /* number (8 bytes) -> struct line */
    struct rc_map guests; /* the edge's name for a stream (struct guest_key) -> struct line */
    uint64_t last_guest;
};

struct guest_key {
    const struct rc_lane *lane;
    uint64_t wire;
};

static void over(void *self, struct rc_lane *lane, enum rc_close why);

struct rc_trunk *rc_trunk_new(const struct rc_trunk_config *config)
{
    struct rc_trunk *trunk = rc_zalloc(sizeof *trunk);
    trunk->config = *config;
    rc_lanes_init(&trunk->lanes, &(struct rc_lanes_config){.roster = config->roster,
                                                           .silence = config->silence,
                                                           .host = config->host,
                                                           .side = config->side,
                                                           .drains = config->drains,
                                                           .user = trunk,
                                                           .over = over});
    trunk->lanes.now = config->now;
    rc_map_init(&trunk->lines, 0); /* keys are our own counters, and those of nodes that have the secret */
    rc_map_init(&trunk->guests, 0);
    return trunk;
}

void rc_trunk_workers(struct rc_trunk *trunk, unsigned workers)
{
    trunk->config.workers = workers;
}

size_t rc_trunk_count(const struct rc_trunk *trunk)
{
    return trunk->lines.count;
}

size_t rc_trunk_kept(const struct rc_trunk *trunk)
{
    return trunk->lanes.kept;
}

uint64_t rc_trunk_moves(const struct rc_trunk *trunk)
{
    return trunk->lanes.moves;
}

static bool is_full(const struct rc_trunk *trunk)
{
    return trunk->lines.count >= RC_TRUNK_STREAMS_MAX;
}

static struct line *add(struct rc_trunk *trunk, uint64_t number, struct rc_lane *lane, uint64_t wire)
{
    struct line *line = rc_zalloc(sizeof *line);
    *line = (struct line){.number = number, .lane = lane, .wire = wire, .lent = RC_RELAY_WINDOW};
    rc_map_put(&trunk->lines, &number, sizeof number)->value = line;
    if (!lane->is_edge) {
        struct guest_key key = {lane, wire};
        rc_map_put(&trunk->guests, &key, sizeof key)->value = line;
    }
    lane->streams++;
    return line;
}

static void forget(struct rc_trunk *trunk, struct line *line)
{
    rc_map_del(&trunk->lines, &line->number, sizeof line->number);
    if (!line->lane->is_edge) {
        struct guest_key key = {line->lane, line->wire};
        rc_map_del(&trunk->guests, &key, sizeof key);
    }
    line->lane->streams--;
    free(line);
}

void rc_trunk_free(struct rc_trunk *trunk)
{
    struct rc_map_entry *entry, *next;
    if (!trunk)
        return;
    RC_MAP_FOREACH (&trunk->lines, entry, next)
        free(entry->value);
    rc_map_fini(&trunk->lines);
    rc_map_fini(&trunk->guests);
    rc_lanes_fini(&trunk->lanes);
    free(trunk);
}

/* Ends */

/* Tells our worker that a stream is over. */
static void close_here(struct rc_trunk *trunk, uint64_t number, enum rc_close why)
{
    trunk->config.down(trunk->config.host, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .stream = number, .why = why});
}

static void close_both(struct rc_trunk *trunk, struct line *line, enum rc_close why)
{
    rc_lanes_send(&trunk->lanes, line->lane, line->wire, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .why = why}, true);
    close_here(trunk, line->number, why);
    forget(trunk, line);
}

static void over(void *self, struct rc_lane *lane, enum rc_close why)
{
    struct rc_trunk *trunk = self;
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&trunk->lines, entry, next) {
        struct line *line = entry->value;
        if (line->lane != lane)
            continue;
        close_here(trunk, line->number, why);
        forget(trunk, line);
    }
}

/* Brokers */

void rc_trunk_up(struct rc_trunk *trunk, struct rc_session *s)
{
    rc_lanes_up(&trunk->lanes, s);
}

void rc_trunk_down(struct rc_trunk *trunk, struct rc_session *s)
{
    rc_lanes_down(&trunk->lanes, s);
}

void rc_trunk_end(struct rc_trunk *trunk)
{
    rc_lanes_end(&trunk->lanes);
}

/* From workers */

static struct line *open_line(struct rc_trunk *trunk, const struct rc_relay *relay)
{
    bool full = is_full(trunk);
    struct rc_lane *lane = full ? NULL : rc_lanes_to(&trunk->lanes, relay->sid.gateway);
    if (lane)
        return add(trunk, relay->stream, lane, relay->stream);
    close_here(trunk, relay->stream, full ? RC_CLOSE_BUSY : RC_CLOSE_RELAY);
    return NULL;
}

void rc_trunk_send(struct rc_trunk *trunk, const struct rc_relay *relay)
{
    bool closes = relay->kind == RC_RELAY_CLOSE;
    struct line *line = relay->kind == RC_RELAY_OPEN ? open_line(trunk, relay)
                                                     : rc_map_get(&trunk->lines, &relay->stream, sizeof relay->stream);
    if (!line)
        return;
    if (relay->kind == RC_RELAY_DATA) {
        line->unpaid += relay->data ? relay->data->len : 0;
        line->lent += relay->credit;
    }
    bool sent = rc_lanes_send(&trunk->lanes, line->lane, line->wire, relay, closes);
    if (closes)
        forget(trunk, line);
    else if (!sent)
        close_both(trunk, line, RC_CLOSE_BUSY);
}

void rc_trunk_pump(struct rc_trunk *trunk)
{
    rc_lanes_pump(&trunk->lanes);
}

void rc_trunk_tick(struct rc_trunk *trunk, rc_time now)
{
    rc_lanes_tick(&trunk->lanes, now);
}

/* From brokers */

static struct line *find_line(struct rc_trunk *trunk, const struct rc_lane *lane, uint64_t wire)
{
    struct guest_key key = {lane, wire};
    struct line *line =
        lane->is_edge ? rc_map_get(&trunk->lines, &wire, sizeof wire) : rc_map_get(&trunk->guests, &key, sizeof key);
    return line && line->lane == lane ? line : NULL;
}

/* A request of a client that is connected to another gateway. */
static void take_open(struct rc_trunk *trunk, struct rc_lane *lane, uint64_t wire, struct rc_relay *relay)
{
    bool ours = relay->sid.gateway == rc_sid_gateway(trunk->config.id) && relay->sid.worker < trunk->config.workers;
    bool full = is_full(trunk);
    if (!ours || full || lane->is_edge || find_line(trunk, lane, wire)) {
        enum rc_close why = full ? RC_CLOSE_BUSY : RC_CLOSE_RELAY;
        rc_lanes_send(&trunk->lanes, lane, wire, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .why = why}, true);
        rc_buf_rele(relay->data);
        return;
    }
    relay->stream = (uint64_t)relay->sid.worker << 48 | RC_RELAY_GUEST | ++trunk->last_guest;
    add(trunk, relay->stream, lane, wire);
    trunk->config.down(trunk->config.host, relay);
}

/* Whether the far end keeps to its window and credits only what it got. */
static bool keeps_count(struct line *line, const struct rc_relay *relay)
{
    uint32_t len = relay->data ? relay->data->len : 0;
    if (len > line->lent || relay->credit > line->unpaid)
        return false;
    line->lent -= len;
    line->unpaid -= relay->credit;
    return true;
}

static void break_off(struct rc_trunk *trunk, struct line *line, const char *what)
{
    rc_log(RC_WARN, "relay-broken", "gateway=%s stream=%llx reason=\"%s\"", line->lane->gateway,
           (unsigned long long)line->number, what);
    close_both(trunk, line, RC_CLOSE_RELAY);
}

static void take(struct rc_trunk *trunk, struct line *line, struct rc_relay *relay)
{
    if (!keeps_count(line, relay)) {
        rc_buf_rele(relay->data);
        break_off(trunk, line, "more bytes than its window, or credit for more than it got");
        return;
    }
    relay->stream = line->number;
    trunk->config.down(trunk->config.host, relay);
    if (relay->kind == RC_RELAY_CLOSE)
        forget(trunk, line);
}

/* What is not the next of its lane came before, or will come again. What is of no stream crossed the stream's end. */
static void take_numbered(struct rc_trunk *trunk, struct rc_session *s, struct rc_trunk_side *side, size_t len)
{
    uint64_t wire = side->from.wire;
    struct rc_lane *lane = rc_lanes_take(&trunk->lanes, s, &side->from, len);
    if (lane && side->what == RC_TRUNK_RELAY && side->relay.kind == RC_RELAY_OPEN) {
        take_open(trunk, lane, wire, &side->relay);
        return;
    }
    struct line *line = lane ? find_line(trunk, lane, wire) : NULL;
    if (!line)
        rc_buf_rele(side->relay.data);
    else if (side->what == RC_TRUNK_BROKEN)
        break_off(trunk, line, "a message that cannot be taken");
    else
        take(trunk, line, &side->relay);
}

bool rc_trunk_side(struct rc_trunk *trunk, struct rc_session *s, const struct rc_buf *bytes)
{
    struct rc_trunk_side side;
    rc_trunk_unpack(bytes, &side);
    switch (side.what) {
    case RC_TRUNK_RELAY:
    case RC_TRUNK_BROKEN:
        take_numbered(trunk, s, &side, bytes->len);
        return true;
    case RC_TRUNK_WAY:
        rc_lanes_way(&trunk->lanes, s, &side);
        return true;
    case RC_TRUNK_GOT:
        rc_lanes_got(&trunk->lanes, &side.from);
        return true;
    case RC_TRUNK_LOST:
        rc_lanes_lost(&trunk->lanes, s, side.from.gateway);
        return true;
    case RC_TRUNK_OTHER:
        break;
    }
    return false;
}
