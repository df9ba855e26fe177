/* Which stream goes where. */
#include "gateway/relay/trunk.h"

#include "cluster/map.h"
#include "cluster/mem.h"
#include "gateway/relay/backlog.h"
#include "gateway/relay/trunk_wire.h"
#include "log.h"

#include <string.h>

struct line {
    uint64_t number; /* of the stream here */
    struct rc_session *via;
    struct rc_trunk_address far; /* the other end; wire is the edge's number, from_home says what we are */
    uint32_t lent;               /* bytes that the far end may still send */
    uint32_t unpaid;             /* bytes that it got and has not credited */
};

struct rc_trunk {
    struct rc_trunk_config config;
    struct rc_backlog backlog;
    struct rc_session *broker[RC_BROKERS_MAX]; /* sessions, n of them */
    unsigned n, next;                          /* next: where the choice of a broker begins */
    struct rc_map lines;                       /* number (8 bytes) -> struct line */
    struct rc_map guests;                      /* the edge's name for a stream (struct guest_key) -> struct line */
    uint64_t last_guest;
};

struct guest_key {
    char gateway[RC_ID_MAX + 1];
    uint64_t inc, wire;
};

static struct guest_key key_of(const struct rc_trunk_address *edge)
{
    struct guest_key key = {.inc = edge->inc, .wire = edge->wire};
    memcpy(key.gateway, edge->gateway, strlen(edge->gateway));
    return key;
}

struct rc_trunk *rc_trunk_new(const struct rc_trunk_config *config)
{
    struct rc_trunk *trunk = rc_zalloc(sizeof *trunk);
    trunk->config = *config;
    trunk->backlog = (struct rc_backlog){.host = config->host, .side = config->side};
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

static struct line *add(struct rc_trunk *trunk, uint64_t number, struct rc_session *via,
                        const struct rc_trunk_address *far)
{
    struct line *line = rc_zalloc(sizeof *line);
    *line = (struct line){.number = number, .via = via, .far = *far, .lent = RC_RELAY_WINDOW};
    rc_map_put(&trunk->lines, &number, sizeof number)->value = line;
    if (far->from_home) {
        struct guest_key key = key_of(far);
        rc_map_put(&trunk->guests, &key, sizeof key)->value = line;
    }
    return line;
}

static void forget(struct rc_trunk *trunk, struct line *line)
{
    rc_map_del(&trunk->lines, &line->number, sizeof line->number);
    if (line->far.from_home) {
        struct guest_key key = key_of(&line->far);
        rc_map_del(&trunk->guests, &key, sizeof key);
    }
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
    rc_backlog_fini(&trunk->backlog);
    free(trunk);
}

/* Tells our worker that a stream is over. */
static void close_here(struct rc_trunk *trunk, uint64_t number, enum rc_close why)
{
    trunk->config.down(trunk->config.host, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .stream = number, .why = why});
}

/* False: memory is short, it is too large, or too much waits; the other end now misses it. */
static bool send(struct rc_trunk *trunk, struct rc_session *via, const struct rc_trunk_address *to,
                 const struct rc_relay *relay)
{
    struct rc_buf *side = rc_trunk_pack(to, relay);
    return side && rc_backlog_send(&trunk->backlog, via, side, relay->kind == RC_RELAY_CLOSE);
}

/* Tells the other end that a stream is over. */
static void close_there(struct rc_trunk *trunk, struct rc_session *via, const struct rc_trunk_address *to,
                        enum rc_close why)
{
    send(trunk, via, to, &(struct rc_relay){.kind = RC_RELAY_CLOSE, .why = why});
}

static void close_both(struct rc_trunk *trunk, struct line *line, enum rc_close why)
{
    close_there(trunk, line->via, &line->far, why);
    close_here(trunk, line->number, why);
    forget(trunk, line);
}

/* Answers a message of a stream that is not here. Not when much waits: no answer either ends a stream, only later. */
static void turn_away(struct rc_trunk *trunk, struct rc_session *s, const struct rc_trunk_address *from,
                      enum rc_close why)
{
    struct rc_trunk_address back = *from;
    back.from_home = !from->from_home;
    if (!rc_backlog_waits(&trunk->backlog, s))
        close_there(trunk, s, &back, why);
}

/* Brokers */

void rc_trunk_up(struct rc_trunk *trunk, struct rc_session *s)
{
    if (trunk->n < RC_BROKERS_MAX)
        trunk->broker[trunk->n++] = s;
    rc_backlog_up(&trunk->backlog, s);
}

/* Ends the streams over this session; far NULL: all, else those with that gateway. It is told as well: it may be back already, and
 * have got an OPEN of ours that crossed the broker's word of its loss. */
static void cut(struct rc_trunk *trunk, const struct rc_session *via, const char *far)
{
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&trunk->lines, entry, next) {
        struct line *line = entry->value;
        if (line->via != via || (far && strcmp(line->far.gateway, far) != 0))
            continue;
        if (far)
            close_there(trunk, line->via, &line->far, RC_CLOSE_RELAY);
        close_here(trunk, line->number, RC_CLOSE_RELAY);
        forget(trunk, line);
    }
}

void rc_trunk_down(struct rc_trunk *trunk, struct rc_session *s)
{
    for (unsigned i = 0; i < trunk->n; i++)
        if (trunk->broker[i] == s)
            trunk->broker[i--] = trunk->broker[--trunk->n];
    rc_backlog_down(&trunk->backlog, s);
    cut(trunk, s, NULL);
}

/* The gateway whose sessions have this number in their ids, NULL: not there. */
static const struct rc_roster_node *find_gateway(const struct rc_roster *roster, uint64_t gateway)
{
    for (size_t i = 0; i < roster->count; i++) {
        const struct rc_roster_node *node = &roster->node[i];
        if (node->peer.role == RC_GATEWAY && node->up_by && rc_sid_gateway(node->peer.id) == gateway)
            return node;
    }
    return NULL;
}

/* A broker that has sessions with us and with that gateway; in turns. */
static struct rc_session *choose(struct rc_trunk *trunk, const struct rc_roster_node *node)
{
    for (unsigned i = 0; i < trunk->n; i++) {
        struct rc_session *s = trunk->broker[(trunk->next + i) % trunk->n];
        unsigned source = rc_roster_source(trunk->config.roster, s->peer.id);
        if (source < RC_BROKERS_MAX && node->up_by & (uint64_t)1 << source) {
            trunk->next = (trunk->next + i + 1) % trunk->n;
            return s;
        }
    }
    return NULL;
}

/* From workers */

static struct line *open_line(struct rc_trunk *trunk, const struct rc_relay *relay)
{
    const struct rc_roster_node *node = find_gateway(trunk->config.roster, relay->sid.gateway);
    struct rc_session *via = node ? choose(trunk, node) : NULL;
    bool full = trunk->lines.count >= RC_TRUNK_STREAMS_MAX;
    if (!via || full) {
        close_here(trunk, relay->stream, full ? RC_CLOSE_BUSY : RC_CLOSE_RELAY);
        return NULL;
    }
    struct rc_trunk_address far = {.inc = node->peer.inc, .wire = relay->stream};
    memcpy(far.gateway, node->peer.id, sizeof far.gateway);
    return add(trunk, relay->stream, via, &far);
}

void rc_trunk_send(struct rc_trunk *trunk, const struct rc_relay *relay)
{
    struct line *line = relay->kind == RC_RELAY_OPEN ? open_line(trunk, relay)
                                                     : rc_map_get(&trunk->lines, &relay->stream, sizeof relay->stream);
    if (!line)
        return;
    if (relay->kind == RC_RELAY_CLOSE) {
        send(trunk, line->via, &line->far, relay);
        forget(trunk, line);
        return;
    }
    if (relay->kind == RC_RELAY_DATA) {
        line->unpaid += relay->data ? relay->data->len : 0;
        line->lent += relay->credit;
    }
    if (!send(trunk, line->via, &line->far, relay))
        close_both(trunk, line, RC_CLOSE_BUSY);
}

void rc_trunk_pump(struct rc_trunk *trunk)
{
    rc_backlog_pump(&trunk->backlog);
}

/* From brokers */

static struct line *find_line(struct rc_trunk *trunk, const struct rc_session *s, const struct rc_trunk_address *from)
{
    struct guest_key key = key_of(from);
    struct line *line = from->from_home ? rc_map_get(&trunk->lines, &from->wire, sizeof from->wire)
                                        : rc_map_get(&trunk->guests, &key, sizeof key);
    bool right = line && line->via == s && line->far.from_home != from->from_home && line->far.inc == from->inc &&
                 strcmp(line->far.gateway, from->gateway) == 0;
    return right ? line : NULL;
}

/* A request of a client that is connected to another gateway. */
static void take_open(struct rc_trunk *trunk, struct rc_session *s, struct rc_trunk_address *from,
                      struct rc_relay *relay)
{
    struct guest_key key = key_of(from);
    bool ours = relay->sid.gateway == rc_sid_gateway(trunk->config.id) && relay->sid.worker < trunk->config.workers;
    bool full = trunk->lines.count >= RC_TRUNK_STREAMS_MAX;
    if (!ours || full || from->from_home || rc_map_get(&trunk->guests, &key, sizeof key)) {
        turn_away(trunk, s, from, full ? RC_CLOSE_BUSY : RC_CLOSE_RELAY);
        rc_buf_rele(relay->data);
        return;
    }
    struct rc_trunk_address far = *from;
    far.from_home = true; /* what we send */
    relay->stream = (uint64_t)relay->sid.worker << 48 | RC_RELAY_GUEST | ++trunk->last_guest;
    add(trunk, relay->stream, s, &far);
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
    rc_log(RC_WARN, "relay-broken", "gateway=%s stream=%llx reason=\"%s\"", line->far.gateway,
           (unsigned long long)line->number, what);
    close_both(trunk, line, RC_CLOSE_RELAY);
}

static void take(struct rc_trunk *trunk, struct rc_session *s, struct rc_trunk_address *from, struct rc_relay *relay)
{
    struct line *line = find_line(trunk, s, from);
    if (!line) {
        if (relay->kind != RC_RELAY_CLOSE) /* it ended here, and the other end may not know */
            turn_away(trunk, s, from, RC_CLOSE_RELAY);
        rc_buf_rele(relay->data);
        return;
    }
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

static void take_broken(struct rc_trunk *trunk, struct rc_session *s, const struct rc_trunk_address *from)
{
    struct line *line = find_line(trunk, s, from);
    if (line)
        break_off(trunk, line, "a message that cannot be taken");
    else
        turn_away(trunk, s, from, RC_CLOSE_RELAY);
}

bool rc_trunk_side(struct rc_trunk *trunk, struct rc_session *s, const struct rc_buf *side)
{
    struct rc_trunk_address from;
    struct rc_relay relay;
    switch (rc_trunk_unpack(side, &from, &relay)) {
    case RC_TRUNK_RELAY:
        if (relay.kind == RC_RELAY_OPEN)
            take_open(trunk, s, &from, &relay);
        else
            take(trunk, s, &from, &relay);
        return true;
    case RC_TRUNK_BROKEN:
        take_broken(trunk, s, &from);
        return true;
    case RC_TRUNK_LOST:
        cut(trunk, s, from.gateway);
        return true;
    case RC_TRUNK_OTHER:
        break;
    }
    return false;
}
