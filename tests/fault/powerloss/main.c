/* roomcast-storecheck: judges a store, or what power cuts may leave of one. */
#include "cuts.h"
#include "storecheck.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: roomcast-storecheck store DIR FACTS\n"
    "       roomcast-storecheck cuts JOURNAL DIR FACTS SEED COUNT [never|early]\n"
    "\n"
    "store  judges the store in DIR, which nobody uses: it opens, has each message that FACTS calls\n"
    "       acknowledged once, and agrees with itself.\n"
    "cuts   judges COUNT images of a data file, made in the empty DIR, as power cuts may leave it of\n"
    "       what JOURNAL says was written and synced. never, early: plants a fault, which must be found.\n"
    "Exit code 0: good; 1: not, and stdout says why; 64: usage.\n";

static int refuse(const char *why)
{
    fprintf(stderr, "roomcast-storecheck: %s\n", why);
    return 64;
}

static int judge_store(const char *dir, const struct rc_facts *facts)
{
    return rc_storecheck(dir, facts, RC_FACT_NEVER, false, stdout) > 0;
}

static bool plant(const char *name, struct rc_journal *journal, struct rc_facts *facts)
{
    if (strcmp(name, "never") == 0)
        rc_journal_plant_never(journal);
    else if (strcmp(name, "early") == 0)
        rc_facts_plant_early(facts);
    else
        return false;
    return true;
}

static int judge_cuts(char **arg, struct rc_facts *facts)
{
    char why[512];
    struct rc_journal journal;
    if (!rc_journal_open(&journal, arg[0], why, sizeof why))
        return refuse(why);
    if (arg[5] && !plant(arg[5], &journal, facts))
        return refuse("the plant is never or early");
    struct rc_cuts cuts = {.journal = &journal,
                           .facts = facts,
                           .dir = arg[1],
                           .seed = strtoull(arg[3], NULL, 10),
                           .count = strtoull(arg[4], NULL, 10)};
    size_t bad = rc_cuts_judge(&cuts);
    printf("seed %llu: %zu cuts in %zu calls, %zu bad\n", (unsigned long long)cuts.seed, cuts.count, journal.n, bad);
    rc_journal_close(&journal);
    return bad > 0;
}

int main(int argc, char **argv)
{
    char why[512];
    struct rc_facts facts;
    bool store = argc == 4 && strcmp(argv[1], "store") == 0;
    if (!store && ((argc != 7 && argc != 8) || strcmp(argv[1], "cuts") != 0)) {
        fputs(usage, stderr);
        return 64;
    }
    if (!rc_facts_read(&facts, argv[store ? 3 : 4], why, sizeof why))
        return refuse(why);
    int code = store ? judge_store(argv[2], &facts) : judge_cuts(argv + 2, &facts);
    rc_facts_free(&facts);
    return code;
}
