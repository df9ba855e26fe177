/* A Socket.IO connection: packets of one Engine.IO session, handed to its sockets. */
#include "gateway/sio/sio_impl.h"

#include "clock.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define FOREVER ((int64_t)10 * 365 * 86400) /* s, longer than a worker lives */

void sio_conn_close(struct sio_conn *conn, enum rc_close why)
{
    rc_eio_close(conn->eio, why);
}

void sio_conn_send(struct sio_conn *conn, struct rc_buf *payload)
{
    struct rc_outgoing out = {payload, NULL};
    if (!payload) {
        sio_conn_close(conn, RC_CLOSE_MEMORY);
        return;
    }
    rc_eio_send(conn->eio, &out);
    rc_outgoing_fini(&out);
    rc_buf_rele(payload);
}

void sio_conn_pause(struct sio_conn *conn)
{
    bool stop = false;
    for (struct sio_socket *socket = SLIST_FIRST(&conn->sockets); socket; socket = SLIST_NEXT(socket, link))
        stop = stop || socket->paused;
    rc_eio_pause(conn->eio, stop);
}

static void refuse_packet(struct sio_conn *conn, const char *wrong)
{
    char sid[RC_SID_LEN + 1];
    if (rc_log_on(RC_DEBUG)) {
        rc_eio_sid(conn->eio, sid);
        rc_log(RC_DEBUG, "packet-refused", "session=%s wrong=\"%s\"", sid, wrong);
    }
    sio_conn_close(conn, RC_CLOSE_SIO_PACKET);
}

static void on_timer(struct rc_timer *timer);

static void greet_all(struct sio_conn *conn)
{
    struct sio_socket *socket;
    SLIST_FOREACH (socket, &conn->sockets, link)
        sio_socket_greet(socket);
}

void sio_conn_uncount(struct sio_conn *conn)
{
    if (conn->counted)
        rc_metric_sub(&sio_of(conn)->config.values[GM_HANDSHAKES], 1);
    conn->counted = false;
}

static rc_time haste(const struct rc_sio_config *config)
{
    return config->connect_timeout < RC_SIO_HASTE_US ? config->connect_timeout : RC_SIO_HASTE_US;
}

/* What is left of the connect timeout begins. */
static void be_late(struct sio_conn *conn)
{
    const struct rc_sio_config *config = &sio_of(conn)->config;
    rc_time left = conn->timer.at + config->connect_timeout - haste(config) - config->wheel->now;
    conn->late = true;
    if (SLIST_EMPTY(&conn->sockets))
        sio_conn_uncount(conn);
    rc_timer_set(config->wheel, &conn->timer, left > 0 ? left : 0, on_timer);
}

static void on_timer(struct rc_timer *timer)
{
    struct sio_conn *conn = (struct sio_conn *)((char *)timer - offsetof(struct sio_conn, timer));
    if (!conn->entered && !conn->late) {
        be_late(conn);
    } else if (!conn->entered) {
        sio_conn_close(conn, RC_CLOSE_CONNECT_TIMEOUT);
    } else if (conn->greeting) {
        conn->greeting = false;
        greet_all(conn);
        sio_conn_schedule(conn);
    } else {
        sio_conn_close(conn, RC_CLOSE_TOKEN_EXPIRED);
    }
}

void sio_conn_schedule(struct sio_conn *conn)
{
    const struct sio_socket *socket;
    int64_t first = INT64_MAX;
    if (!conn->entered || conn->greeting)
        return; /* this comes after that */
    rc_timer_stop(&conn->timer);
    SLIST_FOREACH (socket, &conn->sockets, link) {
        if (!socket->entry && socket->expires && socket->expires < first)
            first = socket->expires;
    }
    if (first == INT64_MAX)
        return;
    int64_t left = first - rc_clock_wall_ms() / 1000; /* s */
    left = left < 0 ? 0 : left > FOREVER ? FOREVER : left;
    rc_timer_set(sio_of(conn)->config.wheel, &conn->timer, left * 1000 * RC_MS, on_timer);
}

void sio_conn_greet_soon(struct sio_conn *conn)
{
    conn->greeting = true;
    rc_timer_set(sio_of(conn)->config.wheel, &conn->timer, RC_SIO_GREET_US, on_timer);
}

static void *on_open(void *host, struct rc_eio *eio, const char *cookie)
{
    struct rc_sio *sio = host;
    struct sio_conn *conn = calloc(1, sizeof(*conn));
    if (!conn)
        return NULL;
    conn->eio = eio;
    SLIST_INIT(&conn->sockets);
    if (cookie && !(conn->cookie = strdup(cookie))) {
        free(conn);
        return NULL;
    }
    conn->counted = true;
    rc_metric_add(&sio->config.values[GM_HANDSHAKES], 1);
    rc_timer_set(sio->config.wheel, &conn->timer, haste(&sio->config), on_timer);
    return conn;
}

static void partial_free(struct sio_partial *partial)
{
    if (!partial)
        return;
    for (unsigned i = 0; i < partial->have; i++)
        rc_buf_rele(partial->attachment[i]);
    free(partial->text);
    free(partial);
}

static void on_closed(void *self, enum rc_close why)
{
    struct sio_conn *conn = self;
    struct sio_socket *socket;
    (void)why;
    while ((socket = SLIST_FIRST(&conn->sockets)))
        sio_socket_leave(socket);
    rc_timer_stop(&conn->timer);
    sio_conn_uncount(conn);
    partial_free(conn->partial);
    if (conn->is_known)
        sio_of(conn)->config.app->rele(sio_of(conn)->config.app->self, conn->known);
    else
        free(conn->cookie);
    free(conn);
}

static bool is_nsp(const char *nsp, const struct rc_sio_packet *packet)
{
    return strlen(nsp) == packet->nsp_len && memcmp(nsp, packet->nsp, packet->nsp_len) == 0;
}

/* Its place in config.nsp; -1: it does not exist. */
static int known_nsp(const struct rc_sio *sio, const struct rc_sio_packet *packet)
{
    for (int i = 0; sio->config.nsp[i]; i++) {
        if (is_nsp(sio->config.nsp[i], packet))
            return i;
    }
    return -1;
}

static struct sio_socket *find_socket(const struct sio_conn *conn, const struct rc_sio_packet *packet)
{
    for (struct sio_socket *socket = SLIST_FIRST(&conn->sockets); socket; socket = SLIST_NEXT(socket, link)) {
        if (is_nsp(sio_nsp(socket), packet))
            return socket;
    }
    return NULL;
}

static void take_connect(struct sio_conn *conn, const struct rc_sio_packet *packet)
{
    int nsp = known_nsp(sio_of(conn), packet);
    if (sio_of(conn)->draining) {
        sio_conn_close(conn, RC_CLOSE_SHUTDOWN);
    } else if (nsp >= 0) {
        sio_socket_enter(conn, (uint8_t)nsp, packet);
    } else if (packet->nsp_len > RC_NSP_MAX) {
        refuse_packet(conn, "namespace is too long");
    } else {
        rc_metric_add(&sio_of(conn)->config.values[GM_CONNECTS_REFUSED], 1);
        sio_conn_send(conn, rc_sio_connect_error(packet->nsp, packet->nsp_len, "Invalid namespace"));
    }
}

/* A whole packet. */
static void dispatch(struct sio_conn *conn, const struct rc_sio_packet *packet, struct rc_buf *const *attachment)
{
    struct sio_socket *socket = find_socket(conn, packet);
    if (packet->type == RC_SIO_CONNECT) {
        if (socket)
            refuse_packet(conn, "second CONNECT to a namespace");
        else
            take_connect(conn, packet);
        return;
    }
    if (!socket || socket->entry) {
        refuse_packet(conn, "packet for a namespace that is not connected");
        return;
    }
    switch (packet->type) {
    case RC_SIO_DISCONNECT:
        sio_socket_leave(socket);
        sio_conn_pause(conn);
        break;
    case RC_SIO_EVENT:
    case RC_SIO_BINARY_EVENT:
        sio_socket_event(socket, packet, attachment);
        break;
    default: /* an ack; this server asks for none */
        rc_metric_add(&sio_of(conn)->config.values[GM_ACKS_IGNORED], 1);
    }
}

/* Keeps a binary packet until its attachments have come. */
static void begin_partial(struct sio_conn *conn, const char *data, size_t len)
{
    struct sio_partial *partial = calloc(1, sizeof(*partial));
    if (partial)
        partial->text = malloc(len);
    if (!partial || !partial->text) {
        free(partial);
        sio_conn_close(conn, RC_CLOSE_MEMORY);
        return;
    }
    memcpy(partial->text, data, len);
    rc_sio_packet_parse(partial->text, len, &partial->packet); /* again, for slices that stay */
    conn->partial = partial;
}

/* What is held of a packet until its attachments are there is for known clients only: at most RC_ATTACHMENTS_MAX
 * messages. */
static bool may_attach(const struct sio_conn *conn, const struct rc_sio_packet *packet)
{
    const struct sio_socket *socket = find_socket(conn, packet);
    return socket && !socket->entry;
}

static void on_text(void *self, const char *data, size_t len)
{
    struct sio_conn *conn = self;
    struct rc_sio_packet packet;
    const char *wrong = conn->partial ? "attachments are due" : rc_sio_packet_parse(data, len, &packet);
    if (wrong)
        refuse_packet(conn, wrong);
    else if (packet.attachments && !may_attach(conn, &packet))
        refuse_packet(conn, "attachments for a namespace that is not connected");
    else if (packet.attachments)
        begin_partial(conn, data, len);
    else
        dispatch(conn, &packet, NULL);
}

static void on_binary(void *self, const uint8_t *data, size_t len)
{
    struct sio_conn *conn = self;
    struct sio_partial *partial = conn->partial;
    if (!partial) {
        refuse_packet(conn, "binary data that no packet announced");
        return;
    }
    struct rc_buf *attachment = rc_buf_copy(data, len);
    if (!attachment) {
        sio_conn_close(conn, RC_CLOSE_MEMORY);
        return;
    }
    partial->attachment[partial->have++] = attachment;
    if (partial->have < partial->packet.attachments)
        return;
    conn->partial = NULL;
    dispatch(conn, &partial->packet, partial->attachment);
    partial_free(partial);
}

const struct rc_eio_user rc_sio_user = {on_open, on_text, on_binary, on_closed};
