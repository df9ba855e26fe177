/* The persister as a process: brings its parts up, turns the loop, takes them down. */
#include "broker/persister/process.h"
#include "broker/persister/keeper.h"
#include "broker/persister/process_impl.h"
#include "clock.h"
#include "log.h"

#include <errno.h>
#include <string.h>

#define FOLLOW_ROWS 512 /* of a page of another persister's log, and so of those that one commit takes along */

/* ---- commits ----------------------------------------------------------------------------------------------------- */

static void core_commit(void *arg, const struct rc_commit *commit)
{
    struct rc_persister_process *p = arg;
    p->committing = true;
    rc_writer_commit(p->writer, commit);
}

static uint64_t core_position(void *arg, const char *broker, uint64_t inc)
{
    struct rc_persister_process *p = arg;
    return rc_store_position(p->store, broker, inc);
}

static void finish_pass(struct rc_persister_process *p);

static void on_due(void *arg)
{
    struct rc_persister_process *p = arg;
    p->wait = NULL;
    rc_persister_wake(p->core);
    finish_pass(p);
}

/* For store.commit_wait. A timer that comes too early is set anew. */
static void await_commit(struct rc_persister_process *p)
{
    rc_time due = rc_persister_due(p->core), left = due - rc_clock_now();
    if (due != RC_NEVER && !p->wait)
        p->wait = rc_loop_once(p->daemon.loop, left > 0 ? (left + RC_MS - 1) / RC_MS : 0, on_due, p);
}

static void finish_pass(struct rc_persister_process *p)
{
    if (p->roster.changed)
        rc_peers_dial(p);
    rc_host_flush(p->host);
    await_commit(p);
    if (!rc_persister_unready(p))
        rc_daemon_ready(&p->daemon);
}

static void on_commit(void *arg)
{
    struct rc_persister_process *p = arg;
    struct rc_store_outcome out;
    if (!rc_writer_result(p->writer, &out))
        return;
    rc_metric_add(&p->values[PM_STORED], out.stored);
    rc_metric_add(&p->values[PM_DUPLICATE], out.duplicates);
    rc_metric_add(&p->values[PM_FORGOTTEN], out.forgotten);
    rc_metric_add(&p->values[PM_MALFORMED], out.malformed);
    p->committing = false;
    rc_persister_committed(p->core, out.result == RC_STORE_OK);
    finish_pass(p);
    if (p->stopping)
        rc_loop_stop(p->daemon.loop);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void on_link(void *arg)
{
    struct rc_persister_process *p = arg;
    rc_host_process(p->host);
    finish_pass(p);
}

static void on_topic(void *arg)
{
    struct rc_persister_process *p = arg;
    rc_topic_sub_process(p->topic);
    finish_pass(p);
}

static void on_history(void *arg)
{
    struct rc_persister_process *p = arg;
    struct rc_answer *answer;
    while ((answer = rc_history_take(p->history))) {
        if (answer->is_page) {
            rc_keeper_page(p, answer);
            continue;
        }
        struct rc_session *s = rc_aside_find(p->aside, answer->asker);
        rc_metric_add(&p->values[PM_HISTORY_QUERIES], 1);
        rc_metric_add(&p->values[PM_HISTORY_ROWS], answer->rows);
        if (s && !answer->side)
            rc_aside_end(p->aside, s, RC_END_PROTOCOL);
        rc_persister_reply(p, answer);
    }
    finish_pass(p);
}

static void on_exchange(void *arg)
{
    struct rc_persister_process *p = arg;
    rc_peers_results(p);
    finish_pass(p);
}

static void on_tick(void *arg)
{
    struct rc_persister_process *p = arg;
    rc_host_process(p->host);
    rc_persister_tick(p->core);
    rc_aside_tick(p->aside);
    finish_pass(p);
}

static void on_second(void *arg)
{
    struct rc_persister_process *p = arg;
    rc_persister_sample(p);
    rc_peers_sample(p);
    rc_roster_sweep(&p->roster, rc_clock_now());
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static struct rc_store_keep keep_of(const struct rc_persister_options *o)
{
    return (struct rc_store_keep){.ms = o->keep_days * 24 * 3600 * 1000, .bytes = (uint64_t)o->keep_bytes};
}

static enum rc_exit open_store(struct rc_persister_process *p, char *why, size_t size)
{
    p->store = rc_store_open(p->options->data_dir, (uint64_t)p->options->map_size, why, size);
    if (!p->store)
        return RC_EXIT_DATA;
    p->writer = rc_writer_new(p->store);
    p->history = p->writer ? rc_history_new(p->store) : NULL;
    p->exchange = p->history ? rc_exchange_new(p->store) : NULL;
    p->backup = p->exchange ? rc_backup_new(p->store, p->options->backup_dir) : NULL;
    struct rc_store_keep keep = keep_of(p->options);
    if (p->backup) {
        rc_writer_keep(p->writer, &keep);
        return RC_EXIT_OK;
    }
    snprintf(why, size, "no thread: %s", strerror(errno));
    return RC_EXIT_INTERNAL;
}

static void open_core(struct rc_persister_process *p)
{
    const struct rc_persister_options *o = p->options;
    struct rc_persister_config config = {
        .inc = p->self.inc,
        .times = o->common.times,
        .commit_records = (size_t)o->commit_records,
        .commit_bytes = (size_t)o->commit_bytes,
        .commit_wait = o->commit_wait * RC_MS,
        .intake_bound = (size_t)o->intake_bytes,
        .follow = {.rows = FOLLOW_ROWS,
                   .bytes = RC_PAGE_BYTES,
                   .rate = (uint64_t)o->exchange_rate,
                   .pause = 2 * o->common.times.h,
                   .save = o->common.times.s},
    };
    memcpy(config.id, p->self.id, sizeof config.id);
    struct rc_world world = rc_persister_world(p);
    struct rc_persister_events events = {core_commit, core_position, {rc_peers_pull, rc_peers_cursor}};
    p->core = rc_persister_new(&config, &world, &events);
    p->aside = rc_aside_new(p->self.inc, &o->common.times, &world);
}

/* It votes in nothing; it takes records of those that are configured. */
static enum rc_roll roll(void *arg, const struct rc_member *broker, uint32_t n)
{
    struct rc_persister_process *p = arg;
    struct rc_member before[RC_BROKERS_MAX];
    const struct rc_member *which;
    enum rc_roll roll =
        rc_roll_between(before, rc_brokers_members(&p->options->common.brokers, before), broker, n, &which);
    if (roll == RC_ROLL_REMOVED)
        rc_persister_forget_broker(p, which->id);
    return roll;
}

static enum rc_exit open_links(struct rc_persister_process *p, char *why)
{
    struct rc_common *common = &p->options->common;
    struct rc_link_config config = {.self = p->self, .secret = &common->secret};
    memcpy(config.listen, common->options.cluster_listen, strlen(common->options.cluster_listen) + 1);
    p->host = rc_host_new(&config, &rc_persister_node, p, why);
    if (!p->host)
        return RC_EXIT_UNAVAILABLE;
    snprintf(p->self.link, sizeof p->self.link, "%s", rc_link_address(rc_host_link(p->host)));
    rc_roster_init(&p->roster, &common->brokers, &p->self);
    p->topic = rc_topic_sub_new(&common->secret, rc_persister_record, p, why);
    if (!p->topic)
        return RC_EXIT_INTERNAL;
    p->discovery = (struct rc_discovery){
        .brokers = &common->brokers, .link = rc_host_link(p->host), .roster = &p->roster, .roll = roll, .node = p};
    common->discovery = &p->discovery;
    return rc_discovery_dial(&p->discovery, why) ? RC_EXIT_OK : RC_EXIT_CONFIG;
}

static bool watch(struct rc_persister_process *p)
{
    struct rc_loop *loop = p->daemon.loop;
    return rc_loop_fd(loop, rc_link_fd(rc_host_link(p->host)), on_link, p) &&
           rc_loop_fd(loop, rc_topic_sub_fd(p->topic), on_topic, p) &&
           rc_loop_fd(loop, rc_writer_fd(p->writer), on_commit, p) &&
           rc_loop_fd(loop, rc_history_fd(p->history), on_history, p) &&
           rc_loop_fd(loop, rc_exchange_fd(p->exchange), on_exchange, p) &&
           rc_loop_every(loop, p->options->common.times.tick / RC_MS, on_tick, p) &&
           rc_loop_every(loop, 1000, on_second, p);
}

static enum rc_exit start(struct rc_persister_process *p)
{
    char why[1024] = "";
    enum rc_exit code = open_store(p, why, sizeof why);
    if (code == RC_EXIT_OK)
        code = rc_persister_report_open(p, why);
    if (code == RC_EXIT_OK) {
        open_core(p);
        code = open_links(p, why);
    }
    if (code == RC_EXIT_OK && !watch(p))
        code = RC_EXIT_INTERNAL;
    if (code != RC_EXIT_OK)
        return rc_daemon_refuse(code, "%s", *why ? why : "out of memory or descriptors");
    rc_persister_sample(p);
    rc_log(RC_INFO, "store-open", "dir=\"%s\" messages=%llu bytes=%llu", p->options->data_dir,
           (unsigned long long)rc_metric_get(&p->values[PM_STORE_ROWS]),
           (unsigned long long)rc_metric_get(&p->values[PM_STORE_BYTES]));
    return RC_EXIT_OK;
}

/* The commit under way is finished and told to the brokers; what waits stays with them. */
static void stop(void *arg)
{
    struct rc_persister_process *p = arg;
    p->stopping = true;
    if (!p->committing)
        rc_loop_stop(p->daemon.loop);
}

bool rc_persister_process_reload(struct rc_persister_process *p, FILE *report)
{
    return rc_persister_options_reload(p->options, report);
}

static void hangup(void *arg)
{
    rc_persister_process_reload(arg, NULL);
}

/* The threads first: they use the store, and the writer the core's commit. */
static void close_all(struct rc_persister_process *p)
{
    rc_admin_free(p->admin);
    rc_backup_free(p->backup);
    rc_writer_free(p->writer);
    rc_history_free(p->history);
    rc_exchange_free(p->exchange);
    rc_topic_sub_free(p->topic);
    rc_host_free(p->host);
    rc_persister_free(p->core);
    rc_aside_free(p->aside);
    rc_roster_fini(&p->roster);
    rc_store_close(p->store);
}

enum rc_exit rc_persister_run(struct rc_persister_options *options)
{
    static const struct rc_metric_info info[] = {RC_PERSISTER_METRICS(RC_METRIC_INFO)};
    struct rc_persister_process p = {.options = options,
                                     .daemon = {.role = "persister", .stop = stop, .hangup = hangup}};
    p.daemon.arg = &p;
    p.copies[0] = p.values;
    p.metrics[0] = (struct rc_metrics){"persister", info, PM_COUNT, p.copies, 1};
    p.metrics[1] = rc_link_metrics_list(&p.link_values, "persister");
    p.self.role = RC_PERSISTER;
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
