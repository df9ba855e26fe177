/* The command line of roomcastctl. */
#ifndef RC_CTL_COMMAND_LINE_H
#define RC_CTL_COMMAND_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "exit.h"

struct rc_command_line {                     /* texts are argv's */
    const char *cluster, *node, *token_file; /* NULL: not given */
    long timeout_ms;
    bool json, wait, stay;
    const char *user, *before, *after; /* NULL: not given */
    int64_t from, to;                  /* ms since 1970; 0: not given */
    long limit;                        /* 0: not given */
    const char *command;               /* "help" and "version" too */
    const char *subject[2];            /* its arguments; NULL: not given */
};

/* RC_EXIT_OK, or RC_EXIT_USAGE after a message. line is zeroed. */
enum rc_exit rc_command_line_read(int argc, char **argv, struct rc_command_line *line);

/* Prints what is wrong with the usage; returns RC_EXIT_USAGE. fmt has one %s. */
enum rc_exit rc_usage_error(const char *fmt, const char *what);

#endif
