/*
 * The event loop of a thread: a thin cover over libevent's, so that few files know libevent.
 *
 * Everything here belongs to the thread that runs the loop (or that builds it up before it runs); other
 * threads wake it through a mailbox. Callbacks may free any watch, their own included.
 */
#ifndef RC_LOOP_H
#define RC_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct rc_loop;
struct rc_watch;

typedef void (*rc_loop_cb)(void *arg);

/* NULL when memory or descriptors are out. */
struct rc_loop *rc_loop_new(void);

/* Also frees the watches that are left. Not while it runs. NULL is allowed. */
void rc_loop_free(struct rc_loop *loop);

/* Calls cb while fd is readable (level triggered). The fd stays the caller's and must outlive the watch.
 * NULL: out of memory. */
struct rc_watch *rc_loop_fd(struct rc_loop *loop, int fd, rc_loop_cb cb, void *arg);

/* Calls cb every ms milliseconds; late calls are not made up for. */
struct rc_watch *rc_loop_every(struct rc_loop *loop, int64_t ms, rc_loop_cb cb, void *arg);

/* Calls cb once after ms milliseconds, then frees the watch: forget the pointer in cb. */
struct rc_watch *rc_loop_once(struct rc_loop *loop, int64_t ms, rc_loop_cb cb, void *arg);

/* Calls cb (in the loop, not in the handler) after a signal. One loop of a process only. */
struct rc_watch *rc_loop_signal(struct rc_loop *loop, int signo, rc_loop_cb cb, void *arg);

/* Ends a watch: its cb is not called any more. NULL is allowed. */
void rc_watch_free(struct rc_watch *watch);

/* Runs until rc_loop_stop; may be run again. False: the kernel refused to wait (logged). */
bool rc_loop_run(struct rc_loop *loop);

/* The loop ends after the callback that is running. From the loop's own callbacks, or before it runs. */
void rc_loop_stop(struct rc_loop *loop);

/* For the few files that put libevent objects of their own on this loop. */
struct event_base *rc_loop_base(struct rc_loop *loop);

#endif
