/*
 * The whole persister as a process of its own, between a broker and a gateway that this test plays on real links.
 *
 * nng cannot be used on both sides of a fork, so the children are forked first and wait for the broker's address.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "broker/persister/log_wire.h"
#include "broker/persister/process.h"
#include "clock.h"
#include "fixture.h"
#include "link/host.h"
#include "link/topic.h"
#include "roster.h"

#define SECRET "a secret of the tests, 32 bytes and more"
#define WAIT   (30000 * RC_MS) /* for anything; reached only by a fault */

static unsigned char secret_bytes[] = SECRET;
static const struct rc_secret secret = {secret_bytes, sizeof SECRET - 1};
static char dir[] = "/tmp/rc-process-XXXXXX";

/* ---- the process ------------------------------------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int pipe; /* takes the broker's address, which lets it run */
};
enum { CHILDREN = 4 };
static struct child child[CHILDREN];

/* An address that nobody uses just now. */
static void free_address(char out[32])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) != 0 || getsockname(fd, (struct sockaddr *)&in, &len) != 0)
        _exit(1);
    snprintf(out, 32, "127.0.0.1:%u", ntohs(in.sin_port));
    close(fd);
}

static void run_persister(int pipe, char *data_dir, char *keep_days)
{
    char brokers[160] = "broker-1=", listen[32];
    ssize_t n = read(pipe, brokers + 9, sizeof brokers - 10);
    if (n <= 0)
        _exit(0); /* the test ended without it */
    free_address(listen);
    char *argv[] = {"roomcast-persister",
                    "--node.id",
                    "persister-1",
                    "--data.dir",
                    data_dir,
                    "--cluster.brokers",
                    brokers,
                    "--log.level",
                    "error",
                    "--admin.listen",
                    "127.0.0.1:0",
                    "--cluster.listen",
                    listen,
                    "--data.map_size",
                    "64m",
                    "--store.keep_days",
                    keep_days,
                    NULL};
    struct rc_persister_options options = {0};
    int code = rc_persister_options_parse(&options, argv);
    if (code == RC_OPTIONS_RUN)
        code = (int)rc_persister_run(&options);
    rc_persister_options_fini(&options);
    _exit(code);
}

static struct child start_child(char *data_dir, char *keep_days)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    struct child c = {.pid = fork(), .pipe = fd[1]};
    assert_true(c.pid >= 0);
    if (c.pid == 0) {
        close(fd[1]);
        for (int i = 0; i < CHILDREN; i++) /* inherited: they would keep another's pipe open */
            if (child[i].pid)
                close(child[i].pipe);
        run_persister(fd[0], data_dir, keep_days);
    }
    close(fd[0]);
    return c;
}

static void let_run(struct child *c, const char *address)
{
    assert_int_equal(write(c->pipe, address, strlen(address)), strlen(address));
}

static int exit_code(struct child *c)
{
    int status = 0;
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    c->pid = 0;
    close(c->pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- the other nodes ----------------------------------------------------------------------------------------------------- */

struct actor { /* a broker, a gateway, another persister or a follower with one session */
    struct rc_host *host;
    uint64_t inc;
    struct rc_session *s; /* NULL: none */
    struct rc_peer peer;  /* the persister, when it last came up */
    unsigned ups;
    uint64_t published;  /* broker: newest record */
    uint64_t stored;     /* broker: last STORED of this session, UINT64_MAX: none yet */
    uint64_t resend;     /* broker: last RESEND, 0: none yet */
    struct rc_buf *side; /* gateway, persister: the last one that came */
};
static struct actor broker, gateway, sister, reader, namesake;
static struct rc_topic_pub *topic;

static enum rc_hello on_hello(void *arg, const struct rc_peer *peer, uint64_t *known_inc)
{
    (void)arg;
    (void)known_inc;
    return peer->role == RC_PERSISTER ? RC_HELLO_OK : RC_HELLO_UNKNOWN;
}

static struct rc_session *on_up(void *arg, const struct rc_peer *peer, uint64_t session, enum rc_broker_state state)
{
    struct actor *a = arg;
    (void)state;
    a->s = rc_session_new(peer, session, a->inc, 0, rc_clock_now());
    a->peer = *peer;
    a->stored = UINT64_MAX;
    a->ups++;
    return a->s;
}

static void on_down(void *arg, struct rc_session *s)
{
    struct actor *a = arg;
    assert_ptr_equal(a->s, s);
    rc_session_free(s);
    a->s = NULL;
}

static void on_take(void *arg, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    const struct actor *a = arg;
    rc_session_take(s, rc_clock_now(), max_bytes, batch);
    batch->topic_last = a->published;
}

static bool on_receive(void *arg, struct rc_session *s, const struct rc_batch *batch)
{
    struct actor *a = arg;
    enum rc_end why;
    const struct rc_op *op;
    assert_true(rc_session_accept(s, rc_clock_now(), batch, &why));
    TAILQ_FOREACH (op, &batch->ops, link) {
        if (op->kind == RC_OP_STORED)
            a->stored = op->range.first;
        if (op->kind == RC_OP_RESEND)
            a->resend = op->range.first;
    }
    rc_session_done(s, batch->seq);
    return true;
}

static void on_side(void *arg, struct rc_session *s, struct rc_buf *bytes)
{
    struct actor *a = arg;
    (void)s;
    rc_buf_rele(a->side);
    a->side = rc_buf_hold(bytes);
}

static void open_actor(struct actor *a, enum rc_role role, const char *id)
{
    static const struct rc_host_node node = {
        .hello = on_hello, .up = on_up, .down = on_down, .take = on_take, .receive = on_receive, .side = on_side};
    char why[RC_LINK_WHY] = "";
    struct rc_link_config c = {.self = {.role = role, .inc = 5}, .secret = &secret};
    snprintf(c.self.id, sizeof c.self.id, "%s", id);
    a->inc = 5;
    if (role == RC_BROKER) {
        snprintf(c.listen, sizeof c.listen, "127.0.0.1:0");
        snprintf(c.self.topic, sizeof c.self.topic, "%s", rc_topic_pub_address(topic));
    }
    a->host = rc_host_new(&c, &node, a, why);
    if (!a->host)
        fail_msg("%s", why);
}

static void turn(struct actor *a)
{
    if (!a->host)
        return;
    rc_host_process(a->host);
    if (a->s && rc_clock_now() - a->s->sent_at > 50 * RC_MS) {
        a->s->due = true;
        rc_host_kick(a->host, a->s);
    }
    rc_host_flush(a->host);
}

/* Turns both nodes until the condition holds. */
#define UNTIL(condition)                                                                                               \
    for (rc_time until_ = rc_clock_now() + WAIT; !(condition);) {                                                      \
        assert_true(rc_clock_now() < until_);                                                                          \
        turn(&broker);                                                                                                 \
        turn(&gateway);                                                                                                \
        turn(&sister);                                                                                                 \
        turn(&reader);                                                                                                 \
        turn(&namesake);                                                                                               \
        poll(NULL, 0, 2);                                                                                              \
    }

static struct rc_op *make_record(uint64_t number)
{
    struct rc_op *op = rc_op_new(RC_OP_RECORD);
    op->record.number = number;
    op->record.key = (struct rc_key){.fecha = (int64_t)(1000 + number), .origin = "gateway-1", .origin_inc = 3};
    op->record.key.seq = number;
    op->record.row = make_row(text("ana"), text("bea"), text("\"hola\""), false);
    rc_op_weigh(op);
    return op;
}

static void publish(uint64_t number)
{
    struct rc_op *op = make_record(number);
    rc_topic_pub_record(topic, op);
    rc_topic_pub_flush(topic);
    rc_op_free(op);
}

static void resend(uint64_t number)
{
    rc_session_push(broker.s, make_record(number));
    rc_host_kick(broker.host, broker.s);
}

/* Asks for ana's history as the gateway; the numbers of its messages go to fecha. */
static size_t ask_history(int64_t fecha[16])
{
    Roomcast__Query query = ROOMCAST__QUERY__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    query.id = 9;
    query.kind = ROOMCAST__QUERY__KIND__OF_USER;
    query.user = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "ana"};
    side.kind_case = ROOMCAST__SIDE__KIND_QUERY;
    side.query = &query;
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(&side));
    roomcast__side__pack(&side, buf->data);
    assert_true(rc_host_side(gateway.host, gateway.s, buf));
    UNTIL(gateway.side);
    Roomcast__Side *answer = roomcast__side__unpack(NULL, gateway.side->len, gateway.side->data);
    assert_non_null(answer);
    assert_int_equal(answer->kind_case, ROOMCAST__SIDE__KIND_ROWS);
    assert_int_equal(answer->rows->id, 9);
    size_t n = answer->rows->n_row;
    assert_true(n <= 16);
    for (size_t i = 0; i < n; i++)
        fecha[i] = answer->rows->row[i]->fecha;
    roomcast__side__free_unpacked(answer, NULL);
    rc_buf_rele(gateway.side);
    gateway.side = NULL;
    return n;
}

static void dial_from(struct actor *a)
{
    char why[RC_LINK_WHY];
    if (!rc_link_dial(rc_host_link(a->host), "persister-1", RC_PERSISTER, broker.peer.link, why))
        fail_msg("%s", why);
}

static void dial_persister(void)
{
    dial_from(&gateway);
    UNTIL(gateway.s);
}

/* The broker says that it has a session with this persister. */
static void vouch_for(const char *id)
{
    struct rc_brokers brokers;
    struct rc_roster roster;
    struct rc_peer self = {.role = RC_BROKER, .inc = 5, .id = "broker-1"}, other = {.role = RC_PERSISTER, .inc = 5};
    char why[200];
    snprintf(other.id, sizeof other.id, "%s", id);
    assert_true(rc_brokers_parse("broker-1=127.0.0.1:1", &brokers, why, sizeof why));
    rc_roster_init(&roster, &brokers, &self);
    rc_roster_note(&roster, RC_ROSTER_SELF, &other, true, 1);
    assert_true(rc_host_side(broker.host, broker.s, rc_roster_pack(&roster)));
    rc_roster_fini(&roster);
}

static bool is_side(struct actor *a, Roomcast__Side__KindCase kind)
{
    Roomcast__Side *side = a->side ? roomcast__side__unpack(NULL, a->side->len, a->side->data) : NULL;
    bool is = side && side->kind_case == kind;
    if (side)
        roomcast__side__free_unpacked(side, NULL);
    return is;
}

/* ---- tests --------------------------------------------------------------------------------------------------------------- */

static void unusable_directory_ends_it_with_73(void **state)
{
    (void)state;
    let_run(&child[2], "127.0.0.1:1");
    assert_int_equal(exit_code(&child[2]), RC_EXIT_DATA);
}

static void stores_what_is_published_and_resent(void **state)
{
    int64_t fecha[16];
    (void)state;
    let_run(&child[0], rc_link_address(rc_host_link(broker.host)));
    UNTIL(broker.s && broker.stored == 0); /* it tells where it stands as soon as it is up */
    broker.published = 5;
    for (uint64_t number = 1; number <= 5; number++)
        if (number != 3) /* lost on the way, as the topic may */
            publish(number);
    UNTIL(broker.resend); /* for 3, or for all if the topic is not connected yet */
    for (uint64_t number = broker.resend; number <= 5; number++)
        resend(number);
    UNTIL(broker.stored == 5);
    dial_persister();
    assert_int_equal(ask_history(fecha), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fecha[i], 1001 + i);
}

static void stops_cleanly_and_goes_on_where_it_was(void **state)
{
    int64_t fecha[16];
    (void)state;
    unsigned ups = broker.ups;
    assert_non_null(broker.s);
    assert_int_equal(kill(child[0].pid, SIGTERM), 0);
    assert_int_equal(exit_code(&child[0]), 0);
    UNTIL(!broker.s && !gateway.s);
    let_run(&child[1], rc_link_address(rc_host_link(broker.host)));
    UNTIL(broker.s && broker.ups == ups + 1 && broker.stored == 5);
    resend(5); /* again: it is there */
    resend(6);
    UNTIL(broker.stored == 6);
    rc_host_free(gateway.host); /* the persister has another port now */
    open_actor(&gateway, RC_GATEWAY, "gateway-2");
    dial_persister();
    assert_int_equal(ask_history(fecha), 6);
}

static uint64_t refused_by(const struct actor *a, enum rc_why why)
{
    struct rc_link_stats stats;
    rc_link_stats(rc_host_link(a->host), &stats);
    return stats.ended[why];
}

static void persister_that_no_broker_knows_is_not_let_in(void **state)
{
    (void)state;
    open_actor(&sister, RC_PERSISTER, "persister-0");
    dial_from(&sister);
    UNTIL(refused_by(&sister, RC_WHY_UNKNOWN) > 0);
    assert_null(sister.s);
    vouch_for("persister-0");
    UNTIL(sister.s);
}

static void persisters_pull_from_each_other(void **state)
{
    struct rc_pull pull = {0, 1, 10, 100000};
    struct rc_log_page page;
    (void)state;
    UNTIL(is_side(&sister, ROOMCAST__SIDE__KIND_LOG_PULL)); /* ours is followed */
    assert_true(rc_host_side(sister.host, sister.s, rc_pull_pack(&pull)));
    UNTIL(is_side(&sister, ROOMCAST__SIDE__KIND_LOG_ROWS));
    assert_true(rc_log_page_unpack(sister.side, &page));
    assert_int_equal(page.n, 0);
    assert_int_equal(page.last, 6);
    pull.store = page.store;
    assert_true(rc_host_side(sister.host, sister.s, rc_pull_pack(&pull)));
    rc_buf_rele(sister.side);
    sister.side = NULL;
    UNTIL(is_side(&sister, ROOMCAST__SIDE__KIND_LOG_ROWS));
    assert_true(rc_log_page_unpack(sister.side, &page));
    assert_int_equal(page.n, 6);
    assert_int_equal(page.upto, 6);
    rc_log_page_fini(&page);
    unsigned ups = sister.ups;
    assert_true(rc_host_side(sister.host, sister.s, rc_buf_copy("\xff", 1)));
    UNTIL(sister.ups > ups && sister.s); /* cut off, and dialled again */
}

static void follower_reads_the_log_and_may_do_nothing_else(void **state)
{
    struct rc_pull pull = {0, 1, 10, 100000};
    (void)state;
    open_actor(&reader, RC_FOLLOWER, "sql-1");
    dial_from(&reader);
    UNTIL(reader.s);
    assert_true(rc_host_side(reader.host, reader.s, rc_pull_pack(&pull)));
    UNTIL(is_side(&reader, ROOMCAST__SIDE__KIND_LOG_ROWS));
    unsigned ups = reader.ups;
    assert_true(rc_host_side(reader.host, reader.s, rc_buf_hold(reader.side))); /* nobody asked it */
    UNTIL(reader.ups > ups && reader.s);
}

static void follower_needs_a_name_that_nobody_else_has(void **state)
{
    static const char *const taken[] = {"gateway-2", "persister-0", "persister-1", "broker-1"};
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        open_actor(&namesake, RC_FOLLOWER, taken[i]);
        dial_from(&namesake);
        UNTIL(refused_by(&namesake, RC_WHY_UNKNOWN) > 0);
        assert_non_null(gateway.s);
        rc_host_free(namesake.host);
        namesake.host = NULL;
    }
}

static void of_two_followers_with_one_name_the_newer_one_stays(void **state)
{
    (void)state;
    unsigned ups = reader.ups;
    open_actor(&namesake, RC_FOLLOWER, "sql-1");
    rc_link_set_inc(rc_host_link(namesake.host), namesake.inc = reader.inc - 1);
    dial_from(&namesake);
    UNTIL(refused_by(&namesake, RC_WHY_TWIN) > 0);
    assert_true(reader.s && reader.ups == ups);
    rc_host_free(namesake.host);
    open_actor(&namesake, RC_FOLLOWER, "sql-1");
    rc_link_set_inc(rc_host_link(namesake.host), namesake.inc = reader.inc + 1);
    dial_from(&namesake);
    UNTIL(namesake.s && refused_by(&reader, RC_WHY_TWIN) > 0);
    assert_null(reader.s);
}

static void gateway_that_sends_something_else_is_cut_off(void **state)
{
    (void)state;
    assert_non_null(gateway.s);
    assert_true(rc_host_side(gateway.host, gateway.s, rc_buf_copy("\xff", 1)));
    unsigned ups = gateway.ups;
    UNTIL(gateway.ups > ups && gateway.s); /* ended, and dialled again */
    resend(7);
    UNTIL(broker.stored == 7); /* and nobody else was harmed */
}

/* All that was sent is of 1970. */
static void keeps_no_longer_than_it_is_told(void **state)
{
    int64_t fecha[16];
    (void)state;
    unsigned ups = broker.ups;
    assert_int_equal(kill(child[1].pid, SIGTERM), 0);
    assert_int_equal(exit_code(&child[1]), 0);
    UNTIL(!broker.s && !gateway.s);
    let_run(&child[3], rc_link_address(rc_host_link(broker.host)));
    UNTIL(broker.s && broker.ups == ups + 1 && broker.stored == 7);
    rc_host_free(gateway.host);
    open_actor(&gateway, RC_GATEWAY, "gateway-3");
    dial_persister();
    UNTIL(ask_history(fecha) == 0);
    resend(8); /* comes late, is stored, and goes with the next turn */
    UNTIL(broker.stored == 8);
    UNTIL(ask_history(fecha) == 0);
}

static int setup(void **state)
{
    (void)state;
    char why[RC_LINK_WHY];
    if (!mkdtemp(dir) || setenv("ROOMCAST_CLUSTER_SECRET", SECRET, 1) != 0)
        return -1;
    child[0] = start_child(dir, "0");
    child[1] = start_child(dir, "0");
    child[2] = start_child("/dev/null/x", "0");
    child[3] = start_child(dir, "30");
    topic = rc_topic_pub_new("127.0.0.1:0", &secret, "broker-1", 5, why);
    open_actor(&broker, RC_BROKER, "broker-1");
    open_actor(&gateway, RC_GATEWAY, "gateway-1");
    return topic ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < CHILDREN; i++) {
        if (!child[i].pid)
            continue;
        kill(child[i].pid, SIGKILL);
        exit_code(&child[i]);
    }
    rc_host_free(namesake.host);
    rc_host_free(reader.host);
    rc_host_free(sister.host);
    rc_host_free(gateway.host);
    rc_host_free(broker.host);
    rc_topic_pub_free(topic);
    rc_buf_rele(sister.side);
    rc_buf_rele(reader.side);
    if (namesake.s)
        rc_session_free(namesake.s);
    if (reader.s)
        rc_session_free(reader.s);
    if (sister.s)
        rc_session_free(sister.s);
    if (gateway.s)
        rc_session_free(gateway.s);
    if (broker.s)
        rc_session_free(broker.s);
    remove_tree(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unusable_directory_ends_it_with_73),
        cmocka_unit_test(stores_what_is_published_and_resent),
        cmocka_unit_test(stops_cleanly_and_goes_on_where_it_was),
        cmocka_unit_test(persister_that_no_broker_knows_is_not_let_in),
        cmocka_unit_test(persisters_pull_from_each_other),
        cmocka_unit_test(follower_reads_the_log_and_may_do_nothing_else),
        cmocka_unit_test(follower_needs_a_name_that_nobody_else_has),
        cmocka_unit_test(of_two_followers_with_one_name_the_newer_one_stays),
        cmocka_unit_test(gateway_that_sends_something_else_is_cut_off),
        cmocka_unit_test(keeps_no_longer_than_it_is_told),
    };
    return cmocka_run_group_tests_name("process", tests, setup, teardown);
}
