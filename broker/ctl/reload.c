/* roomcastctl reload. */
#include "broker/ctl/reload.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "broker/ctl/fetch.h"

struct reply {
    const struct rc_survey_node *node;
    enum rc_exit code;
};

/* Lines of a node, with its name before each; what could disturb a terminal is made harmless. */
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

static enum rc_exit reload(const struct rc_reload_order *order, const struct rc_survey_node *node)
{
    struct reply reply = {.node = node, .code = RC_EXIT_INTERNAL};
    if (!node->status) {
        fprintf(stderr, "%s: is down: %s\n", node->name, node->error);
        return RC_EXIT_UNAVAILABLE;
    }
    struct rc_fetch *fetch = rc_fetch_new(order->token);
    if (fetch && rc_fetch_post(fetch, node->admin, "/reload", take_reply, &reply))
        rc_fetch_run(fetch, order->timeout_ms);
    rc_fetch_free(fetch);
    return reply.code;
}

enum rc_exit rc_ctl_reload(const struct rc_reload_order *order)
{
    enum rc_exit worst = order->node ? RC_EXIT_USAGE : RC_EXIT_OK;
    for (size_t i = 0; i < order->survey->count; i++) {
        const struct rc_survey_node *node = order->survey->node[i];
        if (order->node && strcmp(node->name, order->node) != 0)
            continue;
        enum rc_exit code = reload(order, node);
        if (order->node)
            return code;
        if (code != RC_EXIT_OK && worst != RC_EXIT_CONFIG)
            worst = code;
    }
    if (worst == RC_EXIT_USAGE)
        fprintf(stderr, "roomcastctl: no node %s is known; see roomcastctl status\n", order->node);
    return worst;
}
