/* The status of a cluster as a table for people. */
#include "broker/ctl/table.h"

#include <string.h>

#include "broker/ctl/plain.h"

#define CELL 64

enum kind { TEXT, COUNT, RATE, BYTES, SECONDS };

struct column {
    const char *title;
    const char *key; /* in the status */
    enum kind kind;
    const char *role; /* the only one for which the number means something; NULL: all */
};

static const struct column columns[] = {
    {"NAME", "name", TEXT, NULL},
    {"ROLE", "role", TEXT, NULL},
    {"ADDRESS", "address", TEXT, NULL},
    {"STATE", "state", TEXT, NULL},
    {"VERSION", "version", TEXT, NULL},
    {"CONNS", "connections", COUNT, NULL},
    {"RELAY", "relayed", COUNT, "gateway"},
    {"ROOMS", "rooms", COUNT, NULL},
    {"IN/s", "messages_in_per_s", RATE, NULL},
    {"OUT/s", "messages_out_per_s", RATE, NULL},
    {"QUEUE", "queue_bytes", BYTES, NULL},
    {"MEMORY", "memory_bytes", BYTES, NULL},
    {"UPTIME", "uptime_s", SECONDS, NULL},
    {"LAG", "lag", COUNT, "persister"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], STATE = 3 };

/* A number in at most 6 characters: "0", "3.2", "1234", "12.3k", "4.5M". */
static void put_scaled(char *cell, double value, double base, const char *const *units, bool whole)
{
    unsigned unit = 0;
    while (value >= (base < 1024 ? 9999.5 : 1023.5) && unit < 4) {
        value /= base;
        unit++;
    }
    bool decimals = value < 99.95 && value > 0 && (unit > 0 || !whole);
    snprintf(cell, CELL, "%.*f%s", decimals ? 1 : 0, value, units[unit]);
}

static void put_seconds(char *cell, double value)
{
    long s = (long)value;
    if (s < 60)
        snprintf(cell, CELL, "%lds", s);
    else if (s < 3600)
        snprintf(cell, CELL, "%ldm%02lds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(cell, CELL, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else
        snprintf(cell, CELL, "%ldd%02ldh", s / 86400, s / 3600 % 24);
}

static void put_text(char *cell, const char *text)
{
    const char *scheme = "http://";
    if (text && strncmp(text, scheme, strlen(scheme)) == 0)
        text += strlen(scheme);
    snprintf(cell, CELL, "%.*s", CELL - 1, text && text[0] ? text : "-");
    rc_plain(cell);
}

static void put_down(char *cell, const struct rc_survey_node *node, int column)
{
    const char *known[STATE + 1] = {node->name, node->role, node->link[0] ? node->link : node->admin, "down"};
    put_text(cell, column <= STATE ? known[column] : NULL);
}

static void put_cell(char *cell, const struct rc_survey_node *node, int column)
{
    static const char *const thousands[] = {"", "k", "M", "G", "T"};
    static const char *const kibi[] = {"B", "K", "M", "G", "T"};
    const struct column *c = &columns[column];
    const json_t *value = json_object_get(node->status, c->key);
    if (!node->status) {
        put_down(cell, node, column);
    } else if (c->kind == TEXT) {
        put_text(cell, json_string_value(value));
    } else if (!json_is_number(value) || (c->role && strcmp(c->role, node->role) != 0)) {
        put_text(cell, NULL);
    } else if (c->kind == SECONDS) {
        put_seconds(cell, json_number_value(value));
    } else {
        put_scaled(cell, json_number_value(value), c->kind == BYTES ? 1024 : 1000, c->kind == BYTES ? kibi : thousands,
                   c->kind != RATE);
    }
}

static const char *colour_of(const struct rc_survey_node *node)
{
    const char *state = json_string_value(json_object_get(node->status, "state"));
    if (!state)
        return "\033[31m";
    bool good = strcmp(state, "serving") == 0 || strcmp(state, "open") == 0 || strcmp(state, "ready") == 0;
    return good ? "\033[32m" : "\033[33m";
}

/* Texts stand left, numbers right. */
static void print_cell(FILE *out, int column, const char *cell, int width, const char *colour)
{
    bool left = columns[column].kind == TEXT;
    const char *gap = column + 1 < COLUMNS ? "  " : "\n";
    fprintf(out, "%s%*s%s%s", colour ? colour : "", left ? -width : width, cell, colour ? "\033[0m" : "", gap);
}

static void print_rows(FILE *out, const struct rc_survey *survey, bool colour)
{
    int width[COLUMNS];
    char cell[CELL];
    for (int c = 0; c < COLUMNS; c++) {
        width[c] = (int)strlen(columns[c].title);
        for (size_t i = 0; i < survey->count; i++) {
            put_cell(cell, survey->node[i], c);
            width[c] = (int)strlen(cell) > width[c] ? (int)strlen(cell) : width[c];
        }
    }
    for (int c = 0; c < COLUMNS; c++)
        print_cell(out, c, columns[c].title, width[c], colour ? "\033[1m" : NULL);
    for (size_t i = 0; i < survey->count; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            put_cell(cell, survey->node[i], c);
            print_cell(out, c, cell, width[c], colour && c == STATE ? colour_of(survey->node[i]) : NULL);
        }
    }
}

static void print_errors(FILE *out, const struct rc_survey *survey)
{
    for (size_t i = 0; i < survey->count; i++) {
        const struct rc_survey_node *node = survey->node[i];
        char name[CELL], error[CELL * 2];
        if (node->status)
            continue;
        put_text(name, node->name[0] ? node->name : node->admin);
        snprintf(error, sizeof error, "%s", node->error);
        fprintf(out, "%s is down: %s%s%s\n", name, error, node->name[0] && node->admin[0] ? ", admin " : "",
                node->name[0] ? node->admin : "");
    }
}

/* Why a node that answers is not well. */
static void print_reasons(FILE *out, const struct rc_survey *survey)
{
    for (size_t i = 0; i < survey->count; i++) {
        const json_t *status = survey->node[i]->status;
        const char *reason = json_string_value(json_object_get(status, "reason"));
        char name[CELL], state[CELL], text[CELL * 8];
        if (!reason)
            continue;
        put_text(name, survey->node[i]->name);
        put_text(state, json_string_value(json_object_get(status, "state")));
        snprintf(text, sizeof text, "%s", reason);
        rc_plain(text);
        fprintf(out, "%s is %s: %s\n", name, state, text);
    }
}

static double sum_gateways(const struct rc_survey *survey, const char *key)
{
    double sum = 0;
    for (size_t i = 0; i < survey->count; i++)
        if (strcmp(survey->node[i]->role, "gateway") == 0)
            sum += json_number_value(json_object_get(survey->node[i]->status, key));
    return sum;
}

void rc_table_print(FILE *out, const struct rc_survey *survey, bool colour)
{
    size_t down = rc_survey_down(survey);
    print_rows(out, survey, colour);
    print_errors(out, survey);
    print_reasons(out, survey);
    if (survey->truncated)
        fprintf(out, "more than %d nodes were named; the others are not shown\n", RC_SURVEY_MAX);
    fprintf(out,
            "%zu node%s: %zu up, %zu down; gateways: %.0f connections, %.0f of them relayed, %.1f messages/s in, "
            "%.1f/s out\n",
            survey->count, survey->count == 1 ? "" : "s", survey->count - down, down,
            sum_gateways(survey, "connections"), sum_gateways(survey, "relayed"),
            sum_gateways(survey, "messages_in_per_s"), sum_gateways(survey, "messages_out_per_s"));
}
