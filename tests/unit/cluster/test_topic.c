/* T2, T3: records until they are stored; what a persister missed comes again, and what is gone is named. */
#include "broker_world.h"

#define G1 (&t->g[0])
#define P1 (&t->p[0])
#define P2 (&t->p[1])

/* An open broker with both persisters; g1 emits into an empty room of ours. */
static const char *start(struct bk *t)
{
    bk_open(t);
    bk_up(t, P1);
    bk_up(t, P2);
    bk_exchange(t);
    return bk_room(t, 0, 1, 0);
}

static void say(struct bk *t, const char *room, uint64_t seq)
{
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 1, .seq = seq, .row = true})));
}

static void stored(struct end *e, uint64_t number)
{
    assert_true(end_send(e, range_op(RC_OP_STORED, number, 0)));
}

/* Takes the RECORDs out of what the persister got; true if they are just first..last in order. */
static bool got_records(struct end *e, uint64_t first, uint64_t last)
{
    end_pull(e);
    for (struct rc_op *op; (op = got(e, RC_OP_RECORD)); rc_op_free(op))
        if (op->record.number != first++)
            return false;
    return first == last + 1;
}

static void records_are_numbered_and_published(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    say(t, room, 41);
    say(t, room, 42);
    assert_int_equal(t->published, 2);
    assert_int_equal(t->last_published, 2);
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 1, .seq = 43})));
    assert_int_equal(t->published, 2); /* nothing to store */
    assert_true(end_send(P1, range_op(RC_OP_RESEND, 1, 0)));
    end_pull(P1);
    struct rc_op *op = got(P1, RC_OP_RECORD);
    assert_int_equal(op->record.number, 1);
    assert_int_equal(op->record.key.fecha, 5000);
    assert_string_equal(op->record.key.origin, "g1");
    assert_int_equal(op->record.key.origin_inc, 100);
    assert_int_equal(op->record.key.seq, 41);
    assert_true(is_text(op->record.row, "row"));
    rc_op_free(op);
    assert_true(got_records(P1, 2, 2));
    assert_int_equal(P1->said_topic_last, 2);
}

static void delivered_comes_first_and_confirm_when_the_quorum_has_it(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    say(t, room, 7);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_DELIVERED, slot_of(room), 7));
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 0);
    assert_false(rc_broker_idle(t->b));
    stored(P1, 1);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 0);
    stored(P1, 1); /* twice is not two */
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 0);
    stored(P2, 1);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(room), 7));
    assert_int_equal(got_count(G1, RC_OP_DELIVERED), 0);
    assert_true(rc_broker_idle(t->b));
    assert_int_equal(bk_stats(t).topic_bytes, 0);
}

static void what_is_stored_before_it_is_delivered_is_confirmed_once(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    end_send(&t->g[1], room_op(RC_OP_JOIN, room));
    t->g[1].deaf = true;
    say(t, room, 7);
    end_pull(&t->g[1]);
    stored(P1, 1);
    stored(P2, 1);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 0);
    end_ack(&t->g[1]);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(room), 7));
    assert_int_equal(got_count(G1, RC_OP_DELIVERED), 0);
}

static void stored_names_all_up_to_it(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    for (uint64_t seq = 1; seq <= 5; seq++)
        say(t, room, seq);
    stored(P1, 5);
    stored(P2, 3);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 3);
    assert_int_equal(bk_stats(t).topic_stored, 3);
    assert_int_equal(bk_stats(t).topic_records, 2);
    stored(P2, 5);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 5);
    say(t, room, 6);
    stored(P1, 6);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 5);
    assert_int_equal(bk_stats(t).topic_stored, 5);
}

static void a_quorum_of_one_does_not_wait_for_the_other(void **state)
{
    struct bk *t = *state;
    t->config.quorum = 1;
    bk_again(t);
    const char *room = start(t);
    say(t, room, 1);
    stored(P2, 1);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 1);
    assert_int_equal(bk_stats(t).topic_records, 1); /* kept for the other */
    stored(P1, 1);
    assert_int_equal(bk_stats(t).topic_records, 0);
}

static void a_quorum_of_none_confirms_without_storage(void **state)
{
    struct bk *t = *state;
    t->config.quorum = 0;
    bk_again(t);
    const char *room = start(t);
    say(t, room, 1);
    end_pull(G1);
    assert_true(got_reply(G1, RC_OP_CONFIRM, slot_of(room), 1));
    assert_int_equal(t->published, 1);
    assert_int_equal(bk_stats(t).topic_records, 1);
}

static void without_a_quorum_the_oldest_go_at_the_bound(void **state)
{
    struct bk *t = *state;
    t->config.quorum = 0;
    t->config.topic_bound = 3000;
    bk_again(t);
    const char *room = start(t);
    uint64_t seq = 0;
    while (seq < 100 && bk_stats(t).holes < 3)
        say(t, room, ++seq);
    end_pull(G1);
    assert_int_equal(bk_stats(t).holes, 3);
    assert_int_equal(got_count(G1, RC_OP_REFUSED), 0);
    assert_true(rc_broker_idle(t->b));
}

static void without_persisters_nothing_is_kept(void **state)
{
    struct bk *t = *state;
    t->config.quorum = t->config.persisters = 0;
    bk_again(t);
    bk_open(t);
    say(t, bk_room(t, 0, 1, 0), 1);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 1);
    assert_int_equal(t->published, 0);
    assert_int_equal(bk_stats(t).topic_records, 0);
}

/* ---- resend */

static void a_resend_goes_as_far_as_credit_does(void **state)
{
    struct bk *t = *state;
    enum { RECORDS = 40 };
    t->config.topic_bound = (size_t)8 << 20;
    bk_again(t);
    const char *room = start(t);
    for (uint64_t seq = 1; seq <= RECORDS; seq++) {
        struct rc_op *op = emit_op((struct emit){.room = room, .generation = 1, .seq = seq});
        op->emit.row = rc_buf_new(100000);
        memset(op->emit.row->data, 'r', op->emit.row->len);
        assert_true(end_send(G1, op));
    }
    P1->deaf = true;
    end_send(P1, range_op(RC_OP_RESEND, 3, 0));
    end_pull(P1);
    unsigned first = got_count(P1, RC_OP_RECORD);
    assert_in_range(first, 10, 12); /* 1 MiB, and the one that exceeds it */
    end_say(P1);
    end_pull(P1);
    assert_int_equal(got_count(P1, RC_OP_RECORD), first);
    P1->deaf = false;
    for (unsigned i = 0; i < RECORDS; i++) {
        end_ack(P1);
        end_pull(P1);
    }
    assert_true(got_records(P1, 3, RECORDS));
}

static void a_resend_ends_at_the_newest(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    say(t, room, 1);
    end_send(P1, range_op(RC_OP_RESEND, 1, 0));
    assert_true(got_records(P1, 1, 1));
    say(t, room, 2); /* by the topic */
    end_say(P1);
    end_pull(P1);
    assert_int_equal(got_count(P1, RC_OP_RECORD), 0);
    end_send(P1, range_op(RC_OP_RESEND, 99, 0)); /* of what is not there yet: nothing */
    end_pull(P1);
    assert_int_equal(got_count(P1, RC_OP_RECORD), 0);
    assert_int_equal(got_count(P1, RC_OP_HOLE), 0);
}

static void what_is_dropped_is_a_hole(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    for (uint64_t seq = 1; seq <= 4; seq++)
        say(t, room, seq);
    stored(P1, 3);
    stored(P2, 3); /* everywhere: 1..3 are dropped */
    end_send(P1, range_op(RC_OP_RESEND, 2, 0));
    end_pull(P1);
    struct rc_op *op = got(P1, RC_OP_HOLE);
    assert_int_equal(op->range.first, 2);
    assert_int_equal(op->range.last, 3);
    rc_op_free(op);
    assert_true(got_records(P1, 4, 4));
}

/* ---- the bound */

static void at_the_bound_what_the_quorum_has_goes_oldest_first(void **state)
{
    struct bk *t = *state;
    t->config.quorum = 1;
    t->config.topic_bound = 3000;
    bk_again(t);
    const char *room = start(t);
    uint64_t seq = 0;
    while (seq < 100 && bk_stats(t).topic_bytes < 2000)
        say(t, room, ++seq);
    uint64_t held = seq;
    stored(P1, held - 1);
    while (seq < 100 && bk_stats(t).holes < 2)
        say(t, room, ++seq);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_REFUSED), 0);
    end_send(P2, range_op(RC_OP_RESEND, 1, 0));
    end_pull(P2);
    struct rc_op *op = got(P2, RC_OP_HOLE);
    assert_int_equal(op->range.first, 1);
    assert_int_equal(op->range.last, 2);
    rc_op_free(op);
    assert_true(got_records(P2, 3, seq));
}

static void at_the_bound_what_is_not_stored_stays_and_emits_are_busy(void **state)
{
    struct bk *t = *state;
    t->config.topic_bound = 3000;
    bk_again(t);
    const char *room = start(t);
    stored(P1, 0);
    uint64_t seq = 0;
    while (seq < 100 && !bk_stats(t).refused)
        say(t, room, ++seq);
    assert_in_range(seq, 3, 50);
    uint64_t last = bk_stats(t).topic_last;
    assert_int_equal(last, seq - 1);
    assert_int_equal(bk_stats(t).holes, 0);
    assert_true(bk_stats(t).topic_bytes <= t->config.topic_bound);
    end_pull(G1);
    struct rc_op *op = got(G1, RC_OP_REFUSED);
    assert_int_equal(op->reply.reason, RC_BUSY);
    assert_int_equal(bk_stats(t).busy_topic, 1);
    rc_op_free(op);
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 2, .seq = seq})));
    assert_int_equal(bk_stats(t).refused, 1); /* what is not to be stored goes on */
    stored(P1, last);
    stored(P2, last);
    assert_true(end_send(G1, emit_op((struct emit){.room = room, .generation = 3, .seq = seq + 1, .row = true})));
    assert_int_equal(bk_stats(t).topic_last, last + 1);
}

static void a_persister_that_comes_back_goes_on_where_it_was(void **state)
{
    struct bk *t = *state;
    const char *room = start(t);
    say(t, room, 1);
    stored(P1, 1);
    bk_down(t, P1);
    say(t, room, 2);
    stored(P2, 2);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 1);
    bk_up(t, P1);
    end_pull(P1);
    assert_int_equal(P1->said_topic_last, 2); /* by which it sees what it missed */
    end_send(P1, range_op(RC_OP_RESEND, 2, 0));
    assert_true(got_records(P1, 2, 2));
    stored(P1, 2);
    end_pull(G1);
    assert_int_equal(got_count(G1, RC_OP_CONFIRM), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bk_setup, bk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_are_numbered_and_published),
        TEST(delivered_comes_first_and_confirm_when_the_quorum_has_it),
        TEST(what_is_stored_before_it_is_delivered_is_confirmed_once),
        TEST(stored_names_all_up_to_it),
        TEST(a_quorum_of_one_does_not_wait_for_the_other),
        TEST(a_quorum_of_none_confirms_without_storage),
        TEST(without_a_quorum_the_oldest_go_at_the_bound),
        TEST(without_persisters_nothing_is_kept),
        TEST(a_resend_goes_as_far_as_credit_does),
        TEST(a_resend_ends_at_the_newest),
        TEST(what_is_dropped_is_a_hole),
        TEST(at_the_bound_what_the_quorum_has_goes_oldest_first),
        TEST(at_the_bound_what_is_not_stored_stays_and_emits_are_busy),
        TEST(a_persister_that_comes_back_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
