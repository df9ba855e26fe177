/* The glue: kicks become few batches, sessions and lines end together, side data reaches the daemon only when accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "clock.h"
#include "link/host.h"
#include "log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char key[32] = "0123456789abcdef0123456789abcdef";
static const struct rc_secret secret = {key, sizeof key};

/* A core of one session that keeps the rules of node.h and nothing else. */
struct core {
    struct rc_host *host;
    struct rc_session *s;
    bool unwanted;       /* answers up with NULL */
    bool end_on_receive; /* ends the session instead of taking a batch */
    bool end_on_side;    /* the daemon ends it */
    int ups, downs, ends, batches, takes, sides, refusals;
    uint64_t ops; /* received */
    uint64_t known_inc;
    enum rc_hello verdict;
    struct rc_buf *side; /* the newest */
};

static enum rc_hello on_hello(void *node, const struct rc_peer *peer, uint64_t *known_inc)
{
    struct core *c = node;
    (void)peer;
    *known_inc = 77;
    return c->verdict;
}

static void end(struct core *c, enum rc_end why)
{
    struct rc_session *s = c->s;
    c->ends++;
    c->s = NULL;
    rc_host_end(c->host, s, why);
    rc_session_free(s);
}

static void say(struct core *c, const char *room)
{
    struct rc_op *op = rc_op_new(RC_OP_JOIN);
    op->room.room = rc_buf_copy(room, strlen(room));
    rc_session_push(c->s, op);
    rc_host_kick(c->host, c->s);
}

static struct rc_session *on_up(void *node, const struct rc_peer *peer, uint64_t session, enum rc_broker_state state)
{
    struct core *c = node;
    (void)state;
    if (c->unwanted)
        return NULL;
    if (c->s)
        end(c, RC_END_REPLACED);
    c->ups++;
    c->s = rc_session_new(peer, session, 5, 0, rc_clock_now());
    say(c, "said while the session was made");
    return c->s;
}

static void on_refused(void *node, const char *id, enum rc_hello reason, uint64_t known_inc)
{
    struct core *c = node;
    assert_string_equal(id, "broker-1");
    assert_int_equal(reason, RC_HELLO_OLD);
    c->refusals++;
    c->known_inc = known_inc;
}

static void on_down(void *node, struct rc_session *s)
{
    struct core *c = node;
    assert_ptr_equal(s, c->s);
    c->downs++;
    c->s = NULL;
    rc_session_free(s);
}

static void on_take(void *node, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    struct core *c = node;
    c->takes++;
    rc_session_take(s, rc_clock_now(), max_bytes, batch);
}

static bool on_receive(void *node, struct rc_session *s, const struct rc_batch *batch)
{
    struct core *c = node;
    const struct rc_op *op;
    enum rc_end why;
    bool good = rc_session_accept(s, rc_clock_now(), batch, &why);
    if (!good || c->end_on_receive) {
        end(c, good ? RC_END_PROTOCOL : why);
        return false;
    }
    c->batches++;
    for (op = TAILQ_FIRST(&batch->ops); op; op = TAILQ_NEXT(op, link))
        c->ops++;
    rc_session_done(s, batch->seq);
    rc_host_kick(c->host, s);
    return true;
}

static void on_side(void *node, struct rc_session *s, struct rc_buf *bytes)
{
    struct core *c = node;
    assert_ptr_equal(s, c->s);
    c->sides++;
    rc_buf_rele(c->side);
    c->side = rc_buf_hold(bytes);
    if (c->end_on_side)
        end(c, RC_END_SHUTDOWN);
}

static void open_core(struct core *c, enum rc_role role)
{
    static const struct rc_host_node fns = {on_hello, NULL, on_up, on_refused, on_down, on_take, on_receive, on_side};
    struct rc_link_config cfg = {.secret = &secret, .redial_min = 2 * RC_MS, .redial_max = 10 * RC_MS};
    char why[RC_LINK_WHY] = "";
    memset(c, 0, sizeof *c);
    cfg.self.role = role;
    cfg.self.inc = 5;
    strcpy(cfg.self.id, role == RC_BROKER ? "broker-1" : "gateway-1");
    strcpy(cfg.listen, role == RC_BROKER ? "127.0.0.1:0" : "");
    c->host = rc_host_new(&cfg, &fns, c, why);
    if (!c->host)
        fail_msg("%s", why);
}

static void dial(struct core *a, struct core *b)
{
    char why[RC_LINK_WHY];
    assert_true(
        rc_link_dial(rc_host_link(a->host), "broker-1", RC_BROKER, rc_link_address(rc_host_link(b->host)), why));
}

static void open_pair(struct core *a, struct core *b)
{
    open_core(a, RC_GATEWAY);
    open_core(b, RC_BROKER);
    dial(a, b);
}

static void close_core(struct core *c)
{
    rc_host_free(c->host);
    if (c->s)
        rc_session_free(c->s);
    rc_buf_rele(c->side);
}

#define UNTIL(a, b, condition)                                                                                         \
    do {                                                                                                               \
        rc_time give_up_ = rc_clock_now() + 20000 * RC_MS;                                                             \
        while (!(condition)) {                                                                                         \
            if (rc_clock_now() > give_up_)                                                                             \
                fail_msg("never came true: %s", #condition);                                                           \
            struct pollfd fds_[] = {{.fd = rc_link_fd(rc_host_link((a)->host)), .events = POLLIN},                     \
                                    {.fd = rc_link_fd(rc_host_link((b)->host)), .events = POLLIN}};                    \
            poll(fds_, 2, 5);                                                                                          \
            rc_host_process((a)->host);                                                                                \
            rc_host_process((b)->host);                                                                                \
        }                                                                                                              \
    } while (0)

static void what_is_said_in_up_is_sent(void **state)
{
    (void)state;
    struct core a, b;
    open_pair(&a, &b);
    UNTIL(&a, &b, a.ops == 1 && b.ops == 1);
    assert_true(a.s->peer.role == RC_BROKER && b.s->peer.role == RC_GATEWAY);
    close_core(&a);
    close_core(&b);
}

static void kicks_of_a_pass_are_one_batch(void **state)
{
    (void)state;
    struct core a, b;
    open_pair(&a, &b);
    UNTIL(&a, &b, a.ops == 1 && b.ops == 1 && rc_host_dry(a.host));
    int takes = a.takes;
    for (int i = 0; i < 1000; i++)
        say(&a, "room");
    assert_int_equal(a.takes, takes); /* not before the flush */
    assert_false(rc_host_dry(a.host));
    rc_host_flush(a.host);
    assert_int_equal(a.takes, takes + 1);
    UNTIL(&a, &b, b.ops == 1001 && rc_host_dry(a.host) && rc_host_dry(b.host));
    takes = a.takes;
    for (int i = 0; i < 3000; i++) /* more than a batch may hold: all leaves by itself */
        say(&a, "a room with a long name, so that there is much to send in the end");
    rc_host_flush(a.host);
    UNTIL(&a, &b, b.ops == 4001);
    assert_in_range(a.takes - takes, 2, 10);
    assert_int_equal(a.downs + a.ends + b.downs + b.ends, 0);
    close_core(&a);
    close_core(&b);
}

static void sessions_and_lines_end_together(void **state)
{
    (void)state;
    struct core a, b;
    open_pair(&a, &b);
    UNTIL(&a, &b, a.s && b.s);
    end(&a, RC_END_FENCE); /* by the core */
    UNTIL(&a, &b, b.downs == 1 && a.ups == 2 && b.ups == 2);
    b.end_on_receive = true; /* inside receive */
    say(&a, "room");
    UNTIL(&a, &b, b.ends == 1 && a.downs == 1);
    b.end_on_receive = false;
    UNTIL(&a, &b, a.s && b.s);
    b.unwanted = true; /* inside up */
    int ups = b.ups;
    end(&a, RC_END_FENCE);
    UNTIL(&a, &b, a.downs >= 3);
    assert_int_equal(b.ups, ups);
    b.unwanted = false;
    b.verdict = RC_HELLO_OLD;
    UNTIL(&a, &b, a.refusals > 0);
    assert_int_equal(a.known_inc, 77);
    close_core(&a);
    close_core(&b);
}

static void newer_session_replaces_the_older(void **state)
{
    (void)state;
    struct core a, again, b;
    open_pair(&a, &b);
    UNTIL(&a, &b, a.s && b.s);
    open_core(&again, RC_GATEWAY);
    dial(&again, &b);
    UNTIL(&again, &b, again.s && b.ups == 2);
    assert_int_equal(b.ends, 1);
    assert_true(b.s && b.s->id == again.s->id);
    close_core(&again);
    close_core(&a);
    close_core(&b);
}

static void side_data_reaches_the_daemon(void **state)
{
    (void)state;
    struct core a, b;
    open_pair(&a, &b);
    UNTIL(&a, &b, a.s && b.s);
    assert_true(rc_host_side(a.host, a.s, rc_buf_copy("one", 3)));
    assert_true(rc_host_side(a.host, a.s, rc_buf_copy("two", 3)));
    UNTIL(&a, &b, b.sides == 2);
    assert_memory_equal(b.side->data, "two", 3);
    assert_false(rc_host_side(a.host, a.s, rc_buf_new(RC_LINK_SIDE_MAX + 1)));
    struct rc_buf *large = rc_buf_new(RC_LINK_SIDE_MAX);
    memset(large->data, 1, large->len);
    assert_true(rc_host_side(a.host, a.s, large));
    UNTIL(&a, &b, b.sides == 3 && b.side->len == RC_LINK_SIDE_MAX);
    b.end_on_side = true; /* the second of one batch finds no session any more */
    rc_host_side(a.host, a.s, rc_buf_copy("x", 1));
    rc_host_side(a.host, a.s, rc_buf_copy("y", 1));
    UNTIL(&a, &b, b.ends == 1 && a.downs == 1);
    assert_int_equal(b.sides, 4);
    b.end_on_side = false;
    UNTIL(&a, &b, a.s && b.s);
    b.end_on_receive = true; /* not accepted: not passed on */
    rc_host_side(a.host, a.s, rc_buf_copy("z", 1));
    UNTIL(&a, &b, b.ends == 2);
    assert_int_equal(b.sides, 4);
    close_core(&a);
    close_core(&b);
}

int main(void)
{
    rc_log_init(getenv("RC_TEST_LOG") ? RC_DEBUG : RC_ERROR, false, "test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_in_up_is_sent),      cmocka_unit_test(kicks_of_a_pass_are_one_batch),
        cmocka_unit_test(sessions_and_lines_end_together), cmocka_unit_test(newer_session_replaces_the_older),
        cmocka_unit_test(side_data_reaches_the_daemon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
