/* Options of a program: reads the flags, brings the sources in their order, answers what was asked. */
#include "option.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "option_impl.h"

/* What the flags ask for. Their values wait in argv until the weaker sources were read. */
struct request {
    const char *config; /* --config, or NULL */
    bool help, version, check, show;
};

/* A flag as it stands in argv. */
struct flag {
    char name[64];     /* without its dashes, cut */
    const char *value; /* NULL: none was given */
    int used;          /* arguments that it takes, 1 or 2 */
};

void rc_option_fail(struct rc_option_errors *errors, const char *fmt, ...)
{
    if (errors->count < RC_OPTION_ERRORS) {
        va_list args;
        va_start(args, fmt);
        if (vasprintf(&errors->text[errors->count], fmt, args) < 0) {
            errors->text[errors->count] = NULL;
        }
        va_end(args);
    }
    errors->count++;
}

static size_t errors_kept(const struct rc_option_errors *errors)
{
    return errors->count < RC_OPTION_ERRORS ? errors->count : RC_OPTION_ERRORS;
}

static const char *error_text(const struct rc_option_errors *errors, size_t i)
{
    return errors->text[i] ? errors->text[i] : "out of memory";
}

static void errors_print(const struct rc_option_errors *errors, FILE *err)
{
    for (size_t i = 0; i < errors_kept(errors); i++) {
        fprintf(err, "%s\n", error_text(errors, i));
    }
    if (errors->count > RC_OPTION_ERRORS) {
        fprintf(err, "and %zu more\n", errors->count - RC_OPTION_ERRORS);
    }
}

static void errors_fini(struct rc_option_errors *errors)
{
    for (size_t i = 0; i < errors_kept(errors); i++) {
        free(errors->text[i]);
    }
}

/* Splits argv[0] (and argv[1] when the value stands there). False: not of the form of a flag. */
static bool split_flag(char **argv, struct flag *flag)
{
    const char *arg = argv[0];
    if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0') {
        return false;
    }
    size_t len = strcspn(arg + 2, "=");
    snprintf(flag->name, sizeof flag->name, "%.*s", (int)(len < 64 ? len : 63), arg + 2);
    flag->value = arg[2 + len] == '=' ? arg + 2 + len + 1 : NULL;
    flag->used = 1;
    return true;
}

/* Takes the next argument as the value, unless that is a flag too. There are no arguments besides flags. */
static void take_value(char **argv, struct flag *flag)
{
    if (!flag->value && argv[1] && strncmp(argv[1], "--", 2) != 0) {
        flag->value = argv[1];
        flag->used = 2;
    }
}

/* The flags that are no options. True when it was one. */
static bool take_request(char **argv, struct flag *flag, struct request *request, struct rc_option_errors *errors)
{
    const struct {
        const char *name;
        bool *asked;
    } asks[] = {{"help", &request->help},
                {"version", &request->version},
                {"check-config", &request->check},
                {"show-config", &request->show}};
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        if (strcmp(flag->name, asks[i].name) == 0) {
            *asks[i].asked = true;
            if (flag->value) {
                rc_option_fail(errors, "--%s takes no value", flag->name);
            }
            return true;
        }
    }
    if (strcmp(flag->name, "config") != 0) {
        return false;
    }
    take_value(argv, flag);
    request->config = flag->value;
    if (!flag->value || !*flag->value) {
        rc_option_fail(errors, "--config needs a file");
    }
    return true;
}

static void unknown_flag(const struct rc_slots *slots, const char *arg, const char *name,
                         struct rc_option_errors *errors)
{
    char quoted[96];
    const char *nearest = rc_slot_nearest(slots, name);
    rc_log_quote(quoted, sizeof quoted, arg, strlen(arg));
    if (nearest) {
        rc_option_fail(errors, "unknown flag %s, did you mean --%s?", quoted, nearest);
    } else {
        rc_option_fail(errors, "unknown flag %s, --help lists them", quoted);
    }
}

/* One option flag; its value is set when `assign`, else only its form is judged. */
static void take_option(char **argv, struct flag *flag, struct rc_slots *slots, bool assign,
                        struct rc_option_errors *errors)
{
    char where[80];
    struct rc_slot *slot = rc_slot_find(slots, flag->name);
    if (!slot) {
        unknown_flag(slots, argv[0], flag->name, errors);
        return;
    }
    take_value(argv, flag);
    if (!flag->value && slot->option->type == RC_OPT_BOOL) {
        flag->value = "true";
    }
    if (!flag->value) {
        rc_option_fail(errors, "--%s needs a value", flag->name);
    } else if (assign) {
        snprintf(where, sizeof where, "--%s", flag->name);
        rc_slot_assign(slot, flag->value, where, "flag", errors);
    }
}

/* Goes through all flags: first without `assign` for what they ask, later with it for their values. */
static void read_flags(char **argv, struct rc_slots *slots, struct request *request, bool assign,
                       struct rc_option_errors *errors)
{
    struct flag flag;
    size_t before = errors->count;
    for (char **arg = argv + 1; *arg; arg += flag.used) {
        flag.used = 1;
        if (!split_flag(arg, &flag)) {
            rc_option_fail(errors, "unexpected argument \"%.80s\", flags are --NAME VALUE", *arg);
        } else if (!take_request(arg, &flag, request, errors)) {
            take_option(arg, &flag, slots, assign, errors);
        }
    }
    if (errors->count > before) {
        errors->code = RC_EXIT_USAGE;
    }
}

/* Brings all sources, weakest first. */
static void load(char **argv, bool again, struct rc_slots *slots, struct request *request,
                 struct rc_option_errors *errors)
{
    if (request->config) {
        rc_option_file(request->config, again, slots, errors);
    }
    rc_slots_environment(slots, errors);
    read_flags(argv, slots, request, true, errors);
    if (errors->count == 0) {
        rc_slots_require(slots, errors);
    }
}

static int answer(const struct rc_option_set *set, char **argv, struct rc_slots *slots, struct rc_option_errors *errors)
{
    FILE *out = set->out ? set->out : stdout;
    struct request request = {0};
    rc_slots_defaults(slots, errors);
    read_flags(argv, slots, &request, false, errors);
    if (errors->count > 0) {
        return (int)errors->code;
    }
    if (request.help) {
        rc_option_help(set, out);
        return RC_EXIT_OK;
    }
    if (request.version) {
        fprintf(out, "%s %s\n", set->program, RC_VERSION);
        return RC_EXIT_OK;
    }
    load(argv, false, slots, &request, errors);
    if (errors->count == 0 && set->check && !request.show) {
        set->check(set->arg, errors);
    }
    if (errors->count > 0) {
        return (int)errors->code;
    }
    if (request.show) {
        rc_option_show(slots, out);
    } else if (request.check) {
        fprintf(out, "configuration ok\n");
    }
    return request.show || request.check ? RC_EXIT_OK : RC_OPTIONS_RUN;
}

int rc_options_parse(const struct rc_option_set *set, char **argv)
{
    FILE *err = set->err ? set->err : stderr;
    struct rc_slots slots;
    struct rc_option_errors errors = {.code = RC_EXIT_CONFIG};
    if (!rc_slots_init(&slots, set)) {
        fprintf(err, "out of memory\n");
        return RC_EXIT_INTERNAL;
    }
    int result = answer(set, argv, &slots, &errors);
    errors_print(&errors, err);
    errors_fini(&errors);
    free(slots.slot);
    return result;
}

/* Tables like those of set over structs of their own, zeroed. NULL: out of memory. */
static struct rc_option_table *scratch_tables(const struct rc_option_set *set)
{
    struct rc_option_table *tables = calloc(set->table_count, sizeof *tables);
    for (size_t t = 0; tables && t < set->table_count; t++) {
        size_t size = 1;
        tables[t] = set->tables[t];
        for (size_t i = 0; i < tables[t].count; i++) {
            size_t end = rc_value_end(&tables[t].lines[i]);
            size = end > size ? end : size;
        }
        tables[t].values = calloc(1, size);
        if (!tables[t].values) {
            while (t > 0) {
                free(tables[--t].values);
            }
            free(tables);
            return NULL;
        }
    }
    return tables;
}

static void take_over(const struct rc_slot *now, const struct rc_slot *fresh, FILE *report)
{
    const struct rc_option *option = now->option;
    if (rc_value_equal(option, now->values, fresh->values)) {
        return;
    }
    if (option->reloadable) {
        rc_value_swap(option, now->values, fresh->values);
    }
    rc_log(option->reloadable ? RC_INFO : RC_WARN, option->reloadable ? "option-changed" : "option-kept", "name=%s%s",
           option->name, option->reloadable ? "" : " reason=\"needs a restart\"");
    if (report) {
        fprintf(report, "%s %s\n", option->name, option->reloadable ? "changed" : "kept: a change needs a restart");
    }
}

static void refuse(const struct rc_option_errors *errors, FILE *report)
{
    for (size_t i = 0; i < errors_kept(errors); i++) {
        char quoted[1024];
        const char *text = error_text(errors, i);
        rc_log(RC_ERROR, "reload-refused", "reason=%s", rc_log_quote(quoted, sizeof quoted, text, strlen(text)));
        if (report) {
            fprintf(report, "refused, nothing changed: %s\n", text);
        }
    }
}

/* Reads the sources into `fresh`; true and the changes are in `now`, or the errors are logged. */
static bool reload(const struct rc_option_set *set, char **argv, struct rc_slots *now, struct rc_slots *fresh,
                   FILE *report)
{
    struct request request = {0};
    struct rc_option_errors errors = {.code = RC_EXIT_CONFIG};
    rc_slots_defaults(fresh, &errors);
    read_flags(argv, fresh, &request, false, &errors);
    load(argv, true, fresh, &request, &errors);
    if (errors.count == 0 && set->take) {
        set->take(set->arg, fresh->slot[0].values, &errors);
    }
    refuse(&errors, report);
    for (size_t i = 0; errors.count == 0 && i < now->count; i++) {
        take_over(&now->slot[i], &fresh->slot[i], report);
    }
    errors_fini(&errors);
    return errors.count == 0;
}

bool rc_options_reload(const struct rc_option_set *set, char **argv, FILE *report)
{
    struct rc_option_set scratch = *set;
    struct rc_slots now = {0}, fresh = {0};
    bool done = false;
    scratch.tables = scratch_tables(set);
    if (scratch.tables && rc_slots_init(&now, set) && rc_slots_init(&fresh, &scratch)) {
        done = reload(set, argv, &now, &fresh, report);
        rc_options_free(&scratch);
    } else {
        rc_log(RC_ERROR, "reload-refused", "reason=\"out of memory\"");
    }
    for (size_t t = 0; scratch.tables && t < set->table_count; t++) {
        free(scratch.tables[t].values);
    }
    free((void *)scratch.tables);
    free(now.slot);
    free(fresh.slot);
    return done;
}

void rc_options_free(const struct rc_option_set *set)
{
    for (size_t t = 0; t < set->table_count; t++) {
        for (size_t i = 0; i < set->tables[t].count; i++) {
            rc_value_free(&set->tables[t].lines[i], set->tables[t].values);
        }
    }
}
