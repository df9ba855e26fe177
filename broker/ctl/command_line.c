/* Reads the command line of roomcastctl and checks that its parts belong together. */
#include "broker/ctl/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIMIT_MAX 10000

static const struct option options[] = {
    {"cluster", required_argument, NULL, 'c'},
    {"node", required_argument, NULL, 'n'},
    {"token-file", required_argument, NULL, 't'},
    {"timeout", required_argument, NULL, 'w'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {"wait", no_argument, NULL, 'W'},
    {"stay", no_argument, NULL, 'S'},
    {"user", required_argument, NULL, 'u'},
    {"limit", required_argument, NULL, 'l'},
    {"before", required_argument, NULL, 'b'},
    {"after", required_argument, NULL, 'a'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 'e'},
    {NULL, 0, NULL, 0},
};

/* What each command takes beside the options that all have. */
static const struct command {
    const char *name;
    const char *options; /* their letters above */
    int arguments;       /* most */
    const char *missing; /* what is said when the last one is; NULL: it may be */
} commands[] = {
    {"status", "o", 0, NULL},    {"drain", "WS", 1, "which node? give its name: drain gateway-1"},
    {"reload", "W", 1, NULL},    {"history", "oulba", 1, NULL},
    {"export", "uafe", 1, NULL}, {"backup", "", 2, "of which persister, and to which file? backup persister-1 NAME"},
    {"version", "", 0, NULL},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* Options that only some commands have, with whose they are. */
static const struct {
    char letter;
    const char *refusal;
} bound[] = {
    {'W', "--wait is for drain and reload, not for %s"},
    {'S', "--stay is for drain, not for %s"},
    {'u', "--user is for history and export, not for %s"},
    {'l', "--limit is for history, not for %s"},
    {'b', "--before is for history, not for %s"},
    {'a', "--after is for history and export, not for %s"},
    {'f', "--from is for export, not for %s"},
    {'e', "--to is for export, not for %s"},
};

enum rc_exit rc_usage_error(const char *fmt, const char *what)
{
    fputs("roomcastctl: ", stderr);
    fprintf(stderr, fmt, what);
    fputs("; see roomcastctl --help\n", stderr);
    return RC_EXIT_USAGE;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool read_timeout(const char *text, long *ms)
{
    char *end;
    double seconds = strtod(text, &end);
    *ms = (long)(seconds * 1000);
    return end != text && *end == '\0' && seconds >= 0.1 && seconds <= 60;
}

/* ms since 1970, or a moment in UTC: 2026-01-31, 2026-01-31T12:00:00, with .250 and Z or without. */
static bool read_time(const char *text, int64_t *ms)
{
    struct tm tm = {0};
    char *end;
    errno = 0;
    *ms = strtoll(text, &end, 10);
    if (end != text && !*end)
        return !errno && *ms > 0;
    const char *rest = strptime(text, "%Y-%m-%d", &tm);
    if (rest && *rest == 'T')
        rest = strptime(rest, "T%H:%M:%S", &tm);
    if (!rest)
        return false;
    *ms = (int64_t)timegm(&tm) * 1000;
    if (*rest == '.') {
        *ms += strtol(rest + 1, &end, 10);
        if (end != rest + 4)
            return false;
        rest = end;
    }
    return (!*rest || strcmp(rest, "Z") == 0) && *ms > 0;
}

static bool read_limit(const char *text, long *limit)
{
    char *end;
    *limit = strtol(text, &end, 10);
    return end != text && !*end && *limit >= 1 && *limit <= LIMIT_MAX;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static const char **text_of(struct rc_command_line *line, int letter)
{
    switch (letter) {
    case 'c':
        return &line->cluster;
    case 'n':
        return &line->node;
    case 't':
        return &line->token_file;
    case 'u':
        return &line->user;
    case 'b':
        return &line->before;
    case 'a':
        return &line->after;
    default:
        return NULL;
    }
}

static enum rc_exit take_option(int letter, struct rc_command_line *line)
{
    const char **text = text_of(line, letter);
    if (text) {
        *text = optarg;
        return RC_EXIT_OK;
    }
    switch (letter) {
    case 'w':
        return read_timeout(optarg, &line->timeout_ms)
                   ? RC_EXIT_OK
                   : rc_usage_error("--timeout %s: give seconds from 0.1 to 60", optarg);
    case 'W':
        line->wait = true;
        return RC_EXIT_OK;
    case 'S':
        line->stay = true;
        return RC_EXIT_OK;
    case 'l':
        return read_limit(optarg, &line->limit) ? RC_EXIT_OK : rc_usage_error("--limit %s: give 1 to 10000", optarg);
    case 'f':
    case 'e':
        return read_time(optarg, letter == 'f' ? &line->from : &line->to)
                   ? RC_EXIT_OK
                   : rc_usage_error("%s is no time: give 2026-01-31, 2026-01-31T12:00:00Z or ms since 1970", optarg);
    case 'o':
        line->json = strcmp(optarg, "json") == 0;
        return line->json || strcmp(optarg, "table") == 0 ? RC_EXIT_OK
                                                          : rc_usage_error("-o %s: give table or json", optarg);
    default:
        fputs("see roomcastctl --help\n", stderr); /* getopt_long told what was wrong */
        return RC_EXIT_USAGE;
    }
}

static enum rc_exit take_arguments(const struct command *command, char **argv, struct rc_command_line *line)
{
    int n = 0;
    while (n < command->arguments && argv[optind])
        line->subject[n++] = argv[optind++];
    if (command->missing && n < command->arguments)
        return rc_usage_error("%s", command->missing);
    return argv[optind] ? rc_usage_error("unexpected argument %s", argv[optind]) : RC_EXIT_OK;
}

static enum rc_exit check(char **argv, const char *given, struct rc_command_line *line)
{
    const struct command *command = commands;
    while (command < commands + COMMANDS && strcmp(command->name, line->command) != 0)
        command++;
    if (command == commands + COMMANDS)
        return rc_usage_error(
            "unknown command %s; there are status, drain, reload, history, export, backup and version", line->command);
    for (size_t i = 0; i < sizeof bound / sizeof bound[0]; i++)
        if (strchr(given, bound[i].letter) && !strchr(command->options, bound[i].letter))
            return rc_usage_error(bound[i].refusal, line->command);
    if (line->before && line->after)
        return rc_usage_error("give --before or --after, not both%s", "");
    return take_arguments(command, argv, line);
}

enum rc_exit rc_command_line_read(int argc, char **argv, struct rc_command_line *line)
{
    char given[64] = "";
    int letter;
    while ((letter = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        size_t n = strlen(given);
        if (letter == 'h' || letter == 'v') {
            line->command = letter == 'h' ? "help" : "version";
            return RC_EXIT_OK;
        }
        enum rc_exit code = take_option(letter, line);
        if (code != RC_EXIT_OK)
            return code;
        if (!strchr(given, letter) && n + 1 < sizeof given)
            given[n] = (char)letter;
    }
    if (optind == argc)
        return rc_usage_error("%s", "a command is missing: status, drain, reload, history, export, backup or version");
    line->command = argv[optind++];
    return check(argv, given, line);
}
