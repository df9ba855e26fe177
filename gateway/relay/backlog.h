/*
 * Messages of relays that wait until a broker takes more. In order per session; bounded in bytes over all of them. A fan-out to many
 * relayed clients is more at once than a session should have unacknowledged, and no reason to close them. Pure; one thread.
 */
#ifndef RC_GATEWAY_BACKLOG_H
#define RC_GATEWAY_BACKLOG_H

#include "cluster/session.h"

#define RC_BACKLOG_UNDER_WAY (4u << 20)   /* bytes unsent or unacknowledged of a session, beyond which messages wait */
#define RC_BACKLOG_MAX       (128u << 20) /* bytes that wait */

struct rc_backlog_item;
TAILQ_HEAD(rc_backlog_list, rc_backlog_item);

struct rc_backlog { /* zeroed but for host and side: empty */
    struct rc_backlog_queue {
        struct rc_session *s;
        struct rc_backlog_list items;
    } queue[RC_BROKERS_MAX]; /* n of them */
    unsigned n;
    size_t bytes;
    void *host;
    /* Sends a packed Side; takes the reference. False: it is too large, nothing was sent. */
    bool (*side)(void *host, struct rc_session *s, struct rc_buf *side);
};

void rc_backlog_fini(struct rc_backlog *b);

/* A session began: messages for it are taken from now on. It ended: what waits for it is dropped. */
void rc_backlog_up(struct rc_backlog *b, struct rc_session *s);
void rc_backlog_down(struct rc_backlog *b, const struct rc_session *s);

/* Sends now or later; takes the reference. False: the bound is reached, or it is too large; the other end will miss it. force: also
 * above the bound, for the message that tells so. */
bool rc_backlog_send(struct rc_backlog *b, struct rc_session *s, struct rc_buf *side, bool force);
/* Something waits for this session, or would. */
bool rc_backlog_waits(const struct rc_backlog *b, const struct rc_session *s);
/* Sends what sessions take by now. At the end of a loop pass. */
void rc_backlog_pump(struct rc_backlog *b);

#endif
