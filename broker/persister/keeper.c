/* The paths of a persister's admin listener for reading and saving its store. */
#include "broker/persister/keeper.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

enum { OK = 200, ACCEPTED = 202, BAD_REQUEST = 400, CONFLICT = 409, FAILED = 500, BUSY = 503 };

static void reply(struct rc_persister_process *p, uint64_t call, unsigned status, const char *text)
{
    char body[RC_BACKUP_WHY + 2];
    int len = snprintf(body, sizeof body, "%s\n", text);
    rc_admin_reply(p->admin, call, status, "text/plain", body, len < (int)sizeof body ? (size_t)len : sizeof body - 1);
}

/* ---- history ----------------------------------------------------------------------------------------------------- */

static void ask_history(void *arg, uint64_t call, const struct rc_admin_query *query)
{
    struct rc_persister_process *p = arg;
    struct rc_reading reading = {0};
    for (size_t i = 0; rc_reading_names[i]; i++) {
        const char *wrong =
            rc_reading_set(&reading, rc_reading_names[i], rc_admin_parameter(query, rc_reading_names[i]));
        if (wrong) {
            reply(p, call, BAD_REQUEST, wrong);
            return;
        }
    }
    if (rc_history_read(p->history, call, &reading))
        return;
    rc_metric_add(&p->values[PM_HISTORY_BUSY], 1);
    reply(p, call, BUSY, "busy: too many readers of history; try again");
}

void rc_keeper_page(struct rc_persister_process *p, struct rc_answer *answer)
{
    const struct rc_page_text *page = &answer->page;
    rc_metric_add(&p->values[PM_HISTORY_QUERIES], 1);
    rc_metric_add(&p->values[PM_HISTORY_ROWS], answer->rows);
    if (page->failed || !page->text)
        reply(p, answer->asker, FAILED, page->text ? page->text : "out of memory");
    else
        rc_admin_reply(p->admin, answer->asker, OK, "application/x-ndjson", page->text, page->len);
    rc_answer_free(answer);
}

/* ---- backup ------------------------------------------------------------------------------------------------------ */

static void ask_backup(void *arg, uint64_t call, const struct rc_admin_query *query)
{
    struct rc_persister_process *p = arg;
    char why[RC_BACKUP_WHY];
    const char *name = rc_admin_parameter(query, "name");
    bool begun = rc_backup_begin(p->backup, name ? name : "", why);
    if (begun)
        rc_log(RC_INFO, "backup-begin", "dir=\"%s\" name=\"%s\"", p->options->backup_dir, name);
    reply(p, call, begun ? ACCEPTED : CONFLICT, begun ? "begun" : why);
}

static char *state_json(const struct rc_backup_state *s)
{
    static const char *const text[] = {"none", "running", "done", "failed"};
    json_t *json = json_pack("{s:s, s:s, s:I, s:I, s:I}", "state", text[s->phase], "path", s->path, "bytes",
                             (json_int_t)s->bytes, "of", (json_int_t)s->of, "ms", (json_int_t)s->ms);
    if (json && s->phase == RC_BACKUP_FAILED)
        json_object_set_new(json, "error", json_string(s->why));
    char *out = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return out;
}

static void tell_backup(void *arg, uint64_t call, const struct rc_admin_query *query)
{
    struct rc_persister_process *p = arg;
    struct rc_backup_state state;
    (void)query;
    rc_backup_state(p->backup, &state);
    char *text = state_json(&state);
    if (text)
        rc_admin_reply(p->admin, call, OK, "application/json", text, strlen(text));
    else
        reply(p, call, FAILED, "out of memory");
    free(text);
}

const struct rc_admin_route rc_keeper_routes[RC_KEEPER_ROUTES] = {
    {"/history", false, ask_history},
    {"/backup", true, ask_backup},
    {"/backup/status", false, tell_backup},
};
