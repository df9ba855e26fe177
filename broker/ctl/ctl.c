/* roomcastctl: reads the command line and runs the command. */
#include "broker/ctl/ctl.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/ctl/drain.h"
#include "broker/ctl/reload.h"
#include "broker/ctl/survey.h"
#include "broker/ctl/table.h"

static const char help[] =
    "usage: roomcastctl [--cluster FILE] [--node HOST:PORT,...] status [-o table|json]\n"
    "       roomcastctl [--cluster FILE] [--node HOST:PORT,...] drain NODE [--stay] [--wait]\n"
    "       roomcastctl [--cluster FILE] [--node HOST:PORT,...] reload [NODE] [--wait]\n"
    "       roomcastctl version\n"
    "\n"
    "status   asks every node at once and shows a row for each; one that does not answer is a row with state "
    "down.\n"
    "drain    tells a gateway or a broker, by its name, to finish its work and end: a gateway's clients connect "
    "again\n"
    "         elsewhere at a set pace, a broker's rooms are taken over. A node that drains already is no error.\n"
    "         With --stay a broker does not end: so begins its removal, see docs/operations.md.\n"
    "reload   makes one node, or all, read their options again, and prints what changed. Brokers are added and "
    "removed\n"
    "         so, one at a time. A node that refuses changes nothing and says why.\n"
    "version  prints the version of this program.\n"
    "\n"
    "  --cluster FILE        cluster.json of deploy/local-cluster\n"
    "  --node HOST:PORT,...  admin addresses of nodes; one is enough, it names the others\n"
    "  --token-file FILE     operator token, for nodes whose admin listener is not on loopback (a file of "
    "mode 0600;\n"
    "                        or the token itself in ROOMCAST_ADMIN_TOKEN)\n"
    "  --timeout SECONDS     for all answers together, 0.1 to 60 (2)\n"
    "  -o, --output FORMAT   table (for people) or json (for scripts)\n"
    "  --wait                drain: return when the node is gone, and show until then what is left; with --stay,\n"
    "                        when nothing is left. reload: return when each node counts all its brokers, so that the\n"
    "                        next may be added or removed\n"
    "  --stay                drain: the broker does not end before it is drained without --stay, or stopped\n"
    "  --help, --version\n"
    "\n"
    "exit code: 0 all nodes answered, the node drains (with --wait: is gone); 69 one did not answer, refused the token "
    "or\n"
    "is still there; 64 usage, no such node, or one that cannot be drained; 78 FILE or the token cannot be used, or a "
    "node\n"
    "refused its options; 70 internal\n";

struct command_line {
    const char *cluster, *node, *token_file;
    long timeout_ms;
    bool json, wait, stay;
    const char *command; /* NULL: help was printed */
    const char *subject; /* the node to drain or to reload; NULL: none was named */
};

static enum rc_exit usage_error(const char *fmt, const char *what)
{
    fputs("roomcastctl: ", stderr);
    fprintf(stderr, fmt, what);
    fputs("; see roomcastctl --help\n", stderr);
    return RC_EXIT_USAGE;
}

static bool read_timeout(const char *text, long *ms)
{
    char *end;
    double seconds = strtod(text, &end);
    *ms = (long)(seconds * 1000);
    return end != text && *end == '\0' && seconds >= 0.1 && seconds <= 60;
}

static enum rc_exit take_option(int option, struct command_line *line)
{
    switch (option) {
    case 'c':
        line->cluster = optarg;
        return RC_EXIT_OK;
    case 'n':
        line->node = optarg;
        return RC_EXIT_OK;
    case 't':
        line->token_file = optarg;
        return RC_EXIT_OK;
    case 'w':
        return read_timeout(optarg, &line->timeout_ms)
                   ? RC_EXIT_OK
                   : usage_error("--timeout %s: give seconds from 0.1 to 60", optarg);
    case 'W':
        line->wait = true;
        return RC_EXIT_OK;
    case 'S':
        line->stay = true;
        return RC_EXIT_OK;
    case 'o':
        line->json = strcmp(optarg, "json") == 0;
        return line->json || strcmp(optarg, "table") == 0 ? RC_EXIT_OK
                                                          : usage_error("-o %s: give table or json", optarg);
    default:
        return RC_EXIT_USAGE; /* getopt_long told what was wrong */
    }
}

static enum rc_exit read_command_line(int argc, char **argv, struct command_line *line)
{
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
        {NULL, 0, NULL, 0},
    };
    int option;
    enum rc_exit code = RC_EXIT_OK;
    while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        if (option == 'h' || option == 'v') {
            line->command = option == 'h' ? "help" : "version";
            return RC_EXIT_OK;
        }
        if ((code = take_option(option, line)) != RC_EXIT_OK) {
            if (option == '?')
                fputs("see roomcastctl --help\n", stderr);
            return code;
        }
    }
    if (optind == argc)
        return usage_error("%s", "a command is missing: status, drain, reload or version");
    line->command = argv[optind++];
    bool drain = strcmp(line->command, "drain") == 0, reload = strcmp(line->command, "reload") == 0;
    if (drain || reload)
        line->subject = argv[optind] ? argv[optind++] : NULL;
    if (line->wait && !drain && !reload)
        return usage_error("--wait is for drain and reload, not for %s", line->command);
    if (line->stay && !drain)
        return usage_error("--stay is for drain, not for %s", line->command);
    return optind < argc ? usage_error("unexpected argument %s", argv[optind]) : RC_EXIT_OK;
}

static enum rc_exit fill_survey(const struct command_line *line, struct rc_survey *survey)
{
    char why[RC_SURVEY_WHY];
    enum rc_exit code = RC_EXIT_OK;
    if (!line->cluster && !line->node)
        return usage_error("%s", "which cluster? give --cluster FILE or --node HOST:PORT");
    if (line->cluster)
        code = rc_survey_load(survey, line->cluster, why);
    if (code == RC_EXIT_OK && line->node)
        code = rc_survey_add(survey, line->node, why);
    if (code != RC_EXIT_OK)
        fprintf(stderr, "roomcastctl: %s\n", why);
    return code;
}

static enum rc_exit load_token(const struct command_line *line, struct rc_secret *token)
{
    char why[RC_SECRET_WHY];
    if (!rc_secret_given(line->token_file ? line->token_file : "", "ROOMCAST_ADMIN_TOKEN") ||
        rc_secret_load(token, "--token-file", line->token_file ? line->token_file : "", "ROOMCAST_ADMIN_TOKEN", why))
        return RC_EXIT_OK;
    fprintf(stderr, "roomcastctl: %s\n", why);
    return RC_EXIT_CONFIG;
}

static enum rc_exit print_survey(const struct rc_survey *survey, bool json)
{
    if (json) {
        json_t *all = rc_survey_json(survey);
        bool printed =
            all && json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0 && putchar('\n') != EOF;
        json_decref(all);
        if (!printed)
            return RC_EXIT_INTERNAL;
    } else {
        rc_table_print(stdout, survey, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
    }
    return rc_survey_down(survey) ? RC_EXIT_UNAVAILABLE : RC_EXIT_OK;
}

static enum rc_exit answer(const struct command_line *line, struct rc_survey *survey, const struct rc_secret *token)
{
    if (strcmp(line->command, "status") == 0)
        return print_survey(survey, line->json);
    if (strcmp(line->command, "reload") == 0)
        return rc_ctl_reload(&(struct rc_reload_order){.survey = survey,
                                                       .token = token,
                                                       .node = line->subject,
                                                       .timeout_ms = line->timeout_ms,
                                                       .wait = line->wait});
    struct rc_drain_order order = {.node = line->subject,
                                   .survey = survey,
                                   .token = token,
                                   .timeout_ms = line->timeout_ms,
                                   .stay = line->stay,
                                   .wait = line->wait,
                                   .every_second = isatty(STDOUT_FILENO)};
    return rc_ctl_drain(&order);
}

/* The commands begin with the state of all nodes. */
static enum rc_exit survey_and_answer(const struct command_line *line)
{
    static struct rc_survey survey; /* static for its size */
    struct rc_secret token = {0};
    enum rc_exit code = fill_survey(line, &survey);
    if (code == RC_EXIT_OK)
        code = load_token(line, &token);
    if (code == RC_EXIT_OK) {
        if (rc_survey_ask(&survey, &token, line->timeout_ms)) {
            code = answer(line, &survey, &token);
        } else {
            fputs("roomcastctl: out of memory\n", stderr);
            code = RC_EXIT_INTERNAL;
        }
    }
    rc_secret_fini(&token);
    rc_survey_fini(&survey);
    return code;
}

enum rc_exit rc_ctl_run(int argc, char **argv)
{
    struct command_line line = {.timeout_ms = 2000};
    enum rc_exit code = read_command_line(argc, argv, &line);
    if (code != RC_EXIT_OK)
        return code;
    if (strcmp(line.command, "help") == 0) {
        fputs(help, stdout);
        return RC_EXIT_OK;
    }
    if (strcmp(line.command, "version") == 0) {
        puts("roomcastctl " RC_VERSION);
        return RC_EXIT_OK;
    }
    if (strcmp(line.command, "drain") == 0)
        return line.subject ? survey_and_answer(&line)
                            : usage_error("%s", "which node? give its name: drain gateway-1");
    return strcmp(line.command, "status") == 0 || strcmp(line.command, "reload") == 0
               ? survey_and_answer(&line)
               : usage_error("unknown command %s; there are status, drain, reload and version", line.command);
}
