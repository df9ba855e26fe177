/* One connection: handshake, batches, and the one place where it ends. */
#include "link/link_impl.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the end of a connection ---- */

void rc_link_log_refused(struct rc_link *l, const char *id, const char *address, enum rc_why why)
{
    rc_time now = rc_clock_now();
    if (l->quiet[why].at != RC_NEVER && now - l->quiet[why].at < 1000 * RC_MS) {
        l->quiet[why].mute++;
        return;
    }
    /* One that only connected and left is a probe of the port, no fault. */
    rc_log(why == RC_WHY_CLOSED ? RC_DEBUG : RC_WARN, "link-refused", "from=%s id=%s reason=\"%s\" more=%" PRIu64,
           address, *id ? id : "-", rc_why_text(why), l->quiet[why].mute);
    l->quiet[why].at = now;
    l->quiet[why].mute = 0;
}

static void log_end(struct rc_line *line, enum rc_why why, const char *text)
{
    if (line->state == LINE_UP)
        rc_log(RC_INFO, "link-down", "id=%s from=%s reason=\"%s\" detail=\"%s\"", line->peer.id,
               rc_conn_peer(line->conn), rc_why_text(why), text);
    else if (line->dial)
        rc_dial_failed(line->dial, why, text);
    else
        rc_link_log_refused(line->link, line->hs->peer.id, rc_conn_peer(line->conn), why);
}

/* The one place where a connection ends; the line is invalid afterwards. */
static void line_end(struct rc_line *line, enum rc_why why, const char *text)
{
    struct rc_link *l = line->link;
    if (line->state == LINE_LEAVING)
        why = line->verdict;
    log_end(line, why, text);
    l->stats.ended[why]++;
    if (line->state == LINE_UP)
        l->stats.lines--;
    else if (!line->dial)
        l->stats.strangers--;
    if (line->dial)
        rc_dial_later(line->dial);
    LIST_REMOVE(line, entry);
    rc_conn_close(line->conn);
    free(line->hs);
    free(line);
}

/* The same, for lines that the host may have: it is told. */
void rc_line_drop(struct rc_line *line, enum rc_why why, const char *text)
{
    struct rc_link *l = line->link;
    if (line->state == LINE_UP)
        l->ev.down(l->host, line, why);
    line_end(line, why, text);
}

/* ---- handshake ---- */

/* True: it is on its way, and on_sent will not tell. */
static bool send_answer(struct rc_line *line)
{
    uint8_t *room = rc_conn_room(line->conn, line->hs->out_len);
    line->answer = !room; /* the previous send is not through yet: on_sent comes back here */
    if (!room)
        return false;
    memcpy(room, line->hs->out, line->hs->out_len);
    bool through = rc_conn_send(line->conn);
    if (line->state == LINE_UP) {
        free(line->hs);
        line->hs = NULL;
    }
    return through;
}

static void line_up(struct rc_line *line, uint64_t session, enum rc_broker_state state)
{
    struct rc_link *l = line->link;
    line->state = LINE_UP;
    line->peer = line->hs->peer;
    l->stats.proven++;
    l->stats.lines++;
    if (line->dial)
        line->dial->told = RC_WHY_COUNT;
    else
        l->stats.strangers--;
    rc_conn_limit(line->conn, RC_LINK_FRAME_MAX);
    rc_log(RC_INFO, "link-up", "id=%s incarnation=%" PRIu64 " from=%s side=%s session=%016" PRIx64, line->peer.id,
           line->peer.inc, rc_conn_peer(line->conn), line->dial ? "dialler" : "listener", session);
    if (line->hs->out_len)
        send_answer(line);
    else {
        free(line->hs);
        line->hs = NULL;
    }
    l->ev.up(l->host, line, &line->peer, session, state);
}

static void leave(struct rc_line *line, enum rc_why verdict)
{
    if (!line->hs->out_len) {
        rc_line_drop(line, verdict, "handshake");
        return;
    }
    line->state = LINE_LEAVING;
    line->verdict = verdict;
    if (send_answer(line))
        rc_line_drop(line, verdict, "handshake");
}

static void judge(struct rc_line *line)
{
    static const enum rc_why why[] = {
        [RC_HELLO_OLD] = RC_WHY_OLD, [RC_HELLO_TWIN] = RC_WHY_TWIN, [RC_HELLO_UNKNOWN] = RC_WHY_UNKNOWN};
    struct rc_link *l = line->link;
    uint64_t known_inc = 0, session = rc_random64() | 1;
    enum rc_hello verdict = l->ev.hello(l->host, &line->hs->peer, &known_inc);
    enum rc_broker_state state = l->ev.state ? l->ev.state(l->host) : RC_UNFIT;
    rc_handshake_answer(line->hs, verdict, known_inc, session, state);
    if (verdict == RC_HELLO_OK)
        line_up(line, session, RC_UNFIT);
    else
        leave(line, why[verdict]);
}

static bool expected(const struct rc_line *line)
{
    return !line->dial || !line->hs->greeted ||
           (!strcmp(line->hs->peer.id, line->dial->id) && line->hs->peer.role == line->dial->role);
}

static void refused(struct rc_line *line)
{
    struct rc_link *l = line->link;
    enum rc_hello reason = line->hs->reason;
    uint64_t known_inc = line->hs->known_inc;
    char id[RC_ID_MAX + 1];
    memcpy(id, line->hs->peer.id, sizeof id);
    rc_line_drop(line, line->hs->why, "the peer refused");
    if (l->ev.refused)
        l->ev.refused(l->host, id, reason, known_inc);
}

static void shake(struct rc_line *line, const uint8_t *bytes, size_t len)
{
    enum rc_hs_step step = rc_handshake_input(line->hs, bytes, len);
    if (!expected(line)) {
        rc_line_drop(line, RC_WHY_IDENTITY, line->hs->peer.id);
        return;
    }
    switch (step) {
    case RC_HS_MORE:
        send_answer(line);
        break;
    case RC_HS_PROVEN:
        judge(line);
        break;
    case RC_HS_OK:
        line_up(line, line->hs->session, line->hs->state);
        break;
    case RC_HS_NO:
        refused(line);
        break;
    case RC_HS_FAIL:
        leave(line, line->hs->why);
        break;
    }
}

/* ---- events of a connection ---- */

static void take_batch(struct rc_line *line, const uint8_t *bytes, size_t len)
{
    struct rc_link *l = line->link;
    struct rc_batch batch;
    rc_batch_init(&batch);
    rc_arena_reset(&l->arena);
    const Roomcast__Frame *f = rc_wire_open(&l->arena, bytes, len);
    const char *bad = !f                                            ? "cannot be unpacked"
                      : f->kind_case != ROOMCAST__FRAME__KIND_BATCH ? "no batch"
                                                                    : rc_wire_batch(f->batch, &batch);
    if (bad) {
        rc_line_drop(line, RC_WHY_GARBAGE, bad);
        return;
    }
    l->stats.batches_in++;
    l->stats.bytes_in += len;
    l->ev.frame(l->host, line, &batch);
}

static void on_frame(void *arg, const uint8_t *bytes, size_t len)
{
    struct rc_line *line = arg;
    if (line->state == LINE_UP)
        take_batch(line, bytes, len);
    else if (line->state == LINE_PROVING)
        shake(line, bytes, len);
}

static void on_sent(void *arg)
{
    struct rc_line *line = arg;
    if (line->answer && !send_answer(line))
        return;
    if (line->state == LINE_LEAVING)
        rc_line_drop(line, line->verdict, "handshake");
    else if (line->state == LINE_UP)
        line->link->ev.writable(line->link->host, line);
}

static void on_lost(void *arg, enum rc_why why, const char *text)
{
    rc_line_drop(arg, why, text);
}

bool rc_line_start(struct rc_link *l, struct rc_conn *conn, struct rc_dial *dial)
{
    static const struct rc_conn_events events = {on_frame, on_sent, on_lost};
    struct rc_line *line = calloc(1, sizeof *line);
    struct rc_handshake *hs = calloc(1, sizeof *hs);
    if (!line || !hs) {
        free(line);
        free(hs);
        rc_conn_close(conn);
        return false;
    }
    *line = (struct rc_line){.link = l, .conn = conn, .dial = dial, .hs = hs};
    line->deadline = rc_clock_now() + l->cfg.handshake;
    LIST_INSERT_HEAD(&l->lines, line, entry);
    if (dial) {
        rc_handshake_dial(hs, &l->cfg.self, l->cfg.secret);
        send_answer(line);
    } else {
        l->stats.strangers++;
        rc_handshake_accept(hs, &l->cfg.self, l->cfg.secret);
    }
    rc_conn_start(conn, &events, line, RC_HS_FRAME_MAX);
    return true;
}

/* ---- lines ---- */

bool rc_line_ready(const struct rc_line *line)
{
    return line->state == LINE_UP && !line->answer && !rc_conn_sending(line->conn);
}

bool rc_line_send(struct rc_line *line, const struct rc_batch *batch)
{
    struct rc_link *l = line->link;
    if (!rc_line_ready(line))
        return false;
    rc_arena_reset(&l->arena);
    const Roomcast__Frame *f = rc_wire_frame(&l->arena, batch);
    size_t len = f ? roomcast__frame__get_packed_size(f) : SIZE_MAX;
    uint8_t *room = len <= RC_LINK_FRAME_MAX ? rc_conn_room(line->conn, len) : NULL;
    if (!room) {
        rc_log(RC_ERROR, "link-batch-unsendable", "id=%s bytes=%zu limit=%u", line->peer.id, batch->bytes,
               RC_LINK_FRAME_MAX);
        return false;
    }
    roomcast__frame__pack(f, room);
    rc_conn_send(line->conn);
    l->stats.batches_out++;
    l->stats.bytes_out += len;
    return true;
}

void rc_line_close(struct rc_line *line, enum rc_end why)
{
    line_end(line, RC_WHY_ENDED, rc_end_text(why));
}

void rc_line_set_user(struct rc_line *line, void *user)
{
    line->user = user;
}

void *rc_line_user(const struct rc_line *line)
{
    return line->user;
}
