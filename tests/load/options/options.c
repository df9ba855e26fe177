/* The options of roomcast-bench, and the plan that they make. */
#include "options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit.h"
#include "option.h"
#include "oracle/message.h"
#include "scenario/scenario.h"

#define AT(field) offsetof(struct rc_bench_options, field)
#define WORDS_MAX 256
#define WHY       1024

static const struct rc_option lines[] = {
    {"scenario", RC_OPT_STRING, AT(scenario), 0, 0, "", "name", false,
     "what to do, see above; may stand first without its flag"},
    {"file", RC_OPT_STRING, AT(file), 0, 0, "", NULL, false,
     "scenario file: JSON, {\"scenario\": NAME, OPTION: VALUE, ...}"},
    {"url", RC_OPT_LIST, AT(url), 0, RC_TARGETS_MAX, "", "http://host:port", false,
     "servers; clients take turns. Default: the gateways of cluster"},
    {"path", RC_OPT_STRING, AT(path), 1, 256, "/socket.io/", NULL, false, "where Socket.IO is"},
    {"cluster", RC_OPT_STRING, AT(cluster), 0, 0, "", "cluster.json", false,
     "of deploy/local-cluster: gives url, pids and secret_file"},
    {"pids", RC_OPT_LIST, AT(pids), 0, RC_PIDS_MAX, "", NULL, false,
     "processes of the servers, whose CPU time and memory are measured"},
    {"secret_file", RC_OPT_STRING, AT(secret_file), 0, 0, "", NULL, false,
     "the secret of the clients' tokens, HS256; or ROOMCAST_JWT_SECRET"},
    {"admins", RC_OPT_INT, AT(admins), 0, 1000000, "0", NULL, false, "clients that are admins"},
    {"users", RC_OPT_INT, AT(users), 0, 10000000, "0", NULL, false, "clients that are users"},
    {"size", RC_OPT_INT, AT(size), RC_MESSAGE_MIN, RC_MESSAGE_MAX, "64", "bytes", false, "of a message's text"},
    {"rate", RC_OPT_INT, AT(rate), 0, 10000000, "0", "messages/s", false, "of all senders together; 0: as window says"},
    {"window", RC_OPT_INT, AT(window), 0, 1000000, "0", "messages", false,
     "without a rate: so many are under way; the next one goes out when every copy of one has come"},
    {"churn", RC_OPT_INT, AT(churn), 0, 1000000, "0", "clients/s", false, "so many leave and come back"},
    {"waves", RC_OPT_INT, AT(waves), 0, 1000, "0", NULL, false, "so often all connections are dropped at once"},
    {"connect_rate", RC_OPT_INT, AT(connect_rate), 0, 1000000, "0", "clients/s", false,
     "0: as fast as connect_pending allows"},
    {"connect_pending", RC_OPT_INT, AT(connect_pending), 1, 100000, "256", "clients", false,
     "that connect at the same time"},
    {"connect_warm", RC_OPT_INT, AT(connect_warm), 0, 10000000, "0", "clients", false,
     "that connect before CPU and memory of connects are measured"},
    {"warmup", RC_OPT_MS, AT(warmup), 0, 3600000, "2000", "ms", false, "traffic before measuring"},
    {"seconds", RC_OPT_INT, AT(seconds), 0, 864000, "10", "s", false, "to measure"},
    {"settle", RC_OPT_MS, AT(settle), 0, 3600000, "1000", "ms", false, "of quiet before memory is measured"},
    {"patience", RC_OPT_MS, AT(patience), 100, 3600000, "5000", "ms", false,
     "without progress until what is due is given up"},
    {"workers", RC_OPT_INT, AT(workers), 0, 64, "0", NULL, false,
     "processes; 0: as many as limits of descriptors ask for"},
    {"output", RC_OPT_STRING, AT(output), 0, 0, "table", "table|json", false, "on standard output; also -o"},
    {"html", RC_OPT_STRING, AT(html), 0, 0, "", NULL, false, "file for a report with plots"},
    {"progress", RC_OPT_STRING, AT(progress), 0, 0, "auto", "auto|yes|no", false,
     "a line on standard error; auto: on terminals"},
    {"allow", RC_OPT_LIST, AT(allow), 0, 8, "", NULL, false,
     "what may be found: lost doubled reordered stray garbled refused disconnects unconnected"},
};

static const char *const finding_names[] = {"lost",    "doubled", "reordered",   "stray",
                                            "garbled", "refused", "disconnects", "unconnected"};

const char *rc_finding_name(unsigned number)
{
    return number < sizeof finding_names / sizeof finding_names[0] ? finding_names[number] : NULL;
}

static void take_allowed(struct rc_plan *plan, struct rc_option_errors *errors)
{
    for (const char *at = plan->options.allow; *at; at += strcspn(at, ","), at += *at == ',') {
        int len = (int)strcspn(at, ",");
        unsigned i = 0;
        while (rc_finding_name(i) &&
               ((int)strlen(finding_names[i]) != len || strncmp(finding_names[i], at, (size_t)len) != 0)) {
            i++;
        }
        if (!rc_finding_name(i)) {
            rc_option_fail(errors, "allow: %.*s is nothing that can be found; --help lists them", len, at);
            return;
        }
        plan->allowed |= 1u << i;
    }
}

/* Relations between the numbers. */
static void check_numbers(struct rc_plan *plan, struct rc_option_errors *errors)
{
    const struct rc_bench_options *o = &plan->options;
    const struct rc_cast *cast = &plan->cast;
    int64_t senders = rc_cast_senders(cast), clients = o->admins + o->users;
    if (clients < 1 || clients >= RC_CLIENTS_MAX) {
        rc_option_fail(errors, "admins and users are %lld clients; give 1 to %d", (long long)clients,
                       RC_CLIENTS_MAX - 1);
        return;
    }
    if (cast->kind == RC_TRAFFIC_NONE) {
        return;
    }
    if (o->users < 1 || (cast->kind == RC_TRAFFIC_ROOM && o->admins < 1)) {
        rc_option_fail(errors, "%s needs users who write%s", plan->scenario->name,
                       cast->kind == RC_TRAFFIC_ROOM ? " and admins who read" : "");
    } else if (o->rate == 0 && o->window == 0) {
        rc_option_fail(errors, "give a rate (paced) or a window (saturating)");
    } else if (o->window > senders * 256) {
        rc_option_fail(errors, "window: a sender has at most 256 messages under way, %lld senders", (long long)senders);
    } else if (o->rate == 0 && o->churn > 0) {
        rc_option_fail(errors, "churn needs a rate: a window waits for clients that are away");
    } else if (cast->kind == RC_TRAFFIC_MIXED && o->admins < 1 && o->users < 2) {
        rc_option_fail(errors, "%s without admins needs two users", plan->scenario->name);
    }
}

/* Where and who: servers, processes, secret. */
static void check_places(struct rc_plan *plan, struct rc_option_errors *errors)
{
    char why[WHY];
    if (*plan->options.cluster && !rc_plan_take_cluster(plan, why, sizeof why)) {
        rc_option_fail(errors, "%s", why);
        return;
    }
    if (*plan->options.pids && !rc_plan_take_pids(plan, plan->options.pids, why, sizeof why)) {
        rc_option_fail(errors, "%s", why);
    }
    if (!*plan->options.url) {
        rc_option_fail(errors, "no server: give --url http://HOST:PORT, or --cluster DIR/cluster.json");
    } else if (!rc_targets_resolve(&plan->targets, plan->options.url, why, sizeof why)) {
        rc_option_fail(errors, "%s", why);
    }
    if (!rc_secret_load(&plan->secret, "secret_file", plan->options.secret_file, "ROOMCAST_JWT_SECRET", why)) {
        rc_option_fail(errors, "%s", why);
    }
    plan->targets.path = plan->options.path;
}

static void check(void *arg, struct rc_option_errors *errors)
{
    struct rc_plan *plan = arg;
    plan->scenario = rc_scenario_find(plan->options.scenario);
    if (!plan->scenario) {
        rc_option_fail(
            errors,
            "scenario \"%.40s\" is none of connect, idle, admins, direct, reconnect, mixed, soak; for example: "
            "roomcast-bench admins --cluster cluster.json",
            plan->options.scenario);
        return;
    }
    plan->cast =
        (struct rc_cast){plan->scenario->traffic, (uint32_t)plan->options.admins, (uint32_t)plan->options.users};
    plan->progress =
        strcmp(plan->options.progress, "auto") == 0 ? isatty(STDERR_FILENO) : plan->options.progress[0] == 'y';
    check_numbers(plan, errors);
    take_allowed(plan, errors);
    check_places(plan, errors);
}

/* The words for rc_options_parse; those of the table's own strings are not freed. */
struct words {
    char *word[WORDS_MAX + 1];
    int count, own_from, own_to; /* those by malloc */
};

/* The last value of a flag on the command line, or NULL. */
static const char *flag_value(int argc, char **argv, const char *name)
{
    const char *value = NULL;
    size_t len = strlen(name);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, name, len) == 0) {
            const char *rest = argv[i] + 2 + len;
            value = *rest == '=' ? rest + 1 : *rest == '\0' && i + 1 < argc ? argv[i + 1] : value;
        }
    }
    return value;
}

static void add_defaults(struct words *words, const char *scenario)
{
    const struct rc_scenario *known = scenario ? rc_scenario_find(scenario) : NULL;
    for (int i = 0; known && known->defaults[i]; i++) {
        words->word[words->count++] = (char *)known->defaults[i];
    }
}

static const char *file_scenario(const struct words *words)
{
    const char *found = NULL;
    for (int i = words->own_from; i < words->own_to; i++) {
        found = strncmp(words->word[i], "--scenario=", 11) == 0 ? words->word[i] + 11 : found;
    }
    return found;
}

/* The first argument may be the scenario's name without its flag, and -o stands for --output. */
static void add_argument(struct words *words, int i, char *arg)
{
    if (i == 1 && arg[0] != '-') {
        words->word[words->count++] = "--scenario";
    }
    words->word[words->count++] = strcmp(arg, "-o") == 0 ? "--output" : arg;
}

/* Defaults of the scenario, then the file's words, then the command line. False: a sentence in why. */
static bool make_words(struct words *words, int argc, char **argv, char *why, size_t why_size)
{
    const char *file = flag_value(argc, argv, "file");
    const char *scenario = argc > 1 && argv[1][0] != '-' ? argv[1] : flag_value(argc, argv, "scenario");
    char *own[WORDS_MAX / 4];
    int own_count = file ? rc_scenario_file(file, own, WORDS_MAX / 4, why, why_size) : 0;
    if (own_count < 0 || argc > WORDS_MAX / 2) {
        return false;
    }
    struct words files = {.own_to = own_count};
    memcpy(files.word, own, (size_t)own_count * sizeof *own);
    words->word[words->count++] = argv[0];
    add_defaults(words, scenario ? scenario : file_scenario(&files));
    words->own_from = words->count;
    words->own_to = words->count + own_count;
    memcpy(&words->word[words->count], own, (size_t)own_count * sizeof *own);
    words->count += own_count;
    for (int i = 1; i < argc; i++) {
        add_argument(words, i, argv[i]);
    }
    return true;
}

static struct rc_option_table table(struct rc_plan *plan)
{
    return (struct rc_option_table){lines, sizeof lines / sizeof lines[0], &plan->options};
}

int rc_plan_make(struct rc_plan *plan, int argc, char **argv)
{
    char why[WHY] = "too many arguments";
    struct words words = {0};
    struct rc_option_table tables[] = {table(plan)};
    const struct rc_option_set set = {
        .program = "roomcast-bench",
        .summary =
            "a load generator and oracle for Socket.IO servers that speak the support chat\n\n"
            "  roomcast-bench SCENARIO [--NAME VALUE]...\n\n" RC_SCENARIO_HELP
            "\nExit codes: 0; 1 the oracle found something; 64 usage; 69 unreachable; 70 internal; 78 configuration",
        .tables = tables,
        .table_count = 1,
        .check = check,
        .arg = plan,
    };
    if (!make_words(&words, argc, argv, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return RC_EXIT_USAGE;
    }
    int code = rc_options_parse(&set, words.word);
    for (int i = words.own_from; i < words.own_to; i++) {
        free(words.word[i]);
    }
    return code == RC_EXIT_CONFIG ? RC_EXIT_USAGE : code;
}

void rc_plan_fini(struct rc_plan *plan)
{
    struct rc_option_table tables[] = {table(plan)};
    const struct rc_option_set set = {.tables = tables, .table_count = 1};
    rc_options_free(&set);
    rc_secret_fini(&plan->secret);
}
