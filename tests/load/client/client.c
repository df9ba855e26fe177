/* One client: its descriptor, its output, its end. */
#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>

/* RFC 6455 4.2.2: what the server has to make of the key. */
static bool make_accept(struct rc_client_host *host)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char text[96];
    unsigned char key[16];
    memcpy(key, "roomcast-bench k", 16);
    EVP_EncodeBlock((unsigned char *)host->key, key, sizeof key);
    int n = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", host->key);
    if (EVP_Digest(text, (size_t)n, hash, &len, EVP_sha1(), NULL) != 1) {
        return false;
    }
    EVP_EncodeBlock((unsigned char *)host->accept, hash, (int)len);
    return true;
}

bool rc_client_host_init(struct rc_client_host *host)
{
    host->pool = rc_frame_pool_new();
    host->scratch = malloc(RC_CLIENT_SCRATCH);
    return host->pool && host->scratch && make_accept(host);
}

void rc_client_host_fini(struct rc_client_host *host)
{
    if (host->pool) {
        rc_frame_pool_free(host->pool);
    }
    free(host->scratch);
}

void rc_client_close(struct rc_client_host *host, struct rc_client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
    }
    client->fd = -1;
    client->state = RC_CLIENT_IDLE;
    client->want_write = false;
    rc_frames_fini(host->pool, &client->frames);
    rc_bytes_fini(&client->in);
    rc_bytes_fini(&client->out);
}

void rc_client_end(struct rc_client_host *host, struct rc_client *client, const char *why)
{
    enum rc_client_state was = client->state;
    unsigned retry_after = host->retry_after;
    host->retry_after = 0;
    rc_client_close(host, client);
    host->events->ended(host->arg, client, was, why, retry_after);
}

/* For a failed system call. */
static void fail(struct rc_client_host *host, struct rc_client *client, const char *what, int error)
{
    char why[RC_REASON_MAX];
    snprintf(why, sizeof why, "%s: %s", what, strerror(error));
    rc_client_end(host, client, why);
}

static bool watch(struct rc_client_host *host, struct rc_client *client, int how, bool write)
{
    struct epoll_event event = {.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = client};
    client->want_write = write;
    return epoll_ctl(host->epoll, how, client->fd, &event) == 0;
}

void rc_client_dial(struct rc_client_host *host, struct rc_client *client)
{
    client->fd = rc_client_socket(host, client);
    client->state = RC_CLIENT_DIALLING;
    client->heard = host->now;
    client->silence = 0;
    if (client->fd < 0) {
        fail(host, client, "connect", errno);
    } else if (!rc_client_request(host, client)) {
        rc_client_end(host, client, "no token could be made");
    } else if (!watch(host, client, EPOLL_CTL_ADD, true)) {
        fail(host, client, "epoll_ctl", errno);
    }
}

static void mark_dirty(struct rc_client_host *host, struct rc_client *client)
{
    if (!client->dirty) {
        client->dirty = true;
        client->next_dirty = host->dirty;
        host->dirty = client;
    }
}

bool rc_client_write(struct rc_client_host *host, struct rc_client *client, enum rc_frame_kind kind, const void *data,
                     size_t len)
{
    if (!rc_frames_write(host->pool, &client->out, RC_CLIENT_OUT_MAX, kind, data, len)) {
        return false;
    }
    mark_dirty(host, client);
    return true;
}

static void flush(struct rc_client_host *host, struct rc_client *client)
{
    if (client->fd < 0 || client->out.len == 0) {
        return;
    }
    ssize_t n = send(client->fd, client->out.data, client->out.len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        fail(host, client, "send", errno);
        return;
    }
    rc_bytes_drop(&client->out, n > 0 ? (size_t)n : 0);
    bool write = client->out.len > 0;
    if (write != client->want_write && !watch(host, client, EPOLL_CTL_MOD, write)) {
        fail(host, client, "epoll_ctl", errno);
    }
}

void rc_client_flush_all(struct rc_client_host *host)
{
    while (host->dirty) {
        struct rc_client *client = host->dirty;
        host->dirty = client->next_dirty;
        client->dirty = false;
        if (!client->want_write) {
            flush(host, client);
        }
    }
}

static void receive(struct rc_client_host *host, struct rc_client *client)
{
    ssize_t n = recv(client->fd, host->scratch, RC_CLIENT_SCRATCH, 0);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            fail(host, client, "recv", errno);
        }
        return;
    }
    if (n == 0) {
        rc_client_end(host, client, "end of the stream without a close frame");
        return;
    }
    rc_count(&host->share->counters.bytes_in, (uint64_t)n);
    client->heard = host->now;
    host->why[0] = '\0';
    bool good = client->state == RC_CLIENT_DIALLING ? rc_client_http(host, client, host->scratch, (size_t)n)
                                                    : rc_client_frames(host, client, host->scratch, (size_t)n);
    if (!good) {
        rc_client_end(host, client, host->why);
    }
}

void rc_client_ready(struct rc_client_host *host, struct rc_client *client, uint32_t events)
{
    if (client->state == RC_CLIENT_DIALLING && client->want_write && events & (EPOLLOUT | EPOLLERR)) {
        int error = 0;
        socklen_t len = sizeof error;
        if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0) {
            fail(host, client, "connect", error);
            return;
        }
    }
    if (events & EPOLLOUT) {
        flush(host, client);
    }
    if (client->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        receive(host, client);
    }
}
