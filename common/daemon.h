/*
 * The skeleton that the daemons share: loop, signals, life-cycle lines.
 *
 *   rc_options_parse, rc_daemon_init, build on d.loop, rc_daemon_run, take down, rc_daemon_fini, exit
 *
 * SIGTERM and SIGINT ask for a clean stop: `stop` is called once and ends the loop by rc_loop_stop when all
 * is wound up (without a `stop` the loop ends at once); a second signal ends the loop there and then. SIGHUP
 * calls `hangup`. SIGPIPE is ignored. Logged: `starting`, `ready`, `stopping`, `stopped`.
 */
#ifndef RC_DAEMON_H
#define RC_DAEMON_H

#include <stdbool.h>

#include "exit.h"
#include "loop.h"

struct rc_daemon {
    const char *role;          /* "gateway", "broker", "persister" */
    void (*stop)(void *arg);   /* winds up, then calls rc_loop_stop; may be NULL */
    void (*hangup)(void *arg); /* SIGHUP; may be NULL: ignored */
    void *arg;                 /* of both */
    struct rc_loop *loop;      /* made by init, freed by fini */
    bool ready;                /* rc_daemon_ready was called */
    bool stopping;             /* a signal asked for the end */
};

/* The caller filled role, stop, hangup and arg, and called rc_log_init. Makes the loop, catches the signals,
 * raises the limit of open files to what is allowed, logs `starting`. RC_EXIT_OK, or RC_EXIT_INTERNAL
 * (logged). */
enum rc_exit rc_daemon_init(struct rc_daemon *d);

/* The node can do its work: logs `ready` the first time. */
void rc_daemon_ready(struct rc_daemon *d);

/* Runs until stopped. RC_EXIT_OK after a clean stop. */
enum rc_exit rc_daemon_run(struct rc_daemon *d);

/* Logs `stopped` with the code and frees the loop; everything on it must be gone. Returns code. */
enum rc_exit rc_daemon_fini(struct rc_daemon *d, enum rc_exit code);

/* Logs an error that ends the start of the daemon (`start-failed`); returns code. */
enum rc_exit rc_daemon_refuse(enum rc_exit code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
