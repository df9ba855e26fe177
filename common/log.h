/*
 * The log: one line per event on standard error, for people (text) or collectors (JSON).
 *
 *   2026-01-01T00:00:00.000Z info gateway-1 client-closed socket=17 why="idle"
 *   {"time":"...","level":"info","node":"gateway-1","event":"client-closed","text":"socket=17 why=\"idle\""}
 *
 * A line leaves by one write(2) of at most RC_LOG_LINE bytes, so lines of several threads do not mix; a
 * longer text is cut and ends in "...". Control bytes and bytes that are not ASCII leave as \xNN in either
 * form, whatever the caller passed. Levels: error = an operator must act; warn = degraded; info = life cycle;
 * debug may be costly, ask rc_log_on() first.
 */
#ifndef RC_LOG_H
#define RC_LOG_H

#include <stdbool.h>
#include <stddef.h>

#define RC_LOG_LINE 2048

enum rc_level { RC_ERROR, RC_WARN, RC_INFO, RC_DEBUG };

/* Once, before other threads start; until then: info, text, node "-". node is copied and cut at 63 bytes. */
void rc_log_init(enum rc_level level, bool json, const char *node);

/* Changes the level, any thread, any time. */
void rc_log_level(enum rc_level level);

/* The level called name ("error", "warn", "info", "debug") in *out, or false. */
bool rc_level_parse(const char *name, enum rc_level *out);

/* Whether a line of this level would be written. */
bool rc_log_on(enum rc_level level);

/* event is a short fixed kebab-case name; fmt makes space separated key=value pairs. Any thread, not from a
 * signal handler. Keeps errno. Never fails: a line that cannot be written is dropped. */
void rc_log(enum rc_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* An event that has no fields. */
void rc_log_event(enum rc_level level, const char *event);

/* Makes peer text fit for a field: a quoted string in which ", \ and everything that is not printable ASCII
 * is escaped, cut to size with a closing `..."`. size is at least 8. Returns buf. */
char *rc_log_quote(char *buf, size_t size, const void *text, size_t len);

#endif
