/* roomcastctl: runs the command of the command line. */
#include "broker/ctl/ctl.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/ctl/backup.h"
#include "broker/ctl/command_line.h"
#include "broker/ctl/drain.h"
#include "broker/ctl/history.h"
#include "broker/ctl/reload.h"
#include "broker/ctl/survey.h"
#include "broker/ctl/table.h"

#define PATIENCE_MS 30000
#define SHOW        50 /* messages of history without --limit */

static const char help[] =
    "usage: roomcastctl [--cluster FILE] [--node HOST:PORT,...] status [-o table|json]\n"
    "       roomcastctl ... drain NODE [--stay] [--wait]\n"
    "       roomcastctl ... reload [NODE] [--wait]\n"
    "       roomcastctl ... history [PERSISTER] [--user USER] [--limit N] [--before KEY | --after KEY] [-o "
    "table|json]\n"
    "       roomcastctl ... export [PERSISTER] [--user USER] [--from TIME] [--to TIME] [--after KEY] > FILE\n"
    "       roomcastctl ... backup PERSISTER NAME\n"
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
    "history  shows the newest messages of a persister, or those before or after a key, which each message has; the\n"
    "         oldest first.\n"
    "export   writes messages to stdout, a line of JSON each, the oldest first; roomcast-persister --import reads "
    "them.\n"
    "         What was cut off goes on with --after and the key of its last line.\n"
    "backup   makes a persister copy its store to the file NAME in its backup.dir while it runs;\n"
    "         roomcast-persister --restore reads it.\n"
    "version  prints the version of this program.\n"
    "\n"
    "  --cluster FILE        cluster.json of deploy/local-cluster\n"
    "  --node HOST:PORT,...  admin addresses of nodes; one is enough, it names the others\n"
    "  --token-file FILE     operator token, for nodes whose admin listener is not on loopback (a file of "
    "mode 0600;\n"
    "                        or the token itself in ROOMCAST_ADMIN_TOKEN)\n"
    "  --timeout SECONDS     for all answers together, 0.1 to 60 (2)\n"
    "  -o, --output FORMAT   table (for people) or json (for scripts; history: a line of JSON each message)\n"
    "  --wait                drain: return when the node is gone, and show until then what is left; with --stay,\n"
    "                        when nothing is left. reload: return when each node counts all its brokers, so that the\n"
    "                        next may be added or removed\n"
    "  --stay                drain: the broker does not end before it is drained without --stay, or stopped\n"
    "  --user USER           messages from or to this user; without it of all\n"
    "  --limit N             1 to 10000 messages (50)\n"
    "  --from, --to TIME     messages from this moment on, and before that one: 2026-01-31, 2026-01-31T12:00:00Z (UTC) "
    "or\n"
    "                        ms since 1970\n"
    "  --help, --version\n"
    "\n"
    "exit code: 0 all nodes answered, the node drains (with --wait: is gone); 69 one did not answer, refused the token "
    "or\n"
    "is still there; 64 usage, no such node, or one that cannot be drained; 73 the backup or the output cannot be "
    "written;\n"
    "78 FILE or the token cannot be used, or a node refused its options; 70 internal\n";

static enum rc_exit fill_survey(const struct rc_command_line *line, struct rc_survey *survey)
{
    char why[RC_SURVEY_WHY];
    enum rc_exit code = RC_EXIT_OK;
    if (!line->cluster && !line->node)
        return rc_usage_error("%s", "which cluster? give --cluster FILE or --node HOST:PORT");
    if (line->cluster)
        code = rc_survey_load(survey, line->cluster, why);
    if (code == RC_EXIT_OK && line->node)
        code = rc_survey_add(survey, line->node, why);
    if (code != RC_EXIT_OK)
        fprintf(stderr, "roomcastctl: %s\n", why);
    return code;
}

static enum rc_exit load_token(const struct rc_command_line *line, struct rc_secret *token)
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

/* For answers that take a persister a while. */
static long patience(const struct rc_command_line *line)
{
    return line->timeout_ms > PATIENCE_MS ? line->timeout_ms : PATIENCE_MS;
}

static enum rc_exit back_up(const struct rc_command_line *line, const struct rc_survey *survey,
                            const struct rc_secret *token)
{
    return rc_ctl_backup(&(struct rc_backup_order){.survey = survey,
                                                   .token = token,
                                                   .timeout_ms = line->timeout_ms,
                                                   .persister = line->subject[0],
                                                   .name = line->subject[1],
                                                   .every_second = isatty(STDOUT_FILENO)});
}

static enum rc_exit read_history(const struct rc_command_line *line, const struct rc_survey *survey,
                                 const struct rc_secret *token)
{
    struct rc_history_order order = {.survey = survey,
                                     .token = token,
                                     .timeout_ms = patience(line),
                                     .persister = line->subject[0],
                                     .user = line->user,
                                     .before = line->before,
                                     .after = line->after,
                                     .from = line->from,
                                     .to = line->to,
                                     .limit = line->limit ? line->limit : SHOW,
                                     .json = line->json};
    return strcmp(line->command, "export") == 0 ? rc_ctl_export(&order) : rc_ctl_history(&order);
}

static enum rc_exit answer(const struct rc_command_line *line, struct rc_survey *survey, const struct rc_secret *token)
{
    if (strcmp(line->command, "status") == 0)
        return print_survey(survey, line->json);
    if (strcmp(line->command, "reload") == 0)
        return rc_ctl_reload(&(struct rc_reload_order){.survey = survey,
                                                       .token = token,
                                                       .node = line->subject[0],
                                                       .timeout_ms = line->timeout_ms,
                                                       .wait = line->wait});
    if (strcmp(line->command, "backup") == 0)
        return back_up(line, survey, token);
    if (strcmp(line->command, "drain") != 0)
        return read_history(line, survey, token);
    struct rc_drain_order order = {.node = line->subject[0],
                                   .survey = survey,
                                   .token = token,
                                   .timeout_ms = line->timeout_ms,
                                   .stay = line->stay,
                                   .wait = line->wait,
                                   .every_second = isatty(STDOUT_FILENO)};
    return rc_ctl_drain(&order);
}

/* The commands begin with the state of all nodes. */
static enum rc_exit survey_and_answer(const struct rc_command_line *line)
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
    struct rc_command_line line = {.timeout_ms = 2000};
    enum rc_exit code = rc_command_line_read(argc, argv, &line);
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
    return survey_and_answer(&line);
}
