/* roomcastctl drain. */
#include "broker/ctl/drain.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/ctl/fetch.h"
#include "broker/ctl/plain.h"
#include "clock.h"

#define LONGEST    (3700000 * RC_MS) /* an hour is the longest drain.timeout */
#define UNANSWERED (30000 * RC_MS)   /* a node that says nothing for so long, and does not refuse either */

struct reply {
    json_t *status; /* NULL: error says why there is none */
    char error[128];
};

static void take_reply(void *arg, const char *body, size_t len, const char *error)
{
    struct reply *reply = arg;
    json_t *json = body ? json_loadb(body, len, 0, NULL) : NULL;
    if (json_object_get(json, "state")) { /* also when it drains already, which is HTTP status 409 */
        reply->status = json;
        return;
    }
    const char *said = json_string_value(json_object_get(json, "error"));
    snprintf(reply->error, sizeof reply->error, "%s", said ? said : error ? error : "its answer is not a status");
    json_decref(json);
}

/* One request to the node: its status, or with `post` an order. False: out of memory. */
static bool ask(const struct rc_drain_order *order, const char *admin, const char *post, struct reply *reply)
{
    *reply = (struct reply){0};
    struct rc_fetch_order fetch = {.token = order->token,
                                   .address = admin,
                                   .path = post ? post : "/status",
                                   .post = post != NULL,
                                   .timeout_ms = order->timeout_ms};
    return rc_fetch_one(&fetch, take_reply, reply);
}

static bool is_draining(const json_t *status)
{
    const char *state = json_string_value(json_object_get(status, "state"));
    return state && strcmp(state, "draining") == 0;
}

static json_int_t incarnation(const json_t *status)
{
    return json_integer_value(json_object_get(status, "incarnation"));
}

static bool is_gateway(const struct rc_survey_node *node)
{
    return strcmp(node->role, "gateway") == 0;
}

/* What it still has: a gateway clients, a broker messages. */
static double left_of(const struct rc_survey_node *node, const json_t *status)
{
    const json_t *metrics = json_object_get(status, "metrics");
    return is_gateway(node) ? json_number_value(json_object_get(status, "connections"))
                            : json_number_value(json_object_get(metrics, "waiting_emits")) +
                                  json_number_value(json_object_get(metrics, "topic_records"));
}

static void print_left(const struct rc_survey_node *node, const json_t *status, const char *verb)
{
    printf("%s %s: %.0f %s left\n", node->name, verb, left_of(node, status),
           is_gateway(node) ? "connections" : "messages");
    fflush(stdout);
}

static void name_known(const struct rc_drain_order *order)
{
    rc_complain("no node %s is known; there are:", order->node);
    for (size_t i = 0; i < order->survey->count; i++) {
        const struct rc_survey_node *node = order->survey->node[i];
        const char *name = node->name[0] ? node->name : node->admin;
        if (node->status)
            rc_complain("  %s", name);
        else
            rc_complain("  %s, which is down: %s", name, node->error);
    }
}

/* The node that was named, if it can be drained; else *code and a message. */
static const struct rc_survey_node *find(const struct rc_drain_order *order, enum rc_exit *code)
{
    const struct rc_survey *survey = order->survey;
    const struct rc_survey_node *node = NULL;
    for (size_t i = 0; i < survey->count && !node; i++)
        node = strcmp(survey->node[i]->name, order->node) == 0 ? survey->node[i] : NULL;
    *code = RC_EXIT_USAGE;
    if (!node) {
        if (rc_survey_down(survey)) /* it may know the name */
            *code = RC_EXIT_UNAVAILABLE;
        name_known(order);
        return NULL;
    }
    if (!node->status) {
        *code = RC_EXIT_UNAVAILABLE;
        rc_complain("%s is down: %s, admin %s", node->name, node->error, *node->admin ? node->admin : "not known");
        return NULL;
    }
    if (strcmp(node->role, "persister") == 0) {
        rc_complain("%s is a persister, which cannot be drained: stop it by SIGTERM; brokers keep what it misses",
                    node->name);
        return NULL;
    }
    if (order->stay && is_gateway(node)) {
        rc_complain("%s is a gateway, and --stay is for brokers that are to be removed", node->name);
        return NULL;
    }
    return node;
}

static enum rc_exit order_drain(const struct rc_drain_order *order, const struct rc_survey_node *node)
{
    struct reply reply;
    if (!ask(order, node->admin, order->stay ? "/drain/stay" : "/drain", &reply))
        return RC_EXIT_INTERNAL;
    if (!reply.status) {
        rc_complain("%s does not drain: %s", node->name, reply.error);
        return RC_EXIT_UNAVAILABLE;
    }
    print_left(node, reply.status, is_draining(node->status) ? "is draining already" : "is draining");
    json_decref(reply.status);
    return RC_EXIT_OK;
}

/* Gone is who refuses connections, or is another process of that name already. One that is only slow is waited for. */
static enum rc_exit watch(const struct rc_drain_order *order, const struct rc_survey_node *node)
{
    rc_time begun = rc_clock_now(), heard = begun;
    while (rc_clock_now() - begun < LONGEST && rc_clock_now() - heard < UNANSWERED) {
        struct reply reply;
        if (!ask(order, node->admin, NULL, &reply))
            return RC_EXIT_INTERNAL;
        bool there = reply.status && incarnation(reply.status) == incarnation(node->status);
        bool gone =
            reply.status ? !there && !is_draining(reply.status) : strncmp(reply.error, "connection refused", 18) == 0;
        if (reply.status)
            heard = rc_clock_now();
        if (order->every_second && reply.status && !gone)
            print_left(node, reply.status, "is draining");
        bool done = order->stay && reply.status && left_of(node, reply.status) <= 0;
        json_decref(reply.status);
        if (done)
            return RC_EXIT_OK;
        if (gone) {
            printf("%s is gone\n", node->name);
            return RC_EXIT_OK;
        }
        usleep(order->every_second ? 1000000 : 100000);
    }
    rc_complain("%s is still there", node->name);
    return RC_EXIT_UNAVAILABLE;
}

enum rc_exit rc_ctl_drain(const struct rc_drain_order *order)
{
    enum rc_exit code;
    const struct rc_survey_node *node = find(order, &code);
    if (!node)
        return code;
    code = order_drain(order, node);
    return code == RC_EXIT_OK && order->wait ? watch(order, node) : code;
}
