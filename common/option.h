/*
 * Options of a program: one table line per option serves the file, the environment, the flags, --help,
 * --check-config and --show-config.
 *
 * A value comes from, weakest first:
 * - the fallback of its line;
 * - the file of --config: INI, `name = value`, where the keys of [section] are section.key and those before
 *   any section are taken as they are. A list may be given on several lines, each adds to it; any other key
 *   given twice is an error;
 * - the environment: admin.listen is ROOMCAST_ADMIN_LISTEN. Empty variables count as not given; those that
 *   name no option are left alone, because container platforms put their own there under any prefix;
 * - the flags: --admin.listen V or --admin.listen=V; a bool may stand alone.
 *
 * Unknown keys, unknown flags and bad values are errors; the first RC_OPTION_ERRORS of them are told, each
 * with its file and line, variable or flag.
 */
#ifndef RC_OPTION_H
#define RC_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RC_OPTION_ERRORS 20
#define RC_OPTIONS_RUN   (-1) /* answer of rc_options_parse: the program goes on */

enum rc_option_type {
    RC_OPT_BOOL,   /* bool: true yes on 1, false no off 0 */
    RC_OPT_INT,    /* int64_t, min to max */
    RC_OPT_SIZE,   /* int64_t bytes, min to max; suffix k, m or g means times 1024, its square, its cube */
    RC_OPT_MS,     /* int64_t milliseconds, min to max */
    RC_OPT_STRING, /* char *, min to max bytes (max 0: 4096); with a '|' in unit: one of these words only */
    RC_OPT_URL,    /* char *, as RC_OPT_STRING; never shown with the password that may be in it */
    RC_OPT_ADDR,   /* char *, host:port with a port from min to 65535; empty only when the fallback is "" */
    RC_OPT_LIST,   /* char *, comma separated, kept without blanks; min to max elements (max 0: no limit) */
};

struct rc_option {
    const char *name; /* "section.key", or "key" for those outside a section */
    enum rc_option_type type;
    size_t offset; /* of the field in the struct that the table fills */
    int64_t min, max;
    const char *fallback; /* in the words of a file; NULL (texts only): must be given; "": none */
    const char *unit;     /* shown by --help: "ms", "bytes", "host:port"; or the words of a choice, "text|json" */
    bool reloadable;      /* SIGHUP may change it */
    const char *help;     /* one sentence */
};

struct rc_option_table {
    const struct rc_option *lines;
    size_t count;
    void *values; /* the struct that is filled; texts in it are never NULL and belong to rc_options_free */
};

struct rc_option_errors; /* what was found wrong so far */

struct rc_option_set {
    const char *program; /* "roomcast-gateway" */
    const char *summary; /* a sentence for --help */
    const struct rc_option_table *tables;
    size_t table_count;
    /* Judges relations between values and reads what they point to (secrets, lists), after all values passed
     * their own limits. Tells what is wrong by rc_option_fail. Not called for --show-config and --help. May
     * be NULL. */
    void (*check)(void *arg, struct rc_option_errors *errors);
    /* On a reload without errors so far, the last word before anything changes: takes in, or refuses by rc_option_fail,
     * what the fresh values of the first table mean. May be NULL. */
    void (*take)(void *arg, const void *fresh, struct rc_option_errors *errors);
    void *arg;
    FILE *out, *err; /* NULL: stdout, stderr */
};

/* Fills the tables' structs, which the caller zeroed. argv is main's: a program name, arguments, NULL.
 * Returns RC_OPTIONS_RUN, or the exit code that the program ends with after this printed what was asked for
 * (RC_EXIT_OK) or what is wrong (RC_EXIT_USAGE for flags, else RC_EXIT_CONFIG). In either case
 * rc_options_free releases the texts. Before other threads start, because it reads the environment. */
int rc_options_parse(const struct rc_option_set *set, char **argv);

/* Reads all sources again and puts what changed and is reloadable into the structs; what else changed stays
 * as it was, logged as `option-kept`. On any error nothing changes (a file whose last line has no end is one: it may be
 * half written), the errors are logged, and the answer is
 * false. `check` is not called, `take` is. Texts that change are freed: nobody may keep a pointer to a reloadable one.
 * What is logged goes to report too, a line each (NULL: nowhere). From the thread that owns the structs. */
bool rc_options_reload(const struct rc_option_set *set, char **argv, FILE *report);

/* Adds an error; the text names the option, what is wrong and what would be right. For check functions. */
void rc_option_fail(struct rc_option_errors *errors, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void rc_options_free(const struct rc_option_set *set);

#endif
