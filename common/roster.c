/* The map of the cluster. */
#include "roster.h"

#include "roomcast.pb-c.h"

#include <stdlib.h>
#include <string.h>

static struct rc_roster_node *find(const struct rc_roster *r, const char *id)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->node[i].peer.id, id) == 0)
            return &r->node[i];
    return NULL;
}

/* NULL: too many, or memory is short. */
static struct rc_roster_node *add(struct rc_roster *r, const struct rc_peer *peer)
{
    if (r->count == RC_ROSTER_MAX)
        return NULL;
    struct rc_roster_node *more = realloc(r->node, (r->count + 1) * sizeof *more);
    if (!more)
        return NULL;
    r->node = more;
    struct rc_roster_node *n = &r->node[r->count++];
    *n = (struct rc_roster_node){.peer = *peer, .seen = RC_NEVER};
    return n;
}

unsigned rc_roster_source(const struct rc_roster *r, const char *id)
{
    unsigned i = 0;
    while (i < RC_BROKERS_MAX && strcmp(r->source[i], id) != 0)
        i++;
    return *id ? i : RC_ROSTER_SELF;
}

static void drop_removed(struct rc_roster *r, const struct rc_brokers *brokers, rc_time now)
{
    for (unsigned i = 0; i < RC_BROKERS_MAX; i++)
        if (*r->source[i] && !rc_brokers_find(brokers, r->source[i])) {
            rc_roster_lost(r, i, now);
            *r->source[i] = '\0';
        }
    for (size_t i = 0; i < r->count; i++)
        r->node[i].configured &= rc_brokers_find(brokers, r->node[i].peer.id) != NULL;
}

static void take_in(struct rc_roster *r, const struct rc_broker_entry *e)
{
    struct rc_peer peer = {.role = RC_BROKER, .weight = e->weight};
    memcpy(peer.id, e->id, sizeof peer.id);
    memcpy(peer.link, e->address, sizeof peer.link);
    struct rc_roster_node *n = find(r, e->id);
    if (!n)
        n = add(r, &peer);
    if (n)
        n->configured = true;
    for (unsigned i = 0; rc_roster_source(r, e->id) == RC_ROSTER_SELF && i < RC_BROKERS_MAX; i++)
        if (!*r->source[i])
            memcpy(r->source[i], e->id, sizeof r->source[i]);
}

void rc_roster_configure(struct rc_roster *r, const struct rc_brokers *brokers, rc_time now)
{
    drop_removed(r, brokers, now);
    for (size_t i = 0; i < brokers->count; i++)
        take_in(r, &brokers->entry[i]);
    r->changed = true;
}

void rc_roster_init(struct rc_roster *r, const struct rc_brokers *brokers, const struct rc_peer *self)
{
    *r = (struct rc_roster){.changed = true};
    rc_roster_configure(r, brokers, 0);
    rc_roster_note(r, RC_ROSTER_SELF, self, true, 0);
}

void rc_roster_fini(struct rc_roster *r)
{
    free(r->node);
    *r = (struct rc_roster){0};
}

static bool is_up(const struct rc_roster_node *n)
{
    return n->up_here || n->up_by;
}

static bool is_same(const struct rc_peer *a, const struct rc_peer *b)
{
    return a->role == b->role && a->inc == b->inc && a->weight == b->weight && strcmp(a->id, b->id) == 0 &&
           strcmp(a->link, b->link) == 0 && strcmp(a->admin, b->admin) == 0 && strcmp(a->topic, b->topic) == 0;
}

/* True: somebody's word was the last, or the first. */
static bool set_up(struct rc_roster_node *n, unsigned source, bool up)
{
    bool was = is_up(n);
    uint64_t bit = source < RC_BROKERS_MAX ? (uint64_t)1 << source : 0;
    if (source == RC_ROSTER_SELF)
        n->up_here = up;
    n->up_by = up ? n->up_by | bit : n->up_by & ~bit;
    return is_up(n) != was;
}

void rc_roster_note(struct rc_roster *r, unsigned source, const struct rc_peer *peer, bool up, rc_time now)
{
    struct rc_roster_node *n = find(r, peer->id);
    if (!n)
        n = up ? add(r, peer) : NULL;
    if (!n)
        return;
    if (up && peer->inc >= n->peer.inc && !is_same(&n->peer, peer)) {
        n->peer = *peer;
        r->changed = true;
    }
    r->changed |= set_up(n, source, up);
    n->seen = now;
}

bool rc_roster_vouched(const struct rc_roster *r, const char *id, enum rc_role role)
{
    const struct rc_roster_node *n = find(r, id);
    return n && n->peer.role == role && n->up_by;
}

void rc_roster_lost(struct rc_roster *r, unsigned source, rc_time now)
{
    for (size_t i = 0; i < r->count; i++)
        if (set_up(&r->node[i], source, false)) {
            r->node[i].seen = now;
            r->changed = true;
        }
}

void rc_roster_sweep(struct rc_roster *r, rc_time now)
{
    for (size_t i = 0; i < r->count;) {
        const struct rc_roster_node *n = &r->node[i];
        bool removed = n->peer.role == RC_BROKER && !n->configured;
        if (is_up(n) || n->configured || (!removed && now - n->seen < RC_ROSTER_KEEP))
            i++;
        else
            r->node[i] = r->node[--r->count];
    }
}

rc_time rc_roster_next(rc_time now, size_t bytes)
{
    return now + (rc_time)(bytes * 1000000 / RC_ROSTER_RATE);
}

/* ---- on the wire ------------------------------------------------------------------------------------------------- */

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static void fill(const struct rc_roster_node *n, Roomcast__MapNode *map_node, Roomcast__Node *node)
{
    roomcast__node__init(node);
    node->role = (Roomcast__Role)n->peer.role;
    node->id = bytes_of(n->peer.id);
    node->inc = n->peer.inc;
    node->weight = n->peer.weight;
    node->link = bytes_of(n->peer.link);
    node->admin = bytes_of(n->peer.admin);
    node->topic = bytes_of(n->peer.topic);
    roomcast__map_node__init(map_node);
    map_node->node = node;
    map_node->up = is_up(n);
}

struct rc_buf *rc_roster_pack(const struct rc_roster *r)
{
    struct row {
        Roomcast__MapNode map_node;
        Roomcast__Node node;
    } *row = calloc(r->count, sizeof *row);
    Roomcast__MapNode **list = calloc(r->count, sizeof(Roomcast__MapNode *));
    struct rc_buf *buf = NULL;
    if (row && list) {
        for (size_t i = 0; i < r->count; i++) {
            fill(&r->node[i], &row[i].map_node, &row[i].node);
            list[i] = &row[i].map_node;
        }
        Roomcast__Map map = ROOMCAST__MAP__INIT;
        map.n_node = r->count;
        map.node = list;
        Roomcast__Side side = ROOMCAST__SIDE__INIT;
        side.kind_case = ROOMCAST__SIDE__KIND_MAP;
        side.map = &map;
        buf = rc_buf_new(roomcast__side__get_packed_size(&side));
        if (buf)
            roomcast__side__pack(&side, buf->data);
    }
    free(row);
    free(list);
    return buf;
}

static bool text_of(ProtobufCBinaryData bytes, char *out, size_t size)
{
    if (bytes.len >= size || (bytes.len && memchr(bytes.data, 0, bytes.len)))
        return false;
    if (bytes.len)
        memcpy(out, bytes.data, bytes.len);
    out[bytes.len] = '\0';
    return true;
}

static void take(struct rc_roster *r, unsigned source, const Roomcast__MapNode *row, rc_time now)
{
    const Roomcast__Node *node = row->node;
    struct rc_peer peer = {0};
    if (!node || !text_of(node->id, peer.id, sizeof peer.id) || !text_of(node->link, peer.link, sizeof peer.link) ||
        !text_of(node->admin, peer.admin, sizeof peer.admin) || !text_of(node->topic, peer.topic, sizeof peer.topic) ||
        !rc_id_valid(peer.id))
        return;
    peer.role = (enum rc_role)node->role;
    peer.inc = node->inc;
    peer.weight = node->weight;
    rc_roster_note(r, source, &peer, row->up, now);
}

bool rc_roster_unpack(struct rc_roster *r, unsigned source, const struct rc_buf *bytes, rc_time now)
{
    Roomcast__Side *side = roomcast__side__unpack(NULL, bytes->len, bytes->data);
    bool is_map = side && side->kind_case == ROOMCAST__SIDE__KIND_MAP;
    for (size_t i = 0; is_map && i < side->map->n_node; i++)
        take(r, source, side->map->node[i], now);
    if (side)
        roomcast__side__free_unpacked(side, NULL);
    return is_map;
}

size_t rc_roster_status(const struct rc_roster *r, struct rc_status_node *out, size_t max)
{
    static const char *const role[] = {"unknown", "gateway", "broker", "persister", "follower"};
    size_t n = r->count < max ? r->count : max;
    for (size_t i = 0; i < n; i++) {
        const struct rc_peer *p = &r->node[i].peer;
        out[i] = (struct rc_status_node){p->id,
                                         role[(unsigned)p->role <= RC_FOLLOWER ? p->role : 0],
                                         p->link,
                                         p->admin,
                                         is_up(&r->node[i]),
                                         r->node[i].configured};
    }
    return n;
}
