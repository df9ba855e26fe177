/*
 * The application layer: who may enter, which rooms a socket is in, and what becomes of an event. An interface, so that
 * tests and the conformance program can plug another application into the same gateway; the support chat (chat.c) is
 * what ships. Nothing outside it knows an event's name. Called on worker threads, several at once; implementations keep
 * shared state read-only or locked, and never block.
 */
#ifndef RC_GATEWAY_APP_H
#define RC_GATEWAY_APP_H

#include "cluster/gateway.h"

struct rc_identity; /* an application's own type: a verified user; counted, see rele */

/* The client of an Engine.IO session. */
struct rc_visitor {
    const char *cookie; /* value of the Cookie header of the request that opened the session; NULL: there was none */
    size_t cookie_len;
    struct rc_identity
        *known; /* what an earlier `enter` of this session gave; the cookie is not kept then. NULL: none */
};

/* A Socket.IO EVENT or BINARY_EVENT as it came: slices and buffers stay the caller's. */
struct rc_event {
    const char *nsp;  /* the socket's namespace, "/" or "/name", RC_NSP_MAX bytes at most */
    const char *json; /* the packet's JSON array, valid JSON text, UTF-8 */
    size_t json_len;
    struct rc_buf *const *attachment; /* binary attachments that placeholders in json name by index */
    unsigned attachments;
    bool wants_ack;
    uint64_t id; /* of the packet, for the ack; valid with wants_ack */
};

enum rc_verdict {
    RC_EVENT_IGNORE, /* unknown event: nothing happens, counted */
    RC_EVENT_REFUSE, /* bad payload: the ack, if asked for, is {"error": reason}; counted */
    RC_EVENT_EMIT,   /* emit is filled: send it, answer the ack when its result is known */
    RC_EVENT_ANSWER, /* reply holds what to send back to this socket at once */
};

/* RC_EVENT_ANSWER: at most one event and one ack; payloads made by rc_payload_* (gateway/sio/payload.h). */
struct rc_reply {
    struct rc_buf *event; /* to this socket, by rc_payload_event; NULL: none; the reference goes to the caller */
    struct rc_buf *ack;   /* by rc_payload_ack; NULL: none; the reference goes to the caller */
};

struct rc_app {
    void *self;

    /* May this session enter the namespace, which exists? auth: JSON text of the CONNECT payload (NULL: none). On true
     * *identity is held for the socket (may be NULL) and *expires is the wall clock (s) at which the connection must be
     * closed, 0 never. On false *error is a static string that becomes {"message": error}. */
    bool (*enter)(void *self, const char *nsp, const struct rc_visitor *visitor, const char *auth, size_t auth_len,
                  struct rc_identity **identity, int64_t *expires, const char **error);
    /* One more holder, and one less; both accept NULL. */
    struct rc_identity *(*hold)(void *self, struct rc_identity *identity);
    void (*rele)(void *self, struct rc_identity *identity);

    /* Fills the room keys of a socket (references for the caller), at most RC_SOCKET_ROOMS_MAX, of which each shared
     * one (gateway/partition.h) counts RC_PARTITIONS times; returns how many. */
    unsigned (*rooms)(void *self, const char *nsp, const struct rc_identity *identity, struct rc_buf **room);

    /* Soon after CONNECT was answered: may give an event to send to this socket (in a write of its own, which clients that take
     * message by message rely on). May be NULL. */
    struct rc_buf *(*greet)(void *self, const char *nsp, const struct rc_identity *identity);

    /* Judges an event. EMIT: fills payload, rooms, fecha, row of *emit with references for the caller. REFUSE: *reason
     * is static. */
    enum rc_verdict (*event)(void *self, const struct rc_identity *identity, const struct rc_event *event,
                             struct rc_emit *emit, struct rc_reply *reply, const char **reason);
};

#endif
