/* Options of roomcast-sim. */
#include "command.h"

#include "faults.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE_ERROR = 64 };

static const char *const mode_name[] = {"none", "single", "double", "storm"};
static const struct {
    const char *name, *fault, *what;
} plants[] = {
#define X(name, text, fault, what) {text, fault, what},
    SIM_PLANT_LIST(X)
#undef X
};

const char *sim_plant_name(enum sim_plant plant)
{
    return plants[plant].name;
}

const char *sim_plant_fault(enum sim_plant plant)
{
    return plants[plant].fault;
}

static void help(void)
{
    printf("Usage: roomcast-sim [OPTION]...\n"
           "Runs gateways, brokers and persisters (the real core) in one process on virtual time, under faults drawn "
           "from a seed,\n"
           "and checks the promises: nothing lost, doubled, out of order, or acknowledged before it is stored.\n\n"
           "  --seeds A[-B]      worlds to run (1-100)\n"
           "  --jobs N           processes that share them (1)\n"
           "  --mode MODE        none, single (one fault, the default), double, storm (3 to 8), of any kind\n"
           "  --faults KIND,...  instead: faults of these kinds, beginning in this order:\n                    ");
    sim_fault_names(stdout);
    printf("\n"
           "  --nodes 3b2g1p     brokers, gateways, persisters; what is not named is drawn from the seed\n"
           "  --k N, --quorum N  brokers of a room, persisters of an acknowledged row; else drawn\n"
           "  --tight, --hasty   small bounds; emits are given up early; else now and then\n"
           "  --fine             batches of one operation, on slow lines\n"
           "  --partitions       admins is a hot room, over another number of partitions at each gateway\n"
           "  --max-delay MS     fail when a delivery takes longer (but in worlds with tight bounds)\n"
           "  --max-ack MS       fail when an acknowledgement takes longer (likewise)\n"
           "  --no-fence         fail when a gateway fences itself\n"
           "  --stop             end with the first seed that fails\n"
           "  --trace            timeline of each run; a failing seed shows its story anyway\n"
           "  --watch ID         in the timeline: the way of one message\n"
           "  --verbose          one line a seed, with a hash of all that happened\n"
           "  --determinism      run each seed twice; fail if they differ\n"
           "  --plant NAME       a world with a bug of its own; fail unless it is caught. all: one after the other\n");
    for (size_t i = 1; i < SIM_PLANTS; i++)
        printf("      %-18s %s\n", plants[i].name, plants[i].what);
    printf("  --help\n\nExit status: 0 all passed, 1 some failed, 64 wrong usage. tests/sim/README.md says more.\n");
}

static void usage(const char *fmt, const char *value)
{
    fprintf(stderr, "roomcast-sim: ");
    fprintf(stderr, fmt, value);
    fprintf(stderr, "; see --help\n");
    exit(EXIT_USAGE_ERROR);
}

static uint64_t number(const char *text, uint64_t low, uint64_t high, const char *fmt)
{
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || n < low || n > high)
        usage(fmt, text);
    return n;
}

static void parse_seeds(struct sim_command *c, char *text)
{
    char *dash = strchr(text, '-');
    if (dash)
        *dash = 0;
    c->first = number(text, 0, UINT32_MAX, "--seeds: '%s' is not a number");
    c->last =
        dash ? number(dash + 1, c->first, UINT32_MAX, "--seeds: '%s' is not a number, or below the first") : c->first;
}

static void parse_mode(struct sim_command *c, const char *text)
{
    for (int i = SIM_NONE; i <= SIM_STORM; i++)
        if (!strcmp(text, mode_name[i])) {
            c->options.mode = (enum sim_mode)i;
            return;
        }
    usage("--mode: '%s' is none of none, single, double, storm", text);
}

static void parse_faults(struct sim_command *c, char *text)
{
    struct sim_options *o = &c->options;
    char *rest = text;
    o->faults = 0;
    for (char *kind; (kind = strsep(&rest, ","));) {
        if (!sim_fault_known(kind))
            usage("--faults: there is no '%s'", kind);
        if (o->faults == SIM_FAULTS_MAX)
            usage("--faults: more than 8%s", "");
        o->fault[o->faults++] = kind;
    }
}

/* "3b2g1p": a digit and a letter for each role, in any order. */
static void parse_nodes(struct sim_command *c, const char *text)
{
    const char *p = text;
    for (; *p; p += 2) {
        unsigned *n = p[1] == 'b'   ? &c->options.brokers
                      : p[1] == 'g' ? &c->options.gateways
                      : p[1] == 'p' ? &c->options.persisters
                                    : NULL;
        if (*p < '1' || *p > '9' || !n)
            usage("--nodes: '%s' is not like 3b2g1p, with 1 to 9 of each", text);
        *n = (unsigned)(*p - '0');
    }
}

static void parse_plant(struct sim_command *c, const char *text)
{
    c->plants = true;
    c->all = !strcmp(text, "all");
    for (int i = 1; i < SIM_PLANTS; i++)
        if (!strcmp(text, plants[i].name))
            c->options.plant = (enum sim_plant)i;
    if (!c->all && !c->options.plant)
        usage("--plant: there is no '%s'", text);
}

enum {
    SEEDS = 1,
    JOBS,
    MODE,
    FAULTS,
    NODES,
    K,
    QUORUM,
    PARTITIONS,
    TIGHT,
    HASTY,
    FINE,
    NO_FENCE,
    DELAY,
    ACK,
    STOP,
    TRACE,
    WATCH,
    VERBOSE,
    TWICE,
    PLANT,
    HELP
};

static const struct option longs[] = {
    {"tight", no_argument, NULL, TIGHT},
    {"no-fence", no_argument, NULL, NO_FENCE},
    {"hasty", no_argument, NULL, HASTY},
    {"fine", no_argument, NULL, FINE},
    {"seeds", required_argument, NULL, SEEDS},
    {"jobs", required_argument, NULL, JOBS},
    {"mode", required_argument, NULL, MODE},
    {"faults", required_argument, NULL, FAULTS},
    {"nodes", required_argument, NULL, NODES},
    {"k", required_argument, NULL, K},
    {"quorum", required_argument, NULL, QUORUM},
    {"partitions", no_argument, NULL, PARTITIONS},
    {"max-delay", required_argument, NULL, DELAY},
    {"max-ack", required_argument, NULL, ACK},
    {"stop", no_argument, NULL, STOP},
    {"trace", no_argument, NULL, TRACE},
    {"watch", required_argument, NULL, WATCH},
    {"verbose", no_argument, NULL, VERBOSE},
    {"determinism", no_argument, NULL, TWICE},
    {"plant", required_argument, NULL, PLANT},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static void parse_run(struct sim_command *c, int option)
{
    switch (option) {
    case SEEDS:
        parse_seeds(c, optarg);
        break;
    case JOBS:
        c->jobs = (unsigned)number(optarg, 1, SIM_JOBS_MAX, "--jobs: '%s' is not 1 to 256");
        break;
    case STOP:
        c->stop = true;
        break;
    case VERBOSE:
        c->verbose = true;
        break;
    case TWICE:
        c->twice = true;
        break;
    case PLANT:
        parse_plant(c, optarg);
        break;
    case HELP:
        help();
        exit(0);
    default:
        exit(EXIT_USAGE_ERROR); /* getopt said why */
    }
}

static rc_time parse_ms(const char *fmt)
{
    return (rc_time)number(optarg, 1, 1000000, fmt) * SIM_MS;
}

/* What makes the world; false: it is none of these. */
static bool parse_world(struct sim_command *c, int option)
{
    struct sim_options *o = &c->options;
    switch (option) {
    case MODE:
        parse_mode(c, optarg);
        return true;
    case FAULTS:
        parse_faults(c, optarg);
        return true;
    case NODES:
        parse_nodes(c, optarg);
        return true;
    case K:
        o->k = (unsigned)number(optarg, 1, 9, "--k: '%s' is not 1 to 9");
        return true;
    case QUORUM:
        o->quorum = (unsigned)number(optarg, 1, 9, "--quorum: '%s' is not 1 to 9");
        return true;
    case PARTITIONS:
        o->partitions = true;
        return true;
    case NO_FENCE:
        o->no_fence = true;
        return true;
    case TIGHT:
        o->tight = true;
        return true;
    case HASTY:
        o->hasty = true;
        return true;
    case FINE:
        o->fine = true;
        return true;
    case DELAY:
        o->max_delay = parse_ms("--max-delay: '%s' is not 1 to 1000000");
        return true;
    case ACK:
        o->max_ack = parse_ms("--max-ack: '%s' is not 1 to 1000000");
        return true;
    case TRACE:
        o->trace = stdout;
        return true;
    case WATCH:
        o->watch = number(optarg, 1, UINT32_MAX, "--watch: '%s' is not a message number");
        return true;
    default:
        return false;
    }
}

void sim_command_parse(struct sim_command *c, int argc, char **argv)
{
    *c = (struct sim_command){.first = 1, .last = 100, .jobs = 1, .options = {.mode = SIM_SINGLE}};
    struct sim_options *o = &c->options;
    bool mode = false;
    for (int option; (option = getopt_long(argc, argv, "", longs, NULL)) != -1; mode |= option == MODE)
        if (!parse_world(c, option))
            parse_run(c, option);
    if (optind < argc)
        usage("unexpected argument '%s'", argv[optind]);
    if (mode && o->faults)
        usage("--mode and --faults%s exclude each other", "");
    if (o->quorum && o->persisters && o->quorum > o->persisters)
        usage("--quorum: more than there are persisters%s", "");
    if (o->quorum && !o->persisters)
        o->persisters = o->quorum > 3 ? o->quorum : 3;
}

static void print_faults(const struct sim_options *o, FILE *out)
{
    if (!o->faults) {
        fprintf(out, " --mode %s", mode_name[o->mode]);
        return;
    }
    for (unsigned i = 0; i < o->faults; i++)
        fprintf(out, "%s%s", i ? "," : " --faults ", o->fault[i]);
}

static void print_nodes(const struct sim_options *o, FILE *out)
{
    if (!o->brokers && !o->gateways && !o->persisters)
        return;
    fprintf(out, " --nodes ");
    if (o->brokers)
        fprintf(out, "%ub", o->brokers);
    if (o->gateways)
        fprintf(out, "%ug", o->gateways);
    if (o->persisters)
        fprintf(out, "%up", o->persisters);
}

void sim_command_print(const struct sim_options *o, uint64_t seed, FILE *out)
{
    fprintf(out, "--seeds %" PRIu64, seed);
    print_faults(o, out);
    print_nodes(o, out);
    if (o->k)
        fprintf(out, " --k %u", o->k);
    if (o->quorum)
        fprintf(out, " --quorum %u", o->quorum);
    if (o->partitions)
        fprintf(out, " --partitions");
    if (o->tight)
        fprintf(out, " --tight");
    if (o->hasty)
        fprintf(out, " --hasty");
    if (o->fine)
        fprintf(out, " --fine");
    if (o->no_fence)
        fprintf(out, " --no-fence");
    if (o->plant)
        fprintf(out, " --plant %s", plants[o->plant].name);
    if (o->max_delay)
        fprintf(out, " --max-delay %lld", (long long)(o->max_delay / SIM_MS));
    if (o->max_ack)
        fprintf(out, " --max-ack %lld", (long long)(o->max_ack / SIM_MS));
}
