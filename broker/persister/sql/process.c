/* The process that copies a log into PostgreSQL: brings its parts up, turns the loop, takes them down. */
#include "broker/persister/sql/process.h"
#include "broker/persister/sql/process_impl.h"
#include "clock.h"
#include "log.h"

#include <errno.h>
#include <string.h>

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

static void world_kick(void *arg, struct rc_session *s)
{
    struct rc_sql_process *p = arg;
    rc_host_kick(p->host, s);
}

static void leave(struct rc_sql_process *p, const struct rc_session *s)
{
    rc_roster_note(&p->roster, RC_ROSTER_SELF, &s->peer, false, rc_clock_now());
    rc_sql_reader_down(p, s);
}

static void world_end(void *arg, struct rc_session *s, enum rc_end why)
{
    struct rc_sql_process *p = arg;
    leave(p, s);
    rc_host_end(p->host, s, why);
}

/* It dials, and nobody dials it. */
static enum rc_hello node_hello(void *arg, const struct rc_peer *peer, uint64_t *known_inc)
{
    (void)arg;
    (void)peer;
    (void)known_inc;
    return RC_HELLO_UNKNOWN;
}

static struct rc_session *node_up(void *arg, const struct rc_peer *peer, uint64_t session, enum rc_broker_state state)
{
    struct rc_sql_process *p = arg;
    (void)state;
    struct rc_session *s = rc_aside_up(p->aside, peer, session);
    if (s)
        rc_roster_note(&p->roster, RC_ROSTER_SELF, peer, true, rc_clock_now());
    return s;
}

static void node_refused(void *arg, const char *id, enum rc_hello reason, uint64_t known_inc)
{
    struct rc_sql_process *p = arg;
    (void)known_inc;
    if (reason != RC_HELLO_TWIN)
        return; /* the link tells it */
    rc_log(RC_ERROR, "twin", "persister=%s reason=\"another process with our node.id has a session there\"", id);
    p->twin = true;
    rc_loop_stop(p->daemon.loop);
}

static void node_down(void *arg, struct rc_session *s)
{
    struct rc_sql_process *p = arg;
    leave(p, s);
    rc_aside_down(p->aside, s);
}

static void node_take(void *arg, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    struct rc_sql_process *p = arg;
    rc_aside_take(p->aside, s, max_bytes, batch);
}

static bool node_receive(void *arg, struct rc_session *s, const struct rc_batch *batch)
{
    struct rc_sql_process *p = arg;
    return rc_aside_receive(p->aside, s, batch);
}

static void node_side(void *arg, struct rc_session *s, struct rc_buf *bytes)
{
    struct rc_sql_process *p = arg;
    if (s != p->read || !rc_sql_reader_side(p, bytes))
        rc_aside_end(p->aside, s, RC_END_PROTOCOL);
}

static const struct rc_host_node node = {
    .hello = node_hello,
    .up = node_up,
    .refused = node_refused,
    .down = node_down,
    .take = node_take,
    .receive = node_receive,
    .side = node_side,
};

/* ---- notes of the scribe ----------------------------------------------------------------------------------------- */

static void take_open(struct rc_sql_process *p, const struct rc_scribe_note *note)
{
    rc_metric_add(&p->values[SM_CONNECTS], 1);
    rc_log(RC_INFO, "sql-open", "server=%s table=mensajes made=%d cursors=%zu", note->place, note->made,
           note->cursors.n);
    p->life = note->life;
    p->refused = false;
    rc_sql_reader_open(p, &note->cursors);
}

static void take_down(struct rc_sql_process *p, const struct rc_scribe_note *note)
{
    char quoted[2 * RC_PG_WHY];
    rc_metric_add(&p->values[SM_FAILURES], 1);
    if (strcmp(p->why, note->why) != 0) /* the same again is not told again */
        rc_log(note->refused ? RC_ERROR : RC_WARN, note->refused ? "sql-refused" : "sql-lost",
               "reason=%s effect=\"rows wait in the persister's store, and are written when it works again\"",
               rc_log_quote(quoted, sizeof quoted, note->why, strlen(note->why)));
    memcpy(p->why, note->why, sizeof p->why);
    p->refused = note->refused;
    p->life = 0;
    rc_sql_reader_close(p);
}

static void take_done(struct rc_sql_process *p, const struct rc_scribe_note *note)
{
    const struct rc_sql_written *w = &note->job->written;
    p->why[0] = '\0';
    rc_metric_add(&p->values[SM_COMMITS], 1);
    rc_metric_add(&p->values[SM_ROWS], w->added);
    rc_metric_add(&p->values[SM_KNOWN], w->rows - w->added);
    rc_metric_add(&p->values[SM_MALFORMED], w->malformed);
    if (w->malformed)
        rc_log(RC_ERROR, "rows-malformed", "count=%zu effect=\"left out of the table\"", w->malformed);
    rc_sql_reader_done(p, note->job);
}

static void take_notes(struct rc_sql_process *p)
{
    static void (*const take[])(struct rc_sql_process *, const struct rc_scribe_note *) = {
        [RC_SCRIBE_OPEN] = take_open, [RC_SCRIBE_DOWN] = take_down, [RC_SCRIBE_DONE] = take_done};
    struct rc_scribe_note *next, *note = rc_scribe_take(p->scribe);
    for (; note; note = next) {
        next = (struct rc_scribe_note *)note->mail.next;
        take[note->kind](p, note);
        rc_scribe_note_free(note);
    }
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void finish_pass(struct rc_sql_process *p)
{
    rc_sql_reader_turn(p);
    rc_host_flush(p->host);
    if (!rc_sql_unready(p))
        rc_daemon_ready(&p->daemon);
}

static void on_link(void *arg)
{
    struct rc_sql_process *p = arg;
    rc_host_process(p->host);
    finish_pass(p);
}

static void on_note(void *arg)
{
    struct rc_sql_process *p = arg;
    take_notes(p);
    finish_pass(p);
}

static void on_tick(void *arg)
{
    struct rc_sql_process *p = arg;
    rc_host_process(p->host);
    rc_aside_tick(p->aside);
    finish_pass(p);
}

static void on_second(void *arg)
{
    struct rc_sql_process *p = arg;
    rc_sql_sample(p);
    rc_roster_sweep(&p->roster, rc_clock_now());
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static enum rc_exit open_links(struct rc_sql_process *p, char why[RC_LINK_WHY])
{
    const struct rc_common *common = &p->options->common;
    const struct rc_brokers *all = &p->options->sql_brokers;
    struct rc_link_config config = {.self = p->self, .secret = &common->secret}; /* listens nowhere */
    struct rc_world world = {p, rc_host_now, rc_host_random, world_kick, world_end};
    p->aside = rc_aside_new(p->self.inc, &common->times, &world);
    p->host = rc_host_new(&config, &node, p, why);
    if (!p->host)
        return RC_EXIT_INTERNAL;
    rc_roster_init(&p->roster, &common->brokers, &p->self);
    for (size_t i = 0; i < all->count; i++)
        if (!rc_link_dial(rc_host_link(p->host), all->entry[i].id, RC_PERSISTER, all->entry[i].address, why))
            return RC_EXIT_CONFIG;
    return RC_EXIT_OK;
}

static enum rc_exit open_scribe(struct rc_sql_process *p, char *why, size_t size)
{
    const struct rc_persister_options *o = p->options;
    struct rc_scribe_config config = {.url = o->sql, .name = o->common.options.node_id};
    config.password = (const char *)o->sql_password.bytes;
    p->alone = rc_clock_now();
    p->scribe = rc_scribe_new(&config);
    if (!p->scribe)
        snprintf(why, size, "no thread: %s", strerror(errno));
    return p->scribe ? RC_EXIT_OK : RC_EXIT_INTERNAL;
}

static bool watch(struct rc_sql_process *p)
{
    struct rc_loop *loop = p->daemon.loop;
    return rc_loop_fd(loop, rc_link_fd(rc_host_link(p->host)), on_link, p) &&
           rc_loop_fd(loop, rc_scribe_fd(p->scribe), on_note, p) &&
           rc_loop_every(loop, p->options->common.times.tick / RC_MS, on_tick, p) &&
           rc_loop_every(loop, 1000, on_second, p);
}

static enum rc_exit start(struct rc_sql_process *p)
{
    char why[1024] = "";
    enum rc_exit code = rc_sql_report_open(p, why);
    if (code == RC_EXIT_OK)
        code = open_links(p, why);
    if (code == RC_EXIT_OK)
        code = open_scribe(p, why, sizeof why);
    if (code == RC_EXIT_OK && !watch(p))
        code = RC_EXIT_INTERNAL;
    if (code != RC_EXIT_OK)
        return rc_daemon_refuse(code, "%s", *why ? why : "out of memory or descriptors");
    return RC_EXIT_OK;
}

bool rc_sql_process_reload(struct rc_sql_process *p, FILE *report)
{
    return rc_persister_options_reload(p->options, report);
}

static void hangup(void *arg)
{
    rc_sql_process_reload(arg, NULL);
}

static void close_all(struct rc_sql_process *p)
{
    rc_admin_free(p->admin);
    rc_scribe_free(p->scribe);
    rc_scribe_job_free(p->next);
    rc_host_free(p->host);
    rc_follow_free(p->follow);
    rc_aside_free(p->aside);
    rc_roster_fini(&p->roster);
}

enum rc_exit rc_sql_run(struct rc_persister_options *options)
{
    static const struct rc_metric_info info[] = {RC_SQL_METRICS(RC_METRIC_INFO)};
    struct rc_sql_process p = {.options = options, .daemon = {.role = "follower", .hangup = hangup}};
    p.daemon.arg = &p;
    p.copies[0] = p.values;
    p.metrics[0] = (struct rc_metrics){"sql", info, SM_COUNT, p.copies, 1};
    p.metrics[1] = rc_link_metrics_list(&p.link_values, "sql");
    p.self.role = RC_FOLLOWER;
    p.self.inc = (uint64_t)rc_clock_wall_ms();
    memcpy(p.self.id, options->common.options.node_id, strlen(options->common.options.node_id) + 1);
    rc_common_log(&options->common);
    enum rc_exit code = rc_daemon_init(&p.daemon);
    if (code == RC_EXIT_OK)
        code = start(&p);
    if (code == RC_EXIT_OK)
        code = rc_daemon_run(&p.daemon);
    if (p.twin)
        code = RC_EXIT_CONFIG;
    close_all(&p);
    return rc_daemon_fini(&p.daemon, code);
}
