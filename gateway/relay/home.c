/*
 * Streams of clients that are connected to another gateway.
 *
 *   open -> closing -> lingering -> freed       closing: rc_stream_close was called, `closed` comes at the turn
 *                                               lingering: the rest waits for credit, then CLOSE goes out; an answer
 *                                               as long as the edge takes some of it, any other end for LINGER_US
 */
#include "gateway/relay/home.h"

#include "cluster/map.h"
#include "cluster/mem.h"
#include "gateway/net/frame_queue.h"
#include "gateway/net/inlet.h"
#include "log.h"

#include <inttypes.h>
#include <string.h>

#define LINGER_US (2000 * RC_MS)             /* for the last bytes of a stream that was closed */
#define ANSWER_US (RC_HTTP_STALL_MS * RC_MS) /* for an answer of which the edge takes nothing */
#define FRAMES    64                         /* looked at once */

enum state { OPEN, CLOSING, LINGERING };

struct guest {
    struct rc_stream stream; /* first: a stream is its guest */
    struct rc_home *home;
    uint64_t number;
    TAILQ_ENTRY(guest) link; /* in home->dirty, valid with dirty */
    struct rc_frame_queue queue;
    struct rc_inlet inlet;
    struct rc_timer linger;
    size_t allowance; /* bytes that the edge still takes */
    uint64_t written; /* stream's count when the linger timer was set */
    uint32_t owed;    /* bytes used and not yet credited to the edge */
    enum state state;
    enum rc_close why; /* valid from CLOSING */
    bool dirty;
    bool waiting; /* for credit, with bytes queued */
    bool cut;     /* the edge knows of the end, or is not there */
};
TAILQ_HEAD(guest_list, guest);

struct rc_home {
    struct rc_home_config config;
    struct rc_map guests; /* number (8 bytes) -> struct guest */
    struct guest_list dirty;
};

static void guest_send(struct rc_stream *stream, struct rc_buf *frame);
static void guest_pause(struct rc_stream *stream, bool stop);
static void guest_close(struct rc_stream *stream, enum rc_close why);
static const struct rc_stream_ops guest_ops = {guest_send, guest_pause, guest_close};

struct rc_home *rc_home_new(const struct rc_home_config *config)
{
    struct rc_home *home = rc_zalloc(sizeof(*home));
    home->config = *config;
    rc_map_init(&home->guests, 0); /* keys are the link loop's counters */
    TAILQ_INIT(&home->dirty);
    return home;
}

static void post(struct guest *g, enum rc_relay_kind kind, struct rc_relay relay)
{
    struct rc_up up = {.kind = RC_UP_RELAY, .relay = relay};
    up.relay.kind = kind;
    up.relay.stream = g->number;
    g->home->config.uplink.post(g->home->config.uplink.host, &up);
}

static void mark_dirty(struct guest *g)
{
    if (g->dirty)
        return;
    g->dirty = true;
    TAILQ_INSERT_TAIL(&g->home->dirty, g, link);
}

/* Output */

/* One piece of the queue, as large as the edge takes. NULL: memory is short. */
static struct rc_buf *take_piece(struct guest *g)
{
    size_t want = g->stream.queued < g->allowance ? g->stream.queued : g->allowance, have = 0;
    struct iovec iov[FRAMES];
    size_t n = rc_frame_queue_peek(&g->queue, iov, FRAMES), total = 0;
    for (size_t i = 0; i < n; i++)
        total += iov[i].iov_len;
    want = want < total ? want : total;
    struct rc_buf *piece = rc_buf_new(want);
    for (size_t i = 0; piece && i < n && have < want; i++) {
        size_t part = iov[i].iov_len < want - have ? iov[i].iov_len : want - have;
        memcpy(piece->data + have, iov[i].iov_base, part);
        have += part;
    }
    return piece;
}

static void drop_queue(struct guest *g)
{
    rc_frame_queue_clear(&g->queue);
    g->stream.queued = 0;
}

static void flush(struct guest *g)
{
    while (g->stream.queued && g->allowance && !g->cut) {
        struct rc_buf *piece = take_piece(g);
        if (!piece) {
            rc_stream_close(&g->stream, RC_CLOSE_MEMORY);
            return;
        }
        size_t len = piece->len;
        post(g, RC_RELAY_DATA, (struct rc_relay){.data = piece, .credit = g->owed});
        g->owed = 0;
        rc_frame_queue_pop(&g->queue, len);
        g->stream.queued -= (uint32_t)len;
        g->stream.written += len;
        g->allowance -= len;
        rc_metric_add(&g->home->config.values[GM_RELAY_BYTES], len);
    }
}

static bool fits(const struct guest *g, size_t len)
{
    return !g->stream.queued || g->stream.queued + len <= g->home->config.queue_max;
}

static void guest_send(struct rc_stream *stream, struct rc_buf *frame)
{
    struct guest *g = (struct guest *)stream;
    if (stream->closing || !frame || !frame->len) {
        rc_buf_rele(frame);
        if (!frame)
            rc_stream_close(stream, RC_CLOSE_MEMORY);
        return;
    }
    if (!fits(g, frame->len))
        flush(g); /* not slow, only much in one pass */
    if (!fits(g, frame->len) || !rc_frame_queue_push(&g->queue, frame)) {
        rc_stream_close(stream, fits(g, frame->len) ? RC_CLOSE_MEMORY : RC_CLOSE_SLOW);
        rc_buf_rele(frame);
        return;
    }
    stream->queued += frame->len;
    mark_dirty(g);
}

/* flush, and what follows from its result. */
static void write_out(struct guest *g)
{
    const struct rc_stream_user *user = g->stream.user;
    bool waited = g->waiting;
    flush(g);
    g->waiting = g->stream.queued > 0;
    if (waited && !g->waiting && g->state == OPEN && user && user->drained)
        user->drained(g->stream.self, &g->stream);
}

/* Input */

static void credit(struct guest *g, size_t used)
{
    g->owed += (uint32_t)used;
    if (g->owed < RC_RELAY_WINDOW / 4 || g->state != OPEN)
        return;
    post(g, RC_RELAY_DATA, (struct rc_relay){.credit = g->owed});
    g->owed = 0;
}

static void feed(struct guest *g, uint8_t *data, size_t len)
{
    if (g->state != OPEN)
        return;
    if (!g->inlet.len && !g->stream.paused) {
        credit(g, rc_inlet_feed(&g->inlet, &g->stream, data, len));
    } else if (!rc_inlet_append(&g->inlet, data, len)) {
        rc_stream_close(&g->stream, RC_CLOSE_MEMORY);
    } else if (!g->stream.paused) {
        credit(g, rc_inlet_again(&g->inlet, &g->stream));
    }
}

static void guest_pause(struct rc_stream *stream, bool stop)
{
    struct guest *g = (struct guest *)stream;
    if (stream->paused == stop || stream->closing)
        return;
    stream->paused = stop;
    if (!stop && g->inlet.len)
        mark_dirty(g);
}

/* The end */

static void guest_close(struct rc_stream *stream, enum rc_close why)
{
    struct guest *g = (struct guest *)stream;
    if (stream->closing)
        return;
    stream->closing = true;
    g->why = why;
    g->state = CLOSING;
    mark_dirty(g);
}

/* The edge must not take half an answer for a whole one. */
static enum rc_close reason(const struct guest *g)
{
    return g->why == RC_CLOSE_ANSWERED && g->stream.queued ? RC_CLOSE_SLOW : g->why;
}

static void release(struct guest *g)
{
    struct rc_home *home = g->home;
    if (!g->cut)
        post(g, RC_RELAY_CLOSE, (struct rc_relay){.why = reason(g)});
    rc_timer_stop(&g->linger);
    if (g->dirty)
        TAILQ_REMOVE(&home->dirty, g, link);
    rc_map_del(&home->guests, &g->number, sizeof(g->number));
    rc_metric_sub(&home->config.values[GM_GUESTS], 1);
    rc_frame_queue_clear(&g->queue);
    rc_inlet_clear(&g->inlet);
    free(g);
}

static void linger_over(struct rc_timer *timer);

static void linger_on(struct guest *g)
{
    g->written = g->stream.written;
    rc_timer_set(g->home->config.wheel, &g->linger, g->why == RC_CLOSE_ANSWERED ? ANSWER_US : LINGER_US, linger_over);
}

static void linger_over(struct rc_timer *timer)
{
    struct guest *g = (struct guest *)((char *)timer - offsetof(struct guest, linger));
    if (g->why == RC_CLOSE_ANSWERED && g->stream.written != g->written)
        linger_on(g);
    else
        release(g);
}

/* The one place where a stream ends for its user. */
static void bury(struct guest *g)
{
    struct rc_stream *stream = &g->stream;
    rc_log(RC_DEBUG, "guest-closed", "stream=%" PRIx64 " out=%" PRIu64 " reason=\"%s\"", g->number, stream->written,
           rc_close_text(g->why));
    if (stream->user)
        stream->user->closed(stream->self, g->why);
    stream->user = NULL;
    rc_inlet_clear(&g->inlet);
    if (g->why == RC_CLOSE_SLOW || g->why == RC_CLOSE_MEMORY)
        drop_queue(g);
    g->state = LINGERING;
    linger_on(g);
}

/* Chores of one stream, which may be freed by them. */
static void tidy(struct guest *g)
{
    TAILQ_REMOVE(&g->home->dirty, g, link);
    g->dirty = false;
    if (g->state == OPEN && g->inlet.len && !g->stream.paused)
        credit(g, rc_inlet_again(&g->inlet, &g->stream));
    if (g->state == CLOSING)
        bury(g);
    write_out(g);
    if (g->state == LINGERING && (g->cut || !g->stream.queued))
        release(g);
}

void rc_home_turn(struct rc_home *home)
{
    struct guest *g, *stop = TAILQ_LAST(&home->dirty, guest_list);
    bool last = false;
    while (!last && (g = TAILQ_FIRST(&home->dirty))) {
        last = g == stop;
        tidy(g);
    }
}

bool rc_home_waits(const struct rc_home *home)
{
    return !TAILQ_EMPTY(&home->dirty);
}

/* From the edge */

static void take_open(struct rc_home *home, const struct rc_relay *relay)
{
    struct guest *g = rc_zalloc(sizeof(*g));
    g->stream.ops = &guest_ops;
    g->home = home;
    g->number = relay->stream;
    g->allowance = RC_RELAY_WINDOW;
    rc_map_put(&home->guests, &g->number, sizeof(g->number))->value = g;
    rc_metric_add(&home->config.values[GM_GUESTS], 1);
    if (!rc_http_open_once(home->config.http, &g->stream)) {
        rc_stream_close(&g->stream, RC_CLOSE_MEMORY);
        return;
    }
    rc_inlet_feed(&g->inlet, &g->stream, relay->data->data, relay->data->len); /* not of the window */
}

static void take_data(struct guest *g, const struct rc_relay *relay)
{
    g->allowance += relay->credit;
    if (relay->credit && g->stream.queued)
        mark_dirty(g);
    if (relay->data)
        feed(g, relay->data->data, relay->data->len);
}

static void take_close(struct guest *g, enum rc_close why)
{
    g->cut = true;
    if (why == RC_CLOSE_RELAY)
        rc_metric_add(&g->home->config.values[GM_RELAYS_LOST], 1);
    rc_stream_close(&g->stream, why);
    mark_dirty(g);
}

void rc_home_down(struct rc_home *home, const struct rc_relay *relay)
{
    struct guest *g = rc_map_get(&home->guests, &relay->stream, sizeof(relay->stream));
    if (relay->kind == RC_RELAY_OPEN)
        take_open(home, relay);
    else if (g && relay->kind == RC_RELAY_DATA)
        take_data(g, relay);
    else if (g)
        take_close(g, relay->why);
}

void rc_home_close_all(struct rc_home *home, enum rc_close why)
{
    struct rc_map_entry *entry, *next;
    RC_MAP_FOREACH (&home->guests, entry, next)
        rc_stream_close(&((struct guest *)entry->value)->stream, why);
}

size_t rc_home_count(const struct rc_home *home)
{
    return home->guests.count;
}

void rc_home_free(struct rc_home *home)
{
    struct rc_map_entry *entry, *next;
    if (!home)
        return;
    RC_MAP_FOREACH (&home->guests, entry, next) {
        struct guest *g = entry->value;
        rc_stream_close(&g->stream, RC_CLOSE_SHUTDOWN);
        if (g->state == CLOSING)
            bury(g);
        release(g);
    }
    rc_map_fini(&home->guests);
    free(home);
}
