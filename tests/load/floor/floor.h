/*
 * roomcast-floor: the least of code that can serve the scenarios of roomcast-bench on this kernel; what it spends is what the
 * kernel and the chat itself cost. A measuring instrument: it trusts what roomcast-bench sends, and ends a connection that
 * sends anything else, with a line on stderr. One thread, raw epoll; no verification, no cluster, no storage, no timers.
 *
 * A pass reads all sockets that are ready, and then writes to each once: its own bytes, and to admins in the same call
 * those that all admins get, which are there only once.
 */
#ifndef RC_FLOOR_H
#define RC_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#define RC_FLOOR_USER 64 /* bytes of a user's name at most */

struct rc_floor_buf {
    char *data;
    size_t len, cap; /* bytes */
};

struct rc_floor_conn {
    int fd;
    bool upgraded, joined, admin;
    bool full;   /* the kernel takes no more until epoll says so */
    bool ended;  /* nothing is read and written any more; closed when the pass ends */
    bool marked; /* there is something to do for it when the pass ends */
    size_t user_len, head_len;
    struct rc_floor_buf in, out; /* the begin of a frame; what was not written yet */
    SLIST_ENTRY(rc_floor_conn) mark;
    LIST_ENTRY(rc_floor_conn) namesake, fellow; /* of the same bucket of users; of all admins */
    char user[RC_FLOOR_USER];
    char head[RC_FLOOR_USER + 64]; /* how a message of this user begins */
};
LIST_HEAD(rc_floor_list, rc_floor_conn);

/* Makes room for so many more bytes, which the caller fills. Out of memory ends the program. */
char *rc_floor_room(struct rc_floor_buf *buf, size_t len);
/* It has output now. */
void rc_floor_mark(struct rc_floor_conn *conn);
/* `why` NULL: nothing to tell. */
void rc_floor_end(struct rc_floor_conn *conn, const char *why);

/* Of the chat: takes the request and the frames that are whole, and returns how many bytes that were. */
size_t rc_floor_take(struct rc_floor_conn *conn, char *data, size_t len);
void rc_floor_leave(struct rc_floor_conn *conn);

extern struct rc_floor_list rc_floor_admins;
extern struct rc_floor_buf rc_floor_news; /* of this pass, for all admins */

#endif
