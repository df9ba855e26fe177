/* Engine.IO and Socket.IO packets in the messages of a WebSocket. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

#define EVENT "[\"mensaje_recibido\","

/* What one read is about. */
struct reading {
    struct rc_client_host *host;
    struct rc_client *client;
};

static bool begins(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && memcmp(text, with, n) == 0;
}

static bool end(struct rc_client_host *host, const char *what, const char *text, size_t len)
{
    snprintf(host->why, sizeof host->why, "%s%.*s", what, (int)(len < 60 ? len : 60), text);
    return false;
}

static bool garbled(struct rc_client_host *host)
{
    rc_count(&host->share->counters.garbled, 1);
    return true;
}

/* The number behind a key of the open packet; 0: not there. */
static uint32_t number_of(const char *text, size_t len, const char *key)
{
    const char *at = memmem(text, len, key, strlen(key));
    uint32_t value = 0;
    if (at) {
        for (at += strlen(key); at < text + len && isdigit((unsigned char)*at) && value < 100000000; at++) {
            value = value * 10 + (uint32_t)(*at - '0');
        }
    }
    return value;
}

/* 0{...}: the session is there, now the socket. */
static bool take_open(struct rc_client_host *host, struct rc_client *client, const char *text, size_t len)
{
    client->silence = number_of(text, len, "\"pingInterval\":") + number_of(text, len, "\"pingTimeout\":");
    client->state = RC_CLIENT_JOINING;
    return rc_client_write(host, client, RC_FRAME_TEXT, "40", 2) || end(host, "no memory", "", 0);
}

static bool take_ack(struct rc_client_host *host, struct rc_client *client, const char *text, size_t len)
{
    uint64_t id = 0;
    size_t at = 2;
    while (at < len && at < 20 && isdigit((unsigned char)text[at])) {
        id = id * 10 + (uint64_t)(text[at++] - '0');
    }
    if (at == 2 || at == len || text[at] != '[' || text[len - 1] != ']') {
        return garbled(host);
    }
    host->events->ack(host->arg, client, id, text + at, len - at);
    return true;
}

/* A packet of Socket.IO, which begins with 4. */
static bool take_packet(struct rc_client_host *host, struct rc_client *client, const char *text, size_t len)
{
    bool live = client->state == RC_CLIENT_LIVE;
    switch (len > 1 ? text[1] : 0) {
    case '2':
        if (live && begins(text + 2, len - 2, EVENT)) {
            host->events->message(host->arg, client, text + 2, len - 2);
            return true;
        }
        return live && len > 2 && text[2] == '[' ? true : garbled(host);
    case '3':
        return live ? take_ack(host, client, text, len) : garbled(host);
    case '0':
        if (client->state != RC_CLIENT_JOINING) {
            return garbled(host);
        }
        client->state = RC_CLIENT_LIVE;
        host->events->live(host->arg, client);
        return true;
    case '1':
        return end(host, "the server disconnected the socket", "", 0);
    case '4':
        return end(host, "CONNECT refused: ", text + 2, len - 2);
    default:
        return garbled(host);
    }
}

static bool take_text(struct rc_client_host *host, struct rc_client *client, const char *text, size_t len)
{
    switch (len > 0 ? text[0] : 0) {
    case '4':
        return take_packet(host, client, text, len);
    case '2':
        rc_count(&host->share->counters.pings, 1);
        return rc_client_write(host, client, RC_FRAME_TEXT, "3", 1) || end(host, "reads pings only", "", 0);
    case '0':
        return client->state == RC_CLIENT_OPENING ? take_open(host, client, text, len) : garbled(host);
    case '1':
        return end(host, "the server closed the session", "", 0);
    case '6':
        return true;
    default:
        return garbled(host);
    }
}

/* Two bytes of status and text, if any. */
static bool take_close(struct rc_client_host *host, const uint8_t *data, size_t len)
{
    snprintf(host->why, sizeof host->why, "WebSocket close %d%s%.*s", len < 2 ? 1005 : data[0] << 8 | data[1],
             len > 2 ? ": " : "", len > 2 ? (int)(len - 2 < 50 ? len - 2 : 50) : 0,
             len > 2 ? (const char *)data + 2 : "");
    return false;
}

static bool take_frame(void *arg, enum rc_frame_kind kind, const uint8_t *data, size_t len)
{
    struct reading *reading = arg;
    switch (kind) {
    case RC_FRAME_TEXT:
        return take_text(reading->host, reading->client, (const char *)data, len);
    case RC_FRAME_PING:
        return rc_client_write(reading->host, reading->client, RC_FRAME_PONG, data, len);
    case RC_FRAME_CLOSE:
        return take_close(reading->host, data, len);
    case RC_FRAME_PONG:
        return true;
    case RC_FRAME_BINARY:
    default:
        return garbled(reading->host);
    }
}

bool rc_client_frames(struct rc_client_host *host, struct rc_client *client, const uint8_t *data, size_t len)
{
    struct reading reading = {host, client};
    const char *wrong = rc_frames_read(host->pool, &client->frames, data, len, take_frame, &reading);
    if (wrong) {
        rc_count(&host->share->counters.garbled, 1);
        return end(host, "the server sent ", wrong, strlen(wrong));
    }
    return host->why[0] == '\0';
}
