/* The log: composes a line in one buffer on the stack and writes it at once. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

static _Atomic int log_level = RC_INFO;
static bool log_json;
static char log_node[RC_ID_MAX + 1] = "-";

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* A text that grows up to a limit; what would pass the limit is left out whole, and everything after it. */
struct line {
    char *bytes;
    size_t len;
    size_t limit;
    bool cut;
};

static void put(struct line *line, const char *text, size_t len)
{
    if (line->cut || len > line->limit - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->len, text, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* One byte so that it cannot be taken for anything else: as \xNN unless printable ASCII; " and \ with a
 * backslash when quoted. In JSON a backslash of ours is doubled, because \x is none of JSON's escapes. */
static void put_byte(struct line *line, unsigned char c, bool quoted, bool json)
{
    char unit[8];
    int len;
    if (c < 0x20 || c > 0x7e) {
        len = snprintf(unit, sizeof unit, "%s\\x%02x", json ? "\\" : "", c);
    } else if (quoted && (c == '"' || c == '\\')) {
        len = snprintf(unit, sizeof unit, "\\%c", c);
    } else {
        len = snprintf(unit, sizeof unit, "%c", c);
    }
    put(line, unit, (size_t)len);
}

static void put_escaped(struct line *line, const char *text, bool json)
{
    for (; *text; text++) {
        put_byte(line, (unsigned char)*text, json, json);
    }
}

void rc_log_init(enum rc_level level, bool json, const char *node)
{
    rc_log_level(level);
    log_json = json;
    snprintf(log_node, sizeof log_node, "%s", node);
}

void rc_log_level(enum rc_level level)
{
    atomic_store_explicit(&log_level, level, memory_order_relaxed);
}

bool rc_level_parse(const char *name, enum rc_level *out)
{
    for (int i = RC_ERROR; i <= RC_DEBUG; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum rc_level)i;
            return true;
        }
    }
    return false;
}

bool rc_log_on(enum rc_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* The closing part always fits: the limit of what comes before leaves room for it. */
static void write_line(struct line *line, bool cut, const char *closing)
{
    char tail[16];
    int len = snprintf(tail, sizeof tail, "%s%s\n", cut || line->cut ? "..." : "", closing);
    memcpy(line->bytes + line->len, tail, (size_t)len);
    line->len += (size_t)len;
    while (write(STDERR_FILENO, line->bytes, line->len) < 0 && errno == EINTR) {
    }
}

static void compose(enum rc_level level, const char *event, const char *text, bool cut)
{
    char bytes[RC_LOG_LINE], now[RC_CLOCK_ISO];
    struct line line = {.bytes = bytes, .limit = sizeof bytes - 16};
    rc_clock_iso(rc_clock_wall_ms(), now);
    const char *const parts[] = {now, level_names[level], log_node, event};
    static const char *const keys[] = {"{\"time\":\"", "\",\"level\":\"", "\",\"node\":\"", "\",\"event\":\""};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        put_text(&line, log_json ? keys[i] : (i > 0 ? " " : ""));
        put_escaped(&line, parts[i], log_json);
    }
    if (log_json) {
        put_text(&line, "\",\"text\":\"");
    } else if (*text) {
        put_text(&line, " ");
    }
    put_escaped(&line, text, log_json);
    write_line(&line, cut, log_json ? "\"}" : "");
}

void rc_log(enum rc_level level, const char *event, const char *fmt, ...)
{
    if (!rc_log_on(level)) {
        return;
    }
    int saved = errno;
    char text[RC_LOG_LINE];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0) {
        text[0] = '\0';
    }
    compose(level, event, text, len >= (int)sizeof text);
    errno = saved;
}

void rc_log_event(enum rc_level level, const char *event)
{
    rc_log(level, event, "%s", "");
}

char *rc_log_quote(char *buf, size_t size, const void *text, size_t len)
{
    const unsigned char *bytes = text;
    struct line line = {.bytes = buf, .limit = size - 5}; /* room for ..." and the terminator */
    put_text(&line, "\"");
    for (size_t i = 0; i < len && !line.cut; i++) {
        put_byte(&line, bytes[i], true, false);
    }
    snprintf(buf + line.len, size - line.len, "%s\"", line.cut ? "..." : "");
    return buf;
}
