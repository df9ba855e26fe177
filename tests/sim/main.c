/* roomcast-sim: runs the cluster core in hostile worlds, one a seed, and says which of them it did not stand. */
#include "faults.h"
#include "world.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_USAGE_ERROR = 64 };

static const char *const mode_name[] = {"none", "single", "double", "storm"};
static const struct {
    const char *name, *fault, *what;
} plants[] = {
#define X(name, text, fault, what) {text, fault, what},
    SIM_PLANT_LIST(X)
#undef X
};

struct command {
    uint64_t first, last;
    struct sim_options options;
    bool plants; /* --plant: a run that fails is what is wanted */
    bool all;    /* each plant in turn */
    bool twice;  /* --determinism */
    bool verbose;
};

/* ---- usage */

static void help(void)
{
    printf("Usage: roomcast-sim [OPTION]...\n"
           "Runs gateways, brokers and persisters (the real core) in one process on virtual time, under faults drawn "
           "from a seed,\n"
           "and checks the promises: nothing lost, doubled, out of order, or acknowledged before it is stored.\n\n"
           "  --seeds A[-B]      worlds to run (1-100)\n"
           "  --mode MODE        none, single (one fault, the default), double, storm (3 to 8)\n"
           "  --fault KIND       kind of the first fault:");
    sim_fault_names(stdout);
    printf("\n"
           "  --brokers N, --gateways N, --persisters N, --k N, --quorum N\n"
           "                     shape of the cluster (drawn from the seed)\n"
           "  --partitions       admins is a hot room, over another number of partitions at each gateway\n"
           "  --max-delay MS     fail when a delivery takes longer (but in worlds with tight bounds)\n"
           "  --no-fence         fail when a gateway fences itself\n"
           "  --trace            timeline of each run\n"
           "  --watch ID         in the timeline: the way of one message\n"
           "  --verbose          one line a seed, with a hash of all that happened\n"
           "  --determinism      run each seed twice; fail if they differ\n"
           "  --plant NAME       a world with a bug of its own; fail unless it is caught. all: one after the other\n");
    for (size_t i = 1; i < SIM_PLANTS; i++)
        printf("      %-18s %s\n", plants[i].name, plants[i].what);
    printf("  --help\n\nExit status: 0 all passed, 1 some failed, 64 wrong usage.\n");
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

static void parse_seeds(struct command *c, char *text)
{
    char *dash = strchr(text, '-');
    if (dash)
        *dash = 0;
    c->first = number(text, 0, UINT32_MAX, "--seeds: '%s' is not a number");
    c->last =
        dash ? number(dash + 1, c->first, UINT32_MAX, "--seeds: '%s' is not a number, or below the first") : c->first;
}

static void parse_mode(struct command *c, const char *text)
{
    for (int i = SIM_NONE; i <= SIM_STORM; i++)
        if (!strcmp(text, mode_name[i])) {
            c->options.mode = (enum sim_mode)i;
            return;
        }
    usage("--mode: '%s' is none of none, single, double, storm", text);
}

static void parse_plant(struct command *c, const char *text)
{
    c->plants = true;
    c->all = !strcmp(text, "all");
    for (int i = 1; i < SIM_PLANTS; i++)
        if (!strcmp(text, plants[i].name))
            c->options.plant = (enum sim_plant)i;
    if (!c->all && !c->options.plant)
        usage("--plant: there is no '%s'", text);
}

static const struct option longs[] = {
    {"seeds", required_argument, NULL, 's'},    {"mode", required_argument, NULL, 'm'},
    {"fault", required_argument, NULL, 'f'},    {"brokers", required_argument, NULL, 'B'},
    {"gateways", required_argument, NULL, 'G'}, {"persisters", required_argument, NULL, 'P'},
    {"k", required_argument, NULL, 'k'},        {"quorum", required_argument, NULL, 'q'},
    {"plant", required_argument, NULL, 'p'},    {"partitions", no_argument, NULL, 'a'},
    {"watch", required_argument, NULL, 'w'},    {"max-delay", required_argument, NULL, 'x'},
    {"no-fence", no_argument, NULL, 'F'},       {"trace", no_argument, NULL, 't'},
    {"verbose", no_argument, NULL, 'v'},        {"determinism", no_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
};

static void parse_one(struct command *c, int option)
{
    struct sim_options *o = &c->options;
    switch (option) {
    case 's':
        parse_seeds(c, optarg);
        break;
    case 'm':
        parse_mode(c, optarg);
        break;
    case 'f':
        if (!sim_fault_known(optarg))
            usage("--fault: there is no '%s'", optarg);
        o->fault = optarg;
        break;
    case 'B':
        o->brokers = (unsigned)number(optarg, 1, 9, "--brokers: '%s' is not 1 to 9");
        break;
    case 'G':
        o->gateways = (unsigned)number(optarg, 1, 9, "--gateways: '%s' is not 1 to 9");
        break;
    case 'P':
        o->persisters = (unsigned)number(optarg, 1, 9, "--persisters: '%s' is not 1 to 9");
        break;
    case 'k':
        o->k = (unsigned)number(optarg, 1, 9, "--k: '%s' is not 1 to 9");
        break;
    case 'q':
        o->quorum = (unsigned)number(optarg, 1, 9, "--quorum: '%s' is not 1 to 9");
        break;
    case 'p':
        parse_plant(c, optarg);
        break;
    case 'a':
        o->partitions = true;
        break;
    case 'w':
        o->watch = number(optarg, 1, UINT32_MAX, "--watch: '%s' is not a message number");
        break;
    case 'x':
        o->max_delay = (rc_time)number(optarg, 1, 1000000, "--max-delay: '%s' is not 1 to 1000000") * SIM_MS;
        break;
    case 'F':
        o->no_fence = true;
        break;
    case 't':
        o->trace = stdout;
        break;
    case 'v':
        c->verbose = true;
        break;
    case 'd':
        c->twice = true;
        break;
    case 'h':
        help();
        exit(0);
    default:
        exit(EXIT_USAGE_ERROR); /* getopt said why */
    }
}

static void parse(struct command *c, int argc, char **argv)
{
    *c = (struct command){.first = 1, .last = 100, .options = {.mode = SIM_SINGLE}};
    int option;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
        parse_one(c, option);
    if (optind < argc)
        usage("unexpected argument '%s'", argv[optind]);
    if (c->options.quorum && c->options.persisters && c->options.quorum > c->options.persisters)
        usage("--quorum: more than there are persisters%s", "");
    if (c->options.quorum && !c->options.persisters)
        c->options.persisters = c->options.quorum > 3 ? c->options.quorum : 3;
}

/* ---- reports */

static void print_replay(const struct sim_options *o, uint64_t seed)
{
    printf("  replay: roomcast-sim --seeds %" PRIu64 " --mode %s", seed, mode_name[o->mode]);
    if (o->fault)
        printf(" --fault %s", o->fault);
    const struct {
        const char *name;
        unsigned value;
    } shape[] = {{"brokers", o->brokers},
                 {"gateways", o->gateways},
                 {"persisters", o->persisters},
                 {"k", o->k},
                 {"quorum", o->quorum}};
    for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++)
        if (shape[i].value)
            printf(" --%s %u", shape[i].name, shape[i].value);
    if (o->partitions)
        printf(" --partitions");
    if (o->plant)
        printf(" --plant %s", plants[o->plant].name);
    if (o->max_delay)
        printf(" --max-delay %lld", (long long)(o->max_delay / SIM_MS));
    printf(" --trace\n");
}

static void print_failure(const struct sim_world *w)
{
    printf("seed %" PRIu64 " FAILED  ", w->seed);
    sim_world_describe(w, stdout);
    printf("\n");
    for (unsigned i = 0; i < w->violations && i < 3; i++)
        printf("  %s\n", w->violation[i]);
    if (w->violations > 3)
        printf("  and %u more%s\n", w->violations - 3, w->violations == SIM_VIOLATIONS_MAX ? " at least" : "");
    print_replay(&w->options, w->seed);
}

static void print_verbose(const struct sim_world *w)
{
    printf("seed %" PRIu64 " %s  ", w->seed, w->violations ? "failed" : "ok");
    sim_world_describe(w, stdout);
    printf(" messages %" PRIu64 " delay %.0f settle %.0f ms events %" PRIu64 " hash %016" PRIx64 "\n",
           w->totals.messages, (double)w->totals.delay_max / 1000, (double)w->totals.settle / 1000, w->totals.events,
           w->sim.hash);
}

static void max_time(rc_time *a, rc_time b)
{
    *a = b > *a ? b : *a;
}

static void add_totals(struct sim_totals *sum, const struct sim_totals *t)
{
    const uint64_t *from = (const uint64_t *)t;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < offsetof(struct sim_totals, delay_max) / sizeof(*to); i++)
        to[i] += from[i];
    max_time(&sum->delay_max, t->delay_max);
    max_time(&sum->ack_max, t->ack_max);
    max_time(&sum->settle, t->settle);
}

static void print_totals(const struct sim_totals *t, double seconds)
{
    printf("messages %" PRIu64 " acknowledged %" PRIu64 " failed %" PRIu64 " receipts %" PRIu64 " sockets %" PRIu64
           " sessions %" PRIu64 " batches %" PRIu64 " operations %" PRIu64 "\n",
           t->messages, t->acked, t->failed, t->receipts, t->sockets, t->sessions, t->batches, t->ops);
    printf("resends %" PRIu64 " refusals %" PRIu64 " duplicates %" PRIu64 " fences %" PRIu64 " views %" PRIu64
           " gone %" PRIu64 " records: lost %" PRIu64 " gaps %" PRIu64 " resent %" PRIu64 " holes %" PRIu64
           " pulled %" PRIu64 "\n",
           t->resends, t->refusals, t->duplicates, t->fences, t->views, t->gone, t->lost_records, t->gaps,
           t->record_resends, t->holes, t->pulled);
    printf("longest delivery %.0f ms, acknowledgement %.0f ms, settling %.0f ms; %" PRIu64 " events in %.1f s\n",
           (double)t->delay_max / 1000, (double)t->ack_max / 1000, (double)t->settle / 1000, t->events, seconds);
}

/* ---- runs */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t hash_of(uint64_t seed, const struct sim_options *o)
{
    struct sim_world w;
    sim_world_run(&w, seed, o);
    uint64_t hash = w.sim.hash;
    sim_world_fini(&w);
    return hash;
}

/* True if the seed failed. */
static bool run_seed(const struct command *c, uint64_t seed, struct sim_totals *sum)
{
    struct sim_world w;
    sim_world_run(&w, seed, &c->options);
    bool failed = w.violations > 0;
    if (c->twice && hash_of(seed, &c->options) != w.sim.hash) {
        printf("seed %" PRIu64 " went two ways\n", seed);
        failed = true;
    }
    if (w.violations)
        print_failure(&w);
    if (c->verbose)
        print_verbose(&w);
    sim_world_fini(&w);
    add_totals(sum, &w.totals);
    return failed;
}

static int run_all(const struct command *c)
{
    struct sim_totals sum = {0};
    uint64_t failed = 0;
    double begin = seconds();
    for (uint64_t seed = c->first; seed <= c->last; seed++) {
        failed += run_seed(c, seed, &sum);
        fflush(stdout);
    }
    print_totals(&sum, seconds() - begin);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", c->last - c->first + 1 - failed, failed);
    return failed ? 1 : 0;
}

/* True if a seed of the range catches the planted bug. */
static bool caught(const struct command *c, enum sim_plant plant)
{
    struct sim_options o = c->options;
    o.plant = plant;
    if (!o.fault)
        o.fault = plants[plant].fault;
    for (uint64_t seed = c->first; seed <= c->last; seed++) {
        struct sim_world w;
        sim_world_run(&w, seed, &o);
        if (w.violations)
            printf("%-18s caught by seed %" PRIu64 ": %s\n", plants[plant].name, seed, w.violation[0]);
        sim_world_fini(&w);
        if (w.violations)
            return true;
    }
    printf("%-18s MISSED by seeds %" PRIu64 " to %" PRIu64 "\n", plants[plant].name, c->first, c->last);
    return false;
}

static int run_plants(const struct command *c)
{
    unsigned passed = 0, failed = 0;
    for (int p = 1; p < SIM_PLANTS; p++) {
        if (!c->all && c->options.plant != (enum sim_plant)p)
            continue;
        if (caught(c, (enum sim_plant)p))
            passed++;
        else
            failed++;
        fflush(stdout);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct command c;
    parse(&c, argc, argv);
    return c.plants ? run_plants(&c) : run_all(&c);
}
