/* Long-polling. */
#include "gateway/eio/eio_polling_impl.h"

#include "gateway/eio/eio_body.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define TEXT     "text/plain; charset=UTF-8"
#define NO_STORE "Cache-Control: no-store\r\n"

static size_t item_size(const struct eio_waiting *item)
{
    return item->message ? rc_eio_body_size(item->buf) : item->buf->len;
}

/* The queue */

static bool make_room(struct rc_polling *p)
{
    if (p->n < p->room)
        return true;
    size_t room = p->room ? p->room * 2 : 4;
    struct eio_waiting *more = realloc(p->out, room * sizeof(*more));
    if (!more)
        return false;
    p->out = more;
    p->room = room;
    return true;
}

static bool push(struct rc_polling *p, struct rc_buf *buf, bool message)
{
    struct eio_waiting item = {buf, message};
    if (!buf || !make_room(p)) {
        rc_buf_rele(buf);
        if (p->eio) /* else rc_polling_open sees to it */
            rc_eio_close(p->eio, RC_CLOSE_MEMORY);
        return false;
    }
    size_t size = item_size(&item) + 1;
    if (p->n && p->queued + size > p->eio->server->config.queue_max) {
        rc_buf_rele(buf);
        rc_eio_close(p->eio, RC_CLOSE_SLOW);
        return false;
    }
    p->queued += size;
    p->out[p->n++] = item;
    return true;
}

static void drop_queue(struct rc_polling *p)
{
    for (size_t i = 0; i < p->n; i++)
        rc_buf_rele(p->out[i].buf);
    free(p->out);
    p->out = NULL;
    p->n = p->room = p->queued = 0;
}

/* Everything queued, and last the given packet, as one body. NULL: memory is short. */
static uint8_t *make_body(const struct rc_polling *p, const char *packet, size_t *len)
{
    uint8_t *body = malloc(p->queued + (packet ? strlen(packet) : 0) + 1), *out = body;
    if (!body)
        return NULL;
    for (size_t i = 0; i < p->n; i++) {
        const struct rc_buf *buf = p->out[i].buf;
        if (i)
            *out++ = RC_EIO_SEPARATOR;
        if (p->out[i].message) {
            out = rc_eio_body_put(out, buf);
        } else {
            memcpy(out, buf->data, buf->len);
            out += buf->len;
        }
    }
    if (packet) {
        if (p->n)
            *out++ = RC_EIO_SEPARATOR;
        memcpy(out, packet, strlen(packet));
        out += strlen(packet);
    }
    *len = (size_t)(out - body);
    return body;
}

/* As rc_polling_flush, whatever is being worked on. A GET whose client has just gone takes nothing: its watch will tell. */
static void answer_poll(struct rc_polling *p, const char *packet)
{
    struct rc_response *poll = p->poll;
    size_t len;
    if (!poll || rc_response_gone(poll) || !(packet || p->n))
        return;
    p->poll = NULL;
    uint8_t *body = make_body(p, p->n && packet && *packet == '6' ? NULL : packet, &len); /* a noop only alone */
    if (!body) {
        rc_response_close(poll, RC_CLOSE_MEMORY);
        rc_response_full(poll, 503, NULL, NO_STORE, "", 0);
        rc_eio_close(p->eio, RC_CLOSE_MEMORY);
        return;
    }
    drop_queue(p);
    rc_response_full(poll, 200, TEXT, NO_STORE, body, len);
    free(body);
}

void rc_polling_flush(struct rc_polling *p, const char *packet)
{
    if (!p->corked)
        answer_poll(p, packet);
}

/* Requests that end */

/* An empty answer with this status. */
static void answer_empty(struct rc_response *response, int status)
{
    rc_response_full(response, status, NULL, NO_STORE, "", 0);
}

static void free_body(struct rc_polling *p)
{
    free(p->body);
    p->body = NULL;
    p->body_len = p->body_room = 0;
    p->reading = false;
}

static void end_post(struct rc_polling *p, bool good)
{
    struct rc_response *post = p->post;
    p->post = NULL;
    free_body(p);
    if (!post)
        return;
    if (!good) {
        rc_response_close(post, RC_CLOSE_HTTP_DONE); /* the rest of its body is not wanted */
        answer_empty(post, 400);
    } else {
        rc_response_full(post, 200, "text/html", NO_STORE, "ok", 2);
    }
}

static void on_poll_gone(void *self)
{
    struct rc_polling *p = self;
    struct rc_response *poll = p->poll;
    p->poll = NULL;
    rc_response_end(poll);
    rc_eio_close(p->eio, RC_CLOSE_PEER);
}

static void on_post_gone(void *self)
{
    struct rc_polling *p = self;
    struct rc_response *post = p->post;
    p->post = NULL;
    free_body(p);
    rc_response_end(post);
    rc_eio_close(p->eio, RC_CLOSE_PEER);
}

static const struct rc_response_watch poll_watch = {NULL, on_poll_gone};
static const struct rc_response_watch post_watch = {NULL, on_post_gone};

/* The transport */

static void polling_packet(void *self, const char *text)
{
    struct rc_polling *p = self;
    if (push(p, rc_buf_copy(text, strlen(text)), false))
        rc_polling_flush(p, NULL);
}

static void polling_message(void *self, struct rc_outgoing *out)
{
    struct rc_polling *p = self;
    if (push(p, rc_buf_hold(out->payload), true))
        rc_polling_flush(p, NULL);
}

static void polling_pause(void *self, bool stop)
{
    struct rc_polling *p = self;
    p->paused = stop;
    if (!stop && p->post && !p->reading && !p->corked)
        end_post(p, true);
}

void rc_polling_free(struct rc_polling *p)
{
    answer_poll(p, "6");
    if (p->poll)
        rc_response_end(p->poll);
    end_post(p, !p->reading);
    drop_queue(p);
    free(p);
}

/* The end of a session. */
static void bury(struct rc_polling *p)
{
    struct rc_eio *eio = p->eio;
    enum rc_close why = p->why;
    char sid[RC_SID_LEN + 1];
    if (rc_log_on(RC_DEBUG)) {
        rc_eio_sid(eio, sid);
        rc_log(RC_DEBUG, "polling-closed", "session=%s reason=\"%s\"", sid, rc_close_text(why));
    }
    rc_metric_add(&eio->server->config.values[GM_CLOSED + why], 1);
    rc_metric_sub(&eio->server->config.values[GM_POLLING], 1);
    LIST_REMOVE(p, link);
    rc_polling_free(p);
    rc_eio_gone(eio, why);
}

void rc_polling_sweep(struct rc_eio_server *server)
{
    struct rc_polling *p;
    while ((p = LIST_FIRST(&server->ended)))
        bury(p);
}

static void on_end(struct rc_timer *timer)
{
    rc_polling_sweep((struct rc_eio_server *)((char *)timer - offsetof(struct rc_eio_server, end)));
}

static void polling_close(void *self, enum rc_close why)
{
    struct rc_polling *p = self;
    struct rc_eio_server *server = p->eio->server;
    p->why = why;
    answer_poll(p, "1");
    if (!p->corked) /* else on_body_end does it, who still reads the body */
        end_post(p, !p->reading);
    rc_polling_drop_candidate(p);
    LIST_INSERT_HEAD(&server->ended, p, link); /* not freed from within the code that ended it */
    rc_timer_set(server->config.wheel, &server->end, 0, on_end);
}

const struct rc_eio_transport rc_polling_transport = {true, polling_packet, polling_message, polling_pause,
                                                      polling_close};

/* Requests */

void rc_polling_open(struct rc_eio_server *server, const struct rc_http_request *request, struct rc_response *response)
{
    struct rc_polling *p = calloc(1, sizeof(*p));
    if (p) {
        p->corked = true; /* until the session is known */
        p->poll = response;
        p->eio = rc_eio_open(server, &rc_polling_transport, p, rc_http_header(request, "cookie"));
    }
    if (!p || !p->eio) {
        free(p);
        answer_empty(response, 503);
        return;
    }
    rc_metric_add(&server->config.values[GM_POLLING], 1);
    p->corked = false;
    rc_polling_flush(p, NULL);
    if (p->poll) /* memory was too short for the open packet */
        rc_eio_close(p->eio, RC_CLOSE_MEMORY);
}

void rc_polling_get(struct rc_polling *p, struct rc_response *response)
{
    if (p->poll) {
        answer_empty(response, 400);
        rc_eio_close(p->eio, RC_CLOSE_EIO_REQUEST);
        return;
    }
    p->poll = response;
    rc_response_watch(response, &poll_watch, p);
    rc_polling_flush(p, p->probed ? "6" : NULL);
}

static void on_body(void *self, const uint8_t *data, size_t len)
{
    struct rc_polling *p = self;
    if (!p->reading)
        return;
    size_t need = p->body_len + len; /* within max_payload, since the announced length is */
    if (need > p->body_room) {
        size_t room = p->body_room * 2 > need ? p->body_room * 2 : need;
        uint8_t *more = realloc(p->body, room);
        if (!more) {
            rc_eio_close(p->eio, RC_CLOSE_MEMORY);
            return;
        }
        p->body = more;
        p->body_room = room;
    }
    memcpy(p->body + p->body_len, data, len);
    p->body_len = need;
}

/* The client's close packet: the GET is let go, nothing more is worked on. */
static void take_close(struct rc_polling *p)
{
    answer_poll(p, "6");
    rc_eio_close(p->eio, RC_CLOSE_PEER);
}

static void take_packets(struct rc_polling *p)
{
    struct rc_eio_packet packet;
    for (size_t at = 0; !p->eio->closing;) {
        enum rc_eio_next next = rc_eio_body_next(p->body, p->body_len, &at, &packet);
        if (next == RC_EIO_END)
            return;
        if (next == RC_EIO_WRONG)
            rc_eio_close(p->eio, RC_CLOSE_EIO_PACKET);
        else if (packet.binary)
            rc_eio_binary(p->eio, packet.data, packet.len);
        else if (packet.len && *packet.data == '1')
            take_close(p);
        else
            rc_eio_text(p->eio, (const char *)packet.data, packet.len);
    }
}

static void on_body_end(void *self)
{
    struct rc_polling *p = self;
    if (!p->reading)
        return;
    p->reading = false;
    p->corked = true;
    take_packets(p);
    p->corked = false;
    free_body(p);
    if (!p->paused || p->eio->closing)
        end_post(p, true);
    rc_polling_flush(p, NULL);
}

static const struct rc_body_sink body_sink = {on_body, on_body_end};

static bool is_octets(const struct rc_http_request *request)
{
    const char *type = rc_http_header(request, "content-type");
    return type && strcasecmp(type, "application/octet-stream") == 0;
}

void rc_polling_post(struct rc_polling *p, const struct rc_http_request *request, struct rc_response *response)
{
    if (p->post || is_octets(request)) {
        rc_response_close(response, RC_CLOSE_HTTP_DONE);
        answer_empty(response, 400);
        rc_eio_close(p->eio, RC_CLOSE_EIO_REQUEST);
        return;
    }
    if (request->body > p->eio->server->config.max_payload) {
        rc_response_close(response, RC_CLOSE_HTTP_LIMIT);
        answer_empty(response, 413);
        return;
    }
    p->post = response;
    p->reading = true;
    rc_response_watch(response, &post_watch, p);
    rc_response_body(response, &body_sink, p);
}
