/*
 * The configuration file: INI by inih, which we feed line by line.
 *
 * inih has habits that would surprise: it takes an indented line for more of the value before it, cuts lines
 * at 199 bytes and reads the rest as the next line, and tells the number of the first bad line only. So the
 * reader below strips indents, refuses long lines, and after each line that must hold a value looks whether
 * inih found one.
 */
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "option_impl.h"

#define FILE_MAX ((size_t)1 << 20)

struct reading {
    const char *path;
    const char *next; /* rest of the text; NULL after the last line */
    const char *end;
    unsigned line; /* number of the line that inih has */
    bool owes;     /* that line must bring a value and has not yet */
    struct rc_slots *slots;
    struct rc_option_errors *errors;
};

static void settle(struct reading *r)
{
    if (r->owes) {
        rc_option_fail(r->errors, "%s:%u: not of the form name = value", r->path, r->line);
        r->owes = false;
    }
}

/* A section line holds nothing but [name] and a comment. */
static bool section_valid(const char *line)
{
    const char *close = strchr(line, ']');
    if (!close) {
        return false;
    }
    close += 1 + strspn(close + 1, " \t\r");
    return *close == '\0' || *close == ';' || *close == '#';
}

/* Gives inih the line of len bytes at text, or an empty one when it is an error. */
static void hand_over(struct reading *r, const char *text, size_t len, char *out, size_t size)
{
    out[0] = '\0';
    if (len > size - 1) {
        rc_option_fail(r->errors,
                       "%s:%u: longer than %zu bytes; a list may be given on several lines, name = part on each",
                       r->path, r->line, size - 1);
    } else if (memchr(text, '\0', len)) {
        rc_option_fail(r->errors, "%s:%u: holds a zero byte, this is no text file", r->path, r->line);
    } else {
        memcpy(out, text, len);
        out[len] = '\0';
        if (out[0] == '[' && !section_valid(out)) {
            rc_option_fail(r->errors, "%s:%u: not of the form [section]", r->path, r->line);
        }
        r->owes = len > 0 && !strchr("[;#\r", out[0]);
    }
}

/* inih's reader, in the manner of fgets. */
static char *read_line(char *out, int size, void *stream)
{
    struct reading *r = stream;
    settle(r);
    if (!r->next) {
        return NULL;
    }
    const char *text = r->next, *newline = memchr(text, '\n', (size_t)(r->end - text));
    const char *stop = newline ? newline : r->end;
    r->next = newline ? newline + 1 : NULL;
    r->line++;
    while (text < stop && (*text == ' ' || *text == '\t')) {
        text++;
    }
    hand_over(r, text, (size_t)(stop - text), out, (size_t)size);
    return out;
}

/* Keys come from people: anything that is not a plain word is quoted. */
static void unknown(struct reading *r, const char *name)
{
    char quoted[96];
    const char *nearest = rc_slot_nearest(r->slots, name);
    size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    const char *shown =
        plain > 0 && name[plain] == '\0' ? name : rc_log_quote(quoted, sizeof quoted, name, strlen(name));
    if (nearest) {
        rc_option_fail(r->errors, "%s:%u: unknown option %s, did you mean %s?", r->path, r->line, shown, nearest);
    } else {
        rc_option_fail(r->errors, "%s:%u: unknown option %s, --help lists them", r->path, r->line, shown);
    }
}

/* A further line of a list: both parts are judged as one. */
static void extend(struct reading *r, struct rc_slot *slot, const char *where, const char *text)
{
    char unused[32], *both;
    if (asprintf(&both, "%s,%s", rc_value_text(slot->option, slot->values, unused), text) < 0) {
        rc_option_fail(r->errors, "%s: out of memory", where);
        return;
    }
    rc_slot_assign(slot, both, where, "file", r->errors);
    free(both);
}

/* inih's handler: called for each name = value. */
static int on_value(void *arg, const char *section, const char *key, const char *text)
{
    struct reading *r = arg;
    char name[256], where[512];
    r->owes = false;
    snprintf(name, sizeof name, "%s%s%s", section, *section ? "." : "", key);
    snprintf(where, sizeof where, "%s:%u", r->path, r->line);
    struct rc_slot *slot = rc_slot_find(r->slots, name);
    if (!slot) {
        unknown(r, name);
    } else if (slot->line > 0 && slot->option->type == RC_OPT_LIST) {
        extend(r, slot, where, text);
    } else if (slot->line > 0) {
        rc_option_fail(r->errors, "%s: %s is given again, first on line %u", where, name, slot->line);
    } else {
        slot->line = r->line;
        rc_slot_assign(slot, text, where, "file", r->errors);
    }
    return 1;
}

/* The whole file, malloc'd, with its length; NULL after an error was told. */
static char *slurp(const char *path, size_t *len, struct rc_option_errors *errors)
{
    struct stat st;
    char *text = NULL;
    FILE *file = fopen(path, "re");
    if (!file || fstat(fileno(file), &st) != 0) {
        rc_option_fail(errors, "%s: cannot open the configuration file: %s", path, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        rc_option_fail(errors, "%s: is a directory, --config takes a file", path);
    } else if (!(text = malloc(FILE_MAX + 1))) {
        rc_option_fail(errors, "%s: out of memory", path);
    } else {
        *len = fread(text, 1, FILE_MAX + 1, file);
        if (ferror(file) || *len > FILE_MAX) {
            rc_option_fail(errors, "%s: %s", path, ferror(file) ? "cannot be read" : "is larger than 1 MiB");
            free(text);
            text = NULL;
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return text;
}

void rc_option_file(const char *path, bool ended, struct rc_slots *slots, struct rc_option_errors *errors)
{
    size_t len;
    char *text = slurp(path, &len, errors);
    if (!text) {
        return;
    }
    bool bom = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    struct reading r = {
        .path = path, .next = text + (bom ? 3 : 0), .end = text + len, .slots = slots, .errors = errors};
    ini_parse_stream(read_line, &r, on_value, &r);
    if (ended && len > 0 && text[len - 1] != '\n') {
        rc_option_fail(errors, "%s:%u: the last line has no end; is it still being written? Else end it with a newline",
                       path, r.line);
    }
    free(text);
}
