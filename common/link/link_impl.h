/* What link.c (who is listened to and dialled) and line.c (one connection from its first byte to its end) share. */
#ifndef RC_LINK_LINK_IMPL_H
#define RC_LINK_LINK_IMPL_H

#include "link/handshake.h"
#include "link/link.h"
#include "link/stream.h"
#include "link/wire.h"

#include <sys/queue.h>

enum line_state {
    LINE_PROVING, /* handshake under way */
    LINE_LEAVING, /* refused: the answer is being sent, then it ends for `verdict` */
    LINE_UP,      /* the host has it */
};

struct rc_line {
    LIST_ENTRY(rc_line) entry;
    struct rc_link *link;
    struct rc_conn *conn;
    struct rc_dial *dial; /* NULL: accepted */
    enum line_state state;
    struct rc_handshake *hs; /* until its last answer is on its way, then NULL */
    bool answer;             /* hs->out waits for the previous send */
    enum rc_why verdict;     /* LEAVING: why it was refused */
    rc_time deadline;        /* of PROVING and LEAVING */
    struct rc_peer peer;     /* UP */
    void *user;              /* the host's */
};

struct rc_dial {
    LIST_ENTRY(rc_dial) entry;
    struct rc_link *link;
    char id[RC_ID_MAX + 1]; /* who must answer */
    enum rc_role role;
    char address[RC_ADDR_MAX + 1];
    struct rc_dialer *dialer;
    rc_time at;       /* when to dial again; RC_NEVER: connecting or connected */
    bool connecting;  /* the dialler will call */
    bool retired;     /* dialled no more; kept, because nng may not free a dialler while others run */
    enum rc_why told; /* the failure that was logged last, RC_WHY_COUNT: none since it was up */
};

struct rc_link {
    struct rc_link_config cfg;
    struct rc_link_events ev;
    void *host;
    struct rc_streams *streams;
    LIST_HEAD(rc_line_list, rc_line) lines;
    LIST_HEAD(rc_dial_list, rc_dial) dials;
    struct rc_arena arena; /* of the frame in hand */
    char address[RC_ADDR_MAX + 1];
    struct rc_link_stats stats;
    struct {
        rc_time at;        /* last line logged */
        uint64_t mute;     /* not logged since */
    } quiet[RC_WHY_COUNT]; /* refused strangers: one line a second and reason */
};

/* line.c */

/* Starts the handshake on a new connection, as the dialler when dial is given. Takes conn over. False: no memory, conn
 * is closed. */
bool rc_line_start(struct rc_link *l, struct rc_conn *conn, struct rc_dial *dial);
/* Ends a connection and tells the host if it had the line. */
void rc_line_drop(struct rc_line *line, enum rc_why why, const char *text);
/* A stranger was sent away: logged at most once a second and reason. */
void rc_link_log_refused(struct rc_link *l, const char *id, const char *address, enum rc_why why);

/* link.c */

/* A failed attempt: logged when it fails in another way than the last time. */
void rc_dial_failed(struct rc_dial *d, enum rc_why why, const char *text);
/* Dials again after the random pause. */
void rc_dial_later(struct rc_dial *d);

#endif
