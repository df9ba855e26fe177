/* A node's end of every link: who is listened to, who is dialled. */
#include "link/link_impl.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *rc_why_text(enum rc_why why)
{
    static const char *const text[] = {
#define X(name, word, words) words,
        RC_WHY_LIST(X)
#undef X
    };
    return why < RC_WHY_COUNT ? text[why] : "?";
}

/* ---- listening ---- */

static void on_accepted(void *arg, struct rc_conn *conn)
{
    struct rc_link *l = arg;
    l->stats.accepted++;
    if (l->stats.strangers < l->cfg.strangers) {
        rc_line_start(l, conn, NULL);
        return;
    }
    rc_link_log_refused(l, "", rc_conn_peer(conn), RC_WHY_CROWD);
    l->stats.ended[RC_WHY_CROWD]++;
    rc_conn_close(conn);
}

/* ---- dialling ---- */

void rc_dial_failed(struct rc_dial *d, enum rc_why why, const char *text)
{
    if (d->told != why)
        rc_log(RC_WARN, "link-dial-failed", "id=%s address=%s reason=\"%s\" detail=\"%s\"", d->id, d->address,
               rc_why_text(why), text);
    d->told = why;
}

void rc_dial_later(struct rc_dial *d)
{
    const struct rc_link_config *c = &d->link->cfg;
    uint64_t spread = (uint64_t)(c->redial_max - c->redial_min) + 1;
    d->at = rc_clock_now() + c->redial_min + (rc_time)(rc_random64() % spread);
    if (d->retired)
        d->at = RC_NEVER;
}

static void on_dialled(void *arg, struct rc_conn *conn, const char *text)
{
    struct rc_dial *d = arg;
    d->connecting = false;
    if (d->retired) {
        if (conn)
            rc_conn_close(conn);
        return;
    }
    if (conn && rc_line_start(d->link, conn, d))
        return;
    rc_dial_failed(d, RC_WHY_CLOSED, conn ? "out of memory" : text);
    rc_dial_later(d);
}

static void dial_now(struct rc_dial *d)
{
    d->at = RC_NEVER;
    d->connecting = true;
    d->link->stats.dialled++;
    rc_dialer_dial(d->dialer, d->link->cfg.handshake);
}

static struct rc_dial *find(const struct rc_link *l, const char *id, const char *address)
{
    struct rc_dial *d;
    LIST_FOREACH (d, &l->dials, entry)
        if (strcmp(d->id, id) == 0 && strcmp(d->address, address) == 0)
            return d;
    return NULL;
}

static void retire(struct rc_dial *d)
{
    struct rc_line *line, *next;
    d->retired = true;
    d->at = RC_NEVER;
    for (line = LIST_FIRST(&d->link->lines); line; line = next) {
        next = LIST_NEXT(line, entry);
        if (line->dial == d && line->state != LINE_UP)
            rc_line_drop(line, RC_WHY_ENDED, "dialled no more");
    }
}

void rc_link_undial(struct rc_link *l, const char *id)
{
    struct rc_dial *d;
    LIST_FOREACH (d, &l->dials, entry)
        if (strcmp(d->id, id) == 0 && !d->retired)
            retire(d);
}

/* Its line, if it still has one, dials again when it ends. */
static void revive(struct rc_dial *d)
{
    const struct rc_line *line;
    d->retired = false;
    d->told = RC_WHY_COUNT;
    LIST_FOREACH (line, &d->link->lines, entry)
        if (line->dial == d)
            return;
    if (!d->connecting)
        dial_now(d);
}

bool rc_link_dial(struct rc_link *l, const char *id, enum rc_role role, const char *address, char why[RC_LINK_WHY])
{
    struct rc_dial *d = find(l, id, address);
    if (d && !d->retired)
        return true;
    struct rc_addr parsed;
    const char *bad = rc_addr_parse(address, &parsed);
    if (bad) {
        snprintf(why, RC_LINK_WHY, "cannot dial %s at \"%.*s\": the address %s", id, RC_ADDR_MAX, address, bad);
        return false;
    }
    rc_link_undial(l, id);
    if (d) {
        revive(d);
        return true;
    }
    if (!(d = calloc(1, sizeof *d))) {
        snprintf(why, RC_LINK_WHY, "cannot dial %s: out of memory", id);
        return false;
    }
    *d = (struct rc_dial){.link = l, .role = role, .told = RC_WHY_COUNT};
    snprintf(d->id, sizeof d->id, "%s", id);
    snprintf(d->address, sizeof d->address, "%s", address);
    d->dialer = rc_dialer_new(l->streams, address, on_dialled, d, why);
    if (!d->dialer) {
        free(d);
        return false;
    }
    LIST_INSERT_HEAD(&l->dials, d, entry);
    dial_now(d);
    return true;
}

/* ---- the whole ---- */

static bool listen_at(struct rc_link *l, char why[RC_LINK_WHY])
{
    struct rc_addr addr;
    const char *bad = rc_addr_parse(l->cfg.listen, &addr);
    if (bad) {
        snprintf(why, RC_LINK_WHY, "cluster.listen: cannot listen on \"%s\": the address %s", l->cfg.listen, bad);
        return false;
    }
    if (!rc_streams_listen(l->streams, l->cfg.listen, on_accepted, l, why))
        return false;
    snprintf(l->address, sizeof l->address, addr.v6 ? "[%.100s]:%u" : "%.100s:%u", addr.host,
             rc_streams_port(l->streams));
    if (!*l->cfg.self.link)
        memcpy(l->cfg.self.link, l->address, sizeof l->address);
    return true;
}

struct rc_link *rc_link_new(const struct rc_link_config *cfg, const struct rc_link_events *events, void *host,
                            char why[RC_LINK_WHY])
{
    struct rc_link *l = calloc(1, sizeof *l);
    if (!l || !(l->streams = rc_streams_new())) {
        snprintf(why, RC_LINK_WHY, "cannot make links: out of memory or descriptors");
        free(l);
        return NULL;
    }
    l->cfg = *cfg;
    l->cfg.handshake = cfg->handshake ? cfg->handshake : 2000 * RC_MS;
    l->cfg.redial_min = cfg->redial_min ? cfg->redial_min : 60 * RC_MS;
    l->cfg.redial_max = cfg->redial_max ? cfg->redial_max : 250 * RC_MS;
    l->cfg.strangers = cfg->strangers ? cfg->strangers : 256;
    l->ev = *events;
    l->host = host;
    rc_arena_init(&l->arena, RC_WIRE_ARENA);
    for (int i = 0; i < RC_WHY_COUNT; i++)
        l->quiet[i].at = RC_NEVER;
    if (*cfg->listen && !listen_at(l, why)) {
        rc_link_free(l);
        return NULL;
    }
    return l;
}

void rc_link_free(struct rc_link *l)
{
    struct rc_line *line;
    struct rc_dial *d;
    if (!l)
        return;
    rc_streams_free(l->streams);
    while ((line = LIST_FIRST(&l->lines))) {
        LIST_REMOVE(line, entry);
        free(line->hs);
        free(line);
    }
    while ((d = LIST_FIRST(&l->dials))) {
        LIST_REMOVE(d, entry);
        free(d);
    }
    rc_arena_fini(&l->arena);
    free(l);
}

void rc_link_set_inc(struct rc_link *l, uint64_t inc)
{
    struct rc_line *line, *next;
    l->cfg.self.inc = inc;
    for (line = LIST_FIRST(&l->lines); line; line = next) {
        next = LIST_NEXT(line, entry);
        if (line->state == LINE_PROVING)
            rc_line_drop(line, RC_WHY_OLD, "our incarnation changed");
    }
}

int rc_link_fd(const struct rc_link *l)
{
    return rc_streams_fd(l->streams);
}

void rc_link_process(struct rc_link *l)
{
    struct rc_line *line, *next;
    struct rc_dial *d;
    rc_streams_process(l->streams);
    rc_time now = rc_clock_now();
    for (line = LIST_FIRST(&l->lines); line; line = next) {
        next = LIST_NEXT(line, entry);
        if (line->state != LINE_UP && now >= line->deadline)
            rc_line_drop(line, RC_WHY_SLOW, "handshake");
    }
    LIST_FOREACH (d, &l->dials, entry)
        if (d->at != RC_NEVER && now >= d->at)
            dial_now(d);
}

const char *rc_link_address(const struct rc_link *l)
{
    return l->address;
}

void rc_link_stats(const struct rc_link *l, struct rc_link_stats *out)
{
    *out = l->stats;
}
