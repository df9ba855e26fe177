/* The server's answer to the upgrade. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/client.h"

#define HEAD_MAX 16384

/* The value of a header in a head that ends with a terminator; NULL: not there. */
static const char *header(const char *head, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            return line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
        }
    }
    return NULL;
}

/* Judges a whole head. */
static bool judge(struct rc_client_host *host, const char *head)
{
    int status = 0;
    if (sscanf(head, "HTTP/1.1 %d", &status) != 1) {
        snprintf(host->why, sizeof host->why, "an answer that is not HTTP/1.1");
        return false;
    }
    if (status != 101) {
        const char *after = header(head, "Retry-After");
        snprintf(host->why, sizeof host->why, "HTTP %d", status);
        if (status == 503 || status == 429) {
            unsigned long seconds = after ? strtoul(after, NULL, 10) : 0;
            host->retry_after = seconds > 0 && seconds < 3600 ? (unsigned)seconds : 1;
        }
        return false;
    }
    const char *accept = header(head, "Sec-WebSocket-Accept");
    if (!accept || strncmp(accept, host->accept, strlen(host->accept)) != 0) {
        snprintf(host->why, sizeof host->why, "a wrong Sec-WebSocket-Accept");
        return false;
    }
    return true;
}

bool rc_client_http(struct rc_client_host *host, struct rc_client *client, const uint8_t *data, size_t len)
{
    if (!rc_bytes_add(&client->in, data, len, HEAD_MAX) || !rc_bytes_room(&client->in, 1, HEAD_MAX + 1)) {
        snprintf(host->why, sizeof host->why, "a head of HTTP above 16 KiB");
        return false;
    }
    client->in.data[client->in.len] = '\0';
    char *end = memmem(client->in.data, client->in.len, "\r\n\r\n", 4);
    if (!end) {
        return true;
    }
    end[2] = '\0';
    size_t head = (size_t)(end + 4 - (char *)client->in.data);
    if (!judge(host, (const char *)client->in.data)) {
        return false;
    }
    client->state = RC_CLIENT_OPENING;
    struct rc_bytes rest = client->in;
    client->in = (struct rc_bytes){0};
    bool good = rest.len == head || rc_client_frames(host, client, rest.data + head, rest.len - head);
    rc_bytes_fini(&rest);
    return good;
}
