/* The JSON files that a plan may come from: a scenario file, and the cluster.json of deploy/local-cluster. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "options/options.h"

#define LINE_MAX_BYTES 4096

static json_t *load(const char *path, char *why, size_t why_size)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        snprintf(why, why_size, "%.200s:%d: %s", path, error.line < 0 ? 0 : error.line, error.text);
    } else if (!json_is_object(json)) {
        snprintf(why, why_size, "%.200s: is not a JSON object", path);
        json_decref(json);
        json = NULL;
    }
    return json;
}

/* A value in the words of the command line; false: it is none of text, whole number, truth, list of texts. */
static bool value_words(const json_t *value, char *out, size_t size)
{
    size_t len = 0, i;
    const json_t *item;
    if (json_is_integer(value)) {
        return snprintf(out, size, "%lld", (long long)json_integer_value(value)) > 0;
    }
    if (json_is_boolean(value)) {
        return snprintf(out, size, "%s", json_is_true(value) ? "yes" : "no") > 0;
    }
    if (json_is_string(value)) {
        return (size_t)snprintf(out, size, "%s", json_string_value(value)) < size;
    }
    out[0] = '\0';
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item) || len >= size) {
            return false;
        }
        len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? "," : "", json_string_value(item));
    }
    return json_is_array(value) && len < size;
}

int rc_scenario_file(const char *path, char **words, int max, char *why, size_t why_size)
{
    json_t *json = load(path, why, why_size), *value;
    const char *key;
    int count = 0;
    bool good = json;
    json_object_foreach(json, key, value)
    {
        char text[LINE_MAX_BYTES];
        if (!good) {
            break;
        }
        good = count < max && value_words(value, text, sizeof text) && strcmp(key, "file") != 0 &&
               asprintf(&words[count], "--%s=%s", key, text) > 0;
        if (good) {
            count++;
        } else {
            snprintf(why, why_size, "%.200s: %.80s: give a text, a whole number, true, false or a list of texts", path,
                     key);
        }
    }
    json_decref(json);
    for (int i = 0; !good && i < count; i++) {
        free(words[i]);
    }
    return good ? count : -1;
}

static bool add_pid(struct rc_plan *plan, long pid, const char *name)
{
    if (plan->pid_count == RC_PIDS_MAX) {
        return false;
    }
    struct rc_pid *to = &plan->pid[plan->pid_count++];
    to->pid = (pid_t)pid;
    snprintf(to->name, sizeof to->name, "%s", name);
    return true;
}

/* The command of a process as its name; false: there is none. */
static bool command_of(long pid, char *name, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    FILE *file = fopen(path, "re");
    bool good = file && fgets(name, (int)size, file);
    if (file) {
        (void)fclose(file);
    }
    if (good) {
        name[strcspn(name, "\n")] = '\0';
    }
    return good;
}

bool rc_plan_take_pids(struct rc_plan *plan, const char *text, char *why, size_t why_size)
{
    for (const char *at = text; *at; at += strcspn(at, ","), at += *at == ',') {
        char *end, name[64];
        long pid = strtol(at, &end, 10);
        if (pid < 1 || end == at || (*end && *end != ',') || !command_of(pid, name, sizeof name)) {
            snprintf(why, why_size, "pids: %.*s is not a process that runs", (int)strcspn(at, ","), at);
            return false;
        }
        if (!add_pid(plan, pid, name)) {
            snprintf(why, why_size, "pids: more than %d", RC_PIDS_MAX);
            return false;
        }
    }
    return true;
}

/* Takes a text option over when it was not given; false: out of memory. */
static bool take_text(char **option, const char *text)
{
    if (**option || !text) {
        return true;
    }
    char *copy = strdup(text);
    if (copy) {
        free(*option);
        *option = copy;
    }
    return copy;
}

/* The node's process, and its URL to the list. */
static bool take_node(struct rc_plan *plan, const json_t *node, char *urls, size_t size)
{
    const char *url = json_string_value(json_object_get(node, "url")),
               *name = json_string_value(json_object_get(node, "name"));
    size_t len = strlen(urls);
    if (url) {
        snprintf(urls + len, size - len, "%s%s", len ? "," : "", url);
    }
    long pid = (long)json_integer_value(json_object_get(node, "pid"));
    return pid < 1 || add_pid(plan, pid, name ? name : "?");
}

bool rc_plan_take_cluster(struct rc_plan *plan, char *why, size_t why_size)
{
    char urls[LINE_MAX_BYTES * 4] = "";
    json_t *json = load(plan->options.cluster, why, why_size);
    const json_t *nodes = json_object_get(json, "nodes"), *node;
    size_t i;
    bool good = json_is_array(nodes);
    json_array_foreach(nodes, i, node)
    {
        good = good && take_node(plan, node, urls, sizeof urls);
    }
    if (json && !good) {
        snprintf(why, why_size, "%.200s: is not the cluster.json of deploy/local-cluster", plan->options.cluster);
    }
    good = good && take_text(&plan->options.url, urls[0] ? urls : NULL) &&
           take_text(&plan->options.secret_file, json_string_value(json_object_get(json, "jwt_secret_file")));
    json_decref(json);
    return good;
}
