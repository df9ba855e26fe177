/* T1, T2: records in order per broker, one commit at a time, STORED after it and not before. */
#include "world.h"

#include "cluster/persister.h"

#define BROKER_INC 500

struct ps {
    struct world world; /* first: both sets of callbacks have one host */
    struct rc_persister_config config;
    struct rc_persister *p;
    struct end b[2];
    uint64_t session;

    const struct rc_commit *commit; /* under way; NULL: none */
    unsigned commits;
    size_t records;          /* of the last commit */
    uint64_t first;          /* its first record's number in its origin */
    uint64_t position_of[2]; /* what the store says of b1 and b2 in incarnation BROKER_INC */
};

static void begin(void *host, const struct rc_commit *commit)
{
    struct ps *t = host;
    assert_null(t->commit);
    t->commit = commit;
    t->commits++;
    t->records = commit->n;
    t->first = commit->record[0].key.seq;
}

static uint64_t position(void *host, const char *broker, uint64_t inc)
{
    const struct ps *t = host;
    return inc == BROKER_INC ? t->position_of[strcmp(broker, "b2") == 0] : 0;
}

static void take(void *node, struct rc_session *s, size_t max_bytes, struct rc_batch *batch)
{
    rc_persister_take(node, s, max_bytes, batch);
}

static bool receive(void *node, struct rc_session *s, const struct rc_batch *batch)
{
    return rc_persister_receive(node, s, batch);
}

static void make(struct ps *t)
{
    static const struct rc_persister_events events = {.commit = begin, .position = position};
    struct rc_world world = world_of(&t->world);
    t->p = rc_persister_new(&t->config, &world, &events);
    t->b[0].node = t->b[1].node = t->p;
}

static int setup(void **state)
{
    struct ps *t = calloc(1, sizeof *t);
    if (!t)
        return -1;
    t->world.now = 1000000 * RC_MS;
    t->config = (struct rc_persister_config){
        .id = "p1", .inc = 300, .commit_records = 4, .commit_bytes = 1 << 20, .intake_bound = 1 << 20};
    rc_times_default(&t->config.times, 100);
    for (unsigned i = 0; i < 2; i++) {
        end_init(&t->b[i], &t->world, RC_BROKER, i ? "b2" : "b1", BROKER_INC);
        t->b[i].take = take;
        t->b[i].receive = receive;
    }
    make(t);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct ps *t = *state;
    rc_persister_free(t->p);
    end_fini(&t->b[0]);
    end_fini(&t->b[1]);
    free(t);
    return 0;
}

static void again(struct ps *t)
{
    rc_persister_free(t->p);
    make(t);
}

static void up(struct ps *t, unsigned i)
{
    struct rc_session *s = rc_persister_up(t->p, &t->b[i].peer, ++t->session);
    assert_non_null(s);
    end_open(&t->b[i], s, RC_PERSISTER, "p1");
    got_clear(&t->b[i]);
}

static void down(struct ps *t, unsigned i)
{
    struct rc_session *s = t->b[i].core;
    t->b[i].core = NULL;
    rc_persister_down(t->p, s);
}

/* By the topic. */
static void publish(struct ps *t, unsigned broker, uint64_t number)
{
    struct rc_op *op = record_op(number);
    rc_persister_topic(t->p, broker ? "b2" : "b1", BROKER_INC, op);
    rc_op_free(op);
}

static void commit_ends(struct ps *t, bool ok)
{
    assert_non_null(t->commit);
    t->commit = NULL;
    rc_persister_committed(t->p, ok);
}

static void run(struct ps *t, rc_time span)
{
    rc_time until = t->world.now + span;
    while (t->world.now < until) {
        t->world.now += t->config.times.tick;
        rc_persister_tick(t->p);
        for (unsigned i = 0; i < 2; i++)
            if (t->b[i].core && !t->b[i].mute) {
                end_pull(&t->b[i]);
                end_say(&t->b[i]);
            }
    }
}

/* The newest STORED that this broker got; UINT64_MAX: none. */
static uint64_t stored(struct end *e)
{
    uint64_t number = UINT64_MAX;
    end_pull(e);
    for (struct rc_op *op; (op = got(e, RC_OP_STORED)); rc_op_free(op))
        number = op->range.first;
    return number;
}

/* From where the one RESEND that this broker got is asked; 0: none came. */
static uint64_t asked(struct end *e)
{
    end_pull(e);
    assert_true(got_count(e, RC_OP_RESEND) <= 1);
    struct rc_op *op = got(e, RC_OP_RESEND);
    uint64_t from = op ? op->range.first : 0;
    if (op)
        rc_op_free(op);
    return from;
}

static struct rc_persister_stats stats_of(const struct ps *t)
{
    struct rc_persister_stats stats;
    rc_persister_stats(t->p, &stats);
    return stats;
}

/* ---- commits */

static void stored_is_said_after_the_commit_only(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    assert_int_equal(stored(&t->b[0]), 0); /* a session begins with what is there */
    publish(t, 0, 1);
    assert_int_equal(t->commits, 1);
    assert_int_equal(stored(&t->b[0]), UINT64_MAX);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 1);
}

static void what_arrives_during_a_commit_makes_the_next_one(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    for (uint64_t i = 1; i <= 7; i++)
        publish(t, 0, i);
    assert_int_equal(t->commits, 1);
    assert_int_equal(t->records, 1);
    assert_int_equal(stats_of(t).waiting, 7);
    commit_ends(t, true);
    assert_int_equal(t->commits, 2);
    assert_int_equal(t->records, 4); /* commit_records */
    assert_int_equal(t->first, 2);
    assert_int_equal(t->commit->positions, 1);
    assert_int_equal(t->commit->position[0].number, 5);
    commit_ends(t, true);
    assert_int_equal(t->records, 2);
    assert_int_equal(t->first, 6);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 7);
    assert_int_equal(stats_of(t).records, 7);
    assert_int_equal(stats_of(t).waiting_bytes, 0);
}

/* commit_wait: 5 ms after its first record at the latest, or as soon as it is full. */
static void a_commit_may_wait_for_company(void **state)
{
    struct ps *t = *state;
    t->config.commit_wait = 5 * RC_MS;
    again(t);
    up(t, 0);
    assert_int_equal(rc_persister_due(t->p), RC_NEVER);
    publish(t, 0, 1);
    rc_time due = t->world.now + 5 * RC_MS;
    t->world.now += 4 * RC_MS;
    publish(t, 0, 2);
    assert_int_equal(t->commits, 0);
    assert_int_equal(rc_persister_due(t->p), due);
    t->world.now = due;
    rc_persister_wake(t->p);
    assert_int_equal(t->records, 2);
    assert_int_equal(rc_persister_due(t->p), RC_NEVER); /* one at a time */
    for (uint64_t i = 3; i <= 5; i++)
        publish(t, 0, i);
    commit_ends(t, true);
    assert_int_equal(t->commits, 1);
    publish(t, 0, 6); /* the fourth: full */
    assert_int_equal(t->commits, 2);
    assert_int_equal(t->records, 4);
    t->world.now += 6 * RC_MS;
    publish(t, 0, 7);
    commit_ends(t, true);
    assert_int_equal(t->commits, 2);
    t->world.now += 5 * RC_MS;
    publish(t, 0, 8); /* without a call of wake: the next record sees that it is time */
    assert_int_equal(t->records, 2);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 8);
}

static void a_commit_is_bounded_in_bytes(void **state)
{
    struct ps *t = *state;
    t->config.commit_bytes = 1; /* one record at least */
    again(t);
    up(t, 0);
    for (uint64_t i = 1; i <= 3; i++)
        publish(t, 0, i);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(t->records, 1);
        commit_ends(t, true);
    }
    assert_int_equal(t->commits, 3);
}

static void records_and_positions_of_several_brokers_share_a_commit(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    up(t, 1);
    publish(t, 0, 1);
    publish(t, 1, 1);
    publish(t, 0, 2);
    publish(t, 1, 2);
    commit_ends(t, true);
    assert_int_equal(t->records, 3);
    assert_int_equal(t->commit->positions, 2);
    assert_string_equal(t->commit->position[0].broker, "b2");
    assert_int_equal(t->commit->position[0].number, 2);
    assert_string_equal(t->commit->position[1].broker, "b1");
    assert_int_equal(t->commit->position[1].number, 2);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 2);
    assert_int_equal(stored(&t->b[1]), 2);
}

static void a_failed_commit_is_tried_again_as_it_was(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    publish(t, 0, 1);
    publish(t, 0, 2);
    commit_ends(t, false);
    assert_null(t->commit);
    assert_int_equal(stored(&t->b[0]), 0); /* only that of the beginning */
    publish(t, 0, 3);
    assert_null(t->commit); /* the tick tries again, not each record */
    run(t, t->config.times.tick);
    assert_non_null(t->commit);
    assert_int_equal(t->records, 1);
    assert_int_equal(t->first, 1);
    commit_ends(t, true);
    assert_int_equal(t->first, 2);
    assert_int_equal(t->records, 2);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 3);
    assert_int_equal(stats_of(t).failed, 1);
}

/* ---- order */

static void a_gap_is_asked_for_and_nothing_behind_it_is_taken(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    publish(t, 0, 1);
    publish(t, 0, 3);
    assert_int_equal(asked(&t->b[0]), 2);
    publish(t, 0, 4);
    assert_int_equal(asked(&t->b[0]), 0); /* once, not for each record behind it */
    assert_int_equal(stats_of(t).waiting, 1);
    for (uint64_t i = 2; i <= 4; i++)
        end_send(&t->b[0], record_op(i));
    commit_ends(t, true);
    assert_int_equal(t->first, 2);
    assert_int_equal(t->records, 3);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 4);
}

static void a_record_that_came_before_is_dropped(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    publish(t, 0, 1);
    publish(t, 0, 1);
    end_send(&t->b[0], record_op(1));
    assert_int_equal(stats_of(t).waiting, 1);
    commit_ends(t, true);
    publish(t, 0, 1);
    assert_null(t->commit);
    assert_int_equal(stats_of(t).records, 1);
}

/* The last records of a burst have none behind them that would show the gap. */
static void a_heartbeat_shows_what_the_topic_lost(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    publish(t, 0, 1);
    commit_ends(t, true);
    t->b[0].topic_last = 3;
    end_say(&t->b[0]);
    assert_int_equal(asked(&t->b[0]), 0); /* may still be on its way */
    run(t, t->config.times.tick);
    assert_int_equal(asked(&t->b[0]), 0);
    run(t, t->config.times.tick);
    assert_int_equal(asked(&t->b[0]), 2);
    assert_int_equal(stats_of(t).lag, 2);
    run(t, t->config.times.h - t->config.times.tick);
    assert_int_equal(asked(&t->b[0]), 0);
    run(t, t->config.times.tick); /* the answer was lost too */
    assert_int_equal(asked(&t->b[0]), 2);
}

static void a_hole_is_passed_over(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    publish(t, 0, 5);
    assert_int_equal(asked(&t->b[0]), 1);
    end_send(&t->b[0], range_op(RC_OP_HOLE, 2, 3)); /* not about what is missing next */
    end_send(&t->b[0], record_op(4));
    assert_null(t->commit);
    end_send(&t->b[0], range_op(RC_OP_HOLE, 1, 3));
    end_send(&t->b[0], record_op(4));
    assert_non_null(t->commit);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 4);
    assert_int_equal(stats_of(t).holes, 1);
}

static void more_than_the_bound_is_dropped_and_asked_for_again(void **state)
{
    struct ps *t = *state;
    t->config.intake_bound = 1000;
    again(t);
    up(t, 0);
    for (uint64_t i = 1; i <= 100; i++)
        publish(t, 0, i);
    size_t taken = stats_of(t).waiting;
    assert_in_range(taken, 2, 20);
    assert_int_equal(asked(&t->b[0]), taken + 1);
    for (unsigned i = 0; i < 100 && t->commit; i++)
        commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), taken);
    run(t, t->config.times.h);
    assert_int_equal(asked(&t->b[0]), taken + 1); /* and now there is room for the answer */
}

/* ---- sessions */

static void a_session_goes_on_where_the_store_is(void **state)
{
    struct ps *t = *state;
    t->position_of[0] = 10;
    up(t, 0);
    assert_int_equal(stored(&t->b[0]), 10);
    publish(t, 0, 10);
    assert_null(t->commit);
    publish(t, 0, 11);
    assert_non_null(t->commit);
}

static void a_new_incarnation_begins_anew(void **state)
{
    struct ps *t = *state;
    t->position_of[0] = 10;
    up(t, 0);
    publish(t, 0, 11);
    publish(t, 0, 12); /* waits */
    down(t, 0);
    t->b[0].peer.inc = BROKER_INC + 1;
    up(t, 0);
    assert_int_equal(stored(&t->b[0]), 0);
    commit_ends(t, true); /* of the old one: it is in the store, and no STORED of the new one */
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), UINT64_MAX);
    publish(t, 0, 13); /* late, of the old incarnation */
    assert_null(t->commit);
    struct rc_op *op = record_op(1);
    rc_persister_topic(t->p, "b1", BROKER_INC + 1, op);
    rc_op_free(op);
    assert_int_equal(t->commit->position[0].inc, BROKER_INC + 1);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 1);
}

static void a_new_session_of_the_same_incarnation_keeps_what_waits(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    publish(t, 0, 1);
    publish(t, 0, 2);
    up(t, 0);
    assert_int_equal(t->world.why, RC_END_REPLACED);
    publish(t, 0, 2);
    commit_ends(t, true);
    assert_int_equal(t->records, 1);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 2);
}

static void the_topic_of_a_broker_without_session_is_ignored(void **state)
{
    struct ps *t = *state;
    publish(t, 0, 1);
    assert_null(t->commit);
    up(t, 0);
    down(t, 0);
    publish(t, 0, 1);
    assert_null(t->commit);
}

/* Section 8. What it sent before is committed after it was removed, and added again. */
static void a_broker_may_be_removed_and_added_during_a_commit(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    for (uint64_t i = 1; i <= 3; i++)
        publish(t, 0, i);
    rc_persister_forget(t->p, "b1");
    assert_int_equal(t->world.why, RC_END_REMOVED);
    assert_int_equal(stats_of(t).brokers, 0);
    publish(t, 0, 4); /* is no business of ours now */
    assert_int_equal(stats_of(t).waiting, 3);
    up(t, 0);
    commit_ends(t, true);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 3);
    assert_int_equal(stats_of(t).broken.count, 0);
    publish(t, 0, 4);
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 4);
}

static void a_removed_broker_leaves_its_place(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    publish(t, 0, 1);
    for (unsigned i = 0; i < 2 * RC_BROKERS_MAX; i++) {
        struct rc_peer other = {.role = RC_BROKER, .inc = 7};
        snprintf(other.id, sizeof other.id, "other%u", i);
        assert_non_null(rc_persister_up(t->p, &other, 1000 + i));
        rc_persister_forget(t->p, other.id);
    }
    rc_persister_forget(t->p, "other1"); /* once more: no harm */
    commit_ends(t, true);
    assert_int_equal(stored(&t->b[0]), 1);
}

static void a_wrong_word_or_silence_ends_the_session(void **state)
{
    struct ps *t = *state;
    up(t, 0);
    assert_false(end_send(&t->b[0], rc_op_new(RC_OP_STORED)));
    assert_int_equal(t->world.why, RC_END_PROTOCOL);
    up(t, 0);
    t->b[0].mute = true;
    run(t, t->config.times.s);
    assert_int_equal(stats_of(t).brokers, 1);
    run(t, t->config.times.tick);
    assert_int_equal(stats_of(t).brokers, 0);
    assert_int_equal(t->world.why, RC_END_SILENT);
    struct rc_peer gateway = {.role = RC_GATEWAY, .id = "g1"};
    assert_null(rc_persister_up(t->p, &gateway, 99));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stored_is_said_after_the_commit_only),
        TEST(what_arrives_during_a_commit_makes_the_next_one),
        TEST(a_commit_may_wait_for_company),
        TEST(a_commit_is_bounded_in_bytes),
        TEST(records_and_positions_of_several_brokers_share_a_commit),
        TEST(a_failed_commit_is_tried_again_as_it_was),
        TEST(a_gap_is_asked_for_and_nothing_behind_it_is_taken),
        TEST(a_record_that_came_before_is_dropped),
        TEST(a_heartbeat_shows_what_the_topic_lost),
        TEST(a_hole_is_passed_over),
        TEST(more_than_the_bound_is_dropped_and_asked_for_again),
        TEST(a_session_goes_on_where_the_store_is),
        TEST(a_new_incarnation_begins_anew),
        TEST(a_new_session_of_the_same_incarnation_keeps_what_waits),
        TEST(the_topic_of_a_broker_without_session_is_ignored),
        TEST(a_broker_may_be_removed_and_added_during_a_commit),
        TEST(a_removed_broker_leaves_its_place),
        TEST(a_wrong_word_or_silence_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
