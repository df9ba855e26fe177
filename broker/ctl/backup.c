/* roomcastctl backup. */
#include "broker/ctl/backup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/ctl/fetch.h"
#include "broker/ctl/history.h"
#include "broker/ctl/plain.h"
#include "clock.h"

#define UNANSWERED (30000 * RC_MS) /* a persister that says nothing for so long */

struct reply {
    enum rc_exit code;
    json_t *state;    /* NULL: none */
    char error[2048]; /* of one that is not OK */
};

static void take_reply(void *arg, const char *body, size_t len, const char *error)
{
    struct reply *r = arg;
    r->code = !error ? RC_EXIT_OK : body && len ? RC_EXIT_DATA : RC_EXIT_UNAVAILABLE;
    r->state = error ? NULL : json_loadb(body, len, 0, NULL);
    rc_first_line(body && len ? body : error, body && len ? len : error ? strlen(error) : 0, r->error, sizeof r->error);
}

static void ask(const struct rc_backup_order *o, const struct rc_survey_node *node, const char *post, struct reply *r)
{
    *r = (struct reply){.code = RC_EXIT_INTERNAL, .error = "not asked"};
    struct rc_fetch_order order = {.token = o->token,
                                   .address = node->admin,
                                   .path = post ? post : "/backup/status",
                                   .post = post,
                                   .timeout_ms = o->timeout_ms};
    rc_fetch_one(&order, take_reply, r);
}

static enum rc_exit complain(const struct rc_survey_node *node, const char *error, enum rc_exit code)
{
    rc_complain("%s: %s", node->name, error);
    return code;
}

static enum rc_exit begin(const struct rc_backup_order *o, const struct rc_survey_node *node)
{
    char path[1024] = "/backup?name=";
    struct reply r;
    size_t len = strlen(path);
    for (const char *c = o->name; *c; c++)
        if (len + 4 < sizeof path)
            len += (size_t)snprintf(path + len, sizeof path - len, isalnum((unsigned char)*c) ? "%c" : "%%%02X",
                                    (unsigned char)*c);
    ask(o, node, path, &r);
    json_decref(r.state);
    return r.code == RC_EXIT_OK ? RC_EXIT_OK : complain(node, r.error, r.code);
}

static double number(const json_t *state, const char *name)
{
    return json_number_value(json_object_get(state, name));
}

static const char *text(const json_t *state, const char *name)
{
    const char *value = json_string_value(json_object_get(state, name));
    return value ? value : "?";
}

/* False: it is not over. */
static bool tell(const struct rc_backup_order *o, const struct rc_survey_node *node, const json_t *s,
                 enum rc_exit *code)
{
    const char *state = text(s, "state");
    if (strcmp(state, "running") == 0) {
        if (o->every_second)
            printf("%s: %.0f of about %.0f bytes\n", node->name, number(s, "bytes"), number(s, "of"));
        fflush(stdout);
        return false;
    }
    *code = RC_EXIT_OK;
    if (strcmp(state, "done") == 0) {
        char path[1024];
        snprintf(path, sizeof path, "%s", text(s, "path"));
        rc_plain(path);
        printf("%s: %s: %.0f bytes in %.1f s\n", node->name, path, number(s, "bytes"), number(s, "ms") / 1000);
    } else if (strcmp(state, "failed") == 0)
        *code = complain(node, text(s, "error"), RC_EXIT_DATA);
    else
        *code = complain(node, "was started anew and gave the backup up", RC_EXIT_UNAVAILABLE);
    return true;
}

enum rc_exit rc_ctl_backup(const struct rc_backup_order *o)
{
    enum rc_exit code;
    const struct rc_survey_node *node = rc_ctl_persister(o->survey, o->persister, &code);
    if (!node)
        return code;
    code = begin(o, node);
    rc_time heard = rc_clock_now();
    for (bool over = code != RC_EXIT_OK; !over;) {
        struct reply r;
        ask(o, node, NULL, &r);
        if (r.state)
            heard = rc_clock_now();
        over = r.state && tell(o, node, r.state, &code);
        json_decref(r.state);
        if (!r.state && rc_clock_now() - heard > UNANSWERED)
            return complain(node, r.error, RC_EXIT_UNAVAILABLE);
        if (!over)
            usleep(o->every_second ? 1000000 : 50000);
    }
    return code;
}
