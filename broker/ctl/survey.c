/* The nodes of a cluster as roomcastctl knows them. */
#include "broker/ctl/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/ctl/fetch.h"
#include "broker/ctl/plain.h"

struct inquiry { /* argument of one GET */
    struct rc_survey *survey;
    struct rc_fetch *fetch;
    struct rc_survey_node *node;
    bool *failed; /* set when out of memory */
};

/* Copies text when it fits, else leaves dst empty: a cut address would be another one. */
static void set_text(char *dst, size_t size, const char *text)
{
    size_t len = text ? strlen(text) : size;
    if (len < size)
        memcpy(dst, text, len + 1);
    else
        dst[0] = '\0';
    rc_plain(dst);
}

/* Like set_text, but keeps what is known when there is nothing new. */
static void learn(char *dst, size_t size, const char *text)
{
    if (dst[0] == '\0' && text)
        set_text(dst, size, text);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static struct rc_survey_node *find(const struct rc_survey *survey, const char *name, const char *admin)
{
    for (size_t i = 0; i < survey->count; i++) {
        struct rc_survey_node *node = survey->node[i];
        if (name[0] ? strcmp(node->name, name) == 0 : strcmp(node->admin, admin) == 0)
            return node;
    }
    for (size_t i = 0; i < survey->count; i++)
        if (admin[0] && survey->node[i]->name[0] == '\0' && strcmp(survey->node[i]->admin, admin) == 0)
            return survey->node[i];
    return NULL;
}

/* The node of this name, or the nameless one at this address, with what is now known of it; else a new one.
 * NULL when the survey is full or memory is out; the latter sets *failed. */
static struct rc_survey_node *enter(struct rc_survey *survey, const json_t *entry, bool *failed)
{
    struct rc_survey_node seen = {0};
    struct rc_addr addr;
    set_text(seen.name, sizeof seen.name, text_of(entry, "name"));
    set_text(seen.admin, sizeof seen.admin, text_of(entry, "admin"));
    if (rc_addr_parse(seen.admin, &addr) != NULL)
        seen.admin[0] = '\0';
    if (seen.name[0] == '\0' && seen.admin[0] == '\0')
        return NULL;
    struct rc_survey_node *node = find(survey, seen.name, seen.admin);
    if (!node) {
        if (survey->count == RC_SURVEY_MAX) {
            survey->truncated = true;
            return NULL;
        }
        if (!(node = calloc(1, sizeof *node))) {
            *failed = true;
            return NULL;
        }
        survey->node[survey->count++] = node;
    }
    learn(node->name, sizeof node->name, seen.name);
    learn(node->admin, sizeof node->admin, seen.admin);
    learn(node->role, sizeof node->role, text_of(entry, "role"));
    learn(node->link, sizeof node->link, text_of(entry, "link"));
    return node;
}

enum rc_exit rc_survey_load(struct rc_survey *survey, const char *path, char why[RC_SURVEY_WHY])
{
    json_error_t error;
    bool failed = false;
    size_t index;
    const json_t *entry;
    json_t *file = json_load_file(path, 0, &error);
    const json_t *nodes = json_object_get(file, "nodes");
    if (!json_is_array(nodes)) {
        snprintf(why, RC_SURVEY_WHY, "%s: %s; give the cluster.json of deploy/local-cluster", path,
                 file ? "has no array \"nodes\"" : error.text);
        json_decref(file);
        return RC_EXIT_CONFIG;
    }
    json_array_foreach((json_t *)nodes, index, entry)
    {
        enter(survey, entry, &failed);
    }
    json_decref(file);
    if (failed)
        snprintf(why, RC_SURVEY_WHY, "out of memory");
    return failed ? RC_EXIT_INTERNAL : RC_EXIT_OK;
}

enum rc_exit rc_survey_add(struct rc_survey *survey, const char *addresses, char why[RC_SURVEY_WHY])
{
    bool failed = false;
    for (const char *at = addresses; at;) {
        const char *comma = strchr(at, ',');
        char text[RC_ADDR_MAX + 1];
        struct rc_addr addr;
        size_t len = comma ? (size_t)(comma - at) : strlen(at);
        snprintf(text, sizeof text, "%.*s", (int)len, at);
        const char *wrong = len > RC_ADDR_MAX ? "is too long" : rc_addr_parse(text, &addr);
        if (wrong) {
            snprintf(why, RC_SURVEY_WHY, "--node %s: %s; give HOST:PORT of a node's admin listener", text, wrong);
            return RC_EXIT_USAGE;
        }
        json_t *entry = json_pack("{s:s}", "admin", text);
        enter(survey, entry, &failed);
        json_decref(entry);
        at = comma ? comma + 1 : NULL;
    }
    if (failed)
        snprintf(why, RC_SURVEY_WHY, "out of memory");
    return failed ? RC_EXIT_INTERNAL : RC_EXIT_OK;
}

static void take_answer(void *arg, const char *body, size_t len, const char *error);

/* A node is asked when its address becomes known, once. */
static void ask(const struct inquiry *origin, struct rc_survey_node *node)
{
    struct inquiry *inquiry;
    if (node->status || node->error[0])
        return;
    if (node->admin[0] == '\0') {
        return;
    }
    set_text(node->error, sizeof node->error, "not answered yet"); /* replaced by take_answer */
    if (!(inquiry = malloc(sizeof *inquiry))) {
        *origin->failed = true;
        return;
    }
    *inquiry = *origin;
    inquiry->node = node;
    if (!rc_fetch_add(origin->fetch, node->admin, "/status", take_answer, inquiry)) {
        *origin->failed = true;
        free(inquiry);
    }
}

/* Takes over what the node says of itself, and asks the others that it names. */
static void take_status(const struct inquiry *q, json_t *status)
{
    struct rc_survey_node *node = q->node;
    size_t index;
    json_t *entry;
    node->status = json_incref(status);
    node->error[0] = '\0';
    learn(node->name, sizeof node->name, text_of(status, "name"));
    learn(node->role, sizeof node->role, text_of(status, "role"));
    learn(node->link, sizeof node->link, text_of(status, "link"));
    json_array_foreach(json_object_get(status, "map"), index, entry)
    {
        struct rc_survey_node *other = enter(q->survey, entry, q->failed);
        if (other)
            ask(q, other);
    }
}

static void take_answer(void *arg, const char *body, size_t len, const char *error)
{
    struct inquiry *q = arg;
    json_error_t wrong;
    json_t *status = error ? NULL : json_loadb(body, len, 0, &wrong);
    if (error)
        snprintf(q->node->error, sizeof q->node->error, "%s", error);
    else if (!text_of(status, "name") || !text_of(status, "role"))
        snprintf(q->node->error, sizeof q->node->error, "its answer is not a status: %.60s",
                 status ? "name or role is missing" : wrong.text);
    else
        take_status(q, status);
    rc_plain(q->node->error); /* it may quote the answer */
    json_decref(status);
    free(q);
}

/* Two addresses may lead to one node, and a name given by a map may be that of an address given by the user:
 * of two rows with one name the one that answered stays. */
static void drop_doubles(struct rc_survey *survey)
{
    for (size_t i = 0; i < survey->count; i++) {
        for (size_t j = i + 1; j < survey->count;) {
            struct rc_survey_node **a = &survey->node[i], **b = &survey->node[j];
            if (!(*a)->name[0] || strcmp((*a)->name, (*b)->name) != 0) {
                j++;
                continue;
            }
            if (!(*a)->status) {
                struct rc_survey_node *swap = *a;
                *a = *b;
                *b = swap;
            }
            json_decref((*b)->status);
            free(*b);
            *b = survey->node[--survey->count];
        }
    }
}

static int by_role_and_name(const void *a, const void *b)
{
    const struct rc_survey_node *x = *(struct rc_survey_node *const *)a, *y = *(struct rc_survey_node *const *)b;
    static const char *const roles[] = {"gateway", "broker", "persister", "follower"};
    int rank[2] = {4, 4};
    for (int i = 0; i < 4; i++) {
        rank[0] = strcmp(x->role, roles[i]) == 0 ? i : rank[0];
        rank[1] = strcmp(y->role, roles[i]) == 0 ? i : rank[1];
    }
    int order = rank[0] != rank[1] ? rank[0] - rank[1] : strverscmp(x->name, y->name);
    return order ? order : strverscmp(x->admin, y->admin);
}

bool rc_survey_ask(struct rc_survey *survey, const struct rc_secret *token, long timeout_ms)
{
    bool failed = false;
    struct inquiry origin = {.survey = survey, .fetch = rc_fetch_new(token), .failed = &failed};
    if (!origin.fetch)
        return false;
    for (size_t i = 0; i < survey->count; i++)
        ask(&origin, survey->node[i]);
    rc_fetch_run(origin.fetch, timeout_ms);
    rc_fetch_free(origin.fetch);
    for (size_t i = 0; i < survey->count; i++)
        if (!survey->node[i]->status && !survey->node[i]->error[0])
            set_text(survey->node[i]->error, sizeof survey->node[i]->error, "no node knows its admin address");
    drop_doubles(survey);
    qsort(survey->node, survey->count, sizeof survey->node[0], by_role_and_name);
    return !failed;
}

size_t rc_survey_down(const struct rc_survey *survey)
{
    size_t down = 0;
    for (size_t i = 0; i < survey->count; i++)
        down += survey->node[i]->status == NULL;
    return down;
}

static json_t *node_json(const struct rc_survey_node *node)
{
    if (!node->status)
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "name", node->name, "role", node->role, "state", "down",
                         "link", node->link, "admin", node->admin, "up", 0, "error", node->error);
    json_t *status = json_copy(node->status);
    if (status)
        json_object_set_new(status, "up", json_true());
    return status;
}

json_t *rc_survey_json(const struct rc_survey *survey)
{
    json_t *nodes = json_array();
    for (size_t i = 0; i < survey->count; i++) {
        if (json_array_append_new(nodes, node_json(survey->node[i])) != 0) {
            json_decref(nodes);
            return NULL;
        }
    }
    return json_pack("{s:o}", "nodes", nodes);
}

void rc_survey_fini(struct rc_survey *survey)
{
    for (size_t i = 0; i < survey->count; i++) {
        json_decref(survey->node[i]->status);
        free(survey->node[i]);
    }
    survey->count = 0;
}
