/*
 * roomcast-persister as a tool for a store that no persister uses: --backup, --restore, --import, --check-store. It knows those
 * options and data.dir, data.map_size; it takes the lock of the directory, as a persister does.
 */
#ifndef RC_PERSISTER_TOOL_H
#define RC_PERSISTER_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "exit.h"

struct rc_tool_options {
    char *data_dir, *backup, *restore, *import; /* texts: "" when not given */
    bool check_store, import_skip;
    int64_t map_size;
};

/* Whether one of these is asked for among the arguments. */
bool rc_tool_asked(char **argv);
/* The whole of it; the code to exit with. */
int rc_tool_run(char **argv);

/* Each prints what it did, or a sentence on stderr why not. */

/* Makes data.dir from a backup: copies and compares it with its seal, verifies it, gives it an identity of its own. data.dir must
 * be empty or not there; in it, restore.tmp holds what is not complete. */
enum rc_exit rc_tool_restore(const struct rc_tool_options *options);
/* Reads lines (line.h) from a file, "-" for stdin, into the store of data.dir, made if it is not there. */
enum rc_exit rc_tool_import(const struct rc_tool_options *options);
/* Verifies the store of a directory, in a process of its own, since one that is broken may end it. `say`: print what is whole. */
enum rc_exit rc_tool_check(const char *dir, bool say);

#endif
