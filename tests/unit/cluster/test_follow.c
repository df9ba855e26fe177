/* T4: cursors belong to a store, move with the commit only, and the rate holds; new records go first. */
#include "world.h"

#include "cluster/persister.h"

#define X 0xabcd /* identity of the store of p2 */
#define Y 0xef01 /* of the one that it comes back with */

struct fixture {
    struct world world; /* first: all callbacks have one host */
    struct rc_persister_config config;
    struct rc_persister *p;
    struct rc_session *peer; /* p2 */
    struct rc_session *other;

    const struct rc_commit *commit; /* under way; NULL: none */
    struct rc_pull pull;            /* the last one */
    unsigned pulls;
    struct rc_cursor disk; /* the cursor in the store */
};

static void begin(void *host, const struct rc_commit *commit)
{
    ((struct fixture *)host)->commit = commit;
}

static uint64_t position(void *host, const char *broker, uint64_t inc)
{
    (void)host, (void)broker, (void)inc;
    return 0;
}

static void on_pull(void *host, struct rc_session *s, const struct rc_pull *pull)
{
    struct fixture *f = host;
    assert_ptr_equal(s, f->peer ? f->peer : s);
    f->pull = *pull;
    f->pulls++;
}

static uint64_t on_cursor(void *host, const char *peer, uint64_t store)
{
    const struct fixture *f = host;
    return f->disk.store == store && strcmp(f->disk.peer, peer) == 0 ? f->disk.number : 0;
}

static void make(struct fixture *f)
{
    static const struct rc_persister_events events = {
        .commit = begin, .position = position, .follow = {on_pull, on_cursor}};
    struct rc_world world = world_of(&f->world);
    f->p = rc_persister_new(&f->config, &world, &events);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    f->world.now = 1000000 * RC_MS;
    f->config = (struct rc_persister_config){
        .id = "p1",
        .inc = 300,
        .commit_records = 4,
        .commit_bytes = 1 << 20,
        .intake_bound = 1 << 20,
        .follow = {.rows = 3, .bytes = 1000, .rate = 80000, .pause = 200 * RC_MS, .save = 1000 * RC_MS}};
    rc_times_default(&f->config.times, 100);
    make(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rc_persister_free(f->p);
    if (f->peer)
        rc_session_free(f->peer);
    if (f->other)
        rc_session_free(f->other);
    free(f);
    return 0;
}

static struct rc_session *session(struct fixture *f, const char *id)
{
    struct rc_peer peer = {.role = RC_PERSISTER, .inc = 5};
    snprintf(peer.id, sizeof peer.id, "%s", id);
    return rc_session_new(&peer, 77, f->config.inc, 0, f->world.now);
}

static struct rc_follow *follow(struct fixture *f)
{
    return rc_persister_follow(f->p);
}

static void up(struct fixture *f)
{
    if (f->peer) {
        rc_follow_down(follow(f), f->peer);
        rc_session_free(f->peer);
    }
    f->peer = session(f, "p2");
    assert_true(rc_follow_up(follow(f), f->peer));
}

/* An answer with rows first..last, if there are any, of a log that ends at `end`. */
static struct rc_log_page page_of(const struct fixture *f, uint64_t store, uint64_t first, uint64_t last, uint64_t end)
{
    struct rc_log_page page = {
        .store = store, .from = f->pull.from, .upto = f->pull.from - 1, .last = end, .bytes = 100};
    page.row = calloc(last < first ? 1 : last - first + 1, sizeof *page.row);
    assert_non_null(page.row);
    for (uint64_t number = first; number <= last; number++) {
        struct rc_log_row *row = &page.row[page.n++];
        row->number = page.upto = number;
        row->record.key = (struct rc_key){.fecha = 1, .origin = "g1", .origin_inc = 7, .seq = number};
        row->record.row = text("row");
    }
    return page;
}

static bool answer(struct fixture *f, uint64_t store, uint64_t first, uint64_t last, uint64_t end)
{
    struct rc_log_page page = page_of(f, store, first, last, end);
    bool good = rc_persister_page(f->p, f->peer, &page);
    assert_int_equal(page.n, 0); /* taken over */
    return good;
}

static void commit_ends(struct fixture *f)
{
    assert_non_null(f->commit);
    for (size_t i = 0; i < f->commit->cursors; i++)
        f->disk = f->commit->cursor[i];
    f->commit = NULL;
    rc_persister_committed(f->p, true);
}

static void run(struct fixture *f, rc_time span)
{
    for (rc_time until = f->world.now + span; f->world.now < until;) {
        f->world.now += f->config.times.tick;
        rc_persister_tick(f->p);
    }
}

static struct rc_follow_stats stats_of(struct fixture *f)
{
    struct rc_follow_stats out;
    rc_follow_stats(follow(f), &out);
    return out;
}

/* ---- cursors */

static void it_asks_who_the_peer_is_and_then_for_rows(void **state)
{
    struct fixture *f = *state;
    up(f);
    assert_int_equal(f->pulls, 1);
    assert_int_equal(f->pull.store, 0);
    assert_true(answer(f, X, 1, 0, 10));
    assert_int_equal(f->pulls, 2);
    assert_int_equal(f->pull.store, X);
    assert_int_equal(f->pull.from, 1);
    assert_int_equal(f->pull.rows, 3);
    assert_true(stats_of(f).filling);
    assert_int_equal(stats_of(f).behind, 10);
    assert_int_equal(stats_of(f).of, 10);
}

static void rows_and_their_cursor_share_a_commit_and_only_then_more_is_asked(void **state)
{
    struct fixture *f = *state;
    up(f);
    answer(f, X, 1, 0, 10);
    answer(f, X, 1, 3, 10);
    assert_non_null(f->commit);
    assert_int_equal(f->commit->n, 3);
    assert_int_equal(f->commit->pulled, 3);
    assert_int_equal(f->commit->cursors, 1);
    assert_string_equal(f->commit->cursor[0].peer, "p2");
    assert_int_equal(f->commit->cursor[0].store, X);
    assert_int_equal(f->commit->cursor[0].number, 3);
    run(f, 1000 * RC_MS);
    assert_int_equal(f->pulls, 2);
    commit_ends(f);
    assert_int_equal(f->pulls, 3);
    assert_int_equal(f->pull.from, 4);
    assert_int_equal(stats_of(f).rows, 3);
}

static void a_page_larger_than_a_commit_moves_the_cursor_in_steps(void **state)
{
    struct fixture *f = *state;
    f->config.commit_bytes = 1; /* one row a commit */
    rc_persister_free(f->p);
    make(f);
    up(f);
    answer(f, X, 1, 0, 3);
    answer(f, X, 1, 3, 3);
    for (uint64_t number = 1; number <= 3; number++) {
        assert_int_equal(f->commit->n, 1);
        assert_int_equal(f->commit->cursor[0].number, number);
        commit_ends(f);
    }
    assert_false(stats_of(f).filling);
    run(f, f->config.follow.pause);
    assert_int_equal(f->pull.from, 4);
}

static void a_failed_commit_moves_no_cursor(void **state)
{
    struct fixture *f = *state;
    up(f);
    answer(f, X, 1, 0, 3);
    answer(f, X, 1, 3, 3);
    f->commit = NULL;
    rc_persister_committed(f->p, false);
    assert_true(stats_of(f).filling);
    run(f, f->config.times.tick); /* the same again */
    assert_int_equal(f->commit->n, 3);
    commit_ends(f);
    assert_false(stats_of(f).filling);
}

static void a_session_goes_on_at_the_cursor_of_that_store(void **state)
{
    struct fixture *f = *state;
    f->disk = (struct rc_cursor){"p2", X, 7};
    up(f);
    answer(f, X, 1, 0, 10);
    assert_int_equal(f->pull.from, 8);
    assert_int_equal(stats_of(f).behind, 3);
}

static void another_store_is_read_from_its_beginning(void **state)
{
    struct fixture *f = *state;
    f->disk = (struct rc_cursor){"p2", X, 7};
    up(f);
    answer(f, X, 1, 0, 10);
    up(f);
    answer(f, Y, 1, 0, 20);
    assert_int_equal(f->pull.store, Y);
    assert_int_equal(f->pull.from, 1);
    assert_int_equal(stats_of(f).strange, 1);
    answer(f, X, 1, 0, 10); /* within a session too, but not in a loop */
    unsigned pulls = f->pulls;
    assert_int_equal(stats_of(f).strange, 2);
    run(f, f->config.follow.pause);
    assert_int_equal(f->pulls, pulls + 1);
    assert_int_equal(f->pull.from, 8);
}

/* Put back from a copy: its log has the same identity and ends before what we read of it. */
static void a_log_that_became_shorter_is_read_from_its_beginning(void **state)
{
    struct fixture *f = *state;
    f->disk = (struct rc_cursor){"p2", X, 7};
    up(f);
    answer(f, X, 1, 0, 7);
    assert_int_equal(f->pull.from, 8);
    answer(f, X, 1, 0, 5);
    assert_int_equal(f->pull.from, 1);
    assert_true(stats_of(f).filling);
    rc_persister_tick(f->p);
    assert_int_equal(f->commit->cursors, 1); /* at once: it must not be taken up where it was */
    assert_int_equal(f->commit->cursor[0].number, 0);
}

static void a_cursor_that_passed_known_rows_is_saved_by_and_by(void **state)
{
    struct fixture *f = *state;
    up(f);
    answer(f, X, 1, 0, 3);
    struct rc_log_page page = page_of(f, X, 1, 0, 3);
    page.upto = 3; /* all three are in our store: they were left out */
    assert_true(rc_persister_page(f->p, f->peer, &page));
    assert_null(f->commit);
    assert_false(stats_of(f).filling);
    run(f, f->config.follow.save - f->config.times.tick);
    assert_null(f->commit);
    run(f, f->config.times.tick);
    assert_int_equal(f->commit->n, 0);
    assert_int_equal(f->commit->cursor[0].number, 3);
    commit_ends(f);
    run(f, 2 * f->config.follow.save);
    assert_null(f->commit); /* once */
}

/* ---- order and rate */

static void new_records_go_first(void **state)
{
    struct fixture *f = *state;
    struct rc_peer broker = {.role = RC_BROKER, .inc = 9, .id = "b1"};
    assert_non_null(rc_persister_up(f->p, &broker, 5));
    up(f);
    answer(f, X, 1, 0, 3);
    for (uint64_t i = 1; i <= 4; i++) {
        struct rc_op *op = record_op(100 + i);
        op->record.number = i;
        rc_persister_topic(f->p, "b1", 9, op); /* the first one begins a commit, three wait */
        rc_op_free(op);
    }
    answer(f, X, 1, 3, 3);
    commit_ends(f);
    assert_int_equal(f->commit->n, 4);
    assert_int_equal(f->commit->pulled, 1);
    assert_int_equal(f->commit->record[0].key.seq, 102);
    assert_int_equal(f->commit->record[3].key.seq, 1);
    assert_int_equal(f->commit->cursor[0].number, 1);
    commit_ends(f);
    assert_int_equal(f->commit->pulled, 2);
    commit_ends(f);
    struct rc_persister_stats stats;
    rc_persister_stats(f->p, &stats);
    assert_int_equal(stats.records, 4);
    assert_int_equal(stats_of(f).rows, 3);
}

static void the_rate_bounds_what_is_asked(void **state)
{
    struct fixture *f = *state;
    rc_time began = f->world.now;
    size_t bytes = 0;
    up(f);
    answer(f, X, 1, 0, 1000000);
    for (unsigned pulls = f->pulls; f->world.now < began + 2000 * RC_MS;) {
        struct rc_log_page page = page_of(f, X, f->pull.from, f->pull.from + 2, 1000000);
        bytes += page.bytes = 4000; /* of what it was asked to be a quarter of */
        assert_true(rc_persister_page(f->p, f->peer, &page));
        commit_ends(f);
        while (f->pulls == pulls)
            run(f, f->config.times.tick);
        pulls = f->pulls;
    }
    assert_in_range(bytes, 2 * f->config.follow.rate * 9 / 10, 2 * f->config.follow.rate * 11 / 10);
}

static void two_peers_are_asked_each_for_itself(void **state)
{
    struct fixture *f = *state;
    up(f);
    struct rc_session *peer = f->peer;
    f->peer = NULL; /* on_pull: any */
    f->other = session(f, "p3");
    assert_true(rc_follow_up(follow(f), f->other));
    f->peer = peer;
    assert_int_equal(f->pulls, 1); /* the credit of one page is asked for */
    f->peer = NULL;
    run(f, f->config.times.tick);
    assert_int_equal(f->pulls, 2);
    assert_int_equal(stats_of(f).peers, 2);
    run(f, 1000 * RC_MS);
    assert_int_equal(f->pulls, 2); /* one each */
    f->peer = peer;
}

static void a_store_that_cannot_be_read_is_asked_again_later(void **state)
{
    struct fixture *f = *state;
    up(f);
    answer(f, X, 1, 0, 10);
    struct rc_log_page page = {.failed = true};
    assert_true(rc_persister_page(f->p, f->peer, &page));
    assert_int_equal(f->pulls, 2);
    run(f, f->config.follow.pause);
    assert_int_equal(f->pulls, 3);
    assert_int_equal(f->pull.from, 1);
}

/* ---- what a peer must not say */

static void what_was_not_asked_for_is_refused(void **state)
{
    struct fixture *f = *state;
    up(f);
    assert_false(answer(f, 0, 1, 0, 10)); /* no identity */
    assert_false(answer(f, X, 1, 1, 10)); /* rows before we know whose */
    assert_true(answer(f, X, 1, 0, 10));
    assert_false(answer(f, X, 1, 4, 10)); /* more than asked */
    assert_false(answer(f, X, 1, 3, 2));  /* beyond the end of its own log */
    assert_false(answer(f, Y, 1, 1, 10)); /* of another store */
    struct rc_log_page page = page_of(f, X, 1, 2, 10);
    page.row[1].number = 1; /* twice */
    assert_false(rc_persister_page(f->p, f->peer, &page));
    page = page_of(f, X, 1, 2, 10);
    page.from = 2;
    assert_false(rc_persister_page(f->p, f->peer, &page));
    assert_null(f->commit);
    assert_true(answer(f, X, 1, 3, 10));
    assert_false(answer(f, X, 4, 5, 10)); /* nothing is asked until these are stored */
}

static void a_page_of_a_session_that_is_over_is_dropped(void **state)
{
    struct fixture *f = *state;
    up(f);
    answer(f, X, 1, 0, 10);
    rc_follow_down(follow(f), f->peer);
    assert_true(answer(f, X, 1, 3, 10));
    assert_null(f->commit);
    assert_int_equal(stats_of(f).peers, 0);
}

static void more_peers_than_a_cluster_has_are_not_followed(void **state)
{
    struct fixture *f = *state;
    struct rc_session *s[RC_PERSISTERS_MAX + 1];
    char id[8];
    for (unsigned i = 0; i <= RC_PERSISTERS_MAX; i++) {
        snprintf(id, sizeof id, "q%u", i);
        s[i] = session(f, id);
        assert_int_equal(rc_follow_up(follow(f), s[i]), i < RC_PERSISTERS_MAX);
    }
    rc_follow_down(follow(f), s[3]); /* its place is free */
    assert_true(rc_follow_up(follow(f), s[RC_PERSISTERS_MAX]));
    for (unsigned i = 0; i <= RC_PERSISTERS_MAX; i++) {
        rc_follow_down(follow(f), s[i]);
        rc_session_free(s[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_asks_who_the_peer_is_and_then_for_rows),
        TEST(rows_and_their_cursor_share_a_commit_and_only_then_more_is_asked),
        TEST(a_page_larger_than_a_commit_moves_the_cursor_in_steps),
        TEST(a_failed_commit_moves_no_cursor),
        TEST(a_session_goes_on_at_the_cursor_of_that_store),
        TEST(another_store_is_read_from_its_beginning),
        TEST(a_log_that_became_shorter_is_read_from_its_beginning),
        TEST(a_cursor_that_passed_known_rows_is_saved_by_and_by),
        TEST(new_records_go_first),
        TEST(the_rate_bounds_what_is_asked),
        TEST(two_peers_are_asked_each_for_itself),
        TEST(a_store_that_cannot_be_read_is_asked_again_later),
        TEST(what_was_not_asked_for_is_refused),
        TEST(a_page_of_a_session_that_is_over_is_dropped),
        TEST(more_peers_than_a_cluster_has_are_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
