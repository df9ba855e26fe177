/* The begin of a connection: its socket, and the request that makes a WebSocket of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "client/client.h"
#include "client/token.h"
#include "oracle/message.h"

/* A source address has 28,000 ports to one server by default, and those of ended connections stay taken for a while. */
#define CLIENTS_PER_SOURCE 4000u

/* 127.1.0.1, 127.1.0.2, ... The port is chosen when connecting, where the destination is known. */
static int bind_source(int fd, uint32_t client)
{
    uint32_t block = client / CLIENTS_PER_SOURCE;
    int on = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(0x7f010000u + (block / 250 << 8) + 1 + block % 250);
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0) {
        return -1;
    }
    return bind(fd, (const struct sockaddr *)&source, sizeof source);
}

int rc_client_socket(const struct rc_client_host *host, const struct rc_client *client)
{
    const struct rc_target *target = &host->targets->target[client->index % host->targets->count];
    int on = 1;
    int fd = socket(target->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if ((target->loopback && bind_source(fd, client->index) != 0) ||
        (connect(fd, (const struct sockaddr *)&target->addr, target->addr_len) != 0 && errno != EINPROGRESS)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

bool rc_client_request(struct rc_client_host *host, struct rc_client *client)
{
    char user[RC_NAME_LEN + 1], token[RC_TOKEN_MAX], head[RC_TOKEN_MAX + 1024];
    rc_message_name(user, host->run, client->index);
    if (!rc_token_make(token, host->secret, user, client->admin)) {
        return false;
    }
    int len = snprintf(head, sizeof head,
                       "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
                       "Cookie: token=%s\r\n\r\n",
                       host->targets->path, host->targets->target[client->index % host->targets->count].host, host->key,
                       token);
    return len > 0 && (size_t)len < sizeof head && rc_bytes_add(&client->out, head, (size_t)len, RC_CLIENT_OUT_MAX);
}
