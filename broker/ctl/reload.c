/* roomcastctl reload. */
#include "broker/ctl/reload.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/ctl/fetch.h"
#include "broker/ctl/plain.h"
#include "clock.h"

#define LONGEST (60000 * RC_MS) /* for a broker that was added to be heard by all */

struct reply {
    const struct rc_survey_node *node;
    enum rc_exit code;
};

/* Lines of a node, with its name before each, made plain; its name is that already. */
static void print_lines(FILE *out, const char *name, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (i == 0 || text[i - 1] == '\n')
            fprintf(out, "%s: ", name);
        fputc(isprint((unsigned char)text[i]) || text[i] == '\n' ? text[i] : '?', out);
    }
    if (len && text[len - 1] != '\n')
        fputc('\n', out);
}

static void take_reply(void *arg, const char *body, size_t len, const char *error)
{
    struct reply *reply = arg;
    const char *name = reply->node->name;
    if (!error) {
        reply->code = RC_EXIT_OK;
        print_lines(stdout, name, len ? body : "nothing changed", len ? len : strlen("nothing changed"));
        return;
    }
    bool refused = body && len;
    reply->code = refused ? RC_EXIT_CONFIG : RC_EXIT_UNAVAILABLE;
    print_lines(stderr, name, refused ? body : error, refused ? len : strlen(error));
}

/* Out of memory: cb is not called. */
static void ask(const struct rc_reload_order *order, const struct rc_survey_node *node, const char *path, bool post,
                rc_fetch_cb cb, void *arg)
{
    struct rc_fetch_order fetch = {
        .token = order->token, .address = node->admin, .path = path, .post = post, .timeout_ms = order->timeout_ms};
    rc_fetch_one(&fetch, cb, arg);
}

static enum rc_exit reload(const struct rc_reload_order *order, const struct rc_survey_node *node)
{
    struct reply reply = {.node = node, .code = RC_EXIT_INTERNAL};
    if (!node->status) {
        rc_complain("%s is down: %s, admin %s", *node->name ? node->name : "a node", node->error,
                    *node->admin ? node->admin : "not known");
        return RC_EXIT_UNAVAILABLE;
    }
    ask(order, node, "/reload", true, take_reply, &reply);
    return reply.code;
}

static void take_status(void *arg, const char *body, size_t len, const char *error)
{
    json_t **status = arg;
    *status = error ? NULL : json_loadb(body, len, 0, NULL);
}

/* protocol.md C2: a broker that was added counts when it was heard. Persisters count none; who drains is about to go. */
static bool counts_all(const json_t *status)
{
    size_t i;
    json_t *row;
    json_int_t configured = 0;
    const json_t *voters = json_object_get(json_object_get(status, "metrics"), "voters");
    const char *state = json_string_value(json_object_get(status, "state"));
    json_array_foreach(json_object_get(status, "map"), i, row) configured +=
        json_is_true(json_object_get(row, "configured"));
    return status && (!voters || json_integer_value(voters) == configured || (state && !strcmp(state, "draining")));
}

static bool ask_counts(const struct rc_reload_order *order, const struct rc_survey_node *node)
{
    json_t *status = NULL;
    ask(order, node, "/status", false, take_status, &status);
    bool all = counts_all(status);
    json_decref(status);
    return all;
}

static bool is_meant(const struct rc_reload_order *order, const struct rc_survey_node *node)
{
    return !order->node || strcmp(node->name, order->node) == 0;
}

static enum rc_exit watch(const struct rc_reload_order *order)
{
    rc_time end = rc_clock_now() + LONGEST;
    for (size_t i = 0; i < order->survey->count; i++) {
        const struct rc_survey_node *node = order->survey->node[i];
        while (is_meant(order, node) && !ask_counts(order, node)) {
            if (rc_clock_now() > end) {
                rc_complain("%s does not hear all its brokers", node->name);
                return RC_EXIT_UNAVAILABLE;
            }
            usleep(100000);
        }
    }
    return RC_EXIT_OK;
}

/* One that is down may know the name. */
static enum rc_exit unknown(const struct rc_reload_order *order)
{
    rc_complain("no node %s is known; see roomcastctl status", order->node ? order->node : "at all");
    return rc_survey_down(order->survey) ? RC_EXIT_UNAVAILABLE : RC_EXIT_USAGE;
}

enum rc_exit rc_ctl_reload(const struct rc_reload_order *order)
{
    enum rc_exit worst = RC_EXIT_OK;
    bool found = false;
    for (size_t i = 0; i < order->survey->count; i++) {
        const struct rc_survey_node *node = order->survey->node[i];
        if (!is_meant(order, node))
            continue;
        enum rc_exit code = reload(order, node);
        found = true;
        if (code != RC_EXIT_OK && worst != RC_EXIT_CONFIG)
            worst = code;
    }
    if (!found)
        return unknown(order);
    if (worst == RC_EXIT_OK && order->wait)
        worst = watch(order);
    return worst;
}
