/* An HTTP server with one client, in memory: for tests of request handlers. One of each to a test program. */
#ifndef RC_TESTS_HTTP_CLIENT_H
#define RC_TESTS_HTTP_CLIENT_H

#include "fake_stream.h"
#include "gateway/http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct rc_wheel server_wheel;
static rc_gateway_values server_values;
static struct rc_http_server *server;
static struct fake_stream *client;

static inline void client_connects(void)
{
    client = fake_new();
    assert_true(rc_http_open(server, &client->stream));
}

static inline void client_leaves(void)
{
    fake_free(client);
}

static inline void server_opens(void)
{
    rc_wheel_init(&server_wheel, 0);
    server = rc_http_server_new(&server_wheel, server_values);
}

static inline void server_closes(void)
{
    rc_http_server_free(server);
}

/* Sends a request; fields: further header lines, or "". What was answered before is forgotten. */
static inline void client_asks(const char *method, const char *target, const char *version, const char *host,
                               const char *fields)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "%s %s HTTP/%s\r\nHost: %s\r\n%s\r\n", method, target, version, host, fields);
    assert_true(n > 0 && (size_t)n < sizeof text);
    client->out_len = 0;
    client->out[0] = '\0';
    fake_feed(client, text, (size_t)n);
}

/* The client takes nothing of what it was sent, until it reads. */
static inline void client_stalls(void)
{
    client->stream.queued = (uint32_t)client->out_len;
}

static inline void client_reads(void)
{
    client->stream.queued = 0;
    client->stream.user->drained(client->stream.self, &client->stream);
}

#endif
