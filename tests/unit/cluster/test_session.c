/* Numbering, acknowledgements and echoes of one session, between a core's side and a hand-driven one. */
#include "world.h"

struct pair {
    rc_time now;
    struct rc_session *a, *b;
};

static int setup(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    if (!p)
        return -1;
    struct rc_peer a = {.role = RC_GATEWAY, .id = "a", .inc = 10}, b = {.role = RC_BROKER, .id = "b", .inc = 20};
    p->now = 1000 * RC_MS;
    p->a = rc_session_new(&b, 77, 10, 0, p->now);
    p->b = rc_session_new(&a, 77, 20, 0, p->now);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct pair *p = *state;
    rc_session_free(p->a);
    rc_session_free(p->b);
    free(p);
    return 0;
}

static uint64_t push(struct rc_session *s)
{
    return rc_session_push(s, rc_op_new(RC_OP_SYNCED));
}

/* One batch from one to the other; returns whether it was accepted and, if so, how many operations it carried. */
static int pass(struct pair *p, struct rc_session *from, struct rc_session *to)
{
    struct rc_batch batch;
    enum rc_end why;
    rc_batch_init(&batch);
    rc_session_take(from, p->now, BATCH_BYTES, &batch);
    int n = 0;
    const struct rc_op *op;
    TAILQ_FOREACH (op, &batch.ops, link)
        n++;
    if (!rc_session_accept(to, p->now, &batch, &why))
        n = -1;
    rc_batch_fini(&batch);
    return n;
}

/* A taken batch with one field changed must end the session for this reason, and change nothing before it does. */
#define ENDS(field, value, reason)                                                                                     \
    do {                                                                                                               \
        struct rc_batch batch;                                                                                         \
        enum rc_end why = RC_END_COUNT;                                                                                \
        struct rc_session before = *p->b;                                                                              \
        rc_batch_init(&batch);                                                                                         \
        rc_session_take(p->a, p->now, BATCH_BYTES, &batch);                                                            \
        batch.seq = 1;                                                                                                 \
        batch.field = (value);                                                                                         \
        assert_false(rc_session_accept(p->b, p->now, &batch, &why));                                                   \
        assert_int_equal(why, (reason));                                                                               \
        assert_memory_equal(p->b, &before, sizeof before);                                                             \
        rc_batch_fini(&batch);                                                                                         \
    } while (0)

static void a_wrong_header_ends_the_session(void **state)
{
    struct pair *p = *state;
    ENDS(session, 78, RC_END_STALE);
    ENDS(from_inc, 9, RC_END_STALE);
    ENDS(from_inc, 11, RC_END_STALE);
    ENDS(to_inc, 19, RC_END_STALE);
    ENDS(seq, 0, RC_END_GAP);
    ENDS(seq, 2, RC_END_GAP);
    ENDS(ack, 1, RC_END_GAP);
    ENDS(echo, p->now + 1, RC_END_PROTOCOL);
}

static void batches_are_numbered_without_gaps(void **state)
{
    struct pair *p = *state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pass(p, p->a, p->b), 0);
    assert_int_equal(p->b->rx_seq, 3);
    struct rc_batch lost;
    rc_batch_init(&lost);
    rc_session_take(p->a, p->now, BATCH_BYTES, &lost);
    rc_batch_fini(&lost);
    assert_int_equal(pass(p, p->a, p->b), -1);
}

static void a_batch_repeated_ends_the_session(void **state)
{
    struct pair *p = *state;
    struct rc_batch batch;
    enum rc_end why;
    rc_batch_init(&batch);
    rc_session_take(p->a, p->now, BATCH_BYTES, &batch);
    assert_true(rc_session_accept(p->b, p->now, &batch, &why));
    assert_false(rc_session_accept(p->b, p->now, &batch, &why));
    assert_int_equal(why, RC_END_GAP);
}

static void acks_name_ordinals_and_come_after_the_work(void **state)
{
    struct pair *p = *state;
    assert_int_equal(push(p->a), 1);
    assert_int_equal(push(p->a), 2);
    assert_int_equal(pass(p, p->a, p->b), 2);
    assert_int_equal(push(p->a), 3);
    assert_int_equal(pass(p, p->a, p->b), 1);
    assert_true(p->a->flight_bytes > 0);

    pass(p, p->b, p->a);
    assert_int_equal(p->a->acked, 0); /* read, not processed */
    rc_session_done(p->b, 1);
    pass(p, p->b, p->a);
    assert_int_equal(p->a->acked, 2);
    rc_session_done(p->b, 2);
    pass(p, p->b, p->a);
    assert_int_equal(p->a->acked, 3);
    assert_int_equal(p->a->flight_bytes, 0);
    assert_int_equal(p->a->flight_len, 0);
}

static void ordinals_go_on_from_the_owners_base(void **state)
{
    struct pair *p = *state;
    struct rc_session *next = rc_session_new(&p->a->peer, 78, 10, 1000, p->now);
    assert_int_equal(next->acked, 1000);
    assert_int_equal(push(next), 1001);
    rc_session_free(next);
}

static void what_is_not_accepted_yet_cannot_be_done(void **state)
{
    struct pair *p = *state;
    push(p->a);
    pass(p, p->a, p->b);
    rc_session_done(p->b, 2);
    assert_int_equal(p->b->rx_done, 0);
    rc_session_done(p->b, 1);
    rc_session_done(p->b, 0);
    assert_int_equal(p->b->rx_done, 1);
}

static void many_batches_in_flight_are_acknowledged_in_order(void **state)
{
    struct pair *p = *state;
    enum { BATCHES = 100 };
    for (unsigned i = 0; i < BATCHES; i++) {
        push(p->a);
        assert_int_equal(pass(p, p->a, p->b), 1);
        if (i % 3 == 0) { /* the ring turns while it grows */
            rc_session_done(p->b, p->b->rx_done + 1);
            pass(p, p->b, p->a);
            assert_int_equal(p->a->acked, p->b->rx_done);
        }
    }
    rc_session_done(p->b, BATCHES);
    pass(p, p->b, p->a);
    assert_int_equal(p->a->acked, BATCHES);
    assert_int_equal(p->a->flight_bytes, 0);
}

/* A heartbeat is an answer to nothing: two idle peers fall silent until the next H. */
static void heartbeats_are_not_acknowledged(void **state)
{
    struct pair *p = *state;
    assert_true(rc_session_wants(p->a)); /* the first word of a session */
    pass(p, p->a, p->b);
    pass(p, p->b, p->a);
    rc_session_done(p->a, 1);
    rc_session_done(p->b, 1);
    assert_false(rc_session_wants(p->a));
    assert_false(rc_session_wants(p->b));
}

static void operations_are_acknowledged_once(void **state)
{
    struct pair *p = *state;
    pass(p, p->b, p->a);
    rc_session_done(p->a, 1);
    push(p->a);
    assert_true(rc_session_wants(p->a));
    pass(p, p->a, p->b);
    assert_false(rc_session_wants(p->b)); /* nothing to tell before it is processed */
    rc_session_done(p->b, 1);
    assert_true(rc_session_wants(p->b));
    pass(p, p->b, p->a);
    assert_false(rc_session_wants(p->b));
    rc_session_done(p->a, 2);
    assert_false(rc_session_wants(p->a)); /* an ack is not acknowledged */
}

/* A CONFIRM is acknowledged by nothing that the broker waits for: no batch is made for that alone. */
static void an_ack_that_nobody_waits_for_rides_on_the_next_batch(void **state)
{
    struct pair *p = *state;
    pass(p, p->b, p->a);
    rc_session_push(p->a, rc_op_new(RC_OP_CONFIRM));
    pass(p, p->a, p->b);
    rc_session_done(p->b, 1);
    assert_false(rc_session_wants(p->b));
    push(p->b);
    pass(p, p->b, p->a);
    assert_int_equal(p->a->acked, 1);
    assert_int_equal(p->a->flight_bytes, 0);
}

/* But a sender must not run into a bound because nobody tells him that his bytes have come. */
static void many_bytes_are_acknowledged_also_if_nobody_waits_for_it(void **state)
{
    struct pair *p = *state;
    pass(p, p->b, p->a);
    for (size_t sent = 0; sent < RC_SESSION_ACK_BYTES; sent += RC_SESSION_ACK_BYTES / 4) {
        struct rc_op *op = rc_op_new(RC_OP_SIDE);
        op->side = rc_buf_new(RC_SESSION_ACK_BYTES / 4);
        assert_false(rc_session_wants(p->b));
        rc_session_push(p->a, op);
        pass(p, p->a, p->b);
    }
    assert_false(rc_session_wants(p->b)); /* not done yet */
    rc_session_done(p->b, 4);
    assert_true(rc_session_wants(p->b));
    pass(p, p->b, p->a);
    assert_int_equal(p->a->flight_bytes, 0);
    assert_false(rc_session_wants(p->b));
}

static void an_ack_of_a_part_leaves_the_rest_owed(void **state)
{
    struct pair *p = *state;
    pass(p, p->b, p->a);
    for (unsigned i = 0; i < 2; i++) {
        push(p->a);
        pass(p, p->a, p->b);
    }
    rc_session_done(p->b, 1);
    assert_true(rc_session_wants(p->b));
    pass(p, p->b, p->a);
    assert_false(rc_session_wants(p->b));
    rc_session_done(p->b, 2);
    assert_true(rc_session_wants(p->b));
}

static void a_hushed_session_says_nothing(void **state)
{
    struct pair *p = *state;
    push(p->a);
    p->a->hushed = true;
    assert_false(rc_session_wants(p->a));
    p->a->hushed = false;
    assert_true(rc_session_wants(p->a));
}

/* contact is our own clock when we sent what the peer had read; heard is when we read. */
static void contact_is_older_than_heard(void **state)
{
    struct pair *p = *state;
    rc_time sent = p->now;
    pass(p, p->a, p->b);
    assert_true(p->b->contact == RC_NEVER); /* nothing of ours was echoed yet */
    p->now += 300 * RC_MS;
    pass(p, p->b, p->a);
    assert_int_equal(p->a->contact, sent);
    assert_int_equal(p->a->heard, p->now);
    p->now += 300 * RC_MS;
    pass(p, p->b, p->a); /* a new batch with the old echo */
    assert_int_equal(p->a->contact, sent);
    assert_int_equal(p->a->heard, p->now);
}

static void an_older_echo_does_not_take_contact_back(void **state)
{
    struct pair *p = *state;
    pass(p, p->a, p->b);
    pass(p, p->b, p->a);
    rc_time contact = p->a->contact;
    struct rc_batch batch;
    enum rc_end why;
    rc_batch_init(&batch);
    rc_session_take(p->b, p->now, BATCH_BYTES, &batch);
    batch.echo = contact - 1;
    assert_true(rc_session_accept(p->a, p->now, &batch, &why));
    assert_int_equal(p->a->contact, contact);
    rc_batch_fini(&batch);
}

/* S6 goes by contact: a peer that talks and does not hear us is silent too. */
static void silence_is_counted_from_contact_or_start(void **state)
{
    struct pair *p = *state;
    const rc_time s = 1000 * RC_MS;
    rc_time start = p->now;
    assert_false(rc_session_silent(p->a, start + s, s));
    assert_true(rc_session_silent(p->a, start + s + 1, s));
    p->now = start + 500 * RC_MS;
    pass(p, p->b, p->a); /* no echo of ours in it */
    assert_true(rc_session_silent(p->a, start + s + 1, s));
    pass(p, p->a, p->b);
    pass(p, p->b, p->a);
    assert_false(rc_session_silent(p->a, p->now + s, s));
    assert_true(rc_session_silent(p->a, p->now + s + 1, s));
}

/* A session without a window has none of this: the test before fills batches with SYNCED. */
static void rooms_wait_for_acks_beyond_the_window(void **state)
{
    struct pair *p = *state;
    size_t one = sizeof(struct rc_op);
    p->a->window = 3 * one;
    for (int i = 0; i < 5; i++)
        rc_session_push(p->a, rc_op_new(i ? RC_OP_JOIN : RC_OP_LEAVE));
    rc_session_push(p->a, rc_op_new(RC_OP_EMIT));
    assert_int_equal(pass(p, p->a, p->b), 3);
    assert_false(rc_session_wants(p->a));
    p->a->due = true;
    assert_int_equal(pass(p, p->a, p->b), 0); /* the heartbeat goes all the same */
    rc_session_done(p->b, 1);
    pass(p, p->b, p->a);
    assert_true(rc_session_wants(p->a));
    assert_int_equal(pass(p, p->a, p->b), 3); /* an EMIT in front is not held */
    for (int i = 0; i < 6; i++)
        rc_session_push(p->a, rc_op_new(RC_OP_EMIT));
    assert_int_equal(pass(p, p->a, p->b), 6);
}

static void a_batch_is_bounded_and_keeps_order(void **state)
{
    struct pair *p = *state;
    struct rc_batch batch;
    for (unsigned i = 0; i < 3; i++)
        push(p->a);
    size_t one = p->a->out_bytes / 3;
    rc_batch_init(&batch);
    rc_session_take(p->a, p->now, 2 * one, &batch);
    assert_int_equal(batch.bytes, 2 * one);
    assert_int_equal(TAILQ_FIRST(&batch.ops)->ordinal, 1);
    assert_int_equal(TAILQ_LAST(&batch.ops, rc_op_list)->ordinal, 2);
    assert_int_equal(p->a->out_bytes, one);
    rc_batch_fini(&batch);
    rc_batch_init(&batch);
    rc_session_take(p->a, p->now, 1, &batch); /* one at least, however large */
    assert_int_equal(TAILQ_FIRST(&batch.ops)->ordinal, 3);
    assert_int_equal(p->a->out_bytes, 0);
    rc_batch_fini(&batch);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_header_ends_the_session),
        TEST(batches_are_numbered_without_gaps),
        TEST(a_batch_repeated_ends_the_session),
        TEST(acks_name_ordinals_and_come_after_the_work),
        TEST(ordinals_go_on_from_the_owners_base),
        TEST(what_is_not_accepted_yet_cannot_be_done),
        TEST(many_batches_in_flight_are_acknowledged_in_order),
        TEST(heartbeats_are_not_acknowledged),
        TEST(operations_are_acknowledged_once),
        TEST(an_ack_that_nobody_waits_for_rides_on_the_next_batch),
        TEST(many_bytes_are_acknowledged_also_if_nobody_waits_for_it),
        TEST(an_ack_of_a_part_leaves_the_rest_owed),
        TEST(a_hushed_session_says_nothing),
        TEST(contact_is_older_than_heard),
        TEST(an_older_echo_does_not_take_contact_back),
        TEST(silence_is_counted_from_contact_or_start),
        TEST(rooms_wait_for_acks_beyond_the_window),
        TEST(a_batch_is_bounded_and_keeps_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
