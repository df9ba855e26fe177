/* Section 11: what breaks an invariant is counted and ends its session; a debug build aborts. */
#include "broker_world.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define G1 (&t->g[0])
#define G2 (&t->g[1])
#define P1 (&t->p[0])

/* An open broker; g2 is in the room. */
static const char *start(struct bk *t)
{
    bk_open(t);
    const char *room = bk_room(t, 0, 1, 0);
    struct rc_op *op = rc_op_new(RC_OP_JOIN);
    op->room.room = text(room);
    assert_true(end_send(G2, op));
    bk_exchange(t);
    return room;
}

/* Sends what must not be; the invariant of this number breaks. */
static void expect_broken(struct bk *t, struct end *e, struct rc_op *op, enum rc_invariant which)
{
#ifdef NDEBUG
    unsigned ended = t->world.ended;
    assert_false(end_send(e, op));
    assert_int_equal(t->world.ended, ended + 1);
    assert_int_equal(t->world.why, RC_END_INVARIANT);
    assert_int_equal(bk_stats(t).broken.count, 1);
    assert_int_equal(bk_stats(t).broken.last, which);
#else
    (void)t;
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL); /* the test framework's catches it */
        close(STDERR_FILENO);
        end_send(e, op);
        _exit(0);
    }
    rc_op_free(op);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_string_not_equal(rc_invariant_text(which), "unknown invariant");
#endif
}

static void an_emit_that_overtook_another(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 2, .seq = 5})));
    assert_true(
        end_send(G1, emit_op((struct emit){.room = room, .generation = 3, .seq = 4}))); /* from the first again */
    expect_broken(t, G1, emit_op((struct emit){.room = room, .generation = 3, .seq = 4}), RC_INV_ORDER);
    assert_int_equal(bk_stats(t).emits, 2);
}

static void a_generation_that_goes_back(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 2, .seq = 5})));
    expect_broken(t, G1, emit_op((struct emit){.room = room, .generation = 1, .seq = 6}), RC_INV_TARGET);
}

static void a_view_that_goes_back(void **state)
{
    struct bk *t = *state;
    start(t);
    struct rc_op *newer = synced_op("b1 b2 b3"), *older = synced_op("b1 b2 b3");
    older->synced.version = newer->synced.version;
    assert_true(end_send(G1, newer));
    expect_broken(t, G1, older, RC_INV_SYNCED);
}

static void a_record_stored_that_was_never_sent(void **state)
{
    struct bk *t = *state;
    start(t);
    bk_up(t, P1);
    struct rc_op *op = rc_op_new(RC_OP_STORED);
    op->range.first = 1;
    expect_broken(t, P1, op, RC_INV_STORED);
}

static void the_others_go_on(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 1, .seq = 5})));
    expect_broken(t, G1, emit_op((struct emit){.room = room, .generation = 1, .seq = 5}), RC_INV_ORDER);
#ifdef NDEBUG
    assert_int_equal(bk_stats(t).gateways, 1);
    bk_up(t, G1); /* and a new session begins anew */
    assert_true(end_send(G1, synced_op("b1 b2 b3")));
    bk_exchange(t);
    got_clear(G2);
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 1, .seq = 5})));
    end_pull(G2);
    assert_int_equal(got_count(G2, RC_OP_DELIVER), 1);
#endif
}

/* 6: no bug of ours, so only counted. */
static void the_hello_of_a_gone_incarnation_is_counted(void **state)
{
    struct bk *t = *state;
    start(t);
    uint64_t known;
    end_send(G1, rc_op_new(RC_OP_BYE));
    assert_int_equal(bk_hello(t, G1, 99, &known), RC_HELLO_OLD); /* its clock was set back */
    assert_int_equal(bk_stats(t).hello_gone, 0);
    assert_int_equal(bk_hello(t, G1, 100, &known), RC_HELLO_OLD);
    assert_int_equal(bk_stats(t).hello_gone, 1);
    assert_int_equal(bk_stats(t).broken.count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bk_setup, bk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_emit_that_overtook_another),
        TEST(a_generation_that_goes_back),
        TEST(a_view_that_goes_back),
        TEST(a_record_stored_that_was_never_sent),
        TEST(the_others_go_on),
        TEST(the_hello_of_a_gone_incarnation_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
