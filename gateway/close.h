/* Why a client connection ended: each ends once, with one of these, which is logged and counted. */
#ifndef RC_GATEWAY_CLOSE_H
#define RC_GATEWAY_CLOSE_H

#include "metric.h"

/* Lines of the metric table as well (metrics.h): the sentence is help of the metric and reason in the log. */
#define RC_CLOSE_LIST(X)                                                                                               \
    X(RC_CLOSE_PEER, "closed_peer", RC_COUNTER, "connections", "The client closed it")                                 \
    X(RC_CLOSE_ERROR, "closed_error", RC_COUNTER, "connections", "Reset or failed in the kernel")                      \
    X(RC_CLOSE_SHUTDOWN, "closed_shutdown", RC_COUNTER, "connections", "This gateway shuts down")                      \
    X(RC_CLOSE_MEMORY, "closed_memory", RC_COUNTER, "connections", "Out of memory")                                    \
    X(RC_CLOSE_SLOW, "closed_slow", RC_COUNTER, "connections", "Its output queue reached the bound")                   \
    X(RC_CLOSE_HTTP_DONE, "closed_http_done", RC_COUNTER, "connections", "Last HTTP response was sent")                \
    X(RC_CLOSE_ANSWERED, "closed_answered", RC_COUNTER, "connections",                                                 \
      "A request that another gateway passed on was answered")                                                         \
    X(RC_CLOSE_HTTP_IDLE, "closed_http_idle", RC_COUNTER, "connections", "No HTTP request in time")                    \
    X(RC_CLOSE_HTTP_SLOW, "closed_http_slow", RC_COUNTER, "connections", "HTTP request came too slowly")               \
    X(RC_CLOSE_HTTP_BAD, "closed_http_bad", RC_COUNTER, "connections", "Not a valid HTTP request")                     \
    X(RC_CLOSE_HTTP_LIMIT, "closed_http_limit", RC_COUNTER, "connections", "HTTP header or body too large")            \
    X(RC_CLOSE_HANDSHAKE, "closed_handshake", RC_COUNTER, "connections", "WebSocket handshake refused")                \
    X(RC_CLOSE_WS_CLOSED, "closed_ws", RC_COUNTER, "connections", "The client sent a WebSocket close")                 \
    X(RC_CLOSE_WS_PROTOCOL, "closed_ws_protocol", RC_COUNTER, "connections", "WebSocket protocol error")               \
    X(RC_CLOSE_WS_UTF8, "closed_ws_utf8", RC_COUNTER, "connections", "WebSocket text is not UTF-8")                    \
    X(RC_CLOSE_WS_TOO_BIG, "closed_ws_too_big", RC_COUNTER, "connections", "WebSocket message too large")              \
    X(RC_CLOSE_EIO_PACKET, "closed_eio_packet", RC_COUNTER, "connections", "Bad Engine.IO packet")                     \
    X(RC_CLOSE_EIO_REQUEST, "closed_eio_request", RC_COUNTER, "connections", "Bad long-polling request")               \
    X(RC_CLOSE_UPGRADE, "closed_upgrade", RC_COUNTER, "connections", "Upgrade to WebSocket refused or not finished")   \
    X(RC_CLOSE_PING_TIMEOUT, "closed_ping_timeout", RC_COUNTER, "connections", "No Engine.IO pong in time")            \
    X(RC_CLOSE_SIO_PACKET, "closed_sio_packet", RC_COUNTER, "connections", "Bad Socket.IO packet")                     \
    X(RC_CLOSE_CONNECT_TIMEOUT, "closed_connect_timeout", RC_COUNTER, "connections", "No Socket.IO CONNECT in time")   \
    X(RC_CLOSE_TOKEN_EXPIRED, "closed_token_expired", RC_COUNTER, "connections", "Its token expired")                  \
    X(RC_CLOSE_FENCED, "closed_fenced", RC_COUNTER, "connections", "The gateway lost the brokers")                     \
    X(RC_CLOSE_ROOMS_TIMEOUT, "closed_rooms_timeout", RC_COUNTER, "connections",                                       \
      "Its rooms were not in place in time")                                                                           \
    X(RC_CLOSE_UNDELIVERED, "closed_undelivered", RC_COUNTER, "connections",                                           \
      "A message of it that asked for no ack was given up")                                                            \
    X(RC_CLOSE_RELAY, "closed_relay", RC_COUNTER, "connections", "The way to the gateway of its session was lost")     \
    X(RC_CLOSE_BUSY, "closed_busy", RC_COUNTER, "connections", "A bound of this gateway is reached")

enum rc_close { RC_CLOSE_LIST(RC_METRIC_ENUM) RC_CLOSE_COUNT };

const char *rc_close_text(enum rc_close why); /* the sentence; static, never NULL */

#endif
