/* The lines of all tables while they get their values: look-up, defaults, environment. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "option_impl.h"

#define NAME_MAX_BYTES 63 /* of an option's name; longer unknown ones have no neighbour */

struct rc_slot *rc_slot_find(const struct rc_slots *slots, const char *name)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (strcmp(slots->slot[i].option->name, name) == 0) {
            return &slots->slot[i];
        }
    }
    return NULL;
}

/* Letters to insert, delete or replace to get from a to b (Levenshtein), one row at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1], len = strlen(b);
    for (size_t j = 0; j <= len; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            size_t replace = diagonal + (a[i] != b[j]);
            size_t other = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = replace < other ? replace : other;
        }
    }
    return row[len];
}

const char *rc_slot_nearest(const struct rc_slots *slots, const char *name)
{
    const char *best = NULL;
    size_t least = 2 + strlen(name) / 8 + 1; /* one above what still counts as a slip of the hand */
    for (size_t i = 0; strlen(name) <= NAME_MAX_BYTES && i < slots->count; i++) {
        size_t d = distance(name, slots->slot[i].option->name);
        if (d < least) {
            least = d;
            best = slots->slot[i].option->name;
        }
    }
    return best;
}

void rc_slot_assign(struct rc_slot *slot, const char *text, const char *where, const char *source,
                    struct rc_option_errors *errors)
{
    char why[RC_OPTION_WHY], quoted[160], shown[RC_OPTION_SHOWN];
    slot->source = source;
    if (!rc_value_set(slot->option, slot->values, text, why)) {
        text = rc_value_shown(slot->option, text, shown);
        rc_option_fail(errors, "%s: %s = %s %s", where, slot->option->name,
                       rc_log_quote(quoted, sizeof quoted, text, strlen(text)), why);
    }
}

bool rc_slots_init(struct rc_slots *slots, const struct rc_option_set *set)
{
    size_t count = 0;
    for (size_t t = 0; t < set->table_count; t++) {
        count += set->tables[t].count;
    }
    slots->slot = calloc(count ? count : 1, sizeof *slots->slot);
    slots->count = slots->slot ? count : 0;
    count = 0;
    for (size_t t = 0; slots->slot && t < set->table_count; t++) {
        for (size_t i = 0; i < set->tables[t].count; i++) {
            slots->slot[count++] = (struct rc_slot){&set->tables[t].lines[i], set->tables[t].values, NULL, 0};
        }
    }
    return slots->slot;
}

/* A text that must be given starts empty, so that texts are never NULL; its absence is told at the end. */
static void apply_default(struct rc_slot *slot, struct rc_option_errors *errors)
{
    if (slot->option->fallback) {
        rc_slot_assign(slot, slot->option->fallback, "default", "default", errors);
    } else if (!rc_value_empty(slot->option, slot->values)) {
        rc_option_fail(errors, "%s: out of memory", slot->option->name);
    }
}

void rc_slots_defaults(struct rc_slots *slots, struct rc_option_errors *errors)
{
    for (size_t i = 0; i < slots->count; i++) {
        apply_default(&slots->slot[i], errors);
    }
}

static void variable_name(const char *name, char out[RC_OPTION_WHY])
{
    int len = snprintf(out, RC_OPTION_WHY, "ROOMCAST_%s", name);
    for (int i = 0; i < len; i++) {
        out[i] = (char)(out[i] == '.' ? '_' : toupper((unsigned char)out[i]));
    }
}

void rc_slots_environment(struct rc_slots *slots, struct rc_option_errors *errors)
{
    for (size_t i = 0; i < slots->count; i++) {
        char variable[RC_OPTION_WHY];
        variable_name(slots->slot[i].option->name, variable);
        const char *text = getenv(variable);
        if (text && *text) {
            rc_slot_assign(&slots->slot[i], text, variable, "environment", errors);
        }
    }
}

void rc_slots_require(const struct rc_slots *slots, struct rc_option_errors *errors)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (!slots->slot[i].source) {
            char variable[RC_OPTION_WHY];
            const char *name = slots->slot[i].option->name;
            variable_name(name, variable);
            rc_option_fail(errors, "%s must be given: --%s, %s, or in the file of --config", name, name, variable);
        }
    }
}
