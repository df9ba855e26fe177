/*
 * Framed TCP connections on nng's byte streams; link.c stands on this. Frame: 4 bytes of length, big-endian, then that
 * many.
 *
 *   nng thread:    an aio ends -> its task is put into the mailbox, nothing else
 *   owner's loop:  rc_streams_process -> accepted / dialled / frame / sent / lost
 *
 * Everything but that one hop happens on the owner's thread. A connection has one receive and one send under way at
 * most. The next receive is posted when all frames of the last one were handed over; it goes into a buffer that grows
 * beyond 64 KiB only for a frame whose announced size is within the connection's limit.
 *
 * Closing never blocks: nng is told, and the object is freed when its last aio has come back. Inside any callback every
 * connection may be closed, also the one it is about.
 */
#ifndef RC_LINK_STREAM_H
#define RC_LINK_STREAM_H

#include "link/link.h"

struct rc_streams; /* what one loop owns: at most one listener, any number of dialers and connections */
struct rc_conn;
struct rc_dialer;

struct rc_conn_events {
    void (*frame)(void *arg, const uint8_t *bytes, size_t len); /* bytes are valid inside the call */
    void (*sent)(void *arg);                                    /* the send is complete, the next one may begin */
    /* The connection is over and invalid: RC_WHY_CLOSED, GARBAGE (empty frame) or OVERSIZED; text says more. */
    void (*lost)(void *arg, enum rc_why why, const char *text);
};

/* NULL with errno: no memory or descriptors. */
struct rc_streams *rc_streams_new(void);
/* Closes all without callbacks. Waits for nng 1 s at most, then leaks what is left. NULL is allowed. */
void rc_streams_free(struct rc_streams *s);
int rc_streams_fd(const struct rc_streams *s);
/* When the fd is readable, and every 50 ms. */
void rc_streams_process(struct rc_streams *s);

/* accepted is called with each new connection, which the callee starts or closes. False with a sentence in why. */
bool rc_streams_listen(struct rc_streams *s, const char *address, void (*accepted)(void *arg, struct rc_conn *conn),
                       void *arg, char why[RC_LINK_WHY]);
/* The listener's port, or 0. */
uint16_t rc_streams_port(const struct rc_streams *s);

/* dialled is called once per rc_dialer_dial: with a connection to be started or closed, or with NULL and a text. A
 * dialer lives until rc_streams_free. NULL with a sentence in why. */
struct rc_dialer *rc_dialer_new(struct rc_streams *s, const char *address,
                                void (*dialled)(void *arg, struct rc_conn *conn, const char *text), void *arg,
                                char why[RC_LINK_WHY]);
/* Not while an earlier one is unanswered. */
void rc_dialer_dial(struct rc_dialer *d, rc_time timeout);

/* Begins to receive. Frames above limit end the connection. */
void rc_conn_start(struct rc_conn *conn, const struct rc_conn_events *events, void *arg, size_t limit);
void rc_conn_limit(struct rc_conn *conn, size_t limit);
/* Room for the contents of the next frame, to be filled and sent with rc_conn_send. NULL: a send is under way, or no
 * memory. */
uint8_t *rc_conn_room(struct rc_conn *conn, size_t len);
/* True: the kernel has the whole frame already. False: the rest goes on by itself, and the event `sent` follows. */
bool rc_conn_send(struct rc_conn *conn);
bool rc_conn_sending(const struct rc_conn *conn);
void rc_conn_close(struct rc_conn *conn);
/* "host:port" of the peer. */
const char *rc_conn_peer(const struct rc_conn *conn);

#endif
