/* --help and --show-config: the tables as text. */
#include <inttypes.h>
#include <string.h>

#include "option_impl.h"

/* Length of the part before the first dot; 0 for options outside a section. */
static size_t group_len(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
}

static bool same_group(const char *a, const char *b)
{
    size_t len = group_len(a);
    return len == group_len(b) && memcmp(a, b, len) == 0;
}

/* A number in the shortest words of its type. */
static void print_number(const struct rc_option *option, int64_t value, FILE *out)
{
    static const char *const suffix[] = {"", "k", "m", "g"};
    size_t shift = 0;
    while (option->type == RC_OPT_SIZE && shift < 3 && value != 0 && value % 1024 == 0) {
        value /= 1024;
        shift++;
    }
    fprintf(out, "%" PRId64 "%s", value, suffix[shift]);
}

static void print_limits(const struct rc_option *option, FILE *out)
{
    bool numeric = option->type == RC_OPT_INT || option->type == RC_OPT_MS || option->type == RC_OPT_SIZE;
    if (!option->fallback) {
        fputs("must be given", out);
    } else {
        fprintf(out, "default %s", *option->fallback ? option->fallback : "none");
    }
    if (numeric) {
        fputs(", ", out);
        print_number(option, option->min, out);
        fputs(" to ", out);
        print_number(option, option->max, out);
    }
    fputs(option->reloadable ? ", SIGHUP reads it again" : "", out);
}

static void print_option(const struct rc_option *option, FILE *out)
{
    fprintf(out, "  --%s", option->name);
    if (option->type == RC_OPT_BOOL) {
        fputs("[=true|false]", out);
    } else {
        fprintf(out, " %s", option->unit && *option->unit ? option->unit : "TEXT");
    }
    fprintf(out, "\n        %s (", option->help);
    print_limits(option, out);
    fputs(")\n", out);
}

/* All options of a group, each set of tables in its order. */
static void print_group(const struct rc_option_set *set, const char *name, FILE *out)
{
    fprintf(out, "\n%.*s:\n", group_len(name) ? (int)group_len(name) : 7, group_len(name) ? name : "general");
    for (size_t t = 0; t < set->table_count; t++) {
        for (size_t i = 0; i < set->tables[t].count; i++) {
            if (same_group(set->tables[t].lines[i].name, name)) {
                print_option(&set->tables[t].lines[i], out);
            }
        }
    }
}

/* Whether an earlier line has the group of line i of table t, which then was printed with it. */
static bool group_done(const struct rc_option_set *set, size_t t, size_t i)
{
    const char *name = set->tables[t].lines[i].name;
    for (size_t u = 0; u <= t; u++) {
        size_t count = u < t ? set->tables[u].count : i;
        for (size_t j = 0; j < count; j++) {
            if (same_group(set->tables[u].lines[j].name, name)) {
                return true;
            }
        }
    }
    return false;
}

void rc_option_help(const struct rc_option_set *set, FILE *out)
{
    fprintf(out,
            "%s %s: %s\n\nusage: %s [--config FILE] [--NAME VALUE | --NAME=VALUE]...\n\n"
            "  --config FILE   read options from this INI file: NAME = VALUE, in or outside [sections]\n"
            "  --check-config  judge the configuration, say what is wrong with it, and end (0 or 78)\n"
            "  --show-config   print the values in force as a configuration file, and end\n"
            "  --version       print the version, and end\n"
            "  --help          print this, and end\n\n"
            "Each option may stand in the file, in the environment (admin.listen as ROOMCAST_ADMIN_LISTEN) or\n"
            "among the flags; flags win over the environment, which wins over the file.\n",
            set->program, RC_VERSION, set->summary, set->program);
    for (size_t t = 0; t < set->table_count; t++) {
        for (size_t i = 0; i < set->tables[t].count; i++) {
            if (!group_done(set, t, i)) {
                print_group(set, set->tables[t].lines[i].name, out);
            }
        }
    }
}

/* Lists leave one element per line, because lines of the file have a limit. */
static void show_list(const struct rc_slot *slot, const char *text, FILE *out)
{
    for (const char *p = text;; p++) {
        size_t len = strcspn(p, ",");
        fprintf(out, "%s = %.*s ; %s\n", slot->option->name, (int)len, p, slot->source);
        p += len;
        if (*p == '\0') {
            return;
        }
    }
}

void rc_option_show(const struct rc_slots *slots, FILE *out)
{
    for (size_t i = 0; i < slots->count; i++) {
        char buf[32];
        const struct rc_slot *slot = &slots->slot[i];
        const char *text = rc_value_text(slot->option, slot->values, buf);
        if (slot->option->type == RC_OPT_LIST) {
            show_list(slot, text, out);
        } else {
            char shown[RC_OPTION_SHOWN];
            fprintf(out, "%s = %s ; %s\n", slot->option->name, rc_value_shown(slot->option, text, shown), slot->source);
        }
    }
}
